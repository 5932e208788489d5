"""Backups while people write, each day and before every list; what is in them, what is kept, and what is told of them."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import threading
import tracemalloc
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage.passphrase
import pytest
from backups import (
    Opened,
    acts_in,
    backed_up,
    close,
    furnished,
    inside,
    killed,
    names_in,
    restored,
    secret_of,
    write,
)
from click.testing import CliRunner
from running import NOW, office, settings, until
from screening import Desk, hidden
from sqlalchemy import select, text
from stages import VARIABLE, outsider
from tally import tell

from models import machinecheck, realtime
from models.audit import AuditEntry
from models.base import db
from models.case import Case
from models.machinecheck import BACKUP, CHAIN
from models.tablehash import table_hashes
from models.words import Refusal
from portal import agefile, archive, backup, create_app, machine, passphrase, pgtools, shelf
from portal.cli import main
from portal.settings import SHANGHAI

ROSTER = Path(__file__).parent / "samples" / "roster_province.xlsx"
DRILLS = int(os.environ.get("PORTAL_DRILLS") or (5 if os.environ.get(VARIABLE) else 20))  # a server takes seconds for each


@pytest.fixture
def app(tmp_path):
    app = furnished(tmp_path / "data")
    yield app
    close(app)


@pytest.fixture
def on_sqlite(app):
    if not app.config["PORTAL"].database_url.startswith("sqlite"):
        pytest.skip("of SQLite's file")


def checks(app) -> dict[str, tuple[bool, dict]]:
    with inside(app):
        return {kind: (row.ok, row.told) for kind, row in machinecheck.latest().items()}


class Writers:
    """People who write without a pause, and what they were told is done."""

    def __init__(self, app, count: int = 3):
        self.app, self.done, self._stop = app, [], threading.Event()
        self.threads = [threading.Thread(target=self._write, args=(n,)) for n in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        until(lambda: len(self.done) > 2)
        return self

    def __exit__(self, *error):
        self._stop.set()
        for thread in self.threads:
            thread.join()

    def _write(self, n: int) -> None:
        count = 0
        while not self._stop.is_set():
            write(self.app, f"{n}/{count}")
            self.done.append(f"{n}/{count}")
            count += 1


# ---- while others write

def test_a_backup_beside_writers_holds_all_that_was_done_before_it(app, tmp_path):
    with Writers(app) as writers:
        before = set(writers.done)
        made = backed_up(app)
        there = len(writers.done)
        until(lambda: len(writers.done) > there)  # nobody was held up for good
    found = restored(made.path, tmp_path / "new", secret_of(app))
    new = create_app(settings(tmp_path / "new"))

    assert found.tables == made.manifest["tables"]
    assert before <= names_in(new)
    close(new)


def test_a_plain_copy_of_the_file_lacks_what_was_done(app, on_sqlite, tmp_path):
    """Without SQLite's backup API: what is only in the log of the database is not in a copy of its file."""
    with Writers(app) as writers:
        before = set(writers.done)
        shutil.copyfile(tmp_path / "data" / "portal.sqlite", tmp_path / "copy.sqlite")
        with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy:
            try:
                there = {name for name, in copy.execute("SELECT name FROM person")}
            except sqlite3.DatabaseError:
                there = set()

    assert not before <= there


