"""Separation of duties: who may hold what, who grants it, who sees no case and who writes nothing (S6)."""

from __future__ import annotations

from datetime import date
from itertools import combinations

import pytest
from factories import COUNTY, NOW, TIANNING, a_case, a_user, arranging, contents, moved_to, refused, seeing_as, walk
from screening import Desk, looking
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from exports import postsheet
from models import grants, realtime, schema, signin
from models.audit import AuditEntry
from models.base import db
from models.campaign import Campaign
from models.case import Case
from models.duties import EXCLUDED, excludes
from models.grants import ASKED, ENDED, GRANTED, PostGrant
from models.scope import administrative, everything, seeing
from models.signin import SignIn
from models.user import RIGHTS, Right, Role, User, new_user
from models.words import Refusal

PAIRS = sorted(tuple(sorted(pair)) for pair in EXCLUDED)
NAMED = [f"{one}-{other}" for one, other in PAIRS]
schema.metadata()  # every table is known
MAPPED = sorted((mapper.class_ for mapper in db.Model.registry.mappers), key=lambda cls: cls.__name__)
BUSINESS = [cls for cls in MAPPED if not administrative(cls)]
BLIND = ("system_admin", "security_admin")


def area_of(role: str) -> str:
    return TIANNING if role == Role.TOWNSHIP else COUNTY


def waiting(role: str, name: str = "李同名", by: str = "county_admin", namesake: bool = False) -> PostGrant:
    """A new login of that name, whose post was asked for."""
    user = User(username=f"new-{role}", name=name, role=str(role), area_code=area_of(role), password_hash="-")
    with everything("test"):
        db.session.add(user)
        keeper = db.session.scalars(select(User).where(User.username == by)).one()
        return grants.ask(user, role, area_of(role), "交人社任〔2021〕3号", keeper, NOW, namesake=namesake)


def holding(role: str, name: str = "李同名") -> User:
    with arranging():
        user = a_user(role, area_of(role))
        user.name = name
    return user


def sql(statement: str, **values: object) -> None:
    db.session.flush()
    db.session.connection().execute(text(statement), values)


def test_any_two_posts_exclude_each_other_and_the_table_says_why():
    assert set(EXCLUDED) == {frozenset(pair) for pair in combinations(Role, 2)}
    assert all(EXCLUDED.values())
    assert excludes(Role.AUDITOR, Role.AUDITOR) is None


# ---- every forbidden pair, by every road

@pytest.mark.parametrize(("one", "other"), PAIRS, ids=NAMED)
def test_the_verb_refuses_the_second_post_of_a_pair(county, session, one, other):
    holding(one)
    with arranging():
        post = waiting(other)
    security = county.user("security_admin")
    with everything("test"), refused("excludes this one"):
        grants.grant(post, security, NOW)


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=NAMED)
def test_the_database_refuses_the_second_post_of_a_pair(county, session, one, other):
    user = holding(one)
    with arranging():
        post = waiting(other)
    decided = "UPDATE post_grant SET state = 'granted', decided_by = 'security_admin', decided_at = asked_at WHERE id = :id"
    with pytest.raises(IntegrityError, match="post_namesake"):
        sql(decided, id=post.id)
    session.rollback()
    with everything("test"):
        second = PostGrant(user_id=user.id, role=other, area_code=area_of(other), basis="兼", asked_by="county_admin",
                           asked_at=NOW, namesake=True)
        session.add(second)
        session.flush()
        with pytest.raises(IntegrityError):  # of one login: one post is in force
            sql(decided, id=second.id)
        session.rollback()
        with pytest.raises(IntegrityError, match="user_post_is_granted"):
            sql("UPDATE portal_user SET role = :role, area_code = :area WHERE id = :id", role=other, area=area_of(other),
                id=user.id)
        session.rollback()


