"""What the processes of a run use: memory at its most and seconds of CPU, by what each is."""

from __future__ import annotations

import os
import time
from pathlib import Path
from threading import Event, Thread

from running import descendants

TICKS = os.sysconf("SC_CLK_TCK")


class Watch:
    """Looks every few seconds at the processes under *pid*; `most` and `cpu` by name: web, worker, schedule, redis."""

    def __init__(self, pid: int, every: float = 2.0):
        self.pid, self.every = pid, every
        self.most: dict[str, int] = {}  # MB
        self.seconds = 0.0
        self._first: dict[int, float] = {}
        self._used: dict[int, tuple[str, float]] = {}
        self._over = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self.seconds = time.monotonic() - self._began

    def _run(self) -> None:
        while True:
            self._look()
            if self._over.wait(self.every):
                self._look()
                return

    def _look(self) -> None:
        for pid in descendants(self.pid):
            try:
                self._note(_name(pid), pid)
            except (FileNotFoundError, ProcessLookupError, IndexError, KeyError):
                continue  # it ended while we looked

    def _note(self, name: str, pid: int) -> None:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        self.most[name] = max(self.most.get(name, 0), int(status["VmHWM"].split()[0]) // 1024)
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        used = (int(fields[11]) + int(fields[12])) / TICKS
        self._used[pid] = name, used - self._first.setdefault(pid, used)

    @property
    def cpu(self) -> dict[str, float]:
        """Seconds of a processor, of all processes of a name."""
        taken: dict[str, float] = {}
        for name, seconds in self._used.values():
            taken[name] = taken.get(name, 0.0) + seconds
        return taken


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    if "redis" in words[0] or "valkey" in words[0]:
        return "redis"
    return next((word for word in words if word in ("web", "worker", "schedule")), "others")  # a decoder of uploads
