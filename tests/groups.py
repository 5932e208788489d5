"""The processes of the portal as one group, started for real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from running import descendants, settings, until

from portal.lifeline import die_with

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
import sys
from portal import logs, supervisor
from portal.settings import Settings
logs.set_up("supervisor")
supervisor.serve(Settings.from_env(), "127.0.0.1", int(sys.argv[1]))
"""


class Group:
    """A supervisor with its children, on a data folder and a port; *more* variables."""

    def __init__(self, data_dir: Path, port: int = 0, **more: str):
        self.log, parent = data_dir.parent / "log", os.getpid()
        own = settings(data_dir)
        variables = {"PORTAL_DATA_DIR": str(data_dir), "PORTAL_DATABASE_URL": own.database_url, "PORTAL_REDIS_URL": "",
                     "PORTAL_NOW": own.now.isoformat(), "PYTHONPATH": str(ROOT), "PORTAL_WEB_PROCESSES": "1"}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(port)], env=os.environ | variables | more, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, preexec_fn=lambda: die_with(parent))

    def begun(self) -> Group:
        """Itself, once it answers."""
        until(self._announced, 120)
        return self

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def address(self) -> str | None:
        """Where it answers; None before it does."""
        found = re.search(r"http://\S+", self.log.read_text())
        return found and found[0]

    def _announced(self) -> str | None:
        assert self.process.poll() is None, self.log.read_text()
        return self.address

    def health(self) -> tuple[int, dict]:
        try:
            with urllib.request.urlopen(self.address + "healthz", timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def named(self, word: str) -> set[int]:
        """The processes of the group whose command line has *word*."""
        return {pid for pid in descendants(self.process.pid) if word in command_of(pid)}

    def child(self, word: str) -> set[int]:
        """That process of its own, without what it has started in turn."""
        return {pid for pid in self.named(word) if parent_of(pid) == self.process.pid}


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def parent_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None
