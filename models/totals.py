"""The totals of a settlement: back pay, recovery, balances, offset and refund. Integer 分 throughout.

Sources: 社会保险法 arts 14 and 88, 国发〔2014〕8号 (the whole balance is inherited), 人社部发〔2014〕17号 art. 8
(two pensions: the balance without government subsidies is returned, what was drawn is offset from it).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.trial import Trial
from models.worksheet import Line


@dataclass(frozen=True)
class Totals:
    """What a worksheet comes to, in 分. *offset* is the part of *recover* that the person's own claims cover."""

    back_pay: int
    recover: int
    account_after: int
    supplement_account_after: int
    offset: int
    refund: int                 # to the person or the heirs
    may_seal: bool | None       # None: the question does not arise

    @property
    def still_to_refund(self) -> int:
        return self.recover - self.offset


def total(trial: Trial, lines: list[Line]) -> Totals:
    """The totals of *lines*, by the rules of the trial's category."""
    account = _balance_after(trial.person.account_balance, "account", lines)
    supplement = _balance_after(trial.person.supplement_account_balance, "supplement_account", lines)
    back_pay, recover = sums(lines)
    pool = _pool(trial, account, supplement, back_pay)
    offset = min(recover, pool)
    return Totals(
        back_pay=back_pay,
        recover=recover,
        account_after=account,
        supplement_account_after=supplement,
        offset=offset,
        refund=pool - offset + _beside_the_pool(trial, account, supplement, back_pay),
        may_seal=offset == recover if trial.category == "deceased" else None,
    )


def sums(lines: Iterable[Line]) -> tuple[int, int]:
    """Back pay and recovery of *lines* in 分, both parties together, neither below zero."""
    differences = [line.difference for line in lines]
    return sum(found for found in differences if found > 0), -sum(found for found in differences if found < 0)


def closes_twin(trial: Trial) -> bool:
    """Whether a second pension or registration ends with this settlement. With a resumption the account lives on."""
    return trial.category in ("duplicate", "dual_household") and trial.resumes is None


def _balance_after(balance: int, item: str, lines: list[Line]) -> int:
    back_pay, recover = sums(line for line in lines if line.item == item)
    return max(balance - back_pay + recover, 0)      # once it is used up, the fund goes on paying for life


def _pool(trial: Trial, account: int, supplement: int, back_pay: int) -> int:
    """The money from which an overpayment may be offset."""
    if trial.category == "deceased":
        return account + supplement + trial.facts["funeral_grant"] + back_pay
    if not closes_twin(trial):
        return 0
    if trial.facts.get("other_kind") == "employee":
        account = max(account - trial.person.government_subsidy, 0)
    return account + supplement


def _beside_the_pool(trial: Trial, account: int, supplement: int, back_pay: int) -> int:
    """What is paid out whatever is to be recovered."""
    if trial.category == "deceased":
        return 0        # even the back pay is in the pool
    if trial.category == "impostor" and not trial.facts["alive"]:
        # The impostor's debt is the impostor's: it does not touch the estate.
        return account + supplement + trial.facts["funeral_grant"] + back_pay
    return back_pay
