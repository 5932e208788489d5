"""Migrations: they make exactly the tables that the models describe, on the database at hand."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

from models import schema
from models.base import Row, db
from models.guards import FROZEN
from models.postguards import RULES
from models.scope import everything


@pytest.fixture
def migrated(blank_database):
    engine = create_engine(blank_database)
    schema.tune(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def described(stage):
    """The same tables, created from the models without migrations."""
    stage.copy("blank", "test_described")
    engine = create_engine(stage.url("test_described"))
    schema.tune(engine)
    with engine.begin() as connection:
        command.downgrade(schema._config(connection), "base")
    schema.metadata().create_all(engine)
    yield engine
    engine.dispose()
    stage.drop("test_described")


def test_there_is_nothing_left_to_migrate(migrated):
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})

        assert compare_metadata(context, schema.metadata()) == []


def shape(engine: Engine) -> dict:
    """Tables as the database knows them: columns, keys, indexes and checks."""
    inspector = inspect(engine)
    return {table: {
        "columns": {c["name"]: (str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)},
        "primary key": inspector.get_pk_constraint(table)["constrained_columns"],
        "unique": {(u["name"], *u["column_names"]) for u in inspector.get_unique_constraints(table)},
        "foreign": {(f["name"], *f["constrained_columns"], f["referred_table"]) for f in inspector.get_foreign_keys(table)},
        "indexes": {(i["name"], i["unique"], *i["column_names"]) for i in inspector.get_indexes(table)},
        "checks": {(c["name"], " ".join(c["sqltext"].split())) for c in inspector.get_check_constraints(table)},
    } for table in inspector.get_table_names() if table != "alembic_version"}


def test_migrations_make_what_the_models_describe(migrated, described):
    made, wanted = shape(migrated), shape(described)

    assert set(made) == set(wanted)
    for table in wanted:
        assert made[table] == wanted[table], table


def test_there_is_one_line_of_migrations(migrated):
    with migrated.connect() as connection:
        scripts = ScriptDirectory.from_config(schema._config(connection))

        assert len(scripts.get_heads()) == 1
        assert MigrationContext.configure(connection).get_current_heads() == tuple(scripts.get_heads())


def test_migrating_again_changes_nothing(migrated):
    before = shape(migrated)
    schema.upgrade(migrated)

    assert shape(migrated) == before


def test_the_way_back_and_up_again(migrated):
    before = shape(migrated)
    with migrated.begin() as connection:
        command.downgrade(schema._config(connection), "base")
    assert shape(migrated) == {}
    schema.upgrade(migrated)

    assert shape(migrated) == before


def test_every_guard_stands(migrated):
    listing = {"sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
               "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"}[migrated.dialect.name]
    with migrated.connect() as connection:
        found = set(connection.scalars(text(listing)))

    frozen = {f"{table}_no_{act}" for table in FROZEN for act in ("update", "delete")}
    assert found == frozen | {name for rule in RULES for name, _event in rule.triggers()}


def test_the_chain_has_its_beginning(migrated):
    with everything("test"), migrated.connect() as connection:
        assert connection.execute(text("SELECT id, entries, hash FROM audit_head")).all() == [(1, 0, "0" * 64)]


def test_an_id_is_never_given_twice(migrated):
    tables = {mapper.class_.__tablename__ for mapper in db.Model.registry.mappers if issubclass(mapper.class_, Row)}
    if migrated.dialect.name == "sqlite":
        with migrated.connect() as connection:
            listed = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all()
        assert {name for name, sql in listed if "AUTOINCREMENT" in sql} == tables
    else:
        inspector = inspect(migrated)
        assert {table for table in tables for c in inspector.get_columns(table)
                if c["name"] == "id" and "nextval" in (c["default"] or "")} == tables


def test_codes_sort_by_their_digits(migrated):
    if migrated.dialect.name == "postgresql":
        columns = {(table, c["name"]): c["type"].collation for table in inspect(migrated).get_table_names()
                   for c in inspect(migrated).get_columns(table)
                   if c["name"] in ("area_code", "code", "stock_township", "county_code")}
    else:
        # SQLite's own order is by bytes.
        with migrated.connect() as connection:
            columns = {"sqlite": "C" if connection.scalar(text("SELECT '14112210:' > '141122109'")) else None}
    assert set(columns.values()) == {"C"}


def test_what_the_tables_hold_is_noted_for_who_plans_a_query(stage):
    stage.copy("furnished", "test_measured")
    engine = create_engine(stage.url("test_measured"))
    schema.tune(engine)
    schema.measure(engine)
    with engine.connect() as connection:
        tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
        villages = connection.execute(text("SELECT stat FROM sqlite_stat1 WHERE tbl = 'village'")).scalars().all() \
            if engine.dialect.name == "sqlite" else []
    engine.dispose()
    stage.drop("test_measured")
    assert tables == set(schema.metadata().tables), "it is none of the portal's own tables"
    assert all(int(stat.split()[0]) > 100 for stat in villages)
    assert bool(villages) == (engine.dialect.name == "sqlite")
