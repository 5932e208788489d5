"""Nonsense for every part of a request, from a seed: the same requests in every run."""

from __future__ import annotations

import io
from random import Random
from typing import Any
from urllib.parse import quote, quote_from_bytes

from werkzeug.routing import Rule

TEXTS = (
    "", " ", "0", "-1", "1", "2", "99999999999999999999999", "1" * 400, "1.5", "1e309", "NaN", "0x1", "٣", "１", "1,2", "true",
    "null", "'", '"', "' OR 1=1--", "%", "_", "\\", "../../etc/passwd", "a\tb", "a\r\nSet-Cookie: x=1", "\x01", "\x7f", "{{7*7}}",
    "\u202e王", "\ufeff", "\U0010ffff", "\ud7ff", "\ue000", "𠮷", "👵", "é" * 300, "王" * 300, "${7}", "<script>x</script>",
    "javascript:x", "http://[", "//evil.example", "/\\evil", "%0a", "2021-02-30", "9999-12-31", "0001-01-01", "2021-13",
    "2021年8月1日", "=1+1", "142322195003121233", "verified", "late", "141122100", "141122101", "141122999", "me",
    "case.index_view", "zip", "admin", "[]", "{}", "[1]", '{"a": 1}')
BYTES = (b"\xff", b"\xed\xa0\x80", b"\xc3", b"a\0b", b"\xf4\x90\x80\x80", b"%", b"%zz", b"%u0041", b"+", b"%25%30", b"\x80" * 50)
NAMES = (
    "id", "page", "sort", "desc", "page_size", "search", "endpoint", "url", "next", "flt0_state", "flt1_township", "flt2_village",
    "flt", "flt0_", "flt9_due", "flt0_act", "flt[]", "day", "township", "kind", "_method", "_external", "lang", "a[b]", "")
FIELDS = (
    "step", "version", "seen", "why", "category", "kind", "rowid", "row", "ids", "action", "deed", "stage", "handout", "person",
    "username", "password", "role", "name", "area_code", "amount", "from_month", "min_age", "on", "fact-category", "fact-how",
    "fact-certified_on", "proof-other", "sha256", "locale", "next", "all", "then", "id", "leader", "members", "file", "plan",
    "verify_by", "refund_days")
TYPES = (
    "application/json", "text/plain", "application/xml", "multipart/form-data", "multipart/form-data; boundary=", "\xff", "",
    "application/x-www-form-urlencoded; charset=utf-7", "multipart/form-data; boundary=x", "image/png")
PART = b"--x\r\nContent-Disposition: form-data; "
BODIES = (
    b"", b"{", b"--x\r\n", PART + b"name=\r\n\r\n--x--", PART + b"\r\n\r\nnameless\r\n--x--\r\n", b"\x00" * 100,
    b"a=%ff&b=%00&=&&a", b"=" * 2000, PART + b"name=\"file\"; filename=\"\xff\"\r\n\r\nPK\x03\x04\r\n--x--\r\n",
    PART + b"filename=\"a.png\"\r\n\r\nnameless\r\n--x--\r\n",
    PART + b"name=\"a\"\r\nContent-Type: text/x; charset=no\r\n\r\n\xff\r\n--x--")
HEADERS = (
    ("Referer", "http://localhost/admin/case/"), ("Referer", "http://[/"), ("Referer", "\xff"), ("X-Forwarded-For", "1" * 3000),
    ("Accept-Language", "zz;q=x"), ("User-Agent", "x" * 5000), ("Range", "bytes=9-1"), ("If-Modified-Since", "never"),
    ("If-None-Match", '"'), ("Content-Length", "x"), ("Host", "evil.example"), ("X-HTTP-Method-Override", "DELETE"),
    ("Cookie", "session=" + "x" * 100), ("Cookie", "session=.eJx; session=; =;"), ("Cookie", "\xff=\xff; session"))
PLANES = ((1, 128), (0x4E00, 0x9FFF), (0x10000, 0x10FFFF))


class Noise:
    """Requests by chance; *ids* are texts that name real rows, so that not everything stops at the first check."""

    def __init__(self, seed: int, ids: list[str]):
        self.chance, self.ids = Random(seed), ids

    def text(self) -> str:
        """A text as it stands in an address: quoted, or bytes that are no UTF-8."""
        if self.chance.random() < 0.12:
            return quote_from_bytes(self.chance.choice(BYTES), safe="%+" if self.chance.random() < 0.5 else "")
        return quote(self.word().encode("utf-8", "surrogatepass"), safe="")

    def word(self) -> str:
        if self.chance.random() < 0.25:
            return self.chance.choice(self.ids)
        if self.chance.random() < 0.2:
            return "".join(chr(self.chance.randrange(*self.chance.choice(PLANES))) for _ in range(self.chance.randrange(12)))
        return self.chance.choice(TEXTS)

    def path(self, rule: Rule) -> str:
        """The address of a rule with something in every place."""
        path = rule.rule
        for name in rule.arguments:
            mark = next(part for part in path.split("<") if part.partition(">")[0].rpartition(":")[2] == name).partition(">")[0]
            path = path.replace(f"<{mark}>", (self.chance.choice(self.ids) if self.chance.random() < 0.6 else self.text()) or "x")
        return path

    def query(self) -> str:
        names = [self.chance.choice(NAMES) for _ in range(self.chance.randrange(4))]
        names += names[:1] * (self.chance.random() < 0.2)  # the same name twice
        return "&".join(f"{name}={self.text()}" for name in names) + ("&" * 3 + "=" if self.chance.random() < 0.05 else "")

    def form(self, known: dict[str, Any]) -> dict[str, Any]:
        """The fields of a form that would do something, some of them spoiled, and some that are none of it."""
        spoiled = {name: value if self.chance.random() < 0.6 else self.word() for name, value in known.items()}
        more: dict[str, Any] = {name: [self.word()] * self.chance.choice((1, 1, 1, 2, 40))
                                for name in self.chance.sample(FIELDS, self.chance.randrange(4))}
        if self.chance.random() < 0.1:
            more[self.chance.choice(FIELDS)] = (io.BytesIO(self.chance.choice(BODIES)), self.word() or "x")
        return spoiled | more

    def headers(self) -> list[tuple[str, str]]:
        return [self.chance.choice(HEADERS)] if self.chance.random() < 0.15 else []

    def body(self) -> dict[str, Any]:
        return {"data": self.chance.choice(BODIES), "content_type": self.chance.choice(TYPES)}
