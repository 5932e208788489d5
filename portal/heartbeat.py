"""The heartbeat of a task in hand: renews the lease and shows the progress while something is drawn."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

from flask import current_app

from models import outbox, scope
from models.base import db
from portal.machine_faults import note

if TYPE_CHECKING:
    from portal.jobs import Hold

log = logging.getLogger("portal.jobs")

SHOWN_EVERY = 2.0  # seconds; people watch the progress
STUCK = 300.0      # seconds without a paper, which takes a tenth of one: it will not come out any more
alone = False      # whether this process is there for one task only, and ends with it


class Heartbeat:
    """A thread that renews a lease in short transactions of its own, for as long as the block lasts."""

    def __init__(self, hold: Hold):
        self.hold = hold
        self.finished: int | None = None
        self.lost = False
        self._moved = time.monotonic()
        self._app = current_app._get_current_object()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease of task {hold.id}", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def tell(self, finished: int) -> None:
        """Note the progress. Raises FenceLost if the lease is somebody else's: go no further."""
        from portal.jobs import FenceLost
        self.finished, self._moved = finished, time.monotonic()
        if self.lost:
            raise FenceLost

    def _beat(self) -> None:
        while not self._stop.wait(min(SHOWN_EVERY, outbox.LEASE.total_seconds() / 3)):
            if time.monotonic() - self._moved > STUCK:
                self._let_go()
                return
            try:
                with self._app.app_context(), scope.everything("outbox"):
                    self._renew()
            except Exception as error:
                # A busy database: the lease outlasts many beats.
                note(log, error, "the lease of task %s was not renewed this time", self.hold.id)
            if self.lost:
                return

    def _let_go(self) -> None:
        """Drawing hangs, perhaps where no exception reaches it: let the lease run out, and end the process if it may be."""
        log.error("task %s: no paper came out for %s seconds", self.hold.id, STUCK)
        self.lost = True
        if alone:
            os.kill(os.getpid(), signal.SIGKILL)

    def _renew(self) -> None:
        from portal.jobs import FenceLost
        try:
            self.hold.keep(**({} if self.finished is None else {"finished": self.finished}))
            db.session.commit()
        except FenceLost:
            self.lost = True
