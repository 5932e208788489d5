"""Workbooks as a clerk's Excel makes them."""

from __future__ import annotations

import io

import openpyxl


def book(*sheets, **set_on_book):
    """An Excel workbook's bytes, as openpyxl makes it, from (title, rows) or rows."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for number, sheet in enumerate(sheets):
        title, rows = sheet if isinstance(sheet, tuple) else (f"表{number + 1}", sheet)
        page = made.create_sheet(title)
        for row in rows:
            page.append(row)
    for name, value in set_on_book.items():
        setattr(made, name, value)
    return saved(made)


def saved(made):
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()