def test_the_hashes_are_those_of_the_rows(app, on_sqlite, tmp_path):
    apart = Opened(backed_up(app), secret_of(app), tmp_path / "apart")
    (tmp_path / "copy.sqlite").write_bytes(gzip.decompress(apart.path(archive.SQLITE).read_bytes()))
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy:
        every = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        tables = [name for name, in copy.execute(every)]
        for table in tables:
            columns = [row[1] for row in copy.execute(f"PRAGMA table_info({table})")]
            rows = copy.execute(f"SELECT * FROM {table} ORDER BY {'id' if 'id' in columns else columns[0]}").fetchall()
            lines = [json.dumps(list(row), ensure_ascii=False, separators=(",", ":"), default=str) for row in [columns, *rows]]
            assert apart.manifest["tables"][table] == {
                "rows": len(rows), "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest()}, table
    assert set(apart.manifest["tables"]) == set(tables)


def test_a_table_is_hashed_without_all_of_it_in_memory(app):
    engine = outsider(app.config["PORTAL"].database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE heap (id INTEGER PRIMARY KEY, told TEXT)"))
        connection.execute(text("INSERT INTO heap VALUES (:id, :told)"), [{"id": n, "told": "x" * 1000} for n in range(60_000)])
    tracemalloc.start()
    with engine.connect() as connection:
        assert table_hashes(connection)["heap"]["rows"] == 60_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    engine.dispose()
    assert peak < 30_000_000  # the table holds twice as much


def test_drills(app, tmp_path):
    """A portal that is worked on between them; each is restored whole elsewhere, with the hashes of its tables."""
    compared, last = 0, {}
    for n in range(DRILLS):
        write(app, f"第{n}人")
        app.extensions["store"].put(f"paper {n}".encode())
        made = backed_up(app, to=tmp_path / f"{n}.age")
        found = restored(made.path, tmp_path / "data", secret_of(app), drill=True)
        assert found.tables == made.manifest["tables"] != last
        compared, last = compared + len(found.tables), found.tables
    tell(f"{DRILLS} drills of restoring, {compared} tables with equal hashes")


# ---- the file

def test_the_file_is_of_the_age_format(app, tmp_path):
    """Another program opens it, and finds a plain tar."""
    made = backed_up(app)
    plain = pyrage.passphrase.decrypt(made.path.read_bytes(), secret_of(app))
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        names = tar.getnames()

    assert names[0] == "manifest.json"
    assert {"secret-key", *(f"files/{sha[:2]}/{sha}" for sha in (hashlib.sha256(b"a paper").hexdigest(),))} <= set(names)
    assert not any("redis" in name or "passphrase" in name for name in names)


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 131072, 200000])
def test_any_length_is_sealed_and_opened(size):
    content, out, seen = bytes(range(256)) * (size // 256 + 1), io.BytesIO(), []
    sealing = agefile.Sealing(out, "a passphrase 口令", 4)
    for at in range(0, size, 10000):
        sealing.write(content[at:min(at + 10000, size)])
        seen.append(len(sealing._held))
    sealing.close()

    assert pyrage.passphrase.decrypt(out.getvalue(), "a passphrase 口令") == content[:size]
    opening = agefile.Opening(io.BytesIO(out.getvalue()), "a passphrase 口令")
    assert b"".join(iter(lambda: opening.read(7777), b"")) == content[:size]
    assert max(seen, default=0) <= agefile.CHUNK + 10000  # whatever the size of the whole


def test_a_header_may_not_ask_for_all_memory(app, tmp_path):
    data = backed_up(app).path.read_bytes()
    (tmp_path / "dear.age").write_bytes(data.replace(b" 12\n", b" 40\n", 1))

    with pytest.raises(Refusal, match="no backup of the portal"):
        archive.checked(tmp_path / "dear.age", secret_of(app), lambda _: None)


def test_nobody_else_reads_a_backup(app):
    made = backed_up(app)

    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.path.parent.stat().st_mode & 0o777 == 0o700
    assert passphrase.kept(app.config["PORTAL"]).stat().st_mode & 0o777 == 0o600
    assert b"portal_user" not in made.path.read_bytes()


def test_the_passphrase_is_made_once_or_given(app, monkeypatch):
    backed_up(app)
    made = secret_of(app)
    assert passphrase.work(made) < passphrase.work("Jiaocheng-2021-backup")
    assert len(set(passphrase.SIGNS)) ** (passphrase.GROUPS * passphrase.GROUP) > 2 ** 90

    monkeypatch.setenv("PORTAL_BACKUP_PASSPHRASE", "too short")
    with pytest.raises(Refusal, match="shorter than 12"), inside(app):
        backup.make(shelf.BY_HAND)
    monkeypatch.setattr(passphrase, "DEAR", 6)
    monkeypatch.setenv("PORTAL_BACKUP_PASSPHRASE", "一个足够长的备份口令，二〇二一")
    archive.checked(backed_up(app).path, "一个足够长的备份口令，二〇二一", lambda _: None)


def test_a_damaged_file_of_the_store_stays_out_and_is_told(app, tmp_path):
    sha = hashlib.sha256(b"a paper").hexdigest()
    app.extensions["store"].path(sha).write_bytes(b"rotten")
    made = backed_up(app)

    assert made.damaged == [sha]
    assert sha in str(checks(app)[BACKUP])
    assert not checks(app)[BACKUP][0]
    assert restored(made.path, tmp_path / "new", secret_of(app)).tables == made.manifest["tables"]


def test_a_backup_leaves_its_name_and_hash_in_the_trail(app):
    made = backed_up(app)
    with inside(app):
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()

    assert (entry.act, entry.told["file"][1], entry.told["sha256"][1]) == ("backup", made.path.name, made.sha256)
    assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    assert entry.previous == made.manifest["chain"]["head"]


# ---- what goes wrong

def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


FAULTS = {"the disk is full": (archive, "sealed", full, "is full"), "it reads back otherwise": (
    archive, "sealed", lambda out, *rest: out.write(b"something else"), "no backup")}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_backup_that_fails_leaves_nothing_and_says_why(app, monkeypatch, fault):
    owner, name, broken, sentence = FAULTS[fault]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, broken)
        with pytest.raises(Refusal, match=sentence):
            backed_up(app)

    assert list(app.config["PORTAL"].backups.iterdir()) == []
    assert not (app.config["PORTAL"].data_dir / ".backup").exists()
    assert checks(app)[BACKUP][0] is False
    assert backed_up(app).path.exists()
    assert checks(app)[BACKUP][0] is True


