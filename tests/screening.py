"""What the tests of screens stand on: an app with invented people, sign-in, and the checks of a page."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import datetime

from models import audit, scope
from models.area import load, sort_key
from models.base import db
from models.campaign import campaign_of_2021
from models.case import Case, Person
from models.idnumber import birth_date, calc_check_digit, sex
from models.months import Month
from models.schema import upgrade
from models.user import Role, new_user
from portal import create_app
from portal.settings import SHANGHAI, Settings

NOW = datetime(2021, 9, 19, 9, 0, tzinfo=SHANGHAI)
PASSWORD = "Zhuque-2021-xyz"
AREAS = [("141122100", "天宁镇"), ("141122101", "夏家营镇"), ("141122100201", "磁窑村委会"),
         ("141122100202", "田家山村委会"), ("141122101201", "段村村委会")]
NAMES = ["王桂兰", "李福生", "张秀英", "刘玉梅", "陈二货", "赵改花", "武保财", "郭润莲", "任来福", "牛翠仙", "曹三娃", "马爱珍"]
CATEGORIES = ["uncertified", "duplicate", "imprisoned", "deceased", "impostor", "no_card", "dual_household", "unknown"]


def number(serial: int) -> str:
    """An ID number that nobody has: region 141120 was never given out."""
    body = f"141120{1935 + serial % 25}{1 + serial % 12:02d}{1 + serial % 28:02d}{serial % 1000:03d}"
    return body + calc_check_digit(body + "0")


def person(serial: int) -> Person:
    text, name = number(serial), NAMES[serial % len(NAMES)]
    return Person(id_number=text, id_tail=text[-4:], name=name, name_key=sort_key(name), sex=sex(text),
                  born=birth_date(text))


def build(folder, people: int = 24):
    """An app on a new database: two townships, a login per post, *people* on the list and handed out."""
    app = create_app(Settings(data_dir=folder, database_url=f"sqlite:///{folder / 'portal.sqlite'}", now=NOW, demo=True))
    with office(app):
        upgrade(db.engine)
        load(AREAS, "141122")
        campaign = campaign_of_2021("141122", "交城县")
        db.session.add(campaign)
        for role in Role:
            if role != Role.TOWNSHIP:
                new_user(role.value, role.value, role, "141122", PASSWORD)
        for code in ("141122100", "141122101"):
            new_user(f"township-{code}", "镇经办", Role.TOWNSHIP, code, PASSWORD)
        villages = [code for code, _name in AREAS if len(code) == 12]
        for serial in range(people):
            db.session.add(Case(campaign=campaign, person=person(serial), area_code=villages[serial % 3],
                                paused_from=Month(2020, 1).plus(serial % 20), listed_at=NOW,
                                pause_reason="未提供生存证明", proposed=CATEGORIES[serial % 8]))
        db.session.commit()
    app.config["PASSWORD"] = PASSWORD
    return app


@contextmanager
def office(app, where: str = scope.EVERYWHERE, who: str = "test"):
    with app.app_context(), scope.seeing(where), audit.acting_as(who, "command", lambda: NOW):
        yield


def sign_in(app, name: str):
    """A client signed in as *name*, whose pages are all checked."""
    client = app.test_client()
    token = token_of(client.get("/login").text)
    answer = client.post("/login", data={"username": name, "password": PASSWORD, "csrf_token": token})
    assert answer.status_code == 302, answer.text
    return client


def token_of(text: str) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', text)[1]
