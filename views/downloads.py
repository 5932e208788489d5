"""Files that leave: each by a form with a token, under its Chinese name, with its checksum in the trail."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from flask import Response, abort, current_app
from flask_login import current_user
from markupsafe import Markup

from exports.workbook import leaving_line
from models import audit, scope
from models.base import db
from models.document import DRAWN, Document
from models.schema import to_write
from views.frame import now

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ZIP = "application/zip"


def button(url: str, label: str, look: str = "link") -> Markup:
    """What fetches a file: a button of the one form in the frame, so that it may stand in another form as well."""
    return Markup('<button class="{}" form="fetch" formaction="{}">{}</button>').format(look, url, label)


def line(purpose: str) -> str:
    """Who takes a sheet out, when and what for: its last line and the foot of every printed page."""
    return leaving_line(current_user.name, current_user.username, now(), purpose)


def file(content: bytes, name: str, media_type: str = XLSX) -> Response:
    """*content* to be saved as *name* (RFC 5987), without a line in the trail: for what holds nothing of anybody."""
    ending = name.rpartition(".")[2] if name.rpartition(".")[2].isascii() else "bin"
    answer = Response(content, mimetype=media_type)
    answer.headers["Content-Disposition"] = f"attachment; filename=file.{quote(ending)}; filename*=UTF-8''{quote(name, safe='')}"
    return answer


def sent(content: bytes, name: str, media_type: str = XLSX, *, act: str = "export", subject: str = "file",
         area_code: str | None = None, row_id: int | None = None, case_id: int | None = None, **noted: Any) -> Response:
    """*content* to be saved as *name*, noted in the trail as *act* with its checksum."""
    to_write()
    audit.record(act, subject, area_code or scope.current() or "", row_id, case_id, file=name,
                 sha256=checksum(content), **noted)
    db.session.commit()
    return file(content, name, media_type)


def checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def kept(sha256: str | None) -> bytes:
    """A file of the store, or 404."""
    try:
        return current_app.extensions["store"].get(sha256) if sha256 else abort(404)
    except FileNotFoundError:
        abort(404)


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
