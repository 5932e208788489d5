"""The schedule: rings again for what waits, has each week's bulletin made, once, and each day's backup."""

from __future__ import annotations

import logging
import time
from datetime import date, datetime, timedelta
from datetime import time as clock_time

from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models import audit, formkey, realtime, schema, scope
from models.base import db
from models.campaign import Campaign
from models.document import Bulletin
from models.ranking import end_of
from portal import bulletins, clock, jobs, machine
from portal.drawing import reading
from portal.machine_faults import note
from portal.settings import SHANGHAI

log = logging.getLogger("portal.schedule")

SWEEP_EVERY = 15  # seconds
LOOKS_EVERY = 4   # sweeps: once a minute
TIDIES_EVERY = 240  # sweeps: once an hour
DUE_AT = clock_time(8)  # on Mondays


def keep(app: Flask) -> None:
    """Sweep and look until the process is told to stop; an error is logged and the next round comes all the same."""
    rounds, chores = 0, machine.Chores(app)
    while True:
        _try(lambda: jobs.sweep(app))
        if rounds % LOOKS_EVERY == 0:
            _try(lambda: look(app))
            _try(chores.look)
        if rounds % TIDIES_EVERY == 0:
            _try(app.extensions["store"].tidy)
            _try(lambda: measure(app))
        rounds += 1
        time.sleep(SWEEP_EVERY)


def _try(act) -> None:
    try:
        act()
    except Exception as error:
        note(log, error, "this round of the schedule failed")


def measure(app: Flask) -> None:
    """Have the database note how much there is by now."""
    with app.app_context():
        schema.measure(db.engine)


def look(app: Flask) -> list[int]:
    """Have made what is due by the business clock; ids of the new bulletins. Keys of old forms are forgotten."""
    with app.app_context():
        formkey.purge(realtime.now())
        db.session.commit()
        return ensure_bulletin(clock.now())


def due(now: datetime) -> date:
    """The Sunday whose bulletin was due last: Mondays at 08:00 in Asia/Shanghai, as of the day before."""
    local = now.astimezone(SHANGHAI)
    monday = local.date() - timedelta(days=local.weekday())
    if local.weekday() == 0 and local.time() < DUE_AT:
        monday -= timedelta(days=7)
    return monday - timedelta(days=1)


def ensure_bulletin(now: datetime) -> list[int]:
    """Order the bulletin that was due last, if it is not there; ids of those ordered.

    Machines that were off at the hour find it missing at their next look. Of two that look at
    once the unique key lets one through.
    """
    as_of, made = due(now), []
    with scope.everything("the week's bulletin"), audit.acting_as("system", "job", lambda: now):
        for campaign_id in _lacking(as_of):
            try:
                made += _make(campaign_id, as_of, now)
                db.session.commit()
            except IntegrityError:
                db.session.rollback()
                log.info("the bulletin of %s is being made elsewhere", as_of)
    return made


def _make(campaign_id: int, as_of: date, now: datetime) -> list[int]:
    """Asks once more, now in the transaction that writes: another may have come first."""
    if db.session.scalar(select(Bulletin.id).where(Bulletin.campaign_id == campaign_id, Bulletin.as_of == as_of)):
        return []
    return [bulletins.order_bulletin(db.session.get(Campaign, campaign_id), as_of, "system", now).id]


def _lacking(as_of: date) -> list[int]:
    """Each county's newest campaign, if its list was out by that day and the day has no bulletin."""
    with reading():
        newest = {c.county_code: c for c in db.session.scalars(select(Campaign).order_by(Campaign.id))}
        there = set(db.session.scalars(select(Bulletin.campaign_id).where(Bulletin.as_of == as_of)))
        return [c.id for c in newest.values()
                if c.id not in there and c.handed_out_at is not None and c.handed_out_at < end_of(as_of)]
