"""The citizen's ID number (公民身份号码, GB 11643): one person, however it is spelled.

The region part is never checked: old people's numbers carry codes that were abolished long ago.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from stdnum.cn.ric import calc_check_digit

from models.words import N_, Refusal

_INVISIBLE = re.compile(r"[\s'’‘`\u00a0\u200b-\u200f\u202a-\u202e\u2060\ufeff\u3000]+")
_LONG = re.compile(r"[0-9Xx*]{14,}")  # shorter ones are codes, months and amounts


class IdRefusal(Refusal):
    """An ID number that cannot be right. *code* is the import's code for the fault."""

    def __init__(self, code: str, message: str, **values: object):
        super().__init__(message, **values)
        self.code = code


def tidy(text: str) -> str:
    """Full-width and lower-case forms, blanks and stray apostrophes put right; nothing judged."""
    bare = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).upper()
    # What a blank held apart may belong together now (a letter and its accent).
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", bare))


def canonical(text: str) -> str:
    """The 18-character form of any spelling of an ID number; 15-digit numbers are upgraded.

    Raises IdRefusal with code `missing`, `id_format` or `id_checksum`.
    """
    number = tidy(text)
    if not number:
        raise IdRefusal("missing", N_("There is no ID number."))
    if re.fullmatch(r"\d{15}", number, re.ASCII):
        number = number[:6] + "19" + number[6:]
        number += calc_check_digit(number + "0")
    if not re.fullmatch(r"\d{17}[\dX]", number, re.ASCII):
        raise IdRefusal("id_format", N_("An ID number has 18 characters: 17 digits, then a digit or X."))
    birth_date(number)
    if calc_check_digit(number) != number[-1]:
        raise IdRefusal("id_checksum", N_("The last character does not fit the other 17: one of them is mistyped."))
    return number


def birth_date(number: str) -> date:
    """The birth date inside an 18-character number. Raises IdRefusal `id_format` if the calendar has no such day."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise IdRefusal("id_format", N_("The birth date inside the ID number is not a day of the calendar.")) from None


def sex(number: str) -> str:
    """'男' or '女', by the 17th digit."""
    return "男" if int(number[16]) % 2 else "女"


def tail(number: str) -> str:
    """The last four of an ID, card or phone number, by which people tell namesakes apart; nothing of a short one.

    Of an ID number these are the sequence of the day and the check digit. With the region known, as it is in a county,
    one birth date in eleven fits them: about 1,060 of the 11,688 between 1930 and 1961. The sex is
    the parity of the third of them, so a sex beside the tail tells nothing new; a birth year leaves 33, a date just one.
    So a tail and a birth date, an age or a longer piece of the number never stand together.
    """
    return number[-4:] if len(number) >= 8 else ""


def masked(number: str) -> str:
    """What pages, sheets and the trail show of an ID, card or phone number: dots, then its tail. The one mask."""
    return "•" * (len(number) - len(tail(number))) + tail(number)


def masked_within(text: str) -> str:
    """A sentence with whatever number of a person stands in it masked, also one that is spelled wrongly."""
    return _LONG.sub(lambda found: masked(found[0]), text)


def short(number: str) -> str:
    """The mask where there is little room."""
    return masked(number)[-8:]
