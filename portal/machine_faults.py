"""Faults of the machine, not of ours: a full or read-only disk, no file handles left, a database that does not answer.

Whoever met one is told what it is and what to do; nothing is half done, and work goes on by itself once it is over.
"""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from contextlib import ExitStack
from dataclasses import dataclass

import redis
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from models.schema import writing
from models.words import N_, Message

AGAIN_AFTER = 30  # seconds, as a browser or a proxy is told
_ROOM = 16  # file handles that drawing a paper may need at once


@dataclass(frozen=True)
class Fault:
    """What happened and who mends it, both in words for clerks. *unsure*: what was sent may have been saved all the same."""

    status: int
    what: str
    mend: str
    unsure: bool = False


FULL = Fault(507, N_("The server's disk is full"), N_("Ask the administrator to make room on it"))
READ_ONLY = Fault(503, N_("The server's disk takes no writing just now"), N_("Ask the administrator to look at the disk"))
DISK = Fault(503, N_("The server's disk fails to read or write"), N_("Ask the administrator to look at the disk"))
HANDLES = Fault(503, N_("The server has too many files open"), N_("Wait a moment, or tell the administrator if it stays so"))
BUSY = Fault(503, N_("The database is busy with other work"), N_("Wait a moment, or tell the administrator if it stays so"))
AWAY = Fault(503, N_("The database does not answer"), N_("Tell the administrator"), unsure=True)
QUEUE = Fault(503, N_("Redis takes no work just now"), N_("Tell the administrator"))

_ERRNO = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EFBIG: FULL, errno.EROFS: READ_ONLY, errno.EIO: DISK,
          errno.EMFILE: HANDLES, errno.ENFILE: HANDLES}
_SQLITE = {sqlite3.SQLITE_FULL: FULL, sqlite3.SQLITE_IOERR: DISK, sqlite3.SQLITE_BUSY: BUSY, sqlite3.SQLITE_LOCKED: BUSY,
           sqlite3.SQLITE_READONLY: READ_ONLY, sqlite3.SQLITE_CANTOPEN: AWAY, sqlite3.SQLITE_PROTOCOL: BUSY}
# SQLSTATE, or its class: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES = {"53100": FULL, "25006": READ_ONLY, "58030": DISK, "53300": BUSY, "53": BUSY, "55P03": BUSY, "40": BUSY,
             "57014": BUSY,
             "57P": AWAY, "08": AWAY}


def fault_of(error: BaseException | None) -> Fault | None:
    """The fault behind an error; None if it is a bug, a refusal or anything else of our own making."""
    match error:
        case DBAPIError():
            return _of_database(error)
        case NoConnectionFree():
            return BUSY
        case redis.RedisError():
            return QUEUE
        case OSError():
            return _ERRNO.get(error.errno)
    return None


def _of_database(error: DBAPIError) -> Fault | None:
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(getattr(error.orig, "sqlite_errorcode", 0))
    state = getattr(error.orig, "sqlstate", None) or ""
    if not state:  # the line broke, or never stood
        return AWAY if isinstance(error, OperationalError) or error.connection_invalidated else None
    return _ours(next((_POSTGRES[state[:n]] for n in (5, 3, 2) if state[:n] in _POSTGRES), None))


def _of_sqlite(code: int) -> Fault | None:
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:  # no room for the index of the log
        return FULL
    found = _SQLITE.get(code & 0xFF)
    return HANDLES if found is AWAY and out_of_handles() else _ours(found)


def _ours(found: Fault | None) -> Fault | None:
    """A page that wants to write meets a database that forbids it: that is a bug of ours."""
    return None if found is READ_ONLY and not writing.get() else found


def out_of_handles() -> OSError | None:
    """Why this process could not open as many files more as a paper needs; None if it could."""
    with ExitStack() as opened:
        try:
            for _ in range(_ROOM):
                opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            return error
    return None


def sentence(fault: Fault, frame: str) -> Message:
    """One sentence: what is the matter, in the *frame* of what was tried (SENT, SAVED, ASKED, RUN)."""
    frame = UNSURE if fault.unsure and frame == SENT else frame
    return Message(frame, {"what": Message(fault.what), "mend": Message(fault.mend)})


SENT = N_("{what}: nothing of this was saved. {mend}; then send it once more.")
UNSURE = N_("{what}: whether this was saved is not certain. {mend}; then look, and send it once more only if it is not there.")
SAVED = N_("{what}: what was sent is saved, only its page cannot be shown. {mend}; then look at it.")
ASKED = N_("{what}: this page cannot be shown. {mend}; then open it again.")
RUN = N_("{what}: nothing was saved. {mend}; then run the command again.")


def note(log: logging.Logger, error: BaseException, what: str, *values: object) -> None:
    """One line in the log for a fault of the machine, a traceback for anything else. To be called while it is handled."""
    fault = fault_of(error)
    if fault:
        log.warning(what + ": %s (%s)", *values, fault.what, _said(error))
    else:
        log.exception(what, *values)


def _said(error: BaseException) -> str:
    return next(iter(str(getattr(error, "orig", None) or error).splitlines()), type(error).__name__)