def test_the_screen_refuses_the_second_post_of_every_pair(portal):
    keeper, security = Desk(portal, "system_admin"), Desk(portal, "security_admin")
    for number, (one, other) in enumerate(PAIRS):
        with looking(portal):
            held = a_user(one, area_of(one), username=f"held-{number}")
            held.name = f"李{number}"
        typed = {"username": f"second-{number}", "name": f"李{number}", "role": other, "township": TIANNING, "basis": "文件"}
        assert keeper.post("/admin/user/new/", typed).status_code == 302, (one, other)
        with looking(portal):
            user = db.session.scalars(select(User).where(User.username == f"second-{number}")).one()
            id, post = user.id, user.posts[0].id
        page = security.get(f"/admin/user/details/?id={id}").text
        assert f"与 held-{number} 同名" in page
        assert security.post(f"/admin/user/{id}/grant", post=post, version=1).status_code == 409, (one, other)
        with looking(portal):
            assert (db.session.get(PostGrant, post).state, db.session.get(User, id).active) == (ASKED, False)


def test_two_people_of_one_name_are_granted_once_somebody_says_so(county, session):
    holding(Role.COUNTY_REVIEWER)
    security = county.user("security_admin")
    with arranging():
        grants.grant(waiting(Role.COUNTY_APPROVER, namesake=True), security, NOW)
    assert county.user("new-county_approver").active


# ---- the way of a post

def test_only_a_granted_post_is_in_force(county, session):
    with arranging():
        post = waiting(Role.COUNTY_CLERK)
    user = county.user("new-county_clerk")
    assert (post.state, user.active) == (ASKED, False)
    with seeing_as(county.user("security_admin")):
        grants.grant(post, county.user("security_admin"), NOW)
        session.commit()
    assert (post.state, user.active, post.decided_by) == (GRANTED, True, "security_admin")


def test_another_post_ends_the_one_before_and_every_session(county, session):
    clerk = county.clerk
    with arranging():
        signin.begin(clerk, "127.0.0.1", "x", realtime.now())
        post = grants.ask(clerk, Role.COUNTY_REVIEWER, COUNTY, "调岗", county.admin, NOW)
        assert clerk.role == Role.COUNTY_CLERK
        grants.grant(post, county.user("security_admin"), NOW)
    assert [each.state for each in grants.of(clerk)] == [GRANTED, ENDED]
    assert (clerk.role, clerk.active) == (Role.COUNTY_REVIEWER, True)
    with seeing(COUNTY):
        assert session.scalars(select(SignIn.ended_why)).all() == [signin.MOVED]


def test_a_post_that_ends_leaves_nobody_signed_in(county, session):
    clerk = county.clerk
    with arranging():
        grants.end(grants.in_state(clerk, GRANTED), county.user("security_admin"), NOW)
    assert (clerk.active, grants.in_state(clerk, GRANTED)) == (False, None)
    with pytest.raises(IntegrityError, match="user_post_is_granted"):
        sql("UPDATE portal_user SET active = TRUE WHERE username = 'county_clerk'")
    session.rollback()


@pytest.mark.parametrize("act", ["ask_post", "grant_post", "refuse_post", "end_post"])
def test_each_act_is_told_once_in_the_trail(county, session, act):
    security = county.user("security_admin")
    with arranging():
        post = waiting(Role.COUNTY_CLERK)
        if act in ("grant_post", "end_post"):
            grants.grant(post, security, NOW)
        if act == "refuse_post":
            grants.refuse(post, security, NOW)
        if act == "end_post":
            grants.end(post, security, NOW)
    with everything("test"):
        found = session.scalars(select(AuditEntry).where(AuditEntry.act == act, AuditEntry.row_id == post.id)).all()
    assert len(found) == 1


