"""Posts that exclude each other, as data: 人社厅发〔2021〕64号 (post families), 劳社部发〔2007〕2号 (经办、复核、审批),
GB/T 22239 8.1.4.2 d (三员)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

from models.user import Right, Role
from models.words import N_

RIGHT_TITLES = {
    Right.SEE_CASES: N_("Sees cases"), Right.SEE_MONEY: N_("Sees sums of money"),
    Right.IMPORT_LISTS: N_("Brings lists in"), Right.HAND_OUT: N_("Hands the list out to townships"),
    Right.HAND_ON: N_("Hands the list on to villages"), Right.CHANGE_CASES: N_("Takes steps of cases"),
    Right.ORDER_PAPERS: N_("Orders papers"), Right.ISSUE_BULLETINS: N_("Issues reports"),
    Right.CHANGE_REFERENCE: N_("Changes rates, places and campaigns"), Right.CHANGE_SETTINGS: N_("Keeps the portal running"),
    Right.SEE_USERS: N_("Sees users and their posts"), Right.CHANGE_USERS: N_("Keeps accounts and asks for posts"),
    Right.GRANT_POSTS: N_("Grants posts"), Right.SEE_POLICY: N_("Sees rights and the register of posts"),
    Right.SEE_TRAIL: N_("Reads the trail"),
    Right.EXPORT_NUMBERS: N_("Takes out lists with whole ID numbers"),
    Right.ALLOW_EXPORTS: N_("Allows long lists with whole ID numbers"),
}

OPERATION, DATA, INSPECTION, ADMINISTRATION = (
    N_("Business operation"), N_("Data management"), N_("Inspection and internal control"), N_("System and security"))
# 基金财务, the fourth family of the rules, has no post here: the fund pays by its own system.
FAMILIES = {
    Role.COUNTY_CLERK: OPERATION, Role.COUNTY_REVIEWER: OPERATION, Role.COUNTY_APPROVER: OPERATION, Role.TOWNSHIP: OPERATION,
    Role.COUNTY_ADMIN: DATA, Role.AUDITOR: INSPECTION, Role.SYSTEM_ADMIN: ADMINISTRATION, Role.SECURITY_ADMIN: ADMINISTRATION,
}


@dataclass(frozen=True)
class Exclusion:
    """Nobody holds two of *posts*; with *others*: none of these beside one of those."""

    why: str
    posts: tuple[Role, ...]
    others: tuple[Role, ...] = ()

    def pairs(self) -> set[frozenset[Role]]:
        found = product(self.posts, self.others) if self.others else combinations(self.posts, 2)
        return {frozenset(pair) for pair in found}


HANDLING = tuple(role for role, family in FAMILIES.items() if family == OPERATION)
EXCLUSIONS = (
    Exclusion(N_("Whoever computes does not review, whoever reviews does not approve, and who found the facts does neither"),
              HANDLING),
    Exclusion(N_("Inspection has no part in what it inspects"), (Role.AUDITOR,), HANDLING),
    Exclusion(N_("Data management has no part in handling"), (Role.COUNTY_ADMIN,), (*HANDLING, Role.AUDITOR)),
    Exclusion(N_("The system, its security and its audit are in three hands"),
              (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR)),
    Exclusion(N_("Whoever keeps the system or grants posts has no business of their own"),
              (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN), (*HANDLING, Role.COUNTY_ADMIN)),
)
EXCLUDED = {pair: exclusion.why for exclusion in EXCLUSIONS for pair in exclusion.pairs()}


def excludes(one: str, other: str) -> str | None:
    """Why nobody holds both posts; None if somebody may."""
    return EXCLUDED.get(frozenset((Role(one), Role(other))))


# The database refuses any two different posts for one person (models/postguards.py), so the table has to say all of them.
assert len(EXCLUDED) == len(Role) * (len(Role) - 1) // 2
assert set(RIGHT_TITLES) == set(Right)
