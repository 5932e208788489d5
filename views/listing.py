"""The list of a screen: filters, search, tabs, sort, pages, ticks; what an address asks wrongly is answered 400."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from flask import abort, request, url_for
from flask_admin import expose
from flask_admin.model.base import ViewArgs
from sqlalchemy import ColumnElement

from models.words import N_, Refusal
from views import asking
from views.filters import Pick
from views.seeking import again, sought
from views.words import say

MOST_TICKED = 500


@dataclass(frozen=True)
class Tab:
    """A saved view of a list: a title and the filters it stands for."""

    title: str
    filters: dict[str, str]


def list_url(endpoint: str, **filters: str) -> str:
    """The address of a list under these filters; tiles, tabs and tables link by it."""
    numbered = {f"flt{number}_{key}": value for number, (key, value) in enumerate(filters.items())}
    return url_for(f"{endpoint}.index_view", **numbered)


class Listing:
    """How every list asks and answers. Screens say `column_filters` (Pick), `tabs`, `search_hint`, `searched()`."""

    tabs: ClassVar[tuple[Tab, ...]] = ()
    search_hint: ClassVar[str] = ""
    empty: ClassVar[str] = N_("Nothing here yet.")

    def init_search(self) -> bool:
        return bool(self.search_hint)

    def searched(self, text: str) -> ColumnElement[bool]:
        """The rows a search means."""
        raise NotImplementedError

    def get_filter_arg(self, index: int, flt: Pick) -> str:
        return flt.key

    def _get_list_filter_args(self) -> list[tuple[int, str, str]]:
        asking.only(pick.key for pick in self._filters or ())
        asked = [(number, pick.name, pick.picked()) for number, pick in enumerate(self._filters or ())]
        return [entry for entry in asked if entry[2]]

    def _get_list_extra_args(self) -> ViewArgs:
        search = sought()
        sortable = [index for index, (name, _title) in enumerate(self._list_columns) if name in self._sortable_columns]
        return ViewArgs(page=asking.number("page") or 0, page_size=asking.one_of("page_size", self.page_size_options) or 0,
                        sort=asking.one_of("sort", sortable), sort_desc=asking.one_of("desc", (0, 1)) == 1,
                        search=search or None, filters=self._get_list_filter_args())

    def _apply_search(self, query: Any, count_query: Any, joins: Any, count_joins: Any, search: str) -> Any:
        meant = self.searched(search)
        return query.filter(meant), count_query.filter(meant), joins, count_joins

    def _apply_sorting(self, query: Any, joins: Any, sort_column: Any, sort_desc: bool) -> Any:
        """Rows alike in what they are sorted by stand in order of id: else one is on two pages, and another on none."""
        query, joins = super()._apply_sorting(query, joins, sort_column, sort_desc)
        orders = [sort_desc] if sort_column is not None else [down for *_, down in self._get_default_order()]
        return query.order_by(self.model.id.desc() if orders[-1:] == [True] else self.model.id), joins

    def _apply_path_joins(self, query: Any, joins: Any, path: Any, inner_join: bool = True) -> Any:
        """Inwards always, since no row lacks what a list is sorted by: so an index gives the first page, and not a sort."""
        return super()._apply_path_joins(query, joins, path, inner_join=True)

    def get_list(self, page: int | None, *args: Any, page_size: int | None = None, **more: Any) -> Any:
        """Count and rows; a page behind the last one is the last one."""
        count, query = super().get_list(0, *args, page_size=page_size, **more | {"execute": False})
        size = page_size or self.page_size
        self_page = min(page or 0, max((count - 1) // size, 0))
        return count, self._whole(query.offset(self_page * size))

    def _whole(self, query: Any) -> list[Any]:
        """The rows of a page, in order: sorted as bare ids, since whole rows are many times the work to sort and skip."""
        ids = [id for (id,) in query.with_entities(self.model.id)]
        found = {row.id: row for row in self.get_query().filter(self.model.id.in_(ids))}
        return [found[id] for id in ids if id in found]

    @expose("/")
    def index_view(self) -> str:
        """The list."""
        asked = self._get_list_extra_args()
        size = self.get_safe_page_size(asked.page_size)
        sort = self._sort(asked)
        count, rows = self.get_list(asked.page, sort, asked.sort_desc, asked.search, asked.filters, page_size=size)
        return self.render(self.list_template, rows=rows, count=count, pager=self._pager(asked, count, size),
                           picks=self._picks(asked), tabs=self._tabs(asked), columns=self._heads(asked, sort),
                           search=asked.search or "", searchable=self._search_supported, empty=say(self.empty),
                           deeds=self.deeds(), again=self._again(asked), most=MOST_TICKED)

    def _sort(self, asked: ViewArgs) -> str | None:
        return self._list_columns[asked.sort][0] if asked.sort is not None else None

    def _again(self, asked: ViewArgs, **other: Any) -> dict[str, Any]:
        """The arguments that ask for this list again."""
        chosen = {f"flt{number}_{self._filters[index].key}": value
                  for number, (index, _name, value) in enumerate(asked.filters)}
        own = {**again(asked.search), "sort": asked.sort, "desc": 1 if asked.sort_desc else None,
               "page_size": asked.page_size or None}
        return {name: given for name, given in (chosen | own | other).items() if given is not None}

    def _pager(self, asked: ViewArgs, count: int, size: int) -> dict[str, Any]:
        last = max((count - 1) // size, 0)
        page = min(asked.page, last)
        at = lambda number: url_for(".index_view", **self._again(asked, page=number or None))
        return {"page": page + 1, "pages": last + 1, "size": size, "sizes": self.page_size_options,
                "before": at(page - 1) if page else None, "after": at(page + 1) if page < last else None,
                "of_size": {n: url_for(".index_view", **self._again(asked, page_size=n))
                            for n in self.page_size_options}}

    def _picks(self, asked: ViewArgs) -> list[dict[str, Any]]:
        picked = {index: value for index, _name, value in asked.filters}
        shown = [{"name": f"flt{index}_{pick.key}", "title": str(pick.name), "picked": picked.get(index, ""),
                  "hidden": pick.by_link, "options": [(value, say(title)) for value, title in pick.offered()]}
                 for index, pick in enumerate(self._filters or ())]
        return [pick for pick in shown if pick["picked"] or (pick["options"] and not pick["hidden"])]

    def _tabs(self, asked: ViewArgs) -> list[tuple[str, str, bool]]:
        present = {self._filters[index].key: value for index, _name, value in asked.filters}
        return [(say(tab.title), list_url(self.endpoint, **tab.filters), tab.filters == present) for tab in self.tabs]

    def _heads(self, asked: ViewArgs, sort: str | None) -> list[dict[str, Any]]:
        return [{"name": name, "title": say(str(title)), "sorted": name == sort and (asked.sort_desc and "desc" or "asc"),
                 "url": url_for(".index_view", **self._again(asked, sort=index, desc=None if name != sort or
                                asked.sort_desc else 1)) if name in self._sortable_columns else None}
                for index, (name, title) in enumerate(self._list_columns)]

    def deeds(self) -> list[tuple[str, str]]:
        """(name, title) of what this person may do to ticked rows."""
        return [(name, say(str(title))) for name, title in self._actions if self.is_action_allowed(name)]

    def do(self, name: str, ids: list[int]) -> Any:
        """Do a deed of `deeds()`: by default the method Flask-Admin's @action marks."""
        return self._actions_data[name][0](ids)

    @expose("/action/", methods=("POST",))
    def action_view(self) -> Any:
        """The one mechanism of mass actions: a deed on offer, on rows in sight."""
        name = request.form.get("action", "")
        if name not in dict(self.deeds()):
            abort(404)
        return self.do(name, self.ticked())

    def ticked(self) -> list[int]:
        """The ids of the ticked rows in sight; of the whole list, if that is ticked. Raises Refusal for none."""
        if request.form.get("all"):
            asked = self._get_list_extra_args()
            _count, rows = self.get_list(0, self._sort(asked), asked.sort_desc, asked.search, asked.filters,
                                         page_size=MOST_TICKED)
            return [row.id for row in rows]
        given = {int(text) for text in request.form.getlist("rowid") if text.isascii() and text.isdigit()
                 and len(text) < 19}
        found = [row.id for row in self.get_query().filter(self.model.id.in_(sorted(given)[:MOST_TICKED]))]
        if not found:
            raise Refusal(N_("Tick at least one row first."))
        return found
