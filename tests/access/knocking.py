"""Knocking at a door as somebody, for some row; what an answer is, and what a request wrote."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from factories import contents
from flask import Flask
from peopled import OTHER, TOWN
from screening import Desk, looking
from sqlalchemy import Engine, event
from tally import holds
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from access.policy import LETTERS, POSTS, TABLE, Door
from models.base import db

NAMES = {letter: TOWN if letter == "T" else role for letter, role in LETTERS.items() if letter in POSTS} | {"O": OTHER}
# A refusal, a download, a live session, a look at a number and a search leave a line there, and so does the key of a form.
LOGS = ("audit_entry", "audit_head", "sign_in", "address_try", "number_view", "seek", "form_key")
MISSING = {"code": "141122999"}
MALFORMED = ("x", "1,2", "-1", "1" * 40, "٣", "1e3", "0x1")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


def is_in(door: Door, letter: str) -> bool:
    return ("T" if letter == "O" else letter) in door.who


def does(door: Door, letter: str) -> bool:
    return ("T" if letter == "O" else letter) in door.does


def refusal(door: Door, letter: str) -> int:
    return 404 if ("T" if letter == "O" else letter) in door.lost else 403


def own(letter: str) -> str:
    return "there" if letter == "O" else "here"


def ruled(key: str) -> str:
    """The rule of a row, which may be one of several forms of it."""
    return key.partition(" #")[0]


class Watch:
    """The tables that requests wrote to, and committed."""

    def __init__(self, engine: Engine):
        self.kept: set[str] = set()
        self.open: dict[Any, set[str]] = {}
        event.listen(engine, "before_cursor_execute", self._saw)
        event.listen(engine, "commit", lambda connection: self.kept.update(self.open.pop(connection, ())))
        event.listen(engine, "rollback", lambda connection: self.open.pop(connection, None))

    def _saw(self, connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        found = re.match(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", statement, re.IGNORECASE)
        if found:
            self.open.setdefault(connection, set()).add(found[1])

    @contextmanager
    def writing(self) -> Iterator[set[str]]:
        """What is written inside, but for lines in the logs; the set is full once the block ends. `kept` has those too."""
        self.kept.clear()
        written: set[str] = set()
        yield written
        written.update(self.kept - set(LOGS))


    @property
    def marked(self) -> bool:
        """Whether the last block left a trace that another request could meet: more than a line in the trail."""
        return bool(self.kept - {"audit_entry", "audit_head"})


@dataclass
class Place:
    """The portal on two townships, everybody signed in: `fresh()` puts the database back to that moment."""

    app: Flask
    stage: Any
    ids: dict[str, dict[str, Any]]
    cookies: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    signed: datetime = field(default_factory=lambda: datetime.now(UTC))
    put_back: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """The portal's real clock, put back with the database: however long the tests take, nobody is idle meanwhile."""
        return self.signed + (datetime.now(UTC) - self.put_back)

    def fresh(self, template: str = "signed") -> Place:
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        self.stage.copy(template, "access")
        self.put_back = datetime.now(UTC)
        return self

    def prepare(self) -> None:
        self.app.extensions["real_now"] = self.now
        for rule in self.app.url_map.iter_rules():
            self.rules |= {f"{method} {rule.endpoint}": rule for method in rule.methods - {"HEAD", "OPTIONS"}}
        with self.app.app_context():
            self.watch = Watch(db.engine)

    def enter(self, who: str, username: str) -> None:
        """Sign somebody in; the cookie is kept under the letter or word *who*."""
        desk = Desk(self.app, username)
        self.keep(who, desk)

    def keep(self, who: str, desk: Desk) -> None:
        cookie = desk.client.get_cookie("session")
        self.cookies[who], self.tokens[who] = cookie.value if cookie else "", desk.token

    def desk(self, who: str) -> Desk:
        """A browser of somebody who is signed in already; "-" is nobody."""
        desk = Desk(self.app)
        if self.cookies.get(who):
            desk.client.set_cookie("session", self.cookies[who])
        desk.token = self.tokens[who]
        return desk

    def looking(self) -> Any:
        return looking(self.app)

    def kept(self, *leaving_out: str) -> dict[str, list[tuple]]:
        return kept(self.app, *leaving_out)

    def id(self, side: str, door: Door) -> Any:
        return self.ids[side][door.row] if door.row else None

    def address(self, key: str, id: Any) -> str:
        """The address of a door, for one row where it asks for one."""
        door, path = TABLE[key], self.rules[ruled(key)].rule
        for name, text in door.path.items():
            path = re.sub(rf"<(\w+:)?{name}>", text, path)
        path = path.replace("<id>", quote(str(id), safe=""))
        return f"{path}?{urlencode({door.by[1:]: id})}" if door.row and door.by.startswith("?") else path

    def form(self, key: str, id: Any, real: Any = None) -> dict[str, Any]:
        """What the form of a door holds for row *id*; *real* is a row to make versions from, if *id* is none."""
        door, real = TABLE[key], id if real is None else real
        with self.looking():
            made = {name: made(real) if callable(made) else made for name, made in door.form.items()}
        named = {door.by: id} if door.row and door.by[0] not in "<?" and (id != real or door.by not in made) else {}
        return made | named

    def knock(self, desk: Desk, key: str, id: Any = None, *, method: str | None = None, form: Any = None) -> TestResponse:
        """One request with one's own token; the answer is ours, whatever it is."""
        method = method or key.split()[0]
        fields = desk.tokens() | (form or {})
        data = {"data": fields} if method not in ("GET", "HEAD", "OPTIONS") else {}
        answer = desk.client.open(self.address(key, id), method=method, **data)
        holds(told_how_to_be_safe(answer), method, key, id, answer.headers)
        return answer


def kept(app: Flask, *leaving_out: str) -> dict[str, list[tuple]]:
    """Every row of every table, but of those named."""
    with looking(app):
        return contents(*leaving_out)


def changed(before: dict, after: dict) -> list[str]:
    return [table for table in before if before[table] != after[table]]


def told_how_to_be_safe(answer: TestResponse) -> bool:
    headers = answer.headers
    return ("script-src 'self'" in headers.get("Content-Security-Policy", "") and headers["X-Content-Type-Options"] == "nosniff"
            and ("no-store" in headers.get("Cache-Control", "") or answer.request.path.startswith("/static/")))


def bare(answer: TestResponse) -> tuple:
    """All of an answer, but for the day and the cookie; a token, and what is left of a session, is other in every second."""
    headers = sorted((name, text) for name, text in answer.headers if name not in ("Date", "Set-Cookie"))
    page = re.sub(rb'(name="(?:csrf_token|once)" value=|data-idle=|data-life=)"[^"]*"', rb"\1", answer.data)
    return answer.status_code, headers, page


def unpacked(content: bytes) -> list[str]:
    """Everything that is written in a workbook, or in an archive of workbooks."""
    if content[:2] != b"PK":
        return [content.decode("utf-8", "replace")]
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return [text for name in opened.namelist() for text in unpacked(opened.read(name))]
