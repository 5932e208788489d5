"""Templates of papers: plain facts in, HTML out."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from exports.amounts import in_words
from models import money
from models.idnumber import tail
from models.months import Month, parse_date

TEMPLATES = Path(__file__).parent.parent / "templates"


def page(template: str, facts: dict[str, Any]) -> str:
    """The HTML of *template*, a path under templates/.

    Every text of the facts is escaped. A name that the facts do not know raises jinja2.UndefinedError: a bug.
    """
    html = _environment().get_template(template).render(facts)
    # Between two hanzi a line break of the source would be printed as a blank.
    return "".join(line.strip() for line in html.split("\n"))


def day(text: str) -> str:
    """2021年9月19日 of '2021-09-19': no leading zeros (GB/T 9704 7.3.5.4)."""
    return "{0.year}年{0.month}月{0.day}日".format(parse_date(text))


def month(text: str) -> str:
    """2021年9月 of '2021-09'."""
    return "{0.year}年{0.month}月".format(Month.parse(text))


def weekday(text: str) -> str:
    """星期日 of '2021-09-19'."""
    return "星期" + "一二三四五六日"[date.weekday(parse_date(text))]


def grouped(amount: str) -> str:
    """2,523.00 of '2523.00'."""
    yuan, _, cents = money.yuan(money.fen(amount)).partition(".")
    return f"{int(yuan):,}.{cents}" if yuan != "-0" else amount


def balanced(text: str, widest: int = 20, words: tuple[str, ...] = ()) -> list[str]:
    """A title in the fewest lines of at most *widest* characters, near equal, never broken inside one of *words*."""
    if len(text) <= widest:
        return [text]
    lines = -(-len(text) // widest)
    inside = {start + n for word in words for start in _places(text, word) for n in range(1, len(word))}
    ideal = -(-len(text) // lines)
    cut = min((n for n in range(1, min(widest, len(text) - 1) + 1) if n not in inside),
              key=lambda n: (abs(n - ideal), n))
    return [text[:cut], *balanced(text[cut:], widest, words)]


def _places(text: str, word: str) -> list[int]:
    return [n for n in range(len(text)) if text.startswith(word, n)]


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False)
    environment.filters.update(day=day, month=month, weekday=weekday, yuan=grouped, yuan_words=in_words,
                               tail=tail)
    return environment
