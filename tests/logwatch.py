"""A log handler that looks for numbers of people in whatever is logged, with its traceback."""

from __future__ import annotations

import logging
import re

RUN = re.compile(r"(?<![0-9A-Za-z.])\d{15,}[\dXx]?(?![0-9A-Za-z])")


class Watch(logging.Handler):
    """Counts records, and keeps where a run of 15 digits or more stood (an ID or card number)."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.records, self.found = 0, []

    def emit(self, record: logging.LogRecord) -> None:
        self.records += 1
        text = logging.Formatter("%(message)s").format(record)
        self.found += [f"{record.name} {record.pathname}:{record.lineno}: {found[0][:6]}…" for found in RUN.finditer(text)]
