"""The settlement (待遇核算): one JSON document in, one out; pure arithmetic without a database or a clock.

The way of a document: fields, trial (entitlement, rates), worksheet, totals, reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.fields import read_json
from models.money import yuan
from models.rates import ITEMS, read_rates_csv
from models.reasons import reasons
from models.totals import sums, total
from models.trial import Trial, read_trial
from models.worksheet import Line, worksheet

Say = Callable[[str], str]      # a message id -> its text in the reader's language
Document = dict[str, Any]


def settle(document: Document, say: Say = str) -> Document:
    """The settlement of a document: months YYYY-MM, dates YYYY-MM-DD, money in two-decimal yuan strings.

    In: `as_of, person, paused_from, resumes, payments, category, facts, rates`. Out: `lines, back_pay, recover,
    by_item, account_balance_after, supplement_account_balance_after, offset, still_to_refund,
    refund_to_person_or_heirs, may_seal, why`; *say* translates the sentences of `why`.
    Raises Refusal, and nothing else, for whatever cannot be settled.
    """
    return _settled(read_trial(document), say)


def settle_document(text: str, rates_csv: str | None = None, say: Say = str) -> Document:
    """The settlement of a JSON text, with the rates of a CSV text beside its own. Raises Refusal like settle()."""
    rates = [] if rates_csv is None else read_rates_csv(rates_csv)
    return _settled(read_trial(read_json(text), rates), say)


def _settled(trial: Trial, say: Say) -> Document:
    lines = worksheet(trial)
    totals = total(trial, lines)
    return {
        "lines": [_line(line) for line in lines],
        "back_pay": yuan(totals.back_pay),
        "recover": yuan(totals.recover),
        "by_item": _by_item(lines),
        "account_balance_after": yuan(totals.account_after),
        "supplement_account_balance_after": yuan(totals.supplement_account_after),
        "offset": yuan(totals.offset),
        "still_to_refund": yuan(totals.still_to_refund),
        "refund_to_person_or_heirs": yuan(totals.refund),
        "may_seal": totals.may_seal,
        "why": [reason.say(say) for reason in reasons(trial, totals)],
    }


def _line(line: Line) -> Document:
    return {"month": str(line.month), "party": line.party, "item": line.item, "entitled": yuan(line.entitled),
            "paid": yuan(line.paid), "difference": yuan(line.difference), "basis": line.basis}


def _by_item(lines: list[Line]) -> Document:
    of_item = {item: [line for line in lines if line.item == item] for item in ITEMS}
    return {item: dict(zip(("back_pay", "recover"), map(yuan, sums(found)), strict=True))
            for item, found in of_item.items() if found}
