"""The lifeline between processes: a child ends when its parent does, even by kill -9."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
# Looked up before any fork: between fork and exec a child had better load nothing.
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def die_with(parent: int, by: int = signal.SIGKILL) -> None:
    """Called in a child: ask the kernel to end it with *parent*; end at once if the parent is gone already."""
    _prctl(_PR_SET_PDEATHSIG, by, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
