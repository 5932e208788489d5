"""A portal on ground that can be broken: its data folder is a small disk of its own, which only its processes see."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from functools import cache
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

from factories import PASSWORD
from running import alive, descendants, settings, until
from werkzeug.test import encode_multipart

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
from portal import logs, supervisor
from portal.settings import Settings
logs.set_up("supervisor")
supervisor.serve(Settings.from_env(), "127.0.0.1", 0)
"""
SIZE = 24  # MB of the small disk


@cache
def mounting() -> tuple[str, ...] | None:
    """The command in front of another that gives it mounts of its own; None where the machine lets nobody have some."""
    ways = [("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount")]
    for way in ways if shutil.which("unshare") else []:
        with suppress(OSError):
            if not subprocess.run([*way, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode:
                return way
    return None


class Ground:
    """A running portal whose data folder is a disk of SIZE MB, begun with the files of *source*."""

    def __init__(self, folder: Path, source: Path | None = None, **variables: str):
        self.data, self.log, self.after = folder / "ground", folder / "log", folder / "after"
        self.data.mkdir(exist_ok=True)
        own = settings(self.data)
        variables = {"PORTAL_DATA_DIR": str(self.data), "PORTAL_DATABASE_URL": own.database_url, "PORTAL_REDIS_URL": "",
                     "PORTAL_NOW": own.now.isoformat(), "PYTHONPATH": str(ROOT), "PORTAL_SECOND_FACTOR": "off"} | variables
        script = f'mount -t tmpfs -o size={SIZE}m,mode=700 ground "$0" && cp -a "$1"/. "$0" && exec "$2" -c "$3"'
        command = ["sh", "-c", script, str(self.data), str(source), sys.executable, PROGRAM]
        with self.log.open("w") as log:
            self.process = subprocess.Popen([*mounting(), *command], env=os.environ | variables, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        self.address = until(self._announced, 30)
        self._held = os.open(self.disk, os.O_RDONLY)  # keeps the disk when its last process is gone

    def _announced(self) -> str | None:
        assert self.process.poll() is None, self.log.read_text()
        found = re.search(r"http://\S+", self.log.read_text())
        return found and found[0].rstrip("/")

    @property
    def disk(self) -> Path:
        """The small disk as seen from outside."""
        return Path(f"/proc/{self.process.pid}/root{self.data}")

    def fill(self) -> None:
        """Not a byte is left."""
        with (self.disk / "filler").open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                with suppress(OSError):
                    while file.write(b"\0" * size):
                        pass

    def free(self) -> None:
        (self.disk / "filler").unlink()

    def make_read_only(self) -> None:
        """Whatever is opened from now on is read-only; what is open already goes on (no kernel takes that away)."""
        self._inside(f"mount --bind {self.data} {self.data} && mount -o remount,bind,ro {self.data}")

    def make_writable(self) -> None:
        self._inside(f"umount --lazy {self.data}")

    def _inside(self, script: str) -> None:
        user = ["--user", "--preserve-credentials"] if "--user" in mounting() else []
        subprocess.run(["nsenter", *user, "--mount", "--target", str(self.process.pid), "sh", "-c", script], check=True)

    def named(self, word: str) -> set[int]:
        found = set()
        for pid in descendants(self.process.pid):
            with suppress(OSError):
                if word in Path(f"/proc/{pid}/cmdline").read_text():
                    found.add(pid)
        return found

    def end(self, how: int = signal.SIGTERM) -> None:
        children = descendants(self.process.pid)
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(30)
        until(lambda: not any(map(alive, children)))
        shutil.copytree(f"/proc/self/fd/{self._held}", self.after, ignore=shutil.ignore_patterns("filler", "socket"))
        os.close(self._held)


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *given):
        return None


class Browser:
    """A person at the portal: pages as (status, text), the token of the last form kept."""

    def __init__(self, address: str, username: str | None = None):
        self.address, self.token = address, ""
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()), _Stay)
        if username:
            self.get("/login")
            assert self.post("/login", username=username, password=PASSWORD)[0] == 302

    def get(self, path: str) -> tuple[int, str]:
        return self._ask(Request(self.address + path))

    def post(self, path: str, *, page: str | None = None, files: dict | None = None, **fields: str) -> tuple[int, str]:
        fields = {"csrf_token": self.token} | fields
        headers = {"Referer": self.address + page} if page else {}
        if files:
            boundary, body = encode_multipart(fields | {name: (io.BytesIO(data), title) for name, (data, title) in files.items()})
            headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        else:
            body = urlencode(fields).encode()
        return self._ask(Request(self.address + path, body, headers))

    def _ask(self, request: Request) -> tuple[int, str]:
        try:
            answer = self.opener.open(request, timeout=6)
        except HTTPError as error:
            answer = error
        with answer:
            text = answer.read().decode("utf-8", "replace")
            self.location = answer.headers.get("Location")
        found = re.search(r'name="csrf_token" value="([^"]+)"', text)
        self.token = found[1] if found else self.token
        return answer.status, text
