"""People who sign in, their roles, and the one table of who may do what."""

from __future__ import annotations

import secrets
from datetime import datetime
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import AreaCode, Editable, Instant, db
from models.scope import Placed
from models.words import N_, Refusal


class Role(StrEnum):
    """Posts. Whoever handles money never reviews it, whoever reviews never approves."""

    COUNTY_ADMIN = "county_admin"
    COUNTY_CLERK = "county_clerk"
    COUNTY_REVIEWER = "county_reviewer"
    COUNTY_APPROVER = "county_approver"
    AUDITOR = "auditor"
    TOWNSHIP = "township"


ROLE_TITLES = {
    Role.COUNTY_ADMIN: N_("County administrator"),
    Role.COUNTY_CLERK: N_("County clerk"),
    Role.COUNTY_REVIEWER: N_("County reviewer"),
    Role.COUNTY_APPROVER: N_("County approver"),
    Role.AUDITOR: N_("Auditor"),
    Role.TOWNSHIP: N_("Township"),
}


class Right(StrEnum):
    """What may be allowed. Steps of the category table name their roles themselves."""

    SEE_CASES = "see_cases"
    SEE_MONEY = "see_money"
    IMPORT_LISTS = "import_lists"      # rosters and benefits
    HAND_OUT = "hand_out"              # the list to townships
    HAND_ON = "hand_on"                # the township's list to its villages, receipts, its plan
    CHANGE_CASES = "change_cases"      # take steps, attach certificates, reclassify
    ORDER_PAPERS = "order_papers"
    ISSUE_BULLETINS = "issue_bulletins"
    CHANGE_REFERENCE = "change_reference"  # rates, areas, campaigns
    CHANGE_USERS = "change_users"
    SEE_TRAIL = "see_trail"
    EXPORT_NUMBERS = "export_numbers"  # lists with whole ID numbers
    ALLOW_EXPORTS = "allow_exports"    # another person's list of more than 500 people


_SIGNER = {Right.SEE_CASES, Right.SEE_MONEY, Right.CHANGE_CASES, Right.ORDER_PAPERS}

RIGHTS: dict[Role, frozenset[Right]] = {
    # The administrator sees cases and settles none.
    Role.COUNTY_ADMIN: frozenset({Right.SEE_CASES, Right.SEE_MONEY, Right.CHANGE_REFERENCE, Right.CHANGE_USERS,
                                  Right.SEE_TRAIL, Right.ISSUE_BULLETINS}),
    Role.COUNTY_CLERK: frozenset(_SIGNER | {Right.IMPORT_LISTS, Right.HAND_OUT, Right.ISSUE_BULLETINS,
                                           Right.EXPORT_NUMBERS}),
    Role.COUNTY_REVIEWER: frozenset(_SIGNER | {Right.ALLOW_EXPORTS}),
    Role.COUNTY_APPROVER: frozenset(_SIGNER | {Right.ALLOW_EXPORTS}),
    Role.AUDITOR: frozenset({Right.SEE_CASES, Right.SEE_MONEY, Right.SEE_TRAIL}),
    Role.TOWNSHIP: frozenset({Right.SEE_CASES, Right.CHANGE_CASES, Right.HAND_ON, Right.ORDER_PAPERS}),
}

_hasher = PasswordHasher()
# Checked when nobody has the name, so that an unknown name takes as long as a wrong password.
_NOBODY = _hasher.hash(secrets.token_hex(16))


class User(db.Model, Editable, Placed):
    """A person with a login. `area_code` is what they see: a county's 6 digits or a township's 9."""

    __tablename__ = "portal_user"
    __unrecorded__ = ("password_hash", "session_key")
    __table_args__ = (
        CheckConstraint("(role = 'township') = (length(area_code) = 9)", name="role_fits_area"),
        {"sqlite_autoincrement": True},
    )

    username: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)
    name: Mapped[str] = mapped_column(String(60), nullable=False)
    role: Mapped[str] = mapped_column(String(20), nullable=False)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False, index=True)
    password_hash: Mapped[str] = mapped_column(String(200), nullable=False)
    # Changes with every sign-in, password change and disabling: a cookie that holds another one is dead.
    session_key: Mapped[str] = mapped_column(String(64), nullable=False, default=lambda: secrets.token_urlsafe(24))
    active: Mapped[bool] = mapped_column(nullable=False, default=True)
    failures: Mapped[int] = mapped_column(nullable=False, default=0)
    locked_until: Mapped[datetime | None] = mapped_column(Instant)

    # What the sign-in asks of anybody.
    is_authenticated, is_anonymous = True, False

    @property
    def is_active(self) -> bool:
        return self.active

    def get_id(self) -> str:
        return str(self.id)

    def may(self, right: Right) -> bool:
        return right in RIGHTS[Role(self.role)]

    @property
    def county(self) -> str:
        return self.area_code[:6]

    def set_password(self, password: str, *, check: bool = True) -> None:
        """Raises Refusal if it is too weak to keep."""
        if check:
            check_password(password, self.username)
        self.password_hash = _hasher.hash(password)
        self.end_sessions()

    def end_sessions(self) -> None:
        self.session_key = secrets.token_urlsafe(24)

    def __str__(self) -> str:
        return self.name


def password_fits(user: User | None, password: str) -> bool:
    """Whether *password* is the user's; takes the same time for nobody."""
    try:
        return _hasher.verify(user.password_hash if user else _NOBODY, password) and user is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def check_password(password: str, username: str) -> None:
    """At least 10 characters of three kinds, without the user name. Raises Refusal otherwise."""
    kinds = (any(c.islower() for c in password), any(c.isupper() for c in password),
             any(c.isdigit() for c in password), any(not c.isalnum() for c in password))
    if len(password) < 10 or sum(kinds) < 3:
        raise Refusal(N_("A password needs at least 10 characters and three of: small letters, capitals, "
                         "digits, other signs."))
    if username.lower() in password.lower():
        raise Refusal(N_("A password must not contain the user name."))


def new_user(username: str, name: str, role: str, area_code: str, password: str, *, exercise: bool = False) -> User:
    """A user with a role that fits the area. Raises Refusal otherwise. *exercise*: the demo's password may be weak."""
    if role not in list(Role):
        raise Refusal(N_("There is no role “{role}”: choose one of {roles}."), role=role, roles=", ".join(Role))
    wanted = 9 if role == Role.TOWNSHIP else 6
    if len(area_code) != wanted or not area_code.isdigit():
        raise Refusal(N_("Role {role} needs an area code of {wanted} digits."), role=role, wanted=wanted)
    user = User(username=username, name=name, role=role, area_code=area_code)
    user.set_password(password, check=not exercise)
    db.session.add(user)
    return user
