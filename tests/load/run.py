"""The load run: the portal as `portal serve` runs it, and fifty clerks beside it on the same machine.

    .venv/bin/python tests/load/run.py --database sqlite --clerks 50 --minutes 30

For PostgreSQL, PORTAL_TEST_DATABASE_URL names a server and an account that may create databases; without it a throw-away
one is started, with its usual settings and on the disk, and filled anew. It ends with a table,
and with 1 where a target is missed: reading 500 ms and writing 800 ms at the 95th of a hundred, no answer that is wrong,
nothing "locked" in the logs, an unbroken trail. Locust lives in .venv-load, away from what the portal and its tests need.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

import cluster
import county
from conftest import KEY
from report import Report
from running import looked_after, until
from stages import VARIABLE
from watching import Watch

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
LOCUST = "locust==2.47.0"


def main() -> int:
    given = _given()
    with _server(given.database), tempfile.TemporaryDirectory(prefix="portal-load-") as name:
        folder = Path(name)
        place = county.a_copy(given.database, folder, given.cases, given.entries, given.clerks)
        try:
            return run(given, folder, place.url)
        finally:
            place.drop()


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--database", choices=county.KINDS, default="sqlite")
    parser.add_argument("--clerks", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the trail, before the run")
    return parser.parse_args()


@contextmanager
def _server(database: str) -> Iterator[None]:
    """PostgreSQL, where one is needed and none is named."""
    if database == "sqlite" or VARIABLE in os.environ:
        yield
        return
    with cluster.running(as_usual=True) as url:
        os.environ[VARIABLE] = url
        yield


def run(given: argparse.Namespace, folder: Path, url: str) -> int:
    environment = _environment(folder, url)
    port = _free_port()
    with (folder / "log").open("wb") as log:
        portal = subprocess.Popen([sys.executable, "-m", "portal", "serve", "--port", str(port)], env=environment, cwd=ROOT,
                                  stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            until(lambda: portal.poll() is not None or _answers(address), 60)
            if portal.poll() is not None:
                sys.exit((folder / "log").read_text())
            until(lambda: looked_after(address), 900)  # as in any night before clerks come
            with Watch(portal.pid) as watch:
                found = _work(given, folder, address)
        finally:
            portal.terminate()
            portal.wait(60)
    verified = subprocess.run([sys.executable, "-m", "portal", "audit", "verify"], env=environment, cwd=ROOT,
                              capture_output=True, text=True)
    log = (folder / "log").read_text()
    report = Report(given, found, watch, log, county.told(url), verified.stdout.strip() if verified.returncode == 0 else None)
    print("\n".join(report.lines()))
    return 1 if report.missed else 0


def _environment(folder: Path, url: str) -> dict[str, str]:
    return os.environ | {
        "PORTAL_DATA_DIR": str(folder), "PORTAL_DATABASE_URL": url, "PORTAL_REDIS_URL": "", "PORTAL_SECRET_KEY": KEY,
        "PORTAL_NOW": county.NOW.isoformat(), "PORTAL_SECOND_FACTOR": "off", "PYTHONPATH": str(ROOT)}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def _answers(address: str) -> bool:
    try:
        return urlopen(f"{address}/healthz", timeout=2).status == 200
    except OSError:
        return False


def _work(given: argparse.Namespace, folder: Path, address: str) -> dict:
    """Fifty clerks, from signing in to the end of the time; what they met."""
    alike = county.alike(county.clerks(given.clerks))
    out = folder / "met.json"
    subprocess.run(
        [str(_locust()), "-f", str(HERE / "locustfile.py"), "--headless", "--only-summary", "--host", address,
         "--users", str(given.clerks), "--spawn-rate", "1", "--run-time", f"{given.minutes * 60:.0f}s", "--stop-timeout", "60",
         "--loglevel", "WARNING"],
        env=os.environ | {"PORTAL_LOAD_CLERKS": json.dumps(alike), "PORTAL_LOAD_OUT": str(out)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, check=False)
    return json.loads(out.read_text())


def _locust() -> Path:
    """Locust in an environment of its own, made on first use."""
    home = ROOT / ".venv-load"
    if not (home / "bin" / "locust").exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin" / "pip"), "install", "-q", LOCUST], check=True)
    return home / "bin" / "locust"


if __name__ == "__main__":
    sys.exit(main())
