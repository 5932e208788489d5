"""A throw-away PostgreSQL for the length of a run: its files in memory, no network, gone with whoever started it.

Its collation is that of Chinese pinyin, so that whatever relies on the order of bytes without saying so comes out wrong.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from running import until

from portal.lifeline import die_with

ROOM = 3 << 30  # bytes of memory that a run may take
ACCOUNT = "portal"  # no superuser: those pass through every wall
ANY = {"listen_addresses": "", "max_connections": 200}
SETTINGS = ANY | {
    # Nothing of it is kept, so nothing waits for a disk.
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": 0,
    "max_wal_size": "256MB", "checkpoint_timeout": "1h", "autovacuum": "off", "jit": "off",
    "dynamic_shared_memory_type": "mmap"}  # else a kill leaves pieces of memory behind


@contextmanager
def running(as_usual: bool = False) -> Iterator[str]:
    """Starts one; the URL of an account that may make databases there. *as_usual*: on the disk, and with its own settings."""
    _clear()
    folder = Path(tempfile.mkdtemp(prefix=f"portal-tests-{os.getpid()}-", dir=tempfile.gettempdir() if as_usual else _place()))
    server = None
    try:
        _own(folder)
        _make(folder)
        server = _start(folder, ANY if as_usual else SETTINGS)
        until(lambda: _ask(folder, "SELECT 1") is not None, 30)
        _ask(folder, f"CREATE ROLE {ACCOUNT} LOGIN NOSUPERUSER NOBYPASSRLS CREATEDB")
        yield f"postgresql+psycopg://{ACCOUNT}@/postgres?host={folder}"
    finally:
        if server:
            server.send_signal(signal.SIGINT)
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def programs() -> Path:
    """Where the newest server's programs lie; Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    path = found[-1] if found else shutil.which("initdb")
    if path is None:
        raise RuntimeError("The tests on PostgreSQL need its server, which is missing. Install it: "
                           "sudo apt-get install postgresql")
    return Path(path).resolve().parent


def _place() -> str:
    """Memory, where there is enough of it."""
    memory = "/dev/shm"
    roomy = os.path.isdir(memory) and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    return memory if roomy else tempfile.gettempdir()


def _clear() -> None:
    """Folders of runs that were killed."""
    for folder in (*Path("/dev/shm").glob("portal-tests-*"), *Path(tempfile.gettempdir()).glob("portal-tests-*")):
        maker = re.match(r"portal-tests-(\d+)-", folder.name)
        if maker and not os.path.exists(f"/proc/{maker[1]}"):
            shutil.rmtree(folder, ignore_errors=True)


def _somebody() -> dict[str, object]:
    """PostgreSQL refuses root, who lends it the account that Debian made for it."""
    if os.getuid():
        return {}
    names = {user.pw_name: user for user in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _own(folder: Path) -> None:
    somebody = _somebody()
    if somebody:
        os.chown(folder, somebody["user"], somebody["group"])


def _make(folder: Path) -> None:
    program = programs() / "initdb"
    pinyin = ["--locale-provider=icu", "--icu-locale=zh-Hans-CN"] if _version(program) >= 15 else []
    subprocess.run([program, "-D", folder / "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync",
                    "--locale=C.UTF-8", *pinyin], check=True, stdout=subprocess.DEVNULL, cwd=folder, **_somebody())


def _version(program: Path) -> int:
    told = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    return int(re.search(r"\d+", told)[0])


def _start(folder: Path, settings: dict[str, object]) -> subprocess.Popen:
    parent = os.getpid()
    words = [f"-c{name}={value}" for name, value in settings.items()]
    with (folder / "log").open("w") as log:
        return subprocess.Popen([programs() / "postgres", "-D", folder / "data", "-k", folder, *words], cwd=folder, stdout=log,
                                stderr=log, stdin=subprocess.DEVNULL, preexec_fn=lambda: die_with(parent, signal.SIGQUIT),
                                **_somebody())


def _ask(folder: Path, statement: str) -> object:
    import psycopg
    with contextlib.suppress(psycopg.OperationalError), \
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True) as connection:
        return connection.execute(statement)
    return None
