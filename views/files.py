"""Files behind their rows: whoever sees the row may load the file, nobody else."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, abort, current_app
from flask_admin import expose
from sqlalchemy import select

from models import scope
from models.base import db
from models.certificate import Certificate
from models.document import Bulletin, Document
from models.words import N_
from views.base import OfficePage, row_id


class FileView(OfficePage):
    title, at, hidden = N_("Files"), "file", True

    @expose("/")
    def index(self) -> Any:
        abort(404)

    @expose("/certificate/<id>")
    def certificate(self, id: str) -> Response:
        found = _one(Certificate, id)
        return sent(found.sha256, found.name, found.media_type)

    @expose("/document/<id>")
    def document(self, id: str) -> Response:
        found = _one(Document, id)
        return sent(found.sha256, found.file_name, "application/pdf")

    @expose("/bulletin/<id>")
    def bulletin(self, id: str) -> Response:
        found = _one(Bulletin, id)
        return sent(found.sha256, found.file_name, "application/pdf")


def _one(cls: Any, id: str) -> Any:
    area = [scope.in_area(cls.area_code, scope.current())] if issubclass(cls, scope.Placed) and scope.current() else []
    found = db.session.scalar(select(cls).where(cls.id == row_id(id), *area))
    return found if found is not None and found.sha256 else abort(404)


def sent(sha256: str, name: str, media_type: str) -> Response:
    """A kept file, under its own Chinese name (RFC 5987), always to be saved and never run."""
    try:
        content = current_app.extensions["store"].get(sha256)
    except FileNotFoundError:
        abort(404)
    ending = "." + name.rpartition(".")[2] if name.isascii() is False and "." in name else ""
    plain = name if name.isascii() and name.isprintable() and '"' not in name and "\\" not in name else f"file{ending}"
    plain = plain if plain.isascii() else "file"
    answer = Response(content, mimetype=media_type)
    answer.headers["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return answer