WRONG = {
    "Nobody asks for a post for themselves": lambda by: grants.ask(
        by["county_admin"], "auditor", COUNTY, "x", by["county_admin"], NOW),
    "Nobody asks for a post for them": lambda by: grants.ask(by["system_admin"], "auditor", COUNTY, "x", by["system_admin"], NOW),
    "not open to your post": lambda by: grants.ask(by["auditor"], "county_clerk", COUNTY, "x", by["security_admin"], NOW),
    "Say on what basis": lambda by: grants.ask(by["auditor"], "county_clerk", COUNTY, " ", by["county_admin"], NOW),
    "already holds this post": lambda by: grants.ask(by["auditor"], "auditor", COUNTY, "x", by["county_admin"], NOW),
    "needs an area code": lambda by: grants.ask(by["auditor"], "township", COUNTY, "x", by["county_admin"], NOW),
}


@pytest.mark.parametrize("words", WRONG)
def test_what_is_not_asked_for(county, words):
    by = {name: county.user(name) for name in ("county_admin", "system_admin", "security_admin", "auditor")}
    with everything("test"), refused(words):
        WRONG[words](by)


def test_the_security_administrator_grants_itself_nothing(county, session):
    security = county.user("security_admin")
    with arranging():
        post = grants.ask(security, Role.COUNTY_APPROVER, COUNTY, "x", county.admin, NOW)
    for verb in (grants.grant, grants.refuse):
        with everything("test"), refused("of their own"):
            verb(post, security, NOW)
    with everything("test"), refused("of their own"):
        grants.end(grants.in_state(security, GRANTED), security, NOW)
    with everything("test"), refused("not open to your post"):
        grants.grant(post, county.user("system_admin"), NOW)


ASK = ("INSERT INTO post_grant (user_id, role, area_code, asked_by, asked_at, basis, namesake, state, decided_by, decided_at, "
       "version) SELECT id, 'county_approver', '141122', {by}, '2021-09-19', 'x', TRUE, {state}, {decided}, 1 "
       "FROM portal_user WHERE username = '{whose}'")
FORGED = [
    ("two_people|post_begins_asked", ASK.format(by="'county_admin'", state="'granted'", decided="'county_admin', '2021-09-19'",
                                                whose="auditor")),
    ("post_begins_asked", ASK.format(by="'county_admin'", state="'granted'", decided="'security_admin', '2021-09-19'",
                                     whose="auditor")),
    ("post_asked_by_account_keeper", ASK.format(by="'county_clerk'", state="'asked'", decided="NULL, NULL", whose="auditor")),
    ("post_asked_by_account_keeper", ASK.format(by="'security_admin'", state="'asked'", decided="NULL, NULL", whose="auditor")),
    ("post_not_one_s_own", ASK.format(by="'system_admin'", state="'asked'", decided="NULL, NULL", whose="system_admin")),
    ("post_not_one_s_own", ASK.format(by="'county_admin'", state="'asked'", decided="NULL, NULL", whose="county_admin")),
    ("user_post_is_granted", "UPDATE portal_user SET role = 'county_approver' WHERE username = 'security_admin'"),
    ("user_post_is_granted", "UPDATE portal_user SET area_code = '141123' WHERE username = 'county_clerk'"),
    ("user_keeps_name", "UPDATE portal_user SET username = 'system' WHERE username = 'county_clerk'"),
    ("post_in_use", "UPDATE post_grant SET state = 'ended', ended_by = 'security_admin', ended_at = asked_at WHERE user_id = "
                    "(SELECT id FROM portal_user WHERE username = 'county_clerk')"),
    ("post_stays_as_asked", "UPDATE post_grant SET role = 'county_approver'"),
    ("post_stays_as_asked", "DELETE FROM post_grant"),
    ("post_goes_one_way", "UPDATE post_grant SET decided_by = 'security_admin'"),
]


@pytest.mark.parametrize(("rule", "statement"), FORGED, ids=range(len(FORGED)))
def test_the_database_refuses_forged_posts(county, session, rule, statement):
    with pytest.raises(IntegrityError, match=rule):
        sql(statement)
    session.rollback()


DECIDED = {"two_people|post_decided_by_security": "county_admin", "post_decided_by_security": "county_approver",
           "two_people": "system"}


