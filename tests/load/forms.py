"""The forms of a page, filled in and sent as a browser would: every field as it stands, hidden ones with the others."""

from __future__ import annotations

import re
import secrets
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urlencode


class File(NamedTuple):
    """What is chosen in a field for files."""

    name: str
    content: bytes
    media_type: str


class Form(HTMLParser):
    """One form: `fields` is what would be sent, `choices` what its selects and radio buttons offer, `files` its file fields."""

    def __init__(self, text: str):
        super().__init__()
        self.action, self.fields, self.choices, self.files, self.kinds = "", [], {}, [], {}
        self._select = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action, self.many_parts = given.get("action", ""), given.get("enctype") == "multipart/form-data"
        elif tag == "input" and given.get("name"):
            self._input(given["name"], given.get("type", "text"), given)
        elif tag == "select" and given.get("name"):
            self._select = given["name"]
            self.choices[self._select], self.kinds[self._select] = [], "select"
        elif tag == "option" and self._select:
            self.choices[self._select].append(given.get("value", ""))
            if "selected" in given:
                self.fill(**{self._select: given.get("value", "")})

    def _input(self, name: str, kind: str, given: dict) -> None:
        self.kinds[name] = kind
        if kind == "file":
            self.files.append(name)
        elif kind in ("radio", "checkbox"):
            self.choices.setdefault(name, []).append(given.get("value", "on"))
            if "checked" in given:
                self.fields.append((name, given.get("value", "on")))
        elif kind not in ("submit", "button"):
            self.fields.append((name, given.get("value") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select:
            if self._select not in dict(self.fields) and self.choices[self._select]:
                self.fields.append((self._select, self.choices[self._select][0]))
            self._select = None

    def fill(self, **values: str | list[str]) -> Form:
        """Type or choose; several values of one name are ticked together."""
        for name, value in values.items():
            self.fields = [field for field in self.fields if field[0] != name]
            self.fields += [(name, each) for each in ([value] if isinstance(value, str) else value)]
        return self

    def sent(self, **files: File) -> tuple[bytes, str]:
        """Body and content type."""
        if not self.many_parts:
            return urlencode(self.fields).encode(), "application/x-www-form-urlencoded"
        mark = secrets.token_hex(12)
        parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
                 for name, value in self.fields]
        for name in self.files:
            file = files.get(name, File("", b"", "application/octet-stream"))
            parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{file.name}"\r\n'
                         f"Content-Type: {file.media_type}\r\n\r\n".encode() + file.content + b"\r\n")
        return b"".join([*parts, f"--{mark}--\r\n".encode()]), f"multipart/form-data; boundary={mark}"


def form(text: str, action: str = "", has: str = "", id: str = "") -> Form | None:
    """The first form of a page whose action fits the pattern *action*, that holds *has*, or is called *id*."""
    for slice in re.findall(r"<form\b.*?</form>", text, re.DOTALL):
        opening = slice.partition(">")[0]
        if ((not action or re.search(rf'action="[^"]*{action}', opening)) and (not id or f'id="{id}"' in opening)
                and has in slice):
            return Form(slice)
    return None
