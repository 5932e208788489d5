"""What tests of screens stand on: a client that signs in, posts with its token, and checks every page it is given."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from factories import PASSWORD, arranging
from flask import Flask
from werkzeug.test import TestResponse

TOKENS = ["csrf_token", "once"]
VOID = {"meta", "link", "input", "br", "img", "hr"}
UNLABELLED = {"hidden", "submit", "button"}
# Latin letters that belong on a Chinese page.
KNOWN_WORDS = {"English", "PDF", "JPEG", "PNG", "App", "portal", "init", "Excel", "xlsx", "xls", "csv", "pdf", "Werkzeug",
               "serve", "backup", "PORTAL", "BACKUPS"}
USER_NAMES = "county_admin county_clerk county_reviewer county_approver auditor township system_admin security_admin"


class Page(HTMLParser):
    """A page taken apart; `faults` says in words what is wrong with it."""

    def __init__(self, text: str):
        super().__init__()
        self.text, self.faults, self.open = text, [], []
        self.ids: Counter[str] = Counter()
        self.labels: set[str] = set()
        self.inputs: list[dict] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.titles: dict[str, list[str]] = {"title": [], "h1": []}
        self.form: dict | None = None
        self.feed(text)
        self.close()
        self._judge()

    def handle_decl(self, decl: str) -> None:
        if decl.lower() != "doctype html":
            self.faults.append("no HTML5 doctype")

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        if len(given) != len(attrs):
            self.faults.append(f"an attribute twice in {tag}")
        self.faults += [f"inline {name} in {tag}" for name in given if name.startswith("on") or name == "style"]
        self.faults += [f"address {url}" for url in (given.get("href"), given.get("src"), given.get("action"))
                        if url and re.match(r"javascript:|https?:|//", url)]
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.faults.append(f"inline {tag}")
        if given.get("id"):
            self.ids[given["id"]] += 1
        if tag == "label" and given.get("for"):
            self.labels.add(given["for"])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in ("input", "select", "textarea"):
            self.inputs.append(given)
            if self.form is not None and given.get("name") in TOKENS:
                self.form["tokens"].append(given["name"])
        if tag == "form":
            self.faults += ["a form in a form"] * (self.form is not None)
            self.form = {"post": given.get("method", "").lower() == "post", "tokens": []}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes another tag")
        if tag == "form":
            if self.form["post"] and self.form["tokens"] != TOKENS:
                self.faults.append("a form to post without its token and one key")
            self.form = None

    def handle_data(self, data: str) -> None:
        for tag in self.titles:
            if tag in self.open:
                self.titles[tag].append(data)
        if not {"script", "style", "code"} & set(self.open):
            self.words += re.findall(r"[A-Za-z]{3,}", data)

    def _judge(self) -> None:
        title, heading = ("".join(self.titles[tag]).strip() for tag in ("title", "h1"))
        if self.open:
            self.faults.append(f"never closed: {self.open}")
        if self.text.count("<h1") != 1:
            self.faults.append(f"{self.text.count('<h1')} first headings")
        if not title.removeprefix("错误：").startswith(heading):
            self.faults.append(f"title {title!r} is not heading {heading!r}")
        self.faults += [f"id {name} stands {n} times" for name, n in self.ids.items() if n > 1]
        self.faults += [f"no label for {given}" for given in self.inputs
                        if given.get("type") not in UNLABELLED and given.get("id") not in self.labels
                        and not given.get("aria-label")]
        if 'lang="zh-CN"' not in self.text and 'lang="en"' not in self.text:
            self.faults.append("no language")


class Desk:
    """A browser of one person. Every page it gets is checked before the test sees it."""

    def __init__(self, app: Flask, username: str | None = None):
        self.client = app.test_client()
        self.token = ""
        if username:
            self.get("/login")
            answer = self.post("/login", username=username, password=PASSWORD)
            assert answer.status_code == 302, answer.text
            self.get("/admin/")

    def get(self, url: str, **options: Any) -> TestResponse:
        return self._checked(self.client.get(url, **options))

    def post(self, url: str, data: dict | None = None, **fields: Any) -> TestResponse:
        return self._checked(self.client.post(url, data=self.tokens() | (data or {}) | fields))

    def tokens(self) -> dict[str, str]:
        """What a form of a page has, with a new key."""
        return {"csrf_token": self.token, "once": secrets.token_urlsafe(16)}

    def find(self, room: str, text: str) -> TestResponse:
        """The list of a room, searched by its box."""
        return self.follow(self.post("/admin/find/", room=room, search=text))

    def follow(self, answer: TestResponse) -> TestResponse:
        assert answer.status_code == 302, answer.text
        return self.get(answer.location)

    def page(self, url: str) -> Page:
        return Page(self.get(url).text)

    def _checked(self, answer: TestResponse) -> TestResponse:
        headers = answer.headers
        assert "script-src 'self';" in headers["Content-Security-Policy"]
        assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "same-origin")
        if answer.mimetype == "text/html" and answer.status_code != 302:
            page = Page(answer.text)
            assert page.faults == [], (answer.request.path, page.faults)
            found = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
            self.token = found[1] if found else self.token
        return answer

    def english(self, page: Page) -> set[str]:
        """Words on a Chinese page that are not Chinese."""
        return {word for word in page.words if word not in KNOWN_WORDS and word not in USER_NAMES}


def hidden(text: str, name: str) -> str:
    """The value of a hidden field."""
    return re.search(rf'name="{name}" value="([^"]*)"', text)[1]


@contextmanager
def looking(app):
    """A look at the database behind the screens, and a hand in it."""
    with app.app_context(), arranging() as now:
        yield now


class Clock:
    """The real clock of a portal, moved by hand only: `app.extensions["real_now"] = clock`, `clock.on(minutes=15)`."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at

    def on(self, **by: float) -> None:
        self.at += timedelta(**by)
