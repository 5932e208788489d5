"""Sums of money in words (大写金额), as the central bank's rules for bills ask (支付结算办法 附一)."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

from models.money import fen
from models.words import N_, Refusal


def in_words(amount: str, prefix: str = "") -> str:
    """The capital form of a two-decimal yuan string: '1409.50' is 壹仟肆佰零玖元伍角, '325.00' 叁佰贰拾伍元整.

    *prefix* is put before it ('人民币'). Raises Refusal for what is not such a string, and for a negative sum,
    which no paper may carry in words.
    """
    if fen(amount) < 0:
        raise Refusal(N_("A negative amount ({text}) cannot be written in words."), text=amount)
    return prefix + _capital(Decimal(amount))


@cache
def _capital(amount: Decimal) -> str:
    import cn2an  # here, because it reads its tables on import

    # cn2an cuts a third decimal off without a word: fen() has refused one before we come here.
    return cn2an.an2cn(format(amount, "f"), "rmb")
