"""The frame around every screen: rooms with what waits, the campaign with its deadlines, the area, the person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import current_app, url_for
from flask_login import current_user
from sqlalchemy import select

from models.area import Township
from models.base import db
from models.campaign import Campaign
from models.user import ROLE_TITLES, Role
from models.words import N_, Message
from views.words import say


def today() -> date:
    """The business day; every screen asks it here."""
    return current_app.extensions["clock"].today()


def now():
    return current_app.extensions["clock"].now()


def campaign() -> Campaign | None:
    """The newest campaign, if the portal was set up."""
    return db.session.scalars(select(Campaign).order_by(Campaign.id.desc())).first()


@dataclass(frozen=True)
class Deadline:
    """A date everybody works towards, as days left or late."""

    title: str
    late_title: str
    day: date

    @property
    def left(self) -> int:
        return (self.day - today()).days

    @property
    def tone(self) -> str:
        return "late" if self.left < 0 else "soon" if self.left <= 3 else "calm"

    def __str__(self) -> str:
        if self.left < 0:
            return say(Message(self.late_title, {"days": -self.left}))
        return say(Message(self.title, {"days": self.left}))


def deadlines(of: Campaign) -> list[Deadline]:
    return [Deadline(N_("{days} days to verify"), N_("verification {days} days late"), of.verify_by),
            Deadline(N_("{days} days to clear"), N_("clearing {days} days late"), of.clear_by)]


@dataclass(frozen=True)
class Room:
    """A room of the menu and its screens, in order."""

    title: str
    views: tuple[type, ...]


@dataclass(frozen=True)
class Link:
    """One entry of the menu: where, and how many wait there."""

    title: str
    url: str
    waiting: int
    here: bool


def rooms(menu: tuple[Room, ...], views: dict[type, object], present: object) -> list[tuple[str, list[Link]]]:
    """The rooms this person may enter, with a count where something waits."""
    open_rooms = ((room, [views[cls] for cls in room.views if cls in views]) for room in menu)
    shown = ((room, [view for view in all_of if view.is_accessible() and view.is_visible()])
             for room, all_of in open_rooms)
    return [(say(room.title), [_link(view, present) for view in some]) for room, some in shown if some]


def _link(view, present: object) -> Link:
    return Link(say(view.title), url_for(f"{view.endpoint}.{view._default_view}"), view.waiting(), view is present)


def area_name(of: Campaign | None) -> str:
    """天宁镇 for a township's clerk, the county for everyone else."""
    if current_user.role == Role.TOWNSHIP:
        found = db.session.scalar(select(Township.name).where(Township.area_code == current_user.area_code))
        return found or current_user.area_code
    return of.county_name if of else current_user.area_code


def role_name() -> str:
    return say(ROLE_TITLES[Role(current_user.role)])
