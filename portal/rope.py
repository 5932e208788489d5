"""The bell's rope: a request pulls it and goes on; a thread beside it asks Redis, however long Redis takes.

What a process has not rung for when it ends, or when Redis does not answer, is left to the sweep.
"""

from __future__ import annotations

import os
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from portal import bell
from portal.settings import Settings


class Rope:
    """One thread of this process, started when first needed."""

    def __init__(self) -> None:
        self._pulls: SimpleQueue[tuple[Settings, tuple[int, ...]]] = SimpleQueue()
        self._thread: Thread | None = None
        self._starting = Lock()

    def pull(self, settings: Settings, *task_ids: int) -> None:
        """Have the bell rung for tasks that are committed. Returns at once."""
        self._pulls.put((settings, task_ids))
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._ring, name="bell", daemon=True)
                self._thread.start()

    def _ring(self) -> None:
        while True:
            settings, task_ids = self._pulls.get()
            if bell.ring(settings, *task_ids) < len(task_ids):
                self._let_go()

    def _let_go(self) -> None:
        """Redis does not answer: whoever waits behind would only wait in vain."""
        try:
            while True:
                self._pulls.get_nowait()
        except Empty:
            return


def _anew() -> None:
    """A forked process has neither the thread nor its parent's pulls."""
    global _rope
    _rope = Rope()


_rope = Rope()
os.register_at_fork(after_in_child=_anew)


def pull(settings: Settings, *task_ids: int) -> None:
    """As `Rope.pull`, on the rope of this process."""
    _rope.pull(settings, *task_ids)
