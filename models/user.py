"""People who sign in, their roles, and the one table of who may do what."""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import AreaCode, Editable, Instant, db
from models.scope import Placed, seeing
from models.words import N_, Refusal

SYSTEM = "system"  # the portal itself, and whoever installs it by the shell; nobody's user name


class Role(StrEnum):
    """Posts. Whoever handles money never reviews it, whoever reviews never approves."""

    COUNTY_ADMIN = "county_admin"
    COUNTY_CLERK = "county_clerk"
    COUNTY_REVIEWER = "county_reviewer"
    COUNTY_APPROVER = "county_approver"
    AUDITOR = "auditor"
    TOWNSHIP = "township"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"


ROLE_TITLES = {
    Role.COUNTY_ADMIN: N_("County administrator"),
    Role.COUNTY_CLERK: N_("County clerk"),
    Role.COUNTY_REVIEWER: N_("County reviewer"),
    Role.COUNTY_APPROVER: N_("County approver"),
    Role.AUDITOR: N_("Auditor"),
    Role.TOWNSHIP: N_("Township"),
    Role.SYSTEM_ADMIN: N_("System administrator"),
    Role.SECURITY_ADMIN: N_("Security administrator"),
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
    CHANGE_SETTINGS = "change_settings"    # health of the portal, who is signed in
    SEE_USERS = "see_users"
    CHANGE_USERS = "change_users"      # accounts, and asking for posts
    GRANT_POSTS = "grant_posts"        # never one's own
    SEE_POLICY = "see_policy"          # posts, rights and the register of who holds them
    SEE_TRAIL = "see_trail"


_SIGNER = {Right.SEE_CASES, Right.SEE_MONEY, Right.CHANGE_CASES, Right.ORDER_PAPERS}
_ACCOUNTS = {Right.CHANGE_SETTINGS, Right.SEE_USERS, Right.CHANGE_USERS, Right.SEE_POLICY}

RIGHTS: dict[Role, frozenset[Right]] = {
    # The administrator sees cases and settles none.
    Role.COUNTY_ADMIN: frozenset({Right.SEE_CASES, Right.SEE_MONEY, Right.CHANGE_REFERENCE, Right.SEE_TRAIL,
                                  Right.ISSUE_BULLETINS} | _ACCOUNTS),
    Role.COUNTY_CLERK: frozenset(_SIGNER | {Right.IMPORT_LISTS, Right.HAND_OUT, Right.ISSUE_BULLETINS}),
    Role.COUNTY_REVIEWER: frozenset(_SIGNER),
    Role.COUNTY_APPROVER: frozenset(_SIGNER),
    Role.AUDITOR: frozenset({Right.SEE_CASES, Right.SEE_MONEY, Right.SEE_TRAIL, Right.SEE_USERS, Right.SEE_POLICY}),
    Role.TOWNSHIP: frozenset({Right.SEE_CASES, Right.CHANGE_CASES, Right.HAND_ON, Right.ORDER_PAPERS}),
    # 三员 (GB/T 22239 8.1.4.2 d): whoever keeps accounts or grants posts sees no case.
    Role.SYSTEM_ADMIN: frozenset(_ACCOUNTS),
    Role.SECURITY_ADMIN: frozenset({Right.SEE_USERS, Right.GRANT_POSTS, Right.SEE_POLICY}),
}

_hasher = PasswordHasher()
# Checked when nobody has the name, so that an unknown name takes as long as a wrong password.
_NOBODY = _hasher.hash(secrets.token_hex(16))


class User(db.Model, Editable, Placed):
    """A person with a login. `area_code` is what they see: a county's 6 digits or a township's 9."""

    __tablename__ = "portal_user"
    __administrative__, __owner__ = True, "id"
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
    active: Mapped[bool] = mapped_column(nullable=False, default=False)  # until a post is granted (models/grants.py)
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

    def sight(self) -> AbstractContextManager[None]:
        """The scope of this person: the area; without SEE_CASES no business row; for the auditor nothing to write."""
        return seeing(self.area_code, business=self.may(Right.SEE_CASES),
                      reader=self.id if self.role == Role.AUDITOR else None)

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
    """A user whose post still has to be granted. Raises Refusal. *exercise*: the demo's password may be weak."""
    check_post(role, area_code)
    if username.lower() == SYSTEM:
        raise Refusal(N_("The name “{name}” belongs to the portal itself."), name=username)
    user = User(username=username, name=name, role=role, area_code=area_code)
    user.set_password(password, check=not exercise)
    db.session.add(user)
    return user


def check_post(role: str, area_code: str) -> None:
    """Raises Refusal unless there is such a role and it fits the area."""
    if role not in list(Role):
        raise Refusal(N_("There is no role “{role}”: choose one of {roles}."), role=role, roles=", ".join(Role))
    wanted = 9 if role == Role.TOWNSHIP else 6
    if len(area_code) != wanted or not area_code.isdigit():
        raise Refusal(N_("Role {role} needs an area code of {wanted} digits."), role=role, wanted=wanted)
