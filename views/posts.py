"""Posts on the page of a user: asked for by whoever keeps accounts, granted, refused or ended by the security administrator."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import DataRequired, Length, Regexp, ValidationError

from models import grants
from models.area import is_statistical
from models.base import db
from models.grants import ASKED, ENDED, GRANT_TITLES, GRANTED, REFUSED, PostGrant
from models.races import Stale, noticed
from models.user import ROLE_TITLES, Right, Role, User
from models.words import N_, STALE, Refusal
from views import seen
from views.base import row_id
from views.filters import Pick
from views.formfields import OfficeForm
from views.frame import now
from views.places import names, townships
from views.words import moment, said, say, undone

WAITING = Pick("post", N_("Grant"), [(state, GRANT_TITLES[state]) for state in (ASKED, GRANTED, REFUSED, ENDED)],
               lambda state: User.posts.any(PostGrant.state == state))


class NameForm(OfficeForm):
    """Who somebody is. Stands here, for fields are shown in the order they are made in."""

    username = StringField(_l("User name"), [DataRequired(), Length(max=64), Regexp(r"[A-Za-z0-9_.-]+\Z", message=_l(
        "Letters, digits, dot, dash and underscore only"))])
    name = StringField(_l("Name"), [DataRequired(), Length(max=60)])


class PostForm(OfficeForm):
    """A post for somebody who has a login."""

    role = SelectField(_l("Post"), choices=[(role.value, _l(title)) for role, title in ROLE_TITLES.items()])
    township = SelectField(_l("Township"), validate_choice=False, description=_l("Only for the post of a township"))
    basis = StringField(_l("Basis"), [DataRequired(), Length(max=200)], description=_l(
        "The document that appoints, with its number, or the reason"))
    namesake = BooleanField(_l("Somebody of this name holds another post already, and is another person"))

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        governed = [(code, name) for code, name in townships() if not is_statistical(code)]
        self.township.choices = [("", _l("– the whole county –")), *governed]

    def validate_township(self, field: SelectField) -> None:
        if self.role.data == Role.TOWNSHIP and field.data not in dict(self.township.choices[1:]):
            raise ValidationError(said(N_("There is no county and no township with code {code} here."), code=field.data or "–"))

    def area(self) -> str:
        return self.township.data if self.role.data == Role.TOWNSHIP else current_user.county


class PostVerbs:
    """What the screen of users can do about posts."""

    @expose("/<id>/ask", methods=("GET", "POST"))
    def ask(self, id: str) -> Any:
        """The form that asks for a post."""
        user = self.get_one(id)
        if not self.may_change():
            abort(403)
        form = PostForm(request.form if request.method == "POST" else None)
        problems = _ask(user, form) if request.method == "POST" else []
        if request.method == "POST" and not problems:
            flash(said(N_("The post of {name} waits to be granted by the security administrator."), name=user.name), "success")
            return redirect(url_for(".details_view", id=user.id))
        page = self.render(self.create_template, title=said(N_("Ask for a post: {name}"), name=user.name), form=form, row=None,
                           problems=problems, back=url_for(".details_view", id=user.id))
        return page, 422 if problems else 200

    @expose("/<id>/grant", methods=("POST",))
    def grant(self, id: str) -> Any:
        """Put a post in force that was asked for."""
        return self._decide(id, grants.grant, N_("{name} holds the post now."))

    @expose("/<id>/refuse", methods=("POST",))
    def refuse(self, id: str) -> Any:
        """Leave a post that was asked for ungranted."""
        return self._decide(id, grants.refuse, N_("The post of {name} is not granted."))

    @expose("/<id>/end", methods=("POST",))
    def end(self, id: str) -> Any:
        """Take a post from somebody."""
        return self._decide(id, grants.end, N_("The post of {name} has ended, and every session with it."))

    def _decide(self, id: str, verb: Any, words: str) -> Any:
        user = self.get_one(id)
        if not current_user.may(Right.GRANT_POSTS):
            abort(403)
        post = db.session.get(PostGrant, row_id(request.form.get("post")))
        if post is None or post.user_id != user.id:
            abort(404)
        if not seen.fresh(post):
            raise Stale(STALE)
        with noticed():
            verb(post, current_user._get_current_object(), now())
            db.session.commit()
        flash(said(words, name=user.name), "success")
        return redirect(url_for(".details_view", id=user.id))

    def waiting(self) -> int:
        """Posts that wait for the security administrator."""
        if not current_user.may(Right.GRANT_POSTS):
            return 0
        return db.session.query(PostGrant).filter(PostGrant.state == ASKED, PostGrant.user_id != current_user.id).count()


def _ask(user: User, form: PostForm) -> list[tuple[str, str]]:
    """Ask for the post of the form; otherwise what is wrong."""
    if not form.validate():
        return form.problems()
    try:
        with noticed():
            grants.ask(user, form.role.data, form.area(), form.basis.data, current_user._get_current_object(), now(),
                       namesake=form.namesake.data)
            db.session.commit()
    except Refusal as refusal:
        return [("", say(undone(refusal)))]
    return []


def place(code: str) -> str:
    return names().township(code) if len(code) == 9 else say(N_("Whole county"))


def state(user: User) -> str:
    """What stands of the newest post that somebody was asked for."""
    newest = max(user.posts, key=lambda post: post.id, default=None)
    return say(GRANT_TITLES[newest.state]) if newest else "–"


def history(user: User) -> list[dict[str, Any]]:
    """Every post of somebody, newest first, and what this person may decide about it."""
    decides = current_user.may(Right.GRANT_POSTS) and user.id != current_user.id
    return [{"id": post.id, "version": post.version,
             "post": say(ROLE_TITLES[Role(post.role)]), "area": place(post.area_code), "basis": say(post.basis),
             "state": say(GRANT_TITLES[post.state]), "asked": _by(post.asked_by, post.asked_at),
             "decided": _by(post.decided_by, post.decided_at), "ended": _by(post.ended_by, post.ended_at),
             "same": [held.user.username for held in grants.namesakes(post)] if post.state in (ASKED, GRANTED) else [],
             "told": post.namesake, "grants": decides and post.state == ASKED, "ends": decides and post.state == GRANTED}
            for post in grants.of(user)]


def _by(name: str | None, at: Any) -> str:
    return f"{name} {moment(at)}" if name else "–"
