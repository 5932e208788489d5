"""The week's bulletin: due Mondays at eight, made once, by whoever looks first, also after days off."""

import random
import threading
from datetime import date, datetime, timedelta

import pytest
from running import NOW, acting, office
from sqlalchemy import func, select

from models import scope
from models.base import db
from models.campaign import the_campaign
from models.document import DRAWN, REFUSED, Bulletin
from models.outbox import Task
from models.words import Refusal
from portal import bulletins, jobs, schedule
from portal.settings import SHANGHAI


@pytest.fixture
def app(tmp_path):
    return office(tmp_path)


def at(day, hour=9, minute=0):
    return datetime(2021, 9, day, hour, minute, tzinfo=SHANGHAI)


def look(app, now):
    with app.app_context():
        return schedule.ensure_bulletin(now)


def bulletins_of(app):
    with acting(app):
        rows = db.session.scalars(select(Bulletin).order_by(Bulletin.as_of)).all()
        db.session.expunge_all()
        return rows


@pytest.mark.parametrize(("now", "as_of"), [
    (at(19, 23, 59), date(2021, 9, 12)),                              # Sunday
    (at(20, 7, 59), date(2021, 9, 12)),                               # Monday before eight
    (at(20, 8), date(2021, 9, 19)),
    (at(26, 12), date(2021, 9, 19)),
    (datetime.fromisoformat("2021-09-20T00:00+00:00"), date(2021, 9, 19)),   # eight o'clock there
    (datetime.fromisoformat("2021-09-19T23:59+00:00"), date(2021, 9, 12)),
    (datetime.fromisoformat("2022-01-03T08:00+08:00"), date(2022, 1, 2)),    # over the year's end
])
def test_due(now, as_of):
    assert schedule.due(now) == as_of


def test_the_weeks_bulletin_is_made_once(app):
    assert [len(look(app, at(20, hour))) for hour in (8, 9, 10)] == [1, 0, 0]
    jobs.run_waiting(app)
    (bulletin,) = bulletins_of(app)
    assert (bulletin.state, bulletin.number, bulletin.file_name, bulletin.ordered_by) == (
        DRAWN, "交人社字〔2021〕83号", "交城县暂停待遇专项清理通报_2021-09-19.pdf", "system")
    assert app.extensions["store"].get(bulletin.sha256).startswith(b"%PDF")


def test_after_days_off_the_latest_due_week_is_made(app):
    look(app, at(6))
    look(app, at(29))
    assert [b.as_of for b in bulletins_of(app)] == [date(2021, 9, 5), date(2021, 9, 26)]
    assert [b.number for b in bulletins_of(app)] == ["交人社字〔2021〕83号", "交人社字〔2021〕84号"]


def test_no_bulletin_before_the_list_was_handed_out(app):
    with acting(app):
        the_campaign().handed_out_at = at(20, 10)
        db.session.commit()
    assert look(app, at(20, 11)) == []
    assert len(look(app, at(27, 8))) == 1


def test_a_clock_that_jumps_a_day_loses_no_week_and_repeats_none(app):
    """Every two hours of five weeks, one in five by a clock that is a day ahead or behind."""
    chance, seen = random.Random(20210906), set()
    for hours in range(0, 5 * 7 * 24, 2):
        jump = timedelta(days=chance.choice((-1, 1))) if chance.random() < 0.2 else timedelta()
        now = at(6) + timedelta(hours=hours) + jump
        seen.add(schedule.due(now))
        look(app, now)
    made = bulletins_of(app)
    weeks = [date(2021, 8, 29) + timedelta(weeks=n) for n in range(7)]
    assert [b.as_of for b in made] == sorted(seen) == [week for week in weeks if week in seen]
    assert {b.as_of for b in made} >= set(weeks[1:6])
    assert sorted(b.number for b in made) == [f"交人社字〔2021〕{83 + n}号" for n in range(len(made))]


def test_two_schedules_at_once_make_one_bulletin(app):
    barrier, made, errors = threading.Barrier(4), [], []

    def one():
        try:
            barrier.wait()
            made.extend(look(app, at(20)))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=one) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert errors == []
    assert len(made) == len(bulletins_of(app)) == 1
    with app.app_context(), scope.everything("test"):
        assert db.session.scalar(select(func.count()).select_from(Task)) == 1


def test_a_refused_bulletin_is_drawn_anew_from_the_same_facts(app):
    look(app, at(20))
    with acting(app):
        bulletin = db.session.scalars(select(Bulletin)).one()
        bulletin.state, facts = REFUSED, bulletin.facts
        db.session.commit()
        bulletins.order_bulletin(the_campaign(), date(2021, 9, 19), "county_clerk", at(22))
        db.session.commit()
    jobs.run_waiting(app)
    (bulletin,) = bulletins_of(app)
    assert (bulletin.state, bulletin.facts) == (DRAWN, facts)


@pytest.mark.parametrize("day", [date(2021, 8, 1), date(2021, 9, 21)])
def test_a_day_without_stock_or_still_to_come_is_refused(app, day):
    with acting(app), pytest.raises(Refusal):
        bulletins.order_bulletin(the_campaign(), day, "county_clerk", NOW)


def test_other_counties_have_a_series_of_their_own(app):
    with acting(app):
        campaign = the_campaign()
        campaign.county_code, campaign.document_no = "141121", "（文号待填）"
        with db.session.no_autoflush:
            facts = bulletins.facts_of(campaign, date(2021, 9, 19), NOW)
        db.session.rollback()
    assert facts["number"] == "专项清理通报〔2021〕1号"