@pytest.mark.parametrize("rule", DECIDED)
def test_the_database_knows_who_decides(county, session, rule):
    with arranging():
        post = waiting(Role.SECURITY_ADMIN)
    with pytest.raises(IntegrityError, match=rule):
        sql("UPDATE post_grant SET state = 'granted', decided_by = :by, decided_at = asked_at WHERE id = :id",
            by=DECIDED[rule], id=post.id)
    session.rollback()


def test_the_database_lets_nobody_decide_about_themselves(county, session):
    with arranging():
        post = grants.ask(county.user("security_admin"), Role.COUNTY_APPROVER, COUNTY, "x", county.admin, NOW, namesake=True)
    with pytest.raises(IntegrityError, match="post_not_one_s_own"):
        sql("UPDATE post_grant SET state = 'granted', decided_by = 'security_admin', decided_at = asked_at WHERE id = :id",
            id=post.id)
    session.rollback()


@pytest.mark.parametrize("name", ["system", "System"])
def test_nobody_is_called_as_the_portal_itself(county, session, name):
    with arranging(), pytest.raises(Refusal, match="belongs to the portal"):
        new_user(name, "某", Role.AUDITOR, COUNTY, "Jiaocheng-2021")
    with pytest.raises(IntegrityError, match="user_begins_without_post"):
        sql("INSERT INTO portal_user (username, name, role, area_code, password_hash, active, failures, version) "
            "VALUES (:name, 'x', 'auditor', '141122', '-', FALSE, 0, 1)", name=name)
    session.rollback()


@pytest.mark.parametrize(("column", "right"), [("reviewed_by", "county_reviewer"), ("approved_by", "county_approver")])
def test_the_database_takes_signatures_of_the_right_post_only(county, session, column, right):
    walk(a_case(category="uncertified"), until="review" if column == "approved_by" else "settle")
    names = [user.username for user in session.scalars(select(User).where(User.role != right))]
    for name in (*names, "nobody"):
        with pytest.raises(IntegrityError):
            sql(f"UPDATE settlement SET {column} = :name", name=name)
        session.rollback()
    sql(f"UPDATE settlement SET {column} = :name", name=right)
    session.rollback()


def test_who_left_the_post_signs_no_more(county, session):
    walk(a_case(category="uncertified"), until="settle")
    with arranging():
        moved_to(county.reviewer, Role.AUDITOR)
    with pytest.raises(IntegrityError, match="settlement_reviewed_by"):
        sql("UPDATE settlement SET reviewed_by = 'county_reviewer'")
    session.rollback()


# ---- who sees no case, and who writes nothing

def test_what_is_administrative_is_said_here():
    assert {cls.__name__ for cls in MAPPED if administrative(cls)} >= {"User", "PostGrant", "Township", "Village", "Campaign"}
    assert {"Case", "Person", "Settlement", "Certificate", "Document", "AuditEntry", "Task", "ImportRun", "Handout",
            "Bulletin", "PublishedRate"} <= {cls.__name__ for cls in BUSINESS}


@pytest.mark.parametrize("name", BLIND)
@pytest.mark.parametrize("cls", BUSINESS, ids=lambda cls: cls.__name__)
def test_an_administrator_sees_no_row_of_the_business(county, session, name, cls):
    case = walk(a_case(category="deceased", account_balance="0.00", government_subsidy="0.00"), family="reached",
                died_on="2019-06-15")
    with seeing_as(county.user(name)):
        session.expunge_all()
        assert session.scalars(select(cls)).all() == []
        assert session.scalar(select(func.count()).select_from(cls)) == 0
        assert session.scalar(select(select(func.count()).select_from(cls).scalar_subquery())) == 0
        with everything("a screen that widens its scope"):
            assert session.scalars(select(cls)).all() == []
        assert session.get(Case, case.id) is None if cls is Case else True
        assert session.scalar(select(func.count()).select_from(User)) > 5
        assert session.scalar(select(func.count()).select_from(Campaign)) == 1


