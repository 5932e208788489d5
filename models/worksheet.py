"""The worksheet (逐月核算): what each month and item owes or was overpaid. Integer 分 throughout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from models.months import Month
from models.rates import ITEMS, OWN_MONEY, Rate
from models.trial import Trial
from models.words import N_, Refusal


class Figure(NamedTuple):
    """An amount in 分 and what it rests on, in the language of documents."""

    amount: int
    basis: str


NO_ENTITLEMENT = Figure(0, "当月无待遇领取资格")
NOT_YET_RUNNING = Figure(0, "当月尚无此项待遇")
NO_RATE_FOR_AGE = Figure(0, "当月无适用此年龄的标准")
UNPAID = Figure(0, "当月未发放")
RECORDED = "实际发放记录"


@dataclass(frozen=True)
class Line:
    """One month and item of one party (`person` or `impostor`) in which entitled and paid differ. Amounts in 分."""

    month: Month
    party: str
    item: str
    entitled: int
    paid: int
    basis: str

    @property
    def difference(self) -> int:
        """Positive: owed to the party. Negative: overpaid, to be recovered from it."""
        return self.entitled - self.paid


def worksheet(trial: Trial) -> list[Line]:
    """Every line whose difference is not zero: by month, the person before the impostor, items in their order.

    Raises Refusal where a rate is needed and there is none.
    """
    return [line for month in trial.months() if not _taken_as_paid(trial, month) for line in _lines(trial, month)]


def due(trial: Trial, item: str, month: Month) -> Figure:
    """What *item* pays in *month* to a living, entitled person, with its basis.

    Raises Refusal where `basic` has no rate that fits, or a running supplement none at all: never zero for want of one.
    """
    return DUE[item](trial, month)


def paid(trial: Trial, item: str, month: Month) -> Figure:
    """What was paid: by the records, or without any, what was due until the suspension and nothing since."""
    if trial.payments is not None:
        return Figure(trial.payments.months[month, item], RECORDED)
    return due(trial, item, month) if month < trial.paused_from else UNPAID


def _taken_as_paid(trial: Trial, month: Month) -> bool:
    # Paid as entitled, to the entitled person: no difference can come of it, so no rate is asked for.
    return (trial.payments is None and month < trial.paused_from
            and month not in trial.lost and month not in trial.stolen)


def _lines(trial: Trial, month: Month) -> Iterator[Line]:
    payments = {item: paid(trial, item, month) for item in ITEMS}
    stolen = month in trial.stolen
    for item, payment in payments.items():
        received = UNPAID if stolen else payment
        entitled, basis = _entitled(trial, item, month, received)
        if entitled != received.amount:
            yield Line(month, "person", item, entitled, received.amount, basis)
    for item, payment in payments.items():
        if stolen and payment.amount:
            yield Line(month, "impostor", item, 0, payment.amount, payment.basis)


def _entitled(trial: Trial, item: str, month: Month, received: Figure) -> Figure:
    if month not in trial.lost:
        return due(trial, item, month)
    if item in OWN_MONEY:
        return received     # the person's own money: the balance on record has already shrunk by it
    # An overpayment rests on the rate that was paid, or on the records of it.
    return Figure(0, received.basis)


def _basic(trial: Trial, month: Month) -> Figure:
    rate = trial.rates.fitting("basic", month, trial.person.age(month))
    if rate is None:
        raise _missing(trial, "basic", month)
    return Figure(rate.amount, rate.basis)


def _age(trial: Trial, month: Month) -> Figure:
    rate = trial.rates.fitting("age", month, trial.person.age(month))
    return Figure(rate.amount, rate.basis) if rate else NO_RATE_FOR_AGE


def _years(trial: Trial, month: Month) -> Figure:
    rate = trial.rates.fitting("years", month, trial.person.age(month))
    return Figure(rate.amount * max(trial.person.years_paid - 15, 0), rate.basis) if rate else NO_RATE_FOR_AGE


def _account(trial: Trial, month: Month) -> Figure:
    return Figure(trial.person.account_pension, ITEMS["account"])


def _supplement(trial: Trial, month: Month) -> Figure:
    rate, instead = _supplement_rate(trial, month)
    return Figure(rate.amount, rate.basis) if rate else instead


def _supplement_account(trial: Trial, month: Month) -> Figure:
    rate, instead = _supplement_rate(trial, month)
    return Figure(trial.person.supplement_account_pension, ITEMS["supplement_account"]) if rate else instead


def _supplement_rate(trial: Trial, month: Month) -> tuple[Rate | None, Figure]:
    """The supplement's rate, and what stands in for it where the scheme does not run or the person is too young."""
    begun = trial.person.supplement_from
    if begun is None or month < begun:
        return None, NOT_YET_RUNNING
    if not trial.rates.in_force("supplement", month):
        raise _missing(trial, "supplement", month)
    return trial.rates.fitting("supplement", month, trial.person.age(month)), NO_RATE_FOR_AGE


def _missing(trial: Trial, item: str, month: Month) -> Refusal:
    first = trial.rates.first(item)
    if first is None:
        return Refusal(N_("There is no rate of “{item}” at all, and {month} needs one. Enter it with its document."),
                       item=item, month=month)
    return Refusal(N_("No rate of “{item}” fits {month} at age {age}; the earliest begins in {first}. "
                      "Enter the one in force then, with its document."),
                   item=item, month=month, age=trial.person.age(month), first=first.from_month)


DUE = {
    "basic": _basic,
    "age": _age,
    "years": _years,
    "account": _account,
    "supplement": _supplement,
    "supplement_account": _supplement_account,
}
