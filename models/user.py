"""People who sign in, their roles, and the one table of who may do what."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import passwords, realtime
from models.base import AreaCode, BigId, Editable, Instant, db
from models.scope import Placed
from models.words import N_, Refusal

SHANGHAI = ZoneInfo("Asia/Shanghai")
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

class User(db.Model, Editable, Placed):
    """A person with a login. `area_code` is what they see: a county's 6 digits or a township's 9."""

    __tablename__ = "portal_user"
    __unrecorded__ = ("password_hash", "code_secret", "code_step")
    __table_args__ = (
        CheckConstraint("(role = 'township') = (length(area_code) = 9)", name="role_fits_area"),
        {"sqlite_autoincrement": True},
    )

    username: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)
    name: Mapped[str] = mapped_column(String(60), nullable=False)
    role: Mapped[str] = mapped_column(String(20), nullable=False)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False, index=True)
    password_hash: Mapped[str] = mapped_column(String(200), nullable=False)
    active: Mapped[bool] = mapped_column(nullable=False, default=True)
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
        return self.locked_until is not None and self.locked_until > now

    def __str__(self) -> str:
        return self.name


def new_user(username: str, name: str, role: str, area_code: str, password: str | None, *, exercise: bool = False) -> User:
    """A user with a role that fits the area. Raises Refusal otherwise. *password* None: `give_code` comes next.

    *exercise*: the demo's password may be weak.
    """
    if role not in list(Role):
        raise Refusal(N_("There is no role “{role}”: choose one of {roles}."), role=role, roles=", ".join(Role))
    wanted = 9 if role == Role.TOWNSHIP else 6
    if len(area_code) != wanted or not area_code.isdigit():
        raise Refusal(N_("Role {role} needs an area code of {wanted} digits."), role=role, wanted=wanted)
    user = User(username=username, name=name, role=role, area_code=area_code)
    if password is not None:
        user.set_password(password, check=not exercise)
    db.session.add(user)
    return user
