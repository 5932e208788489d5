"""People who sign in: added with a one-time password, disabled, never deleted."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_admin import expose
from flask_login import current_user
from sqlalchemy.orm import selectinload

from models import grants
from models.base import db
from models.grants import GRANTED
from models.user import ROLE_TITLES, Right, Role, User, new_user
from models.words import N_, Refusal
from views import posts
from views.base import OfficeView
from views.cases import cell
from views.filters import Pick, equals, prefix, titled
from views.frame import now
from views.posts import NameForm, PostForm, PostVerbs
from views.words import moment, said, say


class UserForm(NameForm, PostForm):
    """A new person, and the post asked for. The password is made, shown once, and told in person."""


USE = Pick("use", N_("In use"), (("yes", N_("In use")), ("no", N_("Not in use")), ("locked", N_("Locked"))),
           lambda use: User.locked_until > datetime.now(UTC) if use == "locked" else User.active == (use == "yes"))


class UserView(PostVerbs, OfficeView):
    title, at, row, needs = N_("Users"), "user", User, Right.SEE_USERS
    can_create, changes, form = True, Right.CHANGE_USERS, UserForm
    details_template = "admin/user.html"
    search_hint = N_("User name or name")
    column_list = column_details_list = ("username", "name", "role", "area_code", "posts", "active", "locked_until")
    column_labels = {"username": N_("User name"), "name": N_("Name"), "role": N_("Post"), "area_code": N_("Area"),
                     "posts": N_("Grant"), "active": N_("In use"), "locked_until": N_("Locked until")}
    column_formatters = column_formatters_detail = {
        "role": cell(lambda user: say(ROLE_TITLES[Role(user.role)])),
        "locked_until": cell(lambda user: moment(user.locked_until)),
        "area_code": cell(lambda user: posts.place(user.area_code)), "posts": cell(posts.state)}
    column_default_sort = [("area_code", False), ("username", False)]
    column_filters = (equals("role", N_("Post"), User.role, titled(ROLE_TITLES)), posts.WAITING, USE)

    def searched(self, text: str) -> Any:
        return prefix(User.username if text.isascii() else User.name, text)

    def get_query(self) -> Any:
        return super().get_query().options(selectinload(User.posts))

    def render(self, template: str, **facts: Any) -> str:
        row = facts.get("row")
        return super().render(template, posts=posts.history(row) if row else [], **facts)

    def page_title(self, row: User) -> str:
        return f"{row.name} {row.username}"

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """A new person: the password appears on the page that follows, and nowhere else."""
        if not self.may_change():
            abort(403)
        form, problems = self.create_form(), []
        if request.method == "POST":
            problems = form.problems() if not form.validate() else self._add(form)
            if not problems:
                return redirect(url_for(".index_view"))
        page = self.render(self.create_template, title=say(N_("Add a user")), form=form, row=None, problems=problems)
        return page, 422 if problems else 200

    def _add(self, form: UserForm) -> list[tuple[str, str]]:
        password = one_time()
        try:
            if db.session.query(User).filter_by(username=form.username.data).first() is not None:
                raise Refusal(N_("There already is a user {name}."), name=form.username.data)
            user = new_user(form.username.data, form.name.data, form.role.data, form.area(), password)
            grants.ask(user, form.role.data, form.area(), form.basis.data, current_user._get_current_object(), now(),
                       namesake=form.namesake.data)
            db.session.commit()
        except Refusal as refusal:
            db.session.rollback()
            return [("username", say(refusal))]
        _tell(form.username.data, password)
        flash(said(N_("The post of {name} waits to be granted by the security administrator."), name=user.name), "success")
        return []

    @expose("/<id>/password", methods=("POST",))
    def password(self, id: str) -> Any:
        """A new one-time password; every session of the person ends."""
        user, password = self._other(id), one_time()
        user.set_password(password)
        user.failures, user.locked_until = 0, None
        return self._done(user, lambda: _tell(user.username, password))

    @expose("/<id>/sessions", methods=("POST",))
    def sessions(self, id: str) -> Any:
        """End every session of a person."""
        user = self._other(id)
        user.end_sessions()
        return self._done(user, lambda: flash(say(N_("Every session of this person has ended.")), "success"))

    @expose("/<id>/active", methods=("POST",))
    def active(self, id: str) -> Any:
        """Disable a person, or let them in again."""
        user = self._other(id)
        if not user.active and grants.in_state(user, GRANTED) is None:
            raise Refusal(N_("{name} holds no granted post: ask for one first."), name=user.name)
        user.active = not user.active
        user.end_sessions()
        words = N_("{name} may sign in again.") if user.active else N_("{name} can no longer sign in.")
        return self._done(user, lambda: flash(said(words, name=user.name), "success"))

    def _other(self, id: str) -> User:
        user = self.get_one(id)
        if not self.may_change():
            abort(403)
        if user.id == current_user.id:
            raise Refusal(N_("Nobody changes their own login here."))
        if request.form.get("version") != str(user.version):
            raise Refusal(N_("Somebody else changed this user meanwhile: look again, then decide."))
        return user

    def _done(self, user: User, tell: Any) -> Any:
        db.session.commit()
        tell()
        return redirect(url_for(".details_view", id=user.id))


def one_time() -> str:
    """A password that is easy to read out and fits every rule."""
    letters, digits = "abcdefghjkmnpqrstuvwxyz", "23456789"
    pick = lambda signs, count: "".join(secrets.choice(signs) for _ in range(count))
    return f"{pick(letters.upper(), 2)}-{pick(letters, 5)}-{pick(digits, 5)}"


def _tell(username: str, password: str) -> None:
    flash(said(N_("Password of {user}, shown only once: {password}"), user=username, password=password), "success")
