"""Money: integer 分 inside, two-decimal yuan at the edge."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from models.words import N_, Refusal

_YUAN = re.compile(r"-?(0|[1-9]\d{0,11})\.\d{2}", re.ASCII)


def fen(text: str) -> int:
    """分 of a two-decimal yuan string such as '103.00'. Raises Refusal for anything else; never rounds."""
    if not isinstance(text, str) or not _YUAN.fullmatch(text):
        raise Refusal(N_("“{text}” is not an amount: write yuan with two decimals, such as 103.00."), text=text)
    return int(text.replace(".", ""))


def yuan(amount: int) -> str:
    """The two-decimal yuan string of an amount in 分."""
    sign, amount = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}{amount // 100}.{amount % 100:02d}"


def rounded(amount: Decimal) -> int:
    """分 of an exact amount in yuan: the one place where money is rounded (half up)."""
    return int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
