"""A backup of the hundred thousand, and the way back: how long a county is without its portal."""

from __future__ import annotations

import os
import resource
from dataclasses import replace

from measuring import seconds
from sqlalchemy import make_url
from stages import beside

from models import audit, scope
from portal import backup, passphrase, shelf
from portal.restore import restore

STORED = [os.urandom(400_000) for _ in range(50)]  # scans and papers


def _yardstick(office) -> float:
    """Seconds that reading and writing as many bytes takes, as the database file has."""
    path = make_url(office.app.config["PORTAL"].database_url).database
    size = os.path.getsize(path) if os.path.exists(path) else 500_000_000
    target = office.app.config["PORTAL"].data_dir / "yardstick"

    def copy():
        with target.open("wb") as file:
            for _ in range(size // 2 ** 20):
                file.write(bytes(2 ** 20))
            os.fsync(file.fileno())
        target.unlink()
    return seconds(copy, runs=3)


def test_backup_and_restore(office, board, tmp_path):
    for content in STORED:
        office.app.extensions["store"].put(content)
    plain, settings, made = _yardstick(office), office.app.config["PORTAL"], {}

    def back_up(kind):
        with office.app.app_context(), scope.everything("bench"), audit.acting_as("system", "command", lambda: settings.now):
            made[kind] = backup.make(kind)
    for kind, title in ((shelf.IMPORT, "backup before an import"), (shelf.DAILY, "daily backup, 20 MB of files")):
        board.time(title, seconds(lambda kind=kind: back_up(kind), runs=1, warm=False), "a file as large written", plain)
    print(f"\n{made[shelf.DAILY].size / 1e6:.0f} MB, {made[shelf.DAILY].rows:,} rows")
    place = replace(settings, data_dir=tmp_path / "new", database_url=beside(tmp_path / "new"), backup_folder=None)
    found = {}

    def put_back():
        found["is"] = restore(place, made[shelf.DAILY].path, passphrase.known(settings))
    board.time("restore", seconds(put_back, runs=1, warm=False), "a file as large written", plain)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    assert found["is"].tables == made[shelf.DAILY].manifest["tables"]
    assert len(list((tmp_path / "new" / "files").glob("??/*"))) == len(STORED)
