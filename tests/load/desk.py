"""A desk: somebody who asks for pages, fills their forms and judges every answer, over any wire."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from html import unescape
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

import forms

PASSWORD = "Jiaocheng-2021"
READ = (2.0, 5.0)    # seconds over a page or a form, before it is sent
FRAME = '<form id="fetch"'  # of every page of somebody signed in
LISTED = 'class="pager"|class="empty"'
SAVED = 'class="note done"'


class Wrong(Exception):
    """An answer that is not what it should be."""


class Answer(NamedTuple):
    status: int
    location: str
    content: bytes


class Wire(Protocol):
    """How requests travel. *judge* raises Wrong, and the wire counts the request as failed by its words."""

    def __call__(self, method: str, path: str, name: str, judge: Callable[[Answer], None], body: bytes | None = None,
                 kind: str = "") -> Answer: ...


class Page(NamedTuple):
    """A page, and the address it is at."""

    path: str
    text: str

    def form(self, action: str = "", has: str = "") -> forms.Form:
        """The form whose action fits the pattern, or that holds *has*; one without an action goes to its page."""
        found = forms.form(self.text, action, has)
        if found is None:
            raise Wrong(f"{self.path.partition('?')[0]} has no form {action or has}")
        found.action = found.action or self.path
        return found

    def button(self, address: str) -> forms.Form | None:
        """The form of a button that fetches a file."""
        there = re.search(rf'formaction="({address})"', self.text)
        if there:
            fetch = forms.form(self.text, id="fetch")
            fetch.action = unescape(there[1])
            return fetch
        return None

    @property
    def ids(self) -> list[str]:
        """Of the rows of a list."""
        return re.findall(r'name="rowid" value="(\d+)"', self.text) or re.findall(r'/details/\?id=(\d+)', self.text)


def _page(wants: str) -> Callable[[Answer], None]:
    def judge(answer: Answer) -> None:
        text = answer.content.decode("utf-8", "replace")
        if answer.status != 200:
            told = re.search(r'id="problems".*?<li>(.*?)</li>', text, re.DOTALL)
            raise Wrong(f"{answer.status}, not 200{': ' + re.sub('<.*?>', '', told[1])[:80] if told else ''}")
        if not re.search(wants, text):
            raise Wrong(f"no {wants} in the page")
    return judge


def _leads(to: str) -> Callable[[Answer], None]:
    def judge(answer: Answer) -> None:
        if answer.status != 302:
            _page("")(answer)
        if answer.status != 302 or not re.search(to, answer.location):
            raise Wrong(f"{answer.status} to {answer.location.partition('?')[0]}, not 302 to {to}")
    return judge


def _file(start: bytes) -> Callable[[Answer], None]:
    def judge(answer: Answer) -> None:
        if answer.status != 200 or not answer.content.startswith(start):
            raise Wrong(f"{answer.status}, and no file that begins with {start!r}")
    return judge


class Desk:
    """One person at work. Of the rows a list shows, number *number* of *of* alike takes those that are theirs."""

    def __init__(self, wire: Wire, username: str, number: int = 0, of: int = 1,
                 wait: Callable[[float], None] = lambda seconds: None):
        self.wire, self.username, self.number, self.of, self.wait = wire, username, number, of, wait
        self.dice = random.Random(username)
        self.done: dict[str, int] = {}  # what was acknowledged, by act of the trail

    def get(self, path: str, name: str, wants: str = FRAME) -> Page:
        return Page(path, self.wire("GET", path, name, _page(wants)).content.decode("utf-8", "replace"))

    def send(self, form: forms.Form, name: str, to: str | None = None, wants: str = FRAME, **files: forms.File) -> Page:
        """Send a form. *to*: a pattern of where it leads, whose page is fetched; None: the answer itself is the page."""
        body, kind = form.sent(**files)
        answer = self.wire("POST", form.action, name, _page(wants) if to is None else _leads(to), body, kind)
        if to is None:
            return Page(form.action, answer.content.decode("utf-8", "replace"))
        return self.get(answer.location, f"{name}, then", wants)

    def fetch(self, form: forms.Form, name: str, start: bytes) -> None:
        """Save a file."""
        body, kind = form.sent()
        self.wire("POST", form.action, name, _file(start), body, kind)

    def note(self, act: str, times: int = 1) -> None:
        self.done[act] = self.done.get(act, 0) + times

    def ponder(self) -> None:
        self.wait(self.dice.uniform(*READ))

    def sign_in(self) -> None:
        form = self.get("/login", "sign-in page", 'name="password"').form("/login")
        self.send(form.fill(username=self.username, password=PASSWORD), "sign in", "/")
        self.note("sign_in")

    def list(self, path: str, name: str, **asked: object) -> Page:
        """A list; filters by their keys, and `page`, `page_size`, `sort`."""
        plain = {key: asked.pop(key) for key in ("page", "page_size", "sort", "search") if key in asked}
        numbered = {f"flt{number}_{key}": value for number, (key, value) in enumerate(asked.items())}
        return self.get(f"{path}?{urlencode(numbered | plain)}", name, LISTED)

    def mine(self, page: Page) -> list[str]:
        """Ids of the rows of a list that no colleague takes."""
        return [id for id in dict.fromkeys(page.ids) if int(id) % self.of == self.number]

    def pick(self, path: str, name: str, **filters: str) -> str | None:
        """A row of one's own on one of the first pages of a list; none where nothing is left."""
        ids = self.mine(self.list(path, name, **filters, page=self.dice.randrange(4)))
        return self.dice.choice(ids) if ids else None
