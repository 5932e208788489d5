"""Two at once, moment by moment: a batch and a list that somebody crosses, one paper ordered by two, two posts of one name."""

from __future__ import annotations

import io
import secrets
from threading import Barrier

import pytest
from clerking import CERTIFY, _list, clerks, together
from click.testing import CliRunner
from factories import COUNTY, NOW, PASSWORD, a_case, a_user
from peopled import scan
from screening import Desk, hidden, looking
from sqlalchemy import select, update

from models import grants, papers, roster, schema, workflow
from models.base import db
from models.case import Case, Person, StepDone
from models.certificate import Certificate
from models.document import Document
from models.grants import GRANTED, PostGrant
from models.imports import ImportRun
from models.outbox import Task
from models.user import Role, User, new_user
from portal.cli import main
from views import bulk


def crossed(id: int) -> None:
    """Somebody else changes the case and its person in this very moment, as the database sees it."""
    person = select(Case.__table__.c.person_id).where(Case.__table__.c.id == id).scalar_subquery()
    for table, key in ((Person.__table__, person), (Case.__table__, id)):
        db.session.connection().execute(update(table).where(table.c.id == key).values(version=table.c.version + 1))


def crossed_once_read(monkeypatch, id: int, times: int) -> None:
    """Somebody crosses a list as often as said, each time it has read what is there and not yet written."""
    read, left = roster._cases_of, [id] * times

    def reading(*args):
        found = read(*args)
        if left:
            crossed(left.pop())
        return found
    monkeypatch.setattr(roster, "_cases_of", reading)


# A batch

def certified(app, ids: list[int]) -> list[int]:
    with looking(app):
        return sorted(db.session.scalars(select(StepDone.case_id).where(StepDone.step == "certify", StepDone.case_id.in_(ids))))


@pytest.fixture
def three(portal) -> list[int]:
    with looking(portal):
        return [a_case(category="uncertified").id for _ in range(3)]


def batch(desk: Desk, ids: list[int]) -> dict[str, str]:
    form = {"deed": "step-certify", "ids": ",".join(map(str, ids))} | CERTIFY
    return form | {"ids": hidden(desk.post("/admin/case/bulk", form | {"stage": "check"}).text, "ids")}


def test_a_case_that_is_changed_while_a_batch_runs_costs_the_others_nothing(portal, three, monkeypatch):
    desk = Desk(portal, "county_clerk")
    form, checks = batch(desk, three), iter((False, True, False))
    monkeypatch.setattr(workflow, "before_effect", lambda step, case: crossed(case.id) if next(checks) else None)
    done = desk.post("/admin/case/bulk", form | {"stage": "apply"})
    assert "已办 2 人，跳过 1 人" in done.text
    assert "核对之后别人改动过" in done.text
    assert certified(portal, three) == [three[0], three[2]]


def test_a_case_that_was_changed_since_the_check_is_skipped_and_told(portal, three):
    desk, other = Desk(portal, "county_clerk"), Desk(portal, "township-141122100")
    form, url = batch(desk, three), f"/admin/case/{three[1]}/correct"
    page = other.get(url).text
    assert other.post(url, version=hidden(page, "version"), name="王改", area_code="141122100001", phone="").status_code == 302
    done = desk.post("/admin/case/bulk", form | {"stage": "apply"})
    assert "已办 2 人，跳过 1 人" in done.text
    assert certified(portal, three) == [three[0], three[2]]
    assert "已办 1 人" in desk.post("/admin/case/bulk", batch(desk, three[1:2]) | {"stage": "apply"}).text, "looked at again"


def test_papers_of_many_are_ordered_though_somebody_crosses_them(portal, three, monkeypatch):
    desk, facts, left = Desk(portal, "county_clerk"), bulk.paper_facts, three[1:2]

    def crossing(case, *more):
        if case.id in left:
            crossed(left.pop())
        return facts(case, *more)
    form = {"deed": "paper-certification", "ids": ",".join(map(str, three))}
    form["ids"] = hidden(desk.post("/admin/case/bulk", form | {"stage": "check"}).text, "ids")
    monkeypatch.setattr(bulk, "paper_facts", crossing)
    assert desk.post("/admin/case/bulk", form | {"stage": "apply"}).location.startswith("/admin/task/")
    with looking(portal):
        assert sorted(db.session.scalars(select(Document.case_id))) == three


