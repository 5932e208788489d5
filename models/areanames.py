"""Names of townships and villages as lists write them, and the division code each of them means.

天宁镇磁窑村二组, 交城县天宁镇磁窑村委会 and 山西省吕梁市交城县天宁镇磁窑 are one village.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple

from models.cellreaders import Complaint
from models.idnumber import tidy
from models.words import N_, Message

_PUNCTUATION = re.compile(r"[()\[\]{}<>《》【】〔〕,，、.。;；:：/\\|_\"“”*#-]+")
_COMMUNITY = "社区居民委员会|社区居委会|社区委员会|居民委员会|居委会|社区"
_VILLAGE = "村民委员会|村委会|村委|行政村|村"
_SUFFIX = re.compile(f"(?:(?P<community>{_COMMUNITY})|(?P<village>{_VILLAGE}))$")
_COUNTED = re.compile(r"第?[0-9一二三四五六七八九十百]{1,4}(?:村民小组|居民小组|小组|组|小队|生产队|大队|队|号)$")
_GROUP = re.compile(r".{0,8}(?:组|队|号|楼|室|户)$")
_ABOVE_COUNTY = re.compile(r"[^县区旗镇乡村]{0,12}")  # 山西吕梁, with or without 省 and 市
_ABOVE = re.compile(r"(?:\w{2,7}?(?:省|自治区))?(?:\w{2,8}?(?:市|地区|自治州|州|盟))?")


class Place(NamedTuple):
    """A village under one of its names: its code and whether the name says village, community or neither."""

    code: str
    kind: str


class AreaIndex:
    """Finds division codes by name.

    *areas*: (code, name) of counties (6 digits), townships (9) and villages (12), any number of counties.
    *former*: names of abolished townships -> the code that holds their villages now, a township's or, where they
    were divided, the county's: {"洪相乡": "141122106"}.
    """

    def __init__(self, areas: Iterable[tuple[str, str]], former: Mapping[str, str] | None = None):
        self.names = {str(code): clean(name) for code, name in areas}
        townships = [(name, code) for code, name in self.names.items() if len(code) == 9]
        townships += [(clean(name), code) for name, code in (former or {}).items()]
        self._townships = sorted(townships, key=lambda each: -len(each[0]))
        self._villages: dict[str, set[Place]] = defaultdict(set)
        self._found: dict[str, str] = {}  # lists name the same few hundred places over and over
        for code, name in self.names.items():
            if len(code) == 12:
                self._add(code, name)

    def _add(self, code: str, name: str) -> None:
        base, kind = stem(name)
        forms = {base, stem(name.removeprefix(self.names.get(code[:9], "")))[0]} - {""}
        for form in forms:
            self._villages[form].add(Place(code, kind))

    def find(self, text: str) -> str:
        """The code that a text names: 12 digits for a village, 9 for a township alone.

        Raises Complaint `missing` for an empty text and `unknown_area` for everything that is no single place here.
        """
        if text not in self._found:
            self._found[text] = self._search(clean(text or ""))
        return self._found[text]

    def _search(self, text: str) -> str:
        if not text:
            raise Complaint("missing", N_("There is no village: write township and village, such as 天宁镇磁窑村."))
        if text in self.names and len(text) > 6:
            return text
        for readings in self._readings(text):
            found = {code for within, rest in readings for code in self._village(within, rest)}
            if len(found) == 1:
                return found.pop()
            if found:
                raise Complaint("unknown_area", N_("“{text}” may be any of {names}: write county and township in "
                                                   "front."), text=text, names=self._said(sorted(found)))
        raise self._unknown(text)

    def _readings(self, text: str) -> Iterator[list[tuple[str, str]]]:
        """Ways to take the text apart, the surest first: lists of (code to look in, name left over)."""
        named = [(code, text[at + len(name):]) for name, code in self._townships
                 if (at := text.find(name)) >= 0 and self._leads(text[:at], code)]
        if named:
            yield named
            return
        text = self._below_county(text)
        yield [("", text)]
        short = [(re.sub(r"[镇乡]$", "", name), code) for name, code in self._townships]
        yield [(code, text[len(name):]) for name, code in short if text.startswith(name) and text != name]

    def _leads(self, before: str, code: str) -> bool:
        """Whether what stands before a township's name is its province, prefecture and county, or less."""
        county = self.names.get(code[:6], "")
        if county and before.endswith(county):
            return bool(_ABOVE_COUNTY.fullmatch(before.removesuffix(county)))
        return bool(_ABOVE.fullmatch(before.removesuffix(county[:-1])))

    def _below_county(self, text: str) -> str:
        for county in (name for code, name in self.names.items() if len(code) == 6):
            before, name, after = text.partition(county)
            if name and _ABOVE_COUNTY.fullmatch(before):
                return after
        return text

    def _village(self, within: str, text: str) -> set[str]:
        """The villages of that name whose codes start with *within*; the place itself where no name is left."""
        if not text:
            return {within} if len(within) == 9 else set()
        for head in without_group(text):
            codes = self._codes(head, within)
            if codes:
                return {code for code in codes if self.names[code] == head} or codes
        return set()

    def _codes(self, text: str, within: str) -> set[str]:
        base, kind = stem(text)
        places = {place for form in {text, base} for place in self._villages.get(form, ()) if
                  place.code.startswith(within)}
        alike = {place.code for place in places if place.kind == kind}
        return alike if kind and len({place.code for place in places}) > 1 and alike else {p.code for p in places}

    def _unknown(self, text: str) -> Complaint:
        """Why a text is no place here, with what it may have meant."""
        within, rest = next(iter(next(self._readings(text))), ("", text))
        near = self._nearest(within, rest or text) or self._nearest("", rest or text)
        what = Message(N_("“{text}” is no township or village here."), {"text": text})
        if within in self.names and rest:
            what = Message(N_("{township} has no village “{text}”."), {"township": self.names[within], "text": rest})
        if near:
            return Complaint("unknown_area", N_("{what} The nearest names: {names}."), what=what, names=near)
        return Complaint("unknown_area", N_("{what} Write township and village as the table of areas has them, "
                                            "such as 天宁镇磁窑村."), what=what)

    def _nearest(self, within: str, text: str) -> str:
        """Up to three full names that look like a text."""
        codes = {form: place.code for form, places in self._villages.items() for place in places
                 if place.code.startswith(within)}
        return self._said(codes[form] for form in get_close_matches(stem(text)[0], codes, n=3, cutoff=0.4))

    def _said(self, codes: Iterable[str]) -> str:
        return "、".join(self.full_name(code) for code in codes)

    def full_name(self, code: str) -> str:
        """Township and village in one, as lists write them: 天宁镇磁窑村委会."""
        township, village = self.names.get(code[:9], ""), self.names.get(code, "") if len(code) == 12 else ""
        return township + village.removeprefix(township)


def clean(name: str) -> str:
    """A name without blanks and punctuation, half-width."""
    return _PUNCTUATION.sub("", tidy(str(name)))


def stem(name: str) -> tuple[str, str]:
    """A village's name without what it is (村委会, 村, 社区, …), and which of both it said it is.

    成村村委会 is 成村, 磁窑村委会 is 磁窑; 成村 alone would be 成, so callers try the whole name as well.
    """
    found = _SUFFIX.search(name)
    return (name[:found.start()], found.lastgroup or "") if found and found.start() else (name, "")


def without_group(text: str) -> Iterator[str]:
    """The text, then the text without a group or house at its end: 磁窑村二组, 磁窑村东头组, 磁窑村3组12号."""
    yield text
    short = text
    while (shorter := _COUNTED.sub("", short)) not in (short, ""):
        short = shorter
        yield short
    for found in reversed(list(re.finditer(f"{_COMMUNITY}|{_VILLAGE}", text))):
        if _GROUP.fullmatch(text[found.end():]):
            yield text[:found.end()]
