"""The base of every screen: who may enter, which rows are seen, what no address and no forged form can do."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from flask import abort, flash, redirect, request, url_for
from flask_admin import BaseView, expose
from flask_admin.contrib.sqla import ModelView
from flask_babel import lazy_gettext
from flask_login import current_user
from sqlalchemy import select

from models import scope
from models.base import db
from models.prefix import in_area
from models.user import Right
from models.words import N_
from views import saving
from views.listing import Listing
from views.words import say, value


class Guarded:
    """What every screen says of itself: its title, its address, the right it needs, and how many wait in it."""

    title: ClassVar[str]
    at: ClassVar[str]
    needs: ClassVar[Right | None] = Right.SEE_CASES  # None: open to every post
    hidden: ClassVar[bool] = False

    def is_accessible(self) -> bool:
        return current_user.is_authenticated and (self.needs is None or current_user.may(self.needs))

    def is_visible(self) -> bool:
        return not self.hidden

    def waiting(self) -> int:
        """How many wait here for this person; the menu shows it."""
        return 0

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        # Flask-Admin's own runs a view a second time after a TypeError inside it.
        return fn(self, *args, **kwargs)

    def render(self, template: str, **facts: Any) -> str:
        facts.setdefault("title", say(self.title))
        facts.setdefault("problems", [])
        return super().render(template, **facts)


class OfficePage(Guarded, BaseView):
    """A screen that is no table. Say `title`, `at`, `needs`; expose "/"."""

    def __init__(self) -> None:
        super().__init__(name=lazy_gettext(self.title), endpoint=self.at, url="/admin" if self.at == "admin" else None)


def row_id(text: object) -> int:
    """The id an address names, or 404."""
    if not re.fullmatch(r"[0-9]{1,18}", str(text or ""), re.ASCII):
        abort(404)
    return int(text)


def reads_first(view: Any) -> Any:
    """A form whose work takes its time, a workbook or a picture: the database is only read until `to_write` says otherwise."""
    view.reads_first = True
    return view


def _typed() -> Any:
    return request.form if request.method == "POST" else None


class OfficeView(Guarded, Listing, ModelView):
    """A screen over a table: list and page of a row; forms only where a screen says so.

    Say `title`, `at`, `row`, `needs`, Flask-Admin's `column_…`, and `form` with `can_create` or `can_edit`.
    """

    row: ClassVar[type]
    changes: ClassVar[Right | None] = None  # the right that creating and editing need
    can_create = can_edit = can_delete = can_export = False
    can_view_details = True
    column_sortable_list = ()  # a screen names what an index serves
    page_size = 50
    can_set_page_size = True
    page_size_options = (20, 50, 100, 200)
    list_template = "admin/model/list.html"
    details_template = "admin/model/details.html"
    edit_template = create_template = "admin/model/form.html"

    # What no screen offers has no address either.
    delete_view = export = ajax_lookup = ajax_update = None

    def __init__(self) -> None:
        super().__init__(self.row, db, name=lazy_gettext(self.title), endpoint=self.at)

    def __init_subclass__(cls, **more: Any) -> None:
        """A form that the screen does not have has no address; the framework reads the addresses after this."""
        super().__init_subclass__(**more)
        for able, form in ((cls.can_create, "create_view"), (cls.can_edit, "edit_view")):
            if not able:
                setattr(cls, form, None)

    def limits(self) -> list[Any]:
        """The area written out once more, beside the session's own seam; a screen may add to it."""
        if issubclass(self.model, scope.Placed) and scope.current():
            return [in_area(self.model.area_code, scope.current())]
        return []

    def get_query(self) -> Any:
        return super().get_query().filter(*self.limits())

    def get_count_query(self) -> Any:
        return super().get_count_query().filter(*self.limits())

    def get_one(self, id: Any) -> Any:
        """The row, or 404: missing, malformed and out of the area are one and the same."""
        row = db.session.scalar(select(self.model).where(self.model.id == row_id(id), *self.limits()))
        return row if row is not None else abort(404)

    def may_change(self) -> bool:
        return self.changes is not None and current_user.may(self.changes)

    def page_title(self, row: Any) -> str:
        return f"{say(self.title)} {row}"

    @expose("/details/")
    def details_view(self) -> str:
        """The page of one row."""
        return self.page(self.get_one(request.args.get("id")))

    def page(self, row: Any, **more: Any) -> str:
        """The page of a row, with what more it shows."""
        shown = [(say(label), self.get_detail_value(None, row, name)) for name, label in self._details_columns]
        return self.render(self.details_template, title=self.page_title(row), row=row, shown=shown,
                           edit_url=self._edit_url(row), **more)

    def _edit_url(self, row: Any) -> str | None:
        return url_for(".edit_view", id=row.id) if self.can_edit and self.may_change() else None

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """A new row, by its form."""
        if not self.may_change():
            abort(403)
        return self._form_page(self.create_form(), self.build_new_instance, lazy_gettext("Add"))

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """The form of one row, refused if somebody else was quicker."""
        row = self.get_one(request.args.get("id"))
        if not self.may_change():
            abort(403)
        return self._form_page(self.edit_form(obj=row), lambda: row, lazy_gettext("Change"), row)

    def create_form(self, obj: Any = None) -> Any:
        """What was typed, and no file: the framework's own form takes a file for a text."""
        return self._create_form_class(_typed(), obj=obj)

    def edit_form(self, obj: Any = None) -> Any:
        return self._edit_form_class(_typed(), obj=obj)

    def _form_page(self, form: Any, target: Any, verb: Any, row: Any = None) -> Any:
        problems, status, rows = [], 200, lambda: [row]
        if request.method == "POST":
            problems, status = saving.save(form, rows, lambda: self._put(form, target(), row is None))
            if not problems:
                flash(say(N_("Saved.")), "success")
                return redirect(url_for(".index_view"))
        title = f"{verb}：{row or say(self.title)}"
        page = self.render(self.edit_template, title=title, form=form, problems=problems, **saving.marks(form, rows, status))
        return page, status

    def _put(self, form: Any, changed: Any, new: bool) -> None:
        form.populate_obj(changed)
        self.on_model_change(form, changed, new)
        db.session.add(changed)

    def _get_list_value(self, context: Any, model: Any, name: str, formatters: Any, types: Any) -> Any:
        shown = formatters.get(name)
        return value(shown(self, context, model, name) if shown else self._get_field_value(model, name))


