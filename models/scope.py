"""The one seam that limits rows to an area (a prefix of a division code).

Division codes nest, so the rows a person sees are those whose code starts with
theirs. Every table says what it is: *placed* (has its own area), *child* (seen
through its parent) or *shared*. Nobody set a scope: nothing is seen.

Tables are the clean-up's business unless they say `__administrative__ = True`. A
scope without business, for whoever keeps accounts or grants posts, sees no row of
the others; a scope of a reader, for the auditor, writes nothing but the reader's
own rows (`__owner__`: the column that says whose a row is). Both hold in every
scope opened inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, event, exists, false, inspect, select
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from models.base import db
from models.prefix import in_area
from models.words import N_, Refusal

EVERYWHERE = ""
# An execution option for the few Core statements that need more than is in sight: the trail's chain, and where a row was.
# The seam does not limit them; the walls of the database would (models/rowwalls.py).
PAST_THE_WALLS = {"past_the_walls": True}


@dataclass(frozen=True)
class Sight:
    """What is in sight: an area, with the business or without, to be written or (by *reader*, a user's id and name) only read."""

    prefix: str | None = None
    business: bool = True
    reader: tuple[object, ...] = ()


NOTHING = Sight()
_sight: ContextVar[Sight] = ContextVar("scope", default=NOTHING)


class Placed:
    """Has `area_code`: its village, or its township where there is no village."""


class Child:
    """Seen through its parent: `__parent__ = ("column of this table", "parent class name")`."""

    __parent__: tuple[str, str]


class Carried:
    """Has no area of its own and is seen through what points at it: `__carrier__ = ("class", "its column")`."""

    __carrier__: tuple[str, str]


class Shared:
    """Seen by everyone who has a scope; written under a county's scope or wider."""


@contextmanager
def seeing(prefix: str | None, *, business: bool = True, reader: tuple[object, ...] = ()) -> Iterator[None]:
    """Limit the rows read and written inside to the area *prefix*; limits of a scope around it stay."""
    around = _sight.get()
    token = _sight.set(Sight(prefix, business and around.business, around.reader or reader))
    try:
        yield
    finally:
        _sight.reset(token)


def everything(why: str) -> Any:
    """The named full scope, for sign-in, the trail, the outbox and the standings; *why* is read by people."""
    assert why
    return seeing(EVERYWHERE)


def sight() -> Sight:
    """All that limits what is read and written now."""
    return _sight.get()


def current() -> str | None:
    return _sight.get().prefix


def within(code: str | None, prefix: str | None = None) -> bool:
    """Whether *code* lies in *prefix* (the current scope if not given)."""
    prefix = current() if prefix is None else prefix
    return prefix is not None and code is not None and code.startswith(prefix)


def kinds(base: type) -> list[type]:
    """Every mapped class declared as *base*."""
    return [m.class_ for m in db.Model.registry.mappers if issubclass(m.class_, base)]


def named(name: str) -> Any:
    return next(m.class_ for m in db.Model.registry.mappers if m.class_.__name__ == name)


def _table_criterion(cls: Any, table: Any, prefix: str) -> ColumnElement[bool]:
    """The criterion of *cls* written on *table* (an alias of its table, or itself)."""
    if issubclass(cls, Placed):
        return in_area(table.c[inspect(cls).attrs.area_code.columns[0].name], prefix)
    if issubclass(cls, Child):
        column, parent = cls.__parent__[0], named(cls.__parent__[1])
        other = parent.__table__.alias()
        return exists().where(other.c.id == table.c[column], _table_criterion(parent, other, prefix))
    carrier, column = named(cls.__carrier__[0]), cls.__carrier__[1]
    other = carrier.__table__.alias()
    # OFFSET 0 has PostgreSQL ask it of the people a statement finds; else it gathers everybody who is in sight first.
    carried = select(other.c.id).where(other.c[column] == table.c.id, _table_criterion(carrier, other, prefix))
    return carried.offset(0).exists()


def _entity_criterion(cls: Any, prefix: str | None) -> ColumnElement[bool]:
    if prefix is None:
        return false()
    if issubclass(cls, Placed):
        return in_area(cls.area_code, prefix)
    return _table_criterion(cls, cls.__table__, prefix)


def administrative(cls: type) -> bool:
    """Whether rows of *cls* are no business: people, posts, sign-ins, names of places."""
    return getattr(cls, "__administrative__", False)


def _criterion(cls: Any, sight: Sight) -> ColumnElement[bool] | None:
    """What limits *cls*; None where nothing does."""
    if not sight.business and not administrative(cls):
        return false()
    if issubclass(cls, Shared) or sight.prefix == EVERYWHERE:
        return None
    return _entity_criterion(cls, sight.prefix)


@lru_cache(maxsize=512)
def _criteria(sight: Sight) -> tuple[Any, ...]:
    """Plain expressions, not lambdas: SQLAlchemy caches a lambda's first prefix for everybody."""
    found = ((m.class_, _criterion(m.class_, sight)) for m in db.Model.registry.mappers)
    return tuple(with_loader_criteria(cls, criterion, include_aliases=True)
                 for cls, criterion in found if criterion is not None)


@event.listens_for(Session, "do_orm_execute")
def _limit(state: ORMExecuteState) -> None:
    if state.is_column_load:  # of a row that is in hand already, and stays so on either database
        state.update_execution_options(**PAST_THE_WALLS)
    else:
        state.statement = state.statement.options(*_criteria(replace(_sight.get(), reader=())))


def _code_of(row: Any, session: Session) -> str | None:
    """The area a row belongs to, found through its parents; None where it hangs on nothing in sight."""
    if isinstance(row, Placed):
        return row.area_code
    if isinstance(row, Child):
        return _code_of(_parent(row, session), session)
    if isinstance(row, Carried):
        return _carried_code(row, session)
    return None


def _hangs(row: Any) -> tuple[Any, str, Any]:
    """What a child hangs on: the parent's class, the column that says which, and the parent about to be set."""
    column, cls = row.__parent__[0], named(row.__parent__[1])
    relations = [r for r in inspect(type(row)).relationships if {c.name for c in r.local_columns} == {column}]
    added = [parent for r in relations for parent in inspect(row).attrs[r.key].history.added or ()]
    return cls, column, added[0] if added else None


def _parent(row: Any, session: Session) -> Any:
    cls, column, coming = _hangs(row)
    key = getattr(row, column)
    return coming or (session.get(cls, key) if key is not None else None)


def _carried_code(row: Any, session: Session) -> str | None:
    """A new person may come before their first case; an old one must have a case in sight."""
    if row.id is None or row in session.new:
        return current()
    cls, column = named(row.__carrier__[0]), row.__carrier__[1]
    carrier = session.query(cls).filter(getattr(cls, column) == row.id).first()
    return carrier and carrier.area_code


def formerly(row: Any, key: str, session: Session) -> Any:
    """What a changed attribute was; asked of the database where the row had not been read before it was changed."""
    state = inspect(row)
    history = state.attrs[key].history
    if history.deleted or not history.added or not state.persistent:
        return history.deleted[0] if history.deleted else None
    column = inspect(type(row)).attrs[key].columns[0]
    was = select(column).where(column.table.c.id == state.identity[0])
    return session.connection().scalar(was, execution_options=PAST_THE_WALLS)


def _moved_from(row: Any, session: Session) -> str | None:
    """The area a moved row was in, by its own code or its old parent's; None if it was not moved."""
    if isinstance(row, Placed):
        return formerly(row, "area_code", session)
    if not isinstance(row, Child) or not inspect(row).persistent:
        return None
    cls, column, coming = _hangs(row)
    key = formerly(row, column, session) or (coming and getattr(row, column))
    return key and (_code_of(session.get(cls, key), session) or "")


@event.listens_for(Session, "before_flush")
def _check_writes(session: Session, context: Any, instances: Any) -> None:
    sight = _sight.get()
    if sight == Sight(EVERYWHERE):
        return
    with session.no_autoflush:
        changed = [row for row in session.dirty if session.is_modified(row)]
        for row in [*session.new, *changed, *session.deleted]:
            _check_duty(row, sight)
            _check_write(row, sight.prefix, session)


def _check_duty(row: Any, sight: Sight) -> None:
    owner = getattr(type(row), "__owner__", None)
    if sight.reader and (owner is None or getattr(row, owner) not in sight.reader):
        raise Refusal(N_("Your post reads and changes nothing."))
    if not sight.business and not administrative(type(row)):
        raise Refusal(N_("Your post has no part in the cases."))


def _check_write(row: Any, prefix: str | None, session: Session) -> None:
    if prefix == EVERYWHERE:
        return
    if isinstance(row, Shared):
        allowed = prefix is not None and len(prefix) <= 6
    else:
        former = _moved_from(row, session)
        allowed = within(_code_of(row, session)) and (former is None or within(former))
    if not allowed:
        raise Refusal(N_("This belongs to another area: it can be changed only there or by the county."))
