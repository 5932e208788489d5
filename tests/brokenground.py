"""A portal on ground that can be broken: its data folder is a small disk of its own, which only its processes see."""

from __future__ import annotations

import io
import json
import os
import re
import resource
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

from factories import PASSWORD, a_case, a_user, arranging, established
from flask import Flask
from running import COUNTY, NOW, TOWNSHIP, VILLAGE, alive, descendants, fill, looked_after, until
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from models import schema
from models.base import db
from models.case import Case
from models.scope import everything
from models.user import Role
from portal import create_app
from portal.lifeline import die_with
from portal.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
from portal import logs, supervisor
from portal.settings import Settings
logs.set_up("supervisor")
supervisor.serve(Settings.from_env(), "127.0.0.1", 0)
"""
SIZE = 24  # MB of the small disk
STARTS = 90  # seconds, on a machine that does much else


@cache
def mounting() -> tuple[str, ...] | None:
    """The command in front of another that gives it mounts of its own; None where the machine lets nobody have some."""
    for way in (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount")):
        with suppress(OSError):
            if not subprocess.run([*way, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode:
                return way
    return None


def office_at(folder: Path) -> Flask:
    """The portal on SQLite in a folder, as a county has it: broken ground is the ground of that."""
    return create_app(Settings(data_dir=folder, database_url=f"sqlite:///{folder / 'portal.sqlite'}", now=NOW,
                               second_factor=False))


def furnished(folder: Path) -> Path:
    """A data folder with two cases to work on and two people who sign in: town and clerk."""
    app = office_at(folder)
    with app.app_context():
        schema.upgrade(db.engine)
        with everything("test"), arranging(NOW):
            fill()
            a_user(Role.TOWNSHIP, TOWNSHIP, username="town")
            a_user(Role.COUNTY_CLERK, COUNTY, username="clerk")
        with everything("test"):
            established(db.session.get(Case, 1), "uncertified", NOW)
            a_case(VILLAGE, category="uncertified")
        db.session.remove()
        db.engine.dispose()
    return folder


class Ground:
    """A running portal whose data folder, its temporary files included, is a disk of SIZE MB."""

    def __init__(self, folder: Path, source: Path):
        self.data, self.log, self.after = folder / "ground", folder / "log", folder / "after"
        self.data.mkdir()
        self.variables = {
            "PORTAL_DATA_DIR": str(self.data), "PORTAL_DATABASE_URL": "", "PORTAL_REDIS_URL": "", "TMPDIR": str(self.data),
            "PORTAL_NOW": NOW.isoformat(), "PORTAL_SECOND_FACTOR": "off", "PORTAL_WEB_PROCESSES": "1", "PYTHONPATH": str(ROOT)}
        script = f'mount -t tmpfs -o size={SIZE}m,mode=700 ground "$0" && cp -a "$1"/. "$0" && exec "$2" -c "$3"'
        command = [*mounting(), "sh", "-c", script, str(self.data), str(source), sys.executable, PROGRAM]
        parent = os.getpid()
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=os.environ | self.variables, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, preexec_fn=lambda: die_with(parent))
        self.address = until(self._announced, STARTS)
        until(lambda: looked_after(self.address), STARTS)  # a backup takes room on the disk and gives it back
        self._held = os.open(f"/proc/{self.process.pid}/root{self.data}", os.O_RDONLY)  # longer than its processes
        self.disk = Path(f"/proc/self/fd/{self._held}")

    def _announced(self) -> str | None:
        assert self.process.poll() is None, self.log.read_text()
        found = re.search(r"http://\S+", self.log.read_text())
        return found and found[0].rstrip("/")

    @contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte is left."""
        filler = self.disk / "filler"
        with filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                with suppress(OSError):
                    while file.write(b"\0" * size):
                        pass
        try:
            yield
        finally:
            filler.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Whatever is opened from now on is read-only. What is open already goes on: no kernel takes that away."""
        self.inside("sh", "-c", f"mount --bind {self.data} {self.data} && mount -o remount,bind,ro {self.data}")
        try:
            yield
        finally:
            self.inside("umount", "--lazy", str(self.data))

    @contextmanager
    def without_handles(self, **room: int) -> Iterator[None]:
        """The processes of these names may open so many files more (or as few more as are closed), and then none."""
        before = {}
        for pid, more in {pid: more for name, more in room.items() for pid in self.named(name)}.items():
            highest = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
            before[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1 + more, before[pid][1]))
        try:
            yield
        finally:
            for pid, limits in before.items():
                with suppress(ProcessLookupError):
                    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        pids = self.named(name)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def inside(self, *command: str) -> str:
        """What a command says that sees the small disk."""
        user = ["--user", "--preserve-credentials"] if "--user" in mounting() else []
        done = subprocess.run(["nsenter", *user, "--mount", "--target", str(self.process.pid), *command],
                              env=os.environ | self.variables, capture_output=True, text=True)
        return done.stdout + done.stderr

    def named(self, word: str) -> set[int]:
        """The processes of the group whose command line has *word*."""
        found = set()
        for pid in descendants(self.process.pid):
            with suppress(OSError):
                if word in Path(f"/proc/{pid}/cmdline").read_text():
                    found.add(pid)
        return found

    def children(self) -> list[str]:
        """What the supervisor itself has started."""
        return sorted(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split())

    def waiting(self) -> int:
        """How many tasks are open."""
        return json.loads(Browser(self.address).get("/healthz")[1])["waiting"]

    def end(self) -> Path:
        """Stop it; a folder with what was on the disk."""
        children = descendants(self.process.pid)
        self.process.terminate()
        self.process.wait(60)
        until(lambda: not any(map(alive, children)), 60)
        shutil.copytree(self.disk, self.after, ignore=shutil.ignore_patterns("socket"))
        os.close(self._held)
        return self.after


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *given) -> None:
        return None


class Browser:
    """A person at the portal. Pages come as (status, text); the token of the last form is kept."""

    def __init__(self, address: str, username: str | None = None):
        self.address, self.token, self.location = address, "", None
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()), _Stay)
        if username:
            self.get("/login")
            assert self.post("/login", username=username, password=PASSWORD)[0] == 302

    def get(self, path: str) -> tuple[int, str]:
        return self._ask(Request(self.address + path))

    def post(self, path: str, files: dict[str, tuple[bytes, str]] | None = None, **fields: str) -> tuple[int, str]:
        """*files*: name of the field -> (content, name of the file)."""
        fields = {"csrf_token": self.token, "once": secrets.token_urlsafe(16)} | fields
        kind, body = "application/x-www-form-urlencoded", urlencode(fields).encode()
        if files:
            parts = {name: FileStorage(io.BytesIO(data), title) for name, (data, title) in files.items()}
            boundary, body = encode_multipart(fields | parts)
            kind = f"multipart/form-data; boundary={boundary}"
        return self._ask(Request(self.address + path, body, {"Content-Type": kind}))

    def press(self, text: str) -> tuple[int, str]:
        """Send the form to post of a page as it stands."""
        action, form = re.search(r'<form method="post" action="([^"]+)"(.*?)</form>', text, re.DOTALL).groups()
        return self.post(action, **dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form)))

    def case(self, id: int = 1) -> dict[str, str]:
        """What every form of a case carries."""
        text = self.get(f"/admin/case/details/?id={id}")[1]
        return {name: re.search(rf'name="{name}" value="([^"]*)"', text)[1] for name in ("version", "seen")}

    def _ask(self, request: Request) -> tuple[int, str]:
        try:
            answer = self.opener.open(request, timeout=40)
        except HTTPError as error:
            answer = error
        with answer:
            text, self.location = answer.read().decode("utf-8", "replace"), answer.headers.get("Location")
        found = re.search(r'name="csrf_token" value="([^"]+)"', text)
        self.token = found[1] if found else self.token
        return answer.status, text
