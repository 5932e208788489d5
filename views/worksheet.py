"""What the page of a settlement shows: month by month, the sums, the reasons, the signatures, the frozen facts."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from models.ledger import Settlement
from models.money import yuan
from models.settlement import settle
from models.words import N_, Refusal
from views.people import person
from views.reference import ITEMS
from views.words import moment, say

PARTIES = {"person": N_("The person"), "impostor": N_("The impostor")}
ALL_ITEMS = ITEMS | {"account": N_("Account pension"), "supplement_account": N_("Supplementary account pension")}
SUMS = (("back_pay", N_("Back pay")), ("recover", N_("To recover")), ("offset", N_("Offset")),
        ("still_to_refund", N_("Still to refund")), ("refunded", N_("Refunded so far")),
        ("uncovered", N_("Refund still due")), ("refund_to_person", N_("To the person or heirs")))
FACTS = {
    "as_of": N_("As of"), "paused_from": N_("Suspended from"), "resumes": N_("First month paid by the ordinary run"),
    "born": N_("Born"), "basic_from": N_("Basic pension from"), "supplement_from": N_("Supplementary pension from"),
    "years_paid": N_("Years paid"), "account_pension": N_("Account pension a month"),
    "account_balance": N_("Account balance"), "government_subsidy": N_("of it government subsidy"),
    "supplement_account_pension": N_("Supplementary account pension a month"),
    "supplement_account_balance": N_("Supplementary account balance"), "certified_on": N_("Certified on"),
    "card_bound_on": N_("Card made and bound on"), "other_from": N_("Drawn from"), "other_to": N_("Drawn until"),
    "other_kind": N_("Kind of the other pension"), "custody_from": N_("In custody from"),
    "released_on": N_("Released on"), "outcome": N_("Judgment"), "died_on": N_("Died on"),
    "funeral_grant": N_("Funeral grant"), "impostor_from": N_("Drawn from"), "impostor_to": N_("Drawn until"),
    "alive": N_("Is the true person alive")}
VALUES = {"employee": N_("Employees' pension"), "resident": N_("Residents' pension elsewhere"),
          "sentenced": N_("Sentenced"), "acquitted": N_("Acquitted"), True: N_("Yes"), False: N_("No")}


def worksheet(row: Settlement) -> dict[str, Any]:
    """All the figures of a settlement, as they were signed."""
    why, agrees = _reasons(row)
    bases = list(dict.fromkeys(line.basis for line in row.lines))
    return {"months": _months(row, bases), "bases": list(enumerate(bases, 1)), "agrees": agrees, "why": why,
            "sums": [(say(title), yuan(getattr(row, name)), getattr(row, name)) for name, title in SUMS],
            "signed": _signatures(row), "receipts": [(r.received_on, yuan(r.amount), r.voucher_no, person(r.recorded_by))
                                                     for r in row.receipts],
            "facts": _facts(row.facts), "rates": [_rate(rate) for rate in row.facts["rates"]]}


def _months(row: Settlement, bases: list[str]) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """Each month with its lines; a basis by its number in the list below."""
    return [(str(month), [(say(PARTIES[line.party]), say(ALL_ITEMS[line.item]), yuan(line.entitled), yuan(line.paid),
                           yuan(line.difference), bases.index(line.basis) + 1) for line in lines])
            for month, lines in groupby(row.lines, key=lambda line: line.month)]


def _reasons(row: Settlement) -> tuple[list[str], bool]:
    """The reasons in the reader's language, and whether the frozen facts still give the signed figures."""
    try:
        anew = settle(row.facts, say)
    except Refusal:
        return row.result["why"], False
    agrees = {**anew, "why": None} == {**row.result, "why": None}
    return (anew if agrees else row.result)["why"], agrees


def _signatures(row: Settlement) -> list[tuple[str, str, str, str]]:
    signed = [(N_("Computed"), row.submitted_by, row.submitted_at, ""), (N_("Reviewed"), row.reviewed_by, row.reviewed_at, ""),
              (N_("Signed off"), row.approved_by, row.approved_at, ""),
              (N_("Sent back"), row.ended_by, row.ended_at, row.ended_why or "")]
    return [(say(what), person(by), moment(at), why) for what, by, at, why in signed if by]


def _facts(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """What the arithmetic was given, but for the rates."""
    given = {**{name: facts[name] for name in ("as_of", "paused_from", "resumes")}, **facts["person"], **facts["facts"]}
    return [(say(FACTS.get(name, name)), _said(value)) for name, value in given.items() if value is not None]


def _said(value: Any) -> str:
    return say(VALUES[value]) if isinstance(value, bool | str) and value in VALUES else str(value)


def _rate(rate: dict[str, Any]) -> tuple[str, str, str, str, str]:
    return (say(ALL_ITEMS[rate["item"]]), rate["from"], str(rate["min_age"] or "–"), rate["amount"], rate["basis"])
