"""Posts, asked for and granted: 业务部门申请 → 审核 → 赋权 (人社厅发〔2021〕64号). Only a granted post is in force.

Who keeps accounts asks, the security administrator grants; nobody does either for themselves. The shell of the
machine grants at once, as 'system': whoever installs the portal is the first authority. The database refuses the
same things by itself (models/postguards.py).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import audit, realtime
from models.base import AreaCode, BigId, Editable, Instant, db
from models.duties import excludes
from models.scope import Placed
from models.signin import MOVED, end_all
from models.user import ROLE_TITLES, SYSTEM, Right, Role, User, check_post
from models.words import N_, Message, Refusal

ASKED, GRANTED, REFUSED, ENDED = "asked", "granted", "refused", "ended"
GRANT_TITLES = {ASKED: N_("Waits to be granted"), GRANTED: N_("Granted"), REFUSED: N_("Not granted"), ENDED: N_("Post ended")}
INSTALLED, HELD_BEFORE = N_("Set up on the machine itself"), N_("Held before posts were granted here")


class PostGrant(db.Model, Editable, Placed):
    """One post of one person, from the asking to its end. What was asked is never edited (triggers refuse)."""

    __tablename__ = "post_grant"
    __administrative__ = True
    __table_args__ = (
        CheckConstraint("(role = 'township') = (length(area_code) = 9)", name="role_fits_area"),
        CheckConstraint("state IN ('asked', 'granted', 'refused', 'ended')", name="state"),
        CheckConstraint("(state = 'asked') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)",
                        name="decided_as_stated"),
        CheckConstraint("(state = 'ended') = (ended_by IS NOT NULL) AND (ended_by IS NULL) = (ended_at IS NULL)",
                        name="ended_as_stated"),
        # The machine grants what the machine asked for, and nothing else; people grant what others asked for.
        CheckConstraint("decided_by IS NULL OR (decided_by = 'system' AND asked_by = 'system') "
                        "OR (decided_by <> 'system' AND asked_by <> 'system' AND decided_by <> asked_by)", name="two_people"),
        CheckConstraint("length(trim(basis)) > 0", name="has_a_basis"),
        {"sqlite_autoincrement": True},
    )

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("portal_user.id"), nullable=False, index=True)
    user: Mapped[User] = relationship(backref="posts")
    role: Mapped[str] = mapped_column(String(20), nullable=False)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False, index=True)
    asked_by: Mapped[str] = mapped_column(String(64), nullable=False)
    asked_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    basis: Mapped[str] = mapped_column(String(200), nullable=False)  # the document that appoints, or the reason
    namesake: Mapped[bool] = mapped_column(nullable=False, default=False)  # 同名不同人: told to be another person
    state: Mapped[str] = mapped_column(String(8), nullable=False, default=ASKED)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(String(64))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


# One post a person, one question at a time.
for name, state in (("in_force", GRANTED), ("open", ASKED)):
    Index(f"ix_post_grant_{name}", PostGrant.user_id, unique=True, sqlite_where=PostGrant.state == state,
          postgresql_where=PostGrant.state == state)


def of(user: User) -> list[PostGrant]:
    """Every post a person was asked for, newest first."""
    return list(db.session.scalars(select(PostGrant).where(PostGrant.user_id == user.id).order_by(PostGrant.id.desc())))


def in_state(user: User, state: str) -> PostGrant | None:
    return db.session.scalar(select(PostGrant).where(PostGrant.user_id == user.id, PostGrant.state == state))


def ask(user: User, role: str, area_code: str, basis: str, by: User, now: datetime, *, namesake: bool = False) -> PostGrant:
    """Ask for a post for somebody: a first one, or another than they hold. Raises Refusal."""
    _may(by, Right.CHANGE_USERS, user, N_("Nobody asks for a post for themselves."))
    check_post(role, area_code)
    if not basis.strip() or len(basis) > 200:
        raise Refusal(N_("Say on what basis, in 1 to 200 characters: the document that appoints, or the reason."))
    if in_state(user, ASKED):
        raise Refusal(N_("A post for {name} already waits to be granted."), name=user.name)
    present = in_state(user, GRANTED)
    if present and (present.role, present.area_code) == (role, area_code):
        raise Refusal(N_("{name} already holds this post."), name=user.name)
    return _asked(user, role, area_code, basis.strip(), by.username, now, namesake)


def _asked(user: User, role: str, area_code: str, basis: str, by: str, now: datetime, namesake: bool) -> PostGrant:
    db.session.flush()
    post = PostGrant(user_id=user.id, role=role, area_code=area_code, basis=basis, asked_by=by, asked_at=now, namesake=namesake)
    db.session.add(post)
    db.session.flush()
    _record("ask_post", post, user)
    return post


def grant(post: PostGrant, by: User, now: datetime) -> None:
    """Put a post in force: it ends the one before, and every session of the person. Raises Refusal."""
    _decides(post, by)
    _refuse_namesake(post)
    _put_in_force(post, by.username, now)
    _record("grant_post", post, post.user)


def refuse(post: PostGrant, by: User, now: datetime) -> None:
    """Leave a post ungranted; what the person held before stays. Raises Refusal."""
    _decides(post, by)
    post.state, post.decided_by, post.decided_at = REFUSED, by.username, now
    _record("refuse_post", post, post.user)


def end(post: PostGrant, by: User, now: datetime) -> None:
    """Take a post from somebody, who can sign in no more until another is granted. Raises Refusal."""
    _may(by, Right.GRANT_POSTS, post.user, N_("Nobody decides about a post of their own."))
    if post.state != GRANTED:
        raise Refusal(N_("This post is not in force."))
    _end(post, by.username, now)
    _record("end_post", post, post.user)


def install(user: User, now: datetime, *, namesake: bool = False) -> PostGrant:
    """Grant the post a new user was made with, by the authority of the machine itself. Raises Refusal."""
    post = _asked_by_the_machine(user, now, namesake)
    _refuse_namesake(post)
    _put_in_force(post, SYSTEM, now)
    _record("grant_post", post, user)
    return post


def _asked_by_the_machine(user: User, now: datetime, namesake: bool) -> PostGrant:
    db.session.flush()
    post = PostGrant(user=user, role=user.role, area_code=user.area_code, basis=INSTALLED, asked_by=SYSTEM, asked_at=now,
                     namesake=namesake)
    db.session.add(post)
    db.session.flush()
    return post


def _may(by: User, right: Right, user: User, own: str) -> None:
    if user.id == by.id:
        raise Refusal(own)
    if not by.may(right):
        raise Refusal(N_("This is not open to your post."))


def _decides(post: PostGrant, by: User) -> None:
    _may(by, Right.GRANT_POSTS, post.user, N_("Nobody decides about a post of their own."))
    if post.asked_by == by.username:
        raise Refusal(N_("Whoever asked for a post does not grant it."))
    if post.state != ASKED:
        raise Refusal(N_("This post was decided already."))


def namesakes(post: PostGrant) -> list[PostGrant]:
    """Posts in force that exclude this one and belong to somebody of the same name in the county."""
    same = db.session.scalars(select(PostGrant).join(PostGrant.user).where(
        User.name == post.user.name, User.id != post.user_id, PostGrant.state == GRANTED,
        PostGrant.area_code.startswith(post.area_code[:6])))
    return [held for held in same if excludes(held.role, post.role)]


def _refuse_namesake(post: PostGrant) -> None:
    held = next(iter(namesakes(post)), None)
    if held and not post.namesake:
        raise Refusal(N_("{name} already holds the post “{post}” as {user}, which excludes this one. If they are two people of "
                         "one name, ask again and say so."),
                      name=post.user.name, post=Message(ROLE_TITLES[Role(held.role)]), user=held.user.username)


def _put_in_force(post: PostGrant, by: str, now: datetime) -> None:
    """Each flush stands before the next, since the database checks that a login in use has its post."""
    former = in_state(post.user, GRANTED)
    if former:
        end_all(post.user.id, MOVED, realtime.now())
        _end(former, by, now)
    else:
        post.user.begins(realtime.now())
    post.state, post.decided_by, post.decided_at = GRANTED, by, now
    db.session.flush()
    post.user.role, post.user.area_code, post.user.active = post.role, post.area_code, True  # which ends the sessions


def _end(post: PostGrant, by: str, now: datetime) -> None:
    post.user.active = False
    db.session.flush()
    post.state, post.ended_by, post.ended_at = ENDED, by, now
    db.session.flush()


def _record(act: str, post: PostGrant, user: User) -> None:
    audit.record(act, "post_grant", post.area_code, row_id=post.id, username=user.username, role=post.role, basis=post.basis)
