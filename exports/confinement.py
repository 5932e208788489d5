"""What came from outside is taken apart in a child process that may use little and finds nothing worth stealing."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class Fault(Exception):
    """Why a file cannot be read: a code that the parent has a sentence for, and the values in it."""

    def __init__(self, code: str, **values: object):
        super().__init__(code)
        self.code, self.values = code, values


def confine(parent: int, memory: int, seconds: int) -> None:
    """In the child: give up what a hostile file could use. *memory*: bytes of address space, *seconds* of the processor.

    No file can be written, and the child ends with its parent.
    """
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        sys.exit(1)
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, 0),
                       (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (most, most))


def ask(module: str, seconds: int, **given: Any) -> bytes:
    """In the parent: what *module*, run as a child, answers to `input=` bytes or `stdin=` a file.

    Raises Fault("too_much") for a child that ran out of memory or time, Fault("damaged") for one that died otherwise.
    """
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-E", "-s", "-B", "-X", "utf8", "-m", module, str(os.getpid())]
    try:
        # No environment: a hostile file that takes the child over finds no password in it.
        done = subprocess.run(command, capture_output=True, timeout=seconds, cwd=root, env={}, check=False, **given)
    except subprocess.TimeoutExpired:
        raise Fault("too_much") from None
    if done.returncode or not done.stdout:
        raise Fault("too_much" if _starved(done) else "damaged")
    return done.stdout


def _starved(done: subprocess.CompletedProcess) -> bool:
    log.warning("reading a file: %s, %s", done.returncode, done.stderr[-2000:].decode("utf-8", "replace"))
    return done.returncode in (-signal.SIGABRT, -signal.SIGKILL, -signal.SIGXCPU) or b"MemoryError" in done.stderr
