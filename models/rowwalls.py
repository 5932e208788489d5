"""The second wall, which PostgreSQL itself keeps: row-level security by the same declarations as the scope's.

Each transaction tells the server what is in sight, and policies made from `models.scope`'s classes hold every statement to
it, whoever wrote it: by the ORM, by Core, as text. What tells nothing sees nothing. SQLite has no such wall.

Variables say it, for one transaction. `portal.scope` is "*" before the prefix: "*141122" is a county, "*" everything.
`portal.business` is "*" where the business is in sight. A variable of a transaction that is over reads "", not NULL: both
mean nothing. Whoever dumps a database says both by hand (README.md).

A new person comes before the case that carries them, and the database reads every new row back (RETURNING), so that no
policy could let one in. For a statement that adds people, and for the table of people alone, `portal.arriving` is "*":
a person without a case shows nobody anything, and the case itself meets its own wall.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event, inspect

from models import scope
from models.scope import Carried, Child, Placed, Shared

_SCOPE, _BUSINESS, _ARRIVING = (f"current_setting('portal.{name}', true)" for name in ("scope", "business", "arriving"))
# What depends on no row stands in a SELECT of its own: it is asked once a statement. Asked for each row it takes four
# times as long as looking at the row.
_ONCE = "(SELECT {})".format
# The server guesses that a prefix which it does not know fits one row in two hundred, and chooses its ways by that; of a
# coalesce it guesses half, which is nearer to what a portal shows.
_PLACED = f"coalesce(starts_with({{code}}, {_ONCE(f'substr({_SCOPE}, 2)')}), false)"
_NEXT = "EXISTS (SELECT 1 FROM {other} WHERE {other}.{theirs} = {table}.{ours})"
_EVERYTHING, _ARRIVES = _ONCE(f"{_SCOPE} = '*'"), _ONCE(f"{_ARRIVING} = '*'")
_COUNTY = _ONCE(f"length({_SCOPE}) <= 7")
_SAY = "SELECT " + ", ".join(f"set_config('portal.{name}', %s, true)" for name in ("scope", "business", "arriving"))
_TOLD = "rowwalls"


def put_up(connection: Connection) -> None:
    """Make the walls from the declarations, where none stand: they cannot say anything else."""
    if connection.dialect.name == "postgresql":
        for cls in scope.kinds(scope.db.Model):
            connection.exec_driver_sql(";".join(_walls(cls)))


def take_down(connection: Connection) -> None:
    """Out of the way of migrations, which could not change what they speak of. Until they stand again nothing is seen."""
    if connection.dialect.name == "postgresql":
        standing = "SELECT tablename, policyname FROM pg_policies WHERE schemaname = current_schema()"
        for table, name in connection.exec_driver_sql(standing).all():
            connection.exec_driver_sql(f"DROP POLICY {name} ON {table}")


def _walls(cls: Any) -> list[str]:
    table, sees = cls.__tablename__, " AND ".join(_sees(cls))
    writes = f"{sees} AND {_COUNTY}" if issubclass(cls, Shared) else sees
    return [f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",  # of its owner too, who we are
            f"CREATE POLICY seen ON {table} FOR SELECT USING ({sees})", f"CREATE POLICY written ON {table} USING ({writes})"]


def _sees(cls: Any) -> list[str]:
    business = [] if scope.administrative(cls) else [f"{_BUSINESS} = '*'"]
    return [_ONCE(" AND ".join([*business, f"{_SCOPE} <> ''"])), *_placed(cls)]


def _placed(cls: Any) -> list[str]:
    """What limits rows by area; what another table limits is seen through the walls of that one."""
    table = cls.__tablename__
    if issubclass(cls, Placed):
        return [_PLACED.format(code=inspect(cls).attrs.area_code.columns[0].name)]
    if issubclass(cls, Child):
        column, parent = cls.__parent__
        beyond = _NEXT.format(table=table, ours=column, other=scope.named(parent).__tablename__, theirs="id")
        return [f"({_EVERYTHING} OR {beyond})"]
    if issubclass(cls, Carried):
        carrier, column = cls.__carrier__
        beyond = _NEXT.format(table=table, ours="id", other=scope.named(carrier).__tablename__, theirs=column)
        return [f"({_EVERYTHING} OR {_ARRIVES} OR {beyond})"]
    return []


def tell(engine: Engine) -> None:
    """From now on each statement goes out with what is in sight, told again whenever that has changed."""
    event.listen(engine, "before_cursor_execute", _tell)
    for moment in ("begin", "rollback", "commit", "rollback_savepoint"):  # the server forgets, or remembers something older
        event.listen(engine, moment, _forget)


def _forget(connection: Connection, *more: Any) -> None:
    connection.info.pop(_TOLD, None)


def _tell(connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
    # What a transaction is comes before all else; a rollback may come when the server hears nothing else.
    if statement.startswith(("SET TRANSACTION", "SAVEPOINT", "RELEASE", "ROLLBACK")):
        return
    told = _words(context)
    if connection.info.get(_TOLD) != told:
        with connection.connection.cursor() as another:
            another.execute(_SAY, told)
        connection.info[_TOLD] = told


def _words(context: Any) -> tuple[str, ...]:
    """The variables for a statement."""
    if context.execution_options.get("past_the_walls"):
        return "*", "*", ""
    sight = scope.sight()
    return "" if sight.prefix is None else f"*{sight.prefix}", "*" if sight.business else "", "*" if _adds_people(context) else ""


def _adds_people(context: Any) -> bool:
    return context.isinsert and context.compiled.statement.table in {cls.__table__ for cls in scope.kinds(Carried)}