@pytest.mark.parametrize("moment", [(archive, "sealed"), (archive, "checked"), (backup.os, "replace")], ids=lambda m: m[1])
def test_a_backup_killed_half_way_leaves_none_and_the_next_clears_up(app, moment):
    def make():
        with app.app_context():
            db.engine.dispose(close=False)
        backed_up(app)
    killed(make, *moment)
    place = app.config["PORTAL"]

    assert shelf.kept(place.backups) == []
    made = backed_up(app)
    assert list(place.backups.iterdir()) == [made.path]
    assert not (place.data_dir / ".backup").exists()


def test_a_missing_pg_dump_names_its_package(monkeypatch):
    monkeypatch.setattr(pgtools.Path, "glob", lambda *_: [])
    monkeypatch.setenv("PATH", "")

    with pytest.raises(Refusal, match="postgresql-client"):
        pgtools.found("pg_dump")


def test_nothing_is_written_over_a_backup(app, tmp_path):
    backed_up(app, to=tmp_path / "a.age")
    before = (tmp_path / "a.age").read_bytes()

    with pytest.raises(Refusal, match="there already"):
        backed_up(app, to=tmp_path / "a.age")
    assert (tmp_path / "a.age").read_bytes() == before


def test_a_place_that_cannot_be_written_is_told(app):
    app.config["PORTAL"].backups.write_text("a file where the folder should be")

    with pytest.raises(Refusal, match="cannot be used"):
        backed_up(app)
    assert "backups" in checks(app)[BACKUP][1]["values"]["file"]


def test_two_at_once_wait_for_each_other(app):
    with backup.alone(app.config["PORTAL"], 0), pytest.raises(Refusal, match="Another backup"), inside(app):
        backup.make(shelf.BY_HAND, patience=0)


# ---- what is kept

def day(n: int, hour: int = 2) -> datetime:
    return datetime(2021, 9, n, hour, tzinfo=SHANGHAI)


