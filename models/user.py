"""People who sign in, their roles, and the one table of who may do what."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ColumnElement, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import passwords, realtime
from models.base import AreaCode, BigId, Editable, Instant, by_bytes, db
from models.scope import Placed, seeing
from models.words import N_, Refusal

SHANGHAI = ZoneInfo("Asia/Shanghai")
SYSTEM = "system"  # the portal itself, and whoever installs it by the shell; nobody's user name
TRIES, LOCKED = 5, timedelta(minutes=15)
UNUSED = timedelta(days=90)


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
    EXPORT_NUMBERS = "export_numbers"  # lists with whole ID numbers
    ALLOW_EXPORTS = "allow_exports"    # another person's list of more than 500 people


_SIGNER = {Right.SEE_CASES, Right.SEE_MONEY, Right.CHANGE_CASES, Right.ORDER_PAPERS}
_ACCOUNTS = {Right.CHANGE_SETTINGS, Right.SEE_USERS, Right.CHANGE_USERS, Right.SEE_POLICY}

RIGHTS: dict[Role, frozenset[Right]] = {
    # The administrator sees cases and settles none.
    Role.COUNTY_ADMIN: frozenset({Right.SEE_CASES, Right.SEE_MONEY, Right.CHANGE_REFERENCE, Right.SEE_TRAIL,
                                  Right.ISSUE_BULLETINS} | _ACCOUNTS),
    Role.COUNTY_CLERK: frozenset(_SIGNER | {Right.IMPORT_LISTS, Right.HAND_OUT, Right.ISSUE_BULLETINS,
                                           Right.EXPORT_NUMBERS}),
    Role.COUNTY_REVIEWER: frozenset(_SIGNER | {Right.ALLOW_EXPORTS}),
    Role.COUNTY_APPROVER: frozenset(_SIGNER | {Right.ALLOW_EXPORTS}),
    Role.AUDITOR: frozenset({Right.SEE_CASES, Right.SEE_MONEY, Right.SEE_TRAIL, Right.SEE_USERS, Right.SEE_POLICY}),
    Role.TOWNSHIP: frozenset({Right.SEE_CASES, Right.CHANGE_CASES, Right.HAND_ON, Right.ORDER_PAPERS}),
    # 三员 (GB/T 22239 8.1.4.2 d): whoever keeps accounts or grants posts sees no case.
    Role.SYSTEM_ADMIN: frozenset(_ACCOUNTS),
    Role.SECURITY_ADMIN: frozenset({Right.SEE_USERS, Right.GRANT_POSTS, Right.SEE_POLICY}),
}


class User(db.Model, Editable, Placed):
    """A person with a login. `area_code` is what they see: a county's 6 digits or a township's 9."""

    __tablename__ = "portal_user"
    __administrative__, __owner__ = True, "id"
    __unrecorded__ = ("password_hash", "code_secret", "code_step")
    __table_args__ = (
        CheckConstraint("(role = 'township') = (length(area_code) = 9)", name="role_fits_area"),
        {"sqlite_autoincrement": True},
    )

    username: Mapped[str] = mapped_column(by_bytes(64), nullable=False, unique=True)
    name: Mapped[str] = mapped_column(String(60), nullable=False)
    role: Mapped[str] = mapped_column(String(20), nullable=False)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False, index=True)
    password_hash: Mapped[str] = mapped_column(String(200), nullable=False)
    active: Mapped[bool] = mapped_column(nullable=False, default=False)  # until a post is granted (models/grants.py)
    failures: Mapped[int] = mapped_column(nullable=False, default=0)
    locked_until: Mapped[datetime | None] = mapped_column(Instant)
    password_set_at: Mapped[datetime | None] = mapped_column(Instant)  # when the person chose it; None: it is a one-time code
    code_until: Mapped[datetime | None] = mapped_column(Instant)  # how long a one-time code signs in; None: it was used
    ends_on: Mapped[date | None]  # the last day on which the login works
    last_seen_on: Mapped[date | None]  # the day of the last sign-in
    code_secret: Mapped[str | None] = mapped_column(String(255))  # of the code generator, encrypted (models/secondfactor.py)
    code_step: Mapped[int | None] = mapped_column(BigId)  # the half minute whose code was taken last

    old_passwords: Mapped[list[passwords.OldPassword]] = relationship(
        order_by=passwords.OldPassword.id, cascade="all, delete-orphan", back_populates="user")

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
                      reader=(self.id, self.username) if self.role == Role.AUDITOR else ())

    @property
    def county(self) -> str:
        return self.area_code[:6]

    def set_password(self, password: str, *, check: bool = True) -> None:
        """A password the person chose; saving it ends their sessions (models/signin.py).

        Raises Refusal if it is too weak to keep, or was one of the last five.
        """
        if check:
            passwords.check_password(password, self.username, self.name)
            passwords.check_new(self, password)
        passwords.lay_by(self)
        self._keep(password, realtime.now(), None)

    def give_code(self) -> str:
        """Another password that signs in once within 24 hours; whoever makes it can tell nobody a lasting one."""
        code, now = passwords.one_time(), realtime.now()
        passwords.lay_by(self)
        self._keep(code, None, now + passwords.CODE_LIVES)
        self.failures, self.locked_until = 0, None
        return code

    def _keep(self, password: str, set_at: datetime | None, code_until: datetime | None) -> None:
        self.password_hash = passwords.hasher.hash(password)
        self.password_set_at, self.code_until = set_at, code_until

    def may_enter(self, now: datetime) -> bool:
        """Whether the login is in use at this moment of the real clock, and its password still counts."""
        return self.in_force(now) and (self.password_set_at is not None or (self.code_until or now) > now)

    def in_force(self, now: datetime) -> bool:
        """Whether the login is in use; one with an end date is, through that day."""
        return self.active and (self.ends_on is None or now.astimezone(SHANGHAI).date() <= self.ends_on)

    def enters(self, now: datetime) -> None:
        """Signed in: wrong tries are forgotten, a code is used up."""
        self.failures, self.locked_until, self.code_until = 0, None, None
        self.last_seen_on = now.astimezone(SHANGHAI).date()

    def begins(self, now: datetime) -> None:
        """The first post is granted: a one-time code that waited for it lives from now on."""
        if self.code_until is not None:
            self.code_until = now + passwords.CODE_LIVES

    def unused(self, now: datetime) -> bool:
        """Whether nobody has signed in with it for 90 days."""
        return self.last_seen_on is not None and now.astimezone(SHANGHAI).date() - self.last_seen_on > UNUSED

    def fails(self, now: datetime) -> bool:
        """Count a wrong password or code; the fifth locks the login for 15 minutes. Whether it does."""
        self.failures += 1
        if self.failures < TRIES:
            return False
        self.failures, self.locked_until = 0, now + LOCKED
        return True

    def locked(self, now: datetime) -> bool:
        return realtime.until(self.locked_until, now, LOCKED)

    @classmethod
    def locked_at(cls, now: datetime) -> ColumnElement[bool]:
        """What is true of logins that are locked."""
        return (cls.locked_until > now) & (cls.locked_until <= now + LOCKED + realtime.SLIP)

    def __str__(self) -> str:
        return self.name


def new_user(username: str, name: str, role: str, area_code: str, password: str | None, *, exercise: bool = False) -> User:
    """A user with a role that fits the area. Raises Refusal otherwise. *password* None: `give_code` comes next.

    *exercise*: the demo's password may be weak. The post still has to be granted (models/grants.py).
    """
    check_post(role, area_code)
    if username.lower() == SYSTEM:
        raise Refusal(N_("The name “{name}” belongs to the portal itself."), name=username)
    user = User(username=username, name=name, role=role, area_code=area_code)
    if password is not None:
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
