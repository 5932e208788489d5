"""Limits of what an upload may ask of this machine, and the faults that a file can have."""

from __future__ import annotations

MB = 1 << 20
PACKED = 20 * MB          # bytes of the file
UNPACKED = 200 * MB       # bytes of all its entries
ENTRIES = 1_000
ROWS = 200_000            # rows that hold something, all sheets together
COLUMNS = 200
TEXT = 32_767             # characters of a cell, Excel's own limit
ANSWER = 48 * MB          # characters that the child may hand back
MEMORY = 1024 * MB        # address space of the child
SECONDS = 60


class Fault(Exception):
    """Why a file cannot be read: a code that the parent has a sentence for, and the values in it."""

    def __init__(self, code: str, **values: object):
        super().__init__(code)
        self.code, self.values = code, values
