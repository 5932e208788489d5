"""One process of the supervisor's group: started, started again when it ends, told to end."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from models.words import N_, Refusal
from portal.lifeline import die_with
from portal.machine_faults import fault_of, note

log = logging.getLogger("portal.supervisor")

MOST_DEATHS = 5  # in a row
LIVED = 60.0     # seconds after which a death is not in a row with the one before
LATER = 5.0      # seconds


@dataclass
class Child:
    """One process of the group. *vital*: whether all is stopped when it ends again and again."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    descriptors: tuple[int, ...] = ()
    before: Callable[[], object] = lambda: None
    vital: bool = True
    deaths: int = 0
    again_at: float | None = None
    started_at: float = 0.0
    process: subprocess.Popen | None = field(default=None, repr=False)

    def start(self) -> None:
        self.before()
        self.started_at, self.again_at = time.monotonic(), None
        self.process = subprocess.Popen(
            self.command, env=self.environment, stdin=subprocess.DEVNULL, pass_fds=self.descriptors,
            preexec_fn=partial(_become_child, os.getpid()))

    def look_after(self) -> None:
        """Start again, after a while, what has ended. Raises Refusal when it ends again and again."""
        if self.again_at is not None:
            if time.monotonic() >= self.again_at:
                self._try()
        elif self.process.poll() is not None:
            self._mourn()

    def _try(self) -> None:
        """Start again; if the machine cannot just now, later."""
        try:
            self.start()
        except OSError as error:
            if fault_of(error) is None:
                raise
            note(log, error, "%s cannot be started", self.name)
            self.again_at = time.monotonic() + LATER

    def _mourn(self) -> None:
        now = time.monotonic()
        self.deaths = 1 if now - self.started_at > LIVED else self.deaths + 1
        if self.deaths > MOST_DEATHS and self.vital:
            raise Refusal(N_("Everything was stopped, because “{name}” ended again and again. The lines above say "
                             "why."),
                          name=self.name)
        self.again_at = now + 0.25 * 2 ** min(self.deaths, MOST_DEATHS)
        log.warning("%s ended (%s) and is started again", self.name, self.process.returncode)

    def tell(self) -> None:
        """Ask it to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def end(self, seconds: float) -> None:
        """Wait until it has ended, and end it when its time is over."""
        if self.process is not None:
            try:
                self.process.wait(max(0.0, seconds))
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def _become_child(parent: int) -> None:
    """Between fork and exec: end with the parent, and leave Ctrl-C, which reaches the whole group, to the parent."""
    signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGINT})
    die_with(parent)
