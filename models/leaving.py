"""Whole ID numbers leave the portal for a reason, and above 500 people only when a second person allows it (S10)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, String, select
from sqlalchemy.orm import Mapped, mapped_column

from models import audit, realtime
from models.base import AreaCode, Editable, Instant, db
from models.scope import Placed
from models.user import Right, User
from models.words import N_, Message, Refusal

MOST = 500  # people that one person alone may take out at once
LASTS = timedelta(hours=24)
OTHER = "other"
# What papers and lists are taken out for. Sheets and the trail say it in Chinese, as papers do.
REASONS = {"serve": N_("To serve it on the person"), "file": N_("For the file"), "approval": N_("For approval"),
           "report": N_("To report to the city"), OTHER: N_("Other")}
CHINESE = {"serve": "送达本人", "file": "存档", "approval": "报批", "report": "上报市级", OTHER: "其他"}

ASKED, ALLOWED, REFUSED, FETCHED = "asked", "allowed", "refused", "fetched"
REQUEST_TITLES = {ASKED: N_("Waits for a second person"), ALLOWED: N_("Allowed"), REFUSED: N_("Refused"),
                  FETCHED: N_("Fetched")}


class ExportRequest(db.Model, Editable, Placed):
    """A clerk asks to take whole numbers out, another person allows it, the clerk fetches the file once.

    The moments are business moments, but `open_until` is one of the real clock, which no fixed day holds up.
    """

    __tablename__ = "export_request"
    __table_args__ = (
        CheckConstraint("decided_by <> asked_by", name="second_person"),
        CheckConstraint("state IN ('asked', 'allowed', 'refused', 'fetched')", name="state"),
        CheckConstraint("state = 'asked' OR decided_by IS NOT NULL", name="decided"),
        {"sqlite_autoincrement": True},
    )

    sheet: Mapped[str] = mapped_column(String(32), nullable=False)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False)
    reason: Mapped[str] = mapped_column(String(240), nullable=False)
    people: Mapped[int] = mapped_column(nullable=False)
    state: Mapped[str] = mapped_column(String(8), nullable=False, default=ASKED)
    asked_by: Mapped[str] = mapped_column(String(64), nullable=False)
    asked_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    open_until: Mapped[datetime | None] = mapped_column(Instant)
    fetched_at: Mapped[datetime | None] = mapped_column(Instant)
    sha256: Mapped[str | None] = mapped_column(String(64))


def reason(key: str, words: str) -> str:
    """What something is taken out for, as the sheet and the trail say it. Raises Refusal for none."""
    words = " ".join(words.replace("\0", "").split())[:200]
    if key not in REASONS:
        raise Refusal(N_("Say what it is for: choose one of the reasons."))
    if key == OTHER and not words:
        raise Refusal(N_("“Other” says nothing: write what it is for."))
    return f"{CHINESE[key]}：{words}" if words else CHINESE[key]


def refuse_many(people: int) -> None:
    """Raises Refusal where papers of so many people would leave at once."""
    if people > MOST:
        raise Refusal(N_("Whole ID numbers of {people} people do not leave at once: select at most {most}, or ask for the "
                         "list with whole numbers under “Whole numbers out”, which a second person allows."),
                      people=people, most=MOST)


def ask(sheet: str, area_code: str, why: str, people: int, by: User, now: datetime) -> ExportRequest:
    """Ask for a list of more people than one may take out alone. Raises Refusal for another post, and while the same
    list waits already."""
    if not by.may(Right.EXPORT_NUMBERS):
        raise Refusal(N_("Your post does not take whole ID numbers out of the portal."))
    waiting = select(ExportRequest.id).where(ExportRequest.asked_by == by.username, ExportRequest.sheet == sheet,
                                             ExportRequest.area_code == area_code, ExportRequest.state == ASKED)
    if db.session.scalar(waiting) is not None:
        raise Refusal(N_("You asked for this list already: it waits for a second person."))
    request = ExportRequest(sheet=sheet, area_code=area_code, reason=why, people=people, asked_by=by.username, asked_at=now)
    db.session.add(request)
    audit.record("export_asked", "export_request", area_code, sheet=sheet, people=people, why=why)
    return request


def decide(request: ExportRequest, allow: bool, by: User, now: datetime, at: datetime) -> None:
    """Allow or refuse what another person asked. *at*: the real clock. Raises Refusal for the asker, and the second time."""
    if not by.may(Right.ALLOW_EXPORTS) or by.username == request.asked_by:
        raise Refusal(N_("Another person than the one who asked allows it: the reviewer or the approver."))
    if request.state != ASKED:
        raise Refusal(N_("This was decided already: {state}."), state=Message(REQUEST_TITLES[request.state]))
    request.state, request.decided_by, request.decided_at = ALLOWED if allow else REFUSED, by.username, now
    request.open_until = at + LASTS if allow else None
    audit.record("export_allowed" if allow else "export_refused", "export_request", request.area_code, request.id,
                 sheet=request.sheet, people=request.people)


def is_open(request: ExportRequest, by: User, at: datetime) -> bool:
    """Whether *by* may fetch it now (real clock): allowed, one's own, not fetched, not older than a day."""
    return (request.state == ALLOWED and request.asked_by == by.username and by.may(Right.EXPORT_NUMBERS)
            and realtime.until(request.open_until, at, LASTS))


def fetch(request: ExportRequest, people: int, by: User, now: datetime, at: datetime) -> None:
    """Use up what was allowed. Raises Refusal if it is not open to *by*, or would now be more people than were asked for."""
    if not is_open(request, by, at):
        raise Refusal(N_("This list is not open to you: it is fetched once, by who asked, within 24 hours."))
    if people > request.people:
        raise Refusal(N_("The list has grown from {asked} to {people} people since it was asked for: ask anew."),
                      asked=request.people, people=people)
    request.state, request.fetched_at = FETCHED, now
