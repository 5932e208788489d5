"""Files sent under their Chinese names; what is made or sent leaves a line in the trail."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from flask import Response, abort, current_app

from models import audit, scope
from models.base import db
from models.document import DRAWN, Document
from models.schema import writing

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ZIP = "application/zip"


def sent(content: bytes, name: str, media_type: str = XLSX, *, act: str = "export", **noted: Any) -> Response:
    """*content* to be saved as *name* (RFC 5987), noted in the trail as *act*."""
    note(act, noted.pop("subject", "file"), file=name, **noted)
    ending = name.rpartition(".")[2] if name.rpartition(".")[2].isascii() else "bin"
    answer = Response(content, mimetype=media_type)
    answer.headers["Content-Disposition"] = f"attachment; filename=file.{quote(ending)}; filename*=UTF-8''{quote(name, safe='')}"
    return answer


def kept(sha256: str | None) -> bytes:
    """A file of the store, or 404."""
    try:
        return current_app.extensions["store"].get(sha256) if sha256 else abort(404)
    except FileNotFoundError:
        abort(404)


def note(act: str, subject: str, area_code: str | None = None, row_id: int | None = None, case_id: int | None = None,
         **details: Any) -> None:
    """One line in the trail, committed; reading is over by then, for a page that reads cannot begin to write."""
    db.session.rollback()
    token = writing.set(True)
    try:
        audit.record(act, subject, area_code or scope.current() or "", row_id, case_id, **details)
        db.session.commit()
    finally:
        writing.reset(token)


def bound(documents: Iterable[Document]) -> bytes:
    """The drawn papers in one archive, each under its name; of two alike the later one gets its number."""
    store, out, names = current_app.extensions["store"], io.BytesIO(), set()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for document in documents:
            if document.state == DRAWN:
                name = document.file_name if document.file_name not in names else f"{document.id}-{document.file_name}"
                names.add(name)
                archive.writestr(name, store.get(document.sha256))
    return out.getvalue()