def test_the_last_of_each_day_is_kept_for_a_month_and_others_for_two_days(tmp_path):
    made = {day(n, hour): kind for n in range(1, 21) for hour, kind in ((2, "daily"), (9, "import"), (15, "by-hand"))}
    for at, kind in made.items():
        shelf.free_name(tmp_path, kind, at).touch()
    (tmp_path / "portal-notes.age").touch()
    shelf.tidy(tmp_path, day(20, 16))

    left = {one.made_at: one.kind for one in shelf.kept(tmp_path)}
    assert left == {at: kind for at, kind in made.items() if kind == "by-hand" or day(20, 16) - at <= shelf.OTHERS}
    shelf.tidy(tmp_path, day(20, 16) + timedelta(days=300))
    assert [(one.made_at, one.kind) for one in shelf.kept(tmp_path)] == [(day(20, 15), "by-hand")]
    assert (tmp_path / "portal-notes.age").exists()


def test_the_newest_whole_one_outlives_newer_ones_without_files(tmp_path):
    for at, kind in ((day(1), "daily"), (day(10), "import"), (day(11), "import")):
        shelf.free_name(tmp_path, kind, at).touch()
    shelf.tidy(tmp_path, day(28) + timedelta(days=60))

    assert [one.kind for one in shelf.kept(tmp_path)] == ["daily", "import"]


@pytest.mark.parametrize(("newest", "now", "due"), [
    (None, day(19, 12), True), (day(19, 3), day(19, 12), False), (day(18, 12), day(19, 12), True),
    (day(30, 12), day(19, 12), True),  # by a clock that was wrong
    (day(18, 12), day(19, 1), False), (day(18, 1), day(19, 1), True), (day(18, 12), day(19, 2), True)])
def test_when_the_daily_one_is_due(tmp_path, newest, now, due):
    shelf.free_name(tmp_path, shelf.BY_HAND, now).touch()
    if newest:
        shelf.free_name(tmp_path, shelf.DAILY, newest).touch()

    assert shelf.is_due(tmp_path, now) is due


# ---- each day

def test_the_schedule_makes_one_a_day(app):
    chores = machine.Chores(app)
    began = []
    for _ in range(3):
        began.append(chores.look())
        chores.join()

    assert began == [True, False, False]
    assert [one.kind for one in shelf.kept(app.config["PORTAL"].backups)] == ["daily"]
    assert {kind: ok for kind, (ok, _) in checks(app).items()} == {BACKUP: True, CHAIN: True}
    assert acts_in(app)[-1] == "backup"


def test_a_backup_that_verified_the_trail_leaves_nothing_to_verify(app):
    chores = machine.Chores(app)
    chores.look()
    chores.join()
    assert checks(app)[CHAIN] == (True, {}), "noted by the backup; a check of its own tells how many entries there are"
    with realtime.ticking(lambda: datetime.now(UTC) + machine.CHAIN_EVERY), inside(app):
        machine.check_chain()
    assert checks(app)[CHAIN][1]["entries"] > 0


def test_a_daily_one_that_fails_is_tried_again_after_an_hour(app, monkeypatch):
    chores, now = machine.Chores(app), realtime.now()
    with monkeypatch.context() as patch:
        patch.setattr(archive, "sealed", full)
        assert chores.look()
        chores.join()
    assert not checks(app)[BACKUP][0]

    assert not chores.look()
    with realtime.ticking(lambda: now + timedelta(minutes=61)):
        assert chores.look()
    chores.join()
    assert checks(app)[BACKUP][0]


def test_the_trail_is_verified_each_day_and_a_broken_one_is_told(app):
    with inside(app):
        assert machine.check_chain() > 0
    assert checks(app)[CHAIN][0]
    with app.app_context(), db.engine.begin() as connection:
        guard = "DROP TRIGGER audit_entry_no_update" if connection.dialect.name == "sqlite" else \
            "ALTER TABLE audit_entry DISABLE TRIGGER USER"
        connection.execute(text(guard))
        connection.execute(text("UPDATE audit_entry SET actor = 'x' WHERE id = 1").execution_options(past_the_walls=True))

    with pytest.raises(Refusal), inside(app):
        machine.check_chain()
    assert not checks(app)[CHAIN][0]
    told = app.test_client().get("/healthz").json
    assert (told["chain"], told["backup"]) == ("broken", "none")


