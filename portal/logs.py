"""Logs: standard error, with runs of digits masked, so that no ID, card or phone number is ever in one."""

from __future__ import annotations

import logging
import re
import sys

_DIGITS = re.compile(r"\d{6,}[0-9Xx]?")


class Masking(logging.Formatter):
    """Formats a record, its traceback included, and masks what could be a number of a person."""

    def format(self, record: logging.LogRecord) -> str:
        return _DIGITS.sub("•••", super().format(record))


def set_up(name: str) -> None:
    """Send everything that is logged in this process to standard error; *name* says which process it was."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Masking(f"%(asctime)s {name} %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # A line for each job and each request would drown the sentences that matter.
    for chatty in ("rq", "alembic", "fontTools", "weasyprint.progress"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