@pytest.mark.parametrize("name", BLIND)
def test_an_administrator_writes_nothing_of_the_business(county, session, name):
    case = a_case()
    with seeing_as(county.user(name)):
        case.remark = "x"
        with pytest.raises(Refusal, match="no part in the cases"):
            session.commit()
        session.rollback()


def test_the_auditor_writes_nothing_but_the_own_login(county, session):
    case, auditor, other = a_case(), county.auditor, county.clerk
    own = ("portal_user", "sign_in", "audit_entry", "audit_head")
    before = {name: rows for name, rows in contents().items() if name not in own}
    changes = [lambda: setattr(case, "remark", "x"), lambda: setattr(other, "failures", 3), lambda: session.delete(case),
               lambda: session.add(Campaign(key="x")), lambda: setattr(county.campaign, "office", "x"),
               lambda: setattr(grants.of(auditor)[0], "basis", "x")]
    for change in changes:
        with seeing_as(auditor):
            change()
            with pytest.raises(Refusal, match="reads and changes nothing"), everything("a screen that widens its scope"):
                session.commit()
            session.rollback()
    with seeing_as(auditor):
        signin.begin(auditor, "127.0.0.1", "x", NOW)
        session.commit()
    with arranging():
        assert {name: rows for name, rows in contents().items() if name in before} == before


@pytest.mark.parametrize("name", BLIND)
def test_screens_show_an_administrator_no_case(portal, name):
    with portal.app_context(), everything("test"):
        a_case(name="贾本地")
    desk = Desk(portal, name)
    for page in ("/admin/", "/admin/user/", "/admin/policy/"):
        text_of = desk.get(page).text
        assert 'role="search"' not in text_of.split("<main")[0]
        assert "/admin/case/" not in text_of
        assert "贾本地" not in text_of
    for page in ("/admin/case/", "/admin/ranking/", "/admin/settlement/", "/admin/audit/", "/admin/task/", "/admin/handing/",
                 "/admin/certificate/", "/admin/document/"):
        assert desk.get(page).status_code == 403, page


@pytest.mark.parametrize(("name", "status"), [
    ("system_admin", 200), ("security_admin", 200), ("county_admin", 200), ("auditor", 200), ("county_clerk", 403),
    ("county_reviewer", 403), ("county_approver", 403), (f"township-{TIANNING}", 403)])
def test_the_register_goes_to_those_who_see_the_policy(portal, name, status):
    desk = Desk(portal, name)
    assert desk.get("/admin/policy/").status_code == status
    assert desk.post("/admin/policy/posts").status_code == status


def test_the_register_says_who_holds_what_and_why(county, session):
    holding(Role.COUNTY_REVIEWER)
    with arranging():
        waiting(Role.COUNTY_APPROVER)
    with seeing_as(county.user("security_admin")) as now:
        rows = list(postsheet.rows(county.campaign, now, str))
    assert {len(row) for row in rows} == {len(postsheet.COLUMNS)}
    new = next(row for row in rows if row[1] == "new-county_approver")
    assert (new[2], new[3], new[6], new[7]) == ("County approver", "Business operation", "交人社任〔2021〕3号", "county_admin")
    assert (new[8], new[9], new[12]) == (date(2021, 9, 19), "", "Waits to be granted")
    assert new[14].startswith("county_reviewer-")


def test_nobody_who_keeps_accounts_or_grants_posts_has_business():
    business = {right for right in Right} - {Right.CHANGE_SETTINGS, Right.SEE_USERS, Right.CHANGE_USERS, Right.GRANT_POSTS,
                                             Right.SEE_POLICY}
    assert [RIGHTS[role] & business for role in (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN)] == [set(), set()]
    assert not RIGHTS[Role.SECURITY_ADMIN] & {Right.CHANGE_USERS}
    assert [role for role in Role if Right.GRANT_POSTS in RIGHTS[role]] == [Role.SECURITY_ADMIN]