# A list

@pytest.fixture
def listed(portal) -> tuple[int, bytes]:
    with looking(portal):
        case = a_case(name="原名")
        return case.id, _list(case, "单上")


def checked(desk: Desk, content: bytes):
    return desk.post("/admin/roster/check", kind="roster", file=(io.BytesIO(content), "名单.csv"))


def name(app, id: int) -> str:
    with looking(app):
        return db.session.get(Case, id).person.name


def runs(app) -> int:
    with looking(app):
        return len(db.session.scalars(select(ImportRun.id)).all())


@pytest.mark.parametrize(("times", "comes_in"), [(1, True), (2, False)])
def test_a_list_that_is_crossed_is_brought_in_once_more_or_not_at_all(portal, listed, monkeypatch, times, comes_in):
    id, content = listed
    desk = Desk(portal, "county_clerk")
    sha256 = hidden(checked(desk, content).text, "sha256")
    crossed_once_read(monkeypatch, id, times)
    answer = desk.post("/admin/roster/confirm", sha256=sha256)
    if comes_in:
        assert "更新 1 人" in answer.text
    else:
        assert "未导入任何一行" in desk.follow(answer).text
    assert (name(portal, id), runs(portal)) == ("单上" if comes_in else "原名", int(comes_in))


@pytest.mark.parametrize(("times", "comes_in"), [(1, True), (2, False)])
def test_so_is_a_list_by_command(portal, database, listed, tmp_path, monkeypatch, times, comes_in):
    id, content = listed
    (tmp_path / "list.csv").write_bytes(content)
    crossed_once_read(monkeypatch, id, times)
    result = command(database, tmp_path, "import", "roster", str(tmp_path / "list.csv"))
    assert result.exit_code == 1 - comes_in
    assert result.output.splitlines() == [
        "1 rows: 0 new, 1 updated, 0 unchanged, 0 refused." if comes_in else
        "Others changed the same people while the list was brought in: nothing of it is in. Bring it in once more."]
    assert (name(portal, id), runs(portal)) == ("单上" if comes_in else "原名", int(comes_in))


def command(database: str, folder, *words: str):
    env = {"PORTAL_DATABASE_URL": database, "PORTAL_DATA_DIR": str(folder), "PORTAL_NOW": NOW.isoformat(), "PORTAL_LOCALE": "en"}
    return CliRunner().invoke(main, list(words), env=env, catch_exceptions=False)


def test_a_list_holds_for_what_its_check_page_showed(portal, listed):
    id, content = listed
    desk, other, url = Desk(portal, "county_clerk"), Desk(portal, "township-141122100"), f"/admin/case/{listed[0]}/correct"
    sha256 = hidden(checked(desk, content).text, "sha256")
    page = other.get(url).text
    assert other.post(url, version=hidden(page, "version"), name="王改", area_code="141122100001", phone="").status_code == 302
    again = desk.post("/admin/roster/confirm", sha256=sha256)
    assert again.status_code == 409
    assert "导入结果已有变化" in again.text
    assert "1 行有错误" in again.text, "what a person corrected meanwhile is a row that contradicts"
    assert (name(portal, id), runs(portal)) == ("王改", 0)


# A command

def test_a_step_by_command_may_say_which_version_it_saw(portal, database, tmp_path, three):
    step = ("step", str(three[0]), "certify", "--by", "county_clerk", "--fact", "certified_on=2021-09-18", "--fact", "method=app")
    with looking(portal):
        version = db.session.get(Case, three[0]).version
    late = command(database, tmp_path, *step, "--version", str(version - 1))
    assert (late.exit_code, late.output.splitlines()) == (
        1, ["Somebody else changed this row meanwhile: look at it as it is now, then decide again."])
    assert certified(portal, three) == []
    assert command(database, tmp_path, *step, "--version", str(version)).exit_code == 0
    assert certified(portal, three) == three[:1]


def test_a_step_by_command_that_is_crossed_is_one_sentence(portal, database, tmp_path, three, monkeypatch):
    monkeypatch.setattr(workflow, "before_effect", lambda step, case: crossed(case.id))
    late = command(database, tmp_path, "step", str(three[0]), "certify", "--by", "county_clerk", "--fact",
                   "certified_on=2021-09-18", "--fact", "method=app")
    assert (late.exit_code, len(late.output.splitlines())) == (1, 1)
    assert certified(portal, three) == []