def test_healthz_tells_how_old_the_backup_is(app):
    backed_up(app)
    with realtime.ticking(lambda: datetime.now(UTC)):
        told = app.test_client().get("/healthz").json

    assert (told["backup"], told["chain"]) == ("ok", "ok")
    assert told["backup_age_seconds"] in range(60)
    assert told["free_bytes"] > 0


# ---- before every list

@pytest.fixture
def desk(portal):
    return Desk(portal, "county_clerk")


def bring_in(desk):
    page = desk.post("/admin/roster/check", kind="roster", file=(io.BytesIO(ROSTER.read_bytes()), "名单.xlsx")).text
    return hidden(page, "sha256"), hidden(page, "once")


def cases(app) -> int:
    with inside(app):
        return len(db.session.scalars(select(Case.id)).all())


def test_a_list_comes_in_behind_a_backup(portal, desk):
    sha256, once = bring_in(desk)
    assert shelf.kept(portal.config["PORTAL"].backups) == []

    assert desk.post("/admin/roster/confirm", sha256=sha256, once=once).status_code == 200
    (kept,) = shelf.kept(portal.config["PORTAL"].backups)
    manifest = archive.checked(kept.path, secret_of(portal), lambda _: None)
    assert (kept.kind, manifest["files"], manifest["tables"]["pension_case"]["rows"]) == ("import", False, 0)
    assert manifest["needs"] == [sha256]
    restored(kept.path, portal.config["PORTAL"].data_dir, secret_of(portal), drill=True)
    assert cases(portal) > 0


def test_without_a_backup_no_list_comes_in_and_the_form_may_be_sent_again(portal, desk, monkeypatch):
    sha256, once = bring_in(desk)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "sealed", full)
        answer = desk.post("/admin/roster/confirm", sha256=sha256, once=once)
    assert "磁盘已满" in desk.follow(answer).text if answer.status_code == 302 else "磁盘已满" in answer.text
    assert cases(portal) == 0
    assert "磁盘已满" in Desk(portal, "system_admin").get("/admin/").text
    assert "磁盘已满" in Desk(portal, "county_admin").get("/admin/machine/").text

    assert desk.post("/admin/roster/confirm", sha256=sha256, once=once).status_code == 200
    assert cases(portal) > 0


def shell(app, **more: str):
    place = app.config["PORTAL"]
    env = {"PORTAL_DATA_DIR": str(place.data_dir), "PORTAL_DATABASE_URL": place.database_url, "PORTAL_NOW": NOW.isoformat(),
           "PORTAL_LOCALE": "en", "PORTAL_REDIS_URL": "", **more}
    return lambda *words: CliRunner().invoke(main, words, env=env, catch_exceptions=False)


def test_commands_back_up_as_well_but_not_to_look(tmp_path):
    app = office(tmp_path / "data")
    close(app)
    run = shell(app, PORTAL_BACKUPS=str(tmp_path / "other disk"))

    assert run("import", "roster", str(ROSTER), "--dry-run").exit_code == 0
    assert not (tmp_path / "other disk").exists()
    assert run("import", "roster", str(ROSTER)).exit_code == 0
    assert [one.kind for one in shelf.kept(tmp_path / "other disk")] == ["import"]


def test_the_commands_tell_what_has_to_be_known(tmp_path):
    app = office(tmp_path / "data")
    close(app)
    run = shell(app)

    first = run("backup").stdout
    assert secret_of(app) in first
    assert "write it down" in first
    told = json.loads(run("backup", str(tmp_path), "--json").stdout)
    assert secret_of(app) not in json.dumps(told)
    assert hashlib.sha256(Path(told["file"]).read_bytes()).hexdigest() == told["sha256"]
    drill = json.loads(run("restore", told["file"], "--drill", "--json").stdout)
    assert (drill["tables"], drill["rows"], drill["drill"], drill["intact"]) == (told["tables"], told["rows"], True, True)
    refused = run("restore", told["file"])
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
