"""Limits of what a spreadsheet may ask of this machine."""

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