# One file, one paper, two posts

def attaching(app, id: int, desks: list[Desk]) -> None:
    with looking(app):
        version = str(db.session.get(Case, id).version)
    form = lambda: {"version": version, "proof-other": (io.BytesIO(scan()), "扫描.png")}
    together([lambda desk=desk: desk.post(f"/admin/case/{id}/attach", form()) for desk in desks])


def test_the_same_file_attached_by_two_at_once_is_there_once(portal, three):
    desks = clerks(portal)
    for id in three:
        attaching(portal, id, desks)
    with looking(portal):
        assert sorted(db.session.scalars(select(Certificate.case_id).where(Certificate.kind == "other"))) == three


def ordering(app, id: int, desks: list[Desk]) -> int:
    """Both order the same paper of a case at once; how many tasks there are."""
    with looking(app):
        version = str(db.session.get(Case, id).version)
    together([lambda desk=desk: desk.post(f"/admin/case/{id}/paper", kind="certification", version=version) for desk in desks])
    with looking(app):
        return len(db.session.scalars(select(Task.id)).all())


def test_one_paper_ordered_by_two_at_once_is_one(portal, three):
    desks = clerks(portal)[1:]  # the county's: a township does not see what the county ordered
    assert [ordering(portal, id, desks) for id in three] == [1, 2, 3]


def namesakes(app, number: int) -> list[tuple[int, int]]:
    """Two people of one name, each of whom is to get a post that excludes the other's."""
    with looking(app):
        keeper, found = db.session.query(User).filter_by(username="county_admin").one(), []
        for role in (Role.COUNTY_REVIEWER, Role.COUNTY_APPROVER):
            user = new_user(f"{role}-{number}", f"李同名{number}", role, COUNTY, PASSWORD, exercise=True)
            db.session.flush()
            post = grants.ask(user, role, COUNTY, "文件", keeper, NOW)
            db.session.flush()
            found.append((user.id, post.id))
        return found


def granting(app, number: int, desks: list[Desk]) -> int:
    """Both posts are granted at once; how many are in force."""
    posts = namesakes(app, number)
    together([lambda desk=desk, user=user, post=post: desk.post(f"/admin/user/{user}/grant", post=post, version=1)
              for desk, (user, post) in zip(desks, posts, strict=True)])
    with looking(app):
        return len(db.session.scalars(select(PostGrant.id).where(
            PostGrant.id.in_([post for _, post in posts]), PostGrant.state == GRANTED)).all())


@pytest.fixture
def granters(portal) -> list[Desk]:
    with looking(portal):
        a_user(Role.SECURITY_ADMIN, COUNTY, username="security-2")
    return [Desk(portal, "security_admin"), Desk(portal, "security-2")]


def test_two_posts_of_one_name_granted_at_once_are_one(portal, granters):
    assert [granting(portal, number, granters) for number in range(3)] == [1, 1, 1]


# The controls: on SQLite nobody writes without waiting; on PostgreSQL each is given a lock of its own.

def both_have_read(monkeypatch, module, name: str) -> None:
    """Each goes on from this reading only when the other has read as well."""
    met, real = Barrier(2), getattr(module, name)

    def wrapped(*args):
        found = real(*args)
        met.wait(20)
        return found
    monkeypatch.setattr(module, name, wrapped)


class OfItsOwn:
    """A number of a lock that nobody else asks for."""

    def __format__(self, spec: str) -> str:
        return str(secrets.randbits(62))


@pytest.fixture
def nobody_waits(portal, monkeypatch) -> None:
    with portal.app_context():
        if db.engine.dialect.name == "sqlite":
            pytest.skip("SQLite lets one transaction write at a time: there is no such moment")
    monkeypatch.setattr(schema, "WRITERS", OfItsOwn())


def test_without_waiting_one_paper_is_ordered_twice(portal, three, nobody_waits, monkeypatch):
    both_have_read(monkeypatch, papers, "_ordered_before")
    assert ordering(portal, three[0], clerks(portal)[1:]) == 2


def test_without_waiting_two_posts_of_one_name_are_granted(portal, granters, nobody_waits, monkeypatch):
    both_have_read(monkeypatch, grants, "namesakes")
    assert granting(portal, 0, granters) == 2
