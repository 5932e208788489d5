"""The reasons of a settlement: the sentences with which an officer answers for its figures."""

from __future__ import annotations

from collections.abc import Iterator

from models.entitlement import NEVER, ruling
from models.money import yuan
from models.totals import Totals, closes_twin
from models.trial import Trial
from models.words import N_, Message


def reasons(trial: Trial, totals: Totals) -> Iterator[Message]:
    """Why the months and totals of a settlement are what they are, from the general to the particular."""
    yield Message(ruling(trial.category).why)
    yield _paid(trial)
    yield _period(trial)
    yield from _peculiar(trial)
    yield from _sealing(totals)


def _paid(trial: Trial) -> Message:
    if trial.payments is None:
        return Message(N_("Without payment records, the months before {paused} count as paid in full, and none since."),
                       {"paused": trial.paused_from})
    if trial.payments.first is None:
        return Message(N_("The payment records are empty: nothing was ever paid."))
    return Message(N_("The payment records begin in {first}: earlier months were left alone."),
                   {"first": trial.payments.first})


def _period(trial: Trial) -> Message:
    if trial.resumes is None:
        return Message(N_("Settled through {last}."), {"last": trial.last})
    return Message(N_("Settled through {last}; from {resumes} the ordinary run pays."),
                   {"last": trial.last, "resumes": trial.resumes})


def _peculiar(trial: Trial) -> Iterator[Message]:
    if trial.lost != NEVER:
        yield Message(N_("In months without entitlement, account pensions are the person's own money: "
                         "they are not recovered, for the balance has already shrunk by them."))
    if trial.category in ("duplicate", "dual_household") and not closes_twin(trial):
        yield Message(N_("Payment resumes, so the account stays open and nothing is offset from it."))
    if trial.facts.get("alive") and trial.facts["died_on"]:
        yield Message(N_("The person is recorded as alive, so the day of death given, {died}, was passed over. "
                         "Find out which is right."), {"died": trial.facts["died_on"]})


def _sealing(totals: Totals) -> Iterator[Message]:
    if totals.may_seal is True:
        yield Message(N_("The account may be sealed: no overpayment remains."))
    if totals.may_seal is False:
        yield Message(N_("The account must not be sealed: {amount} yuan of overpayment remain after the offset."),
                      {"amount": yuan(totals.still_to_refund)})
