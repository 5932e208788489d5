"""What the suite stands on: databases of either kind, a server that ends with the run, and what runs on one alone."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import twice
from running import alive, until
from sqlalchemy import create_engine, text
from stages import PostgresStage, the_stage

HERE = Path(__file__).parent
# Whatever leads to a database.
DOORS = {"running", "stages", "peopled", "screening", "browsing", "serving", "conftest", "click", "flask", "sqlalchemy"}
SERVER = """
import cluster, os, time
with cluster.running() as url:
    print(url, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("name", sorted(twice.NO_DATABASE))
def test_what_runs_once_knows_no_database(name):
    found = ast.walk(ast.parse((HERE / name).read_text("utf-8")))
    named = [alias.name for node in found if isinstance(node, ast.Import) for alias in node.names]
    named += [node.module for node in ast.walk(ast.parse((HERE / name).read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    assert not {module.partition(".")[0] for module in named} & DOORS
    assert "models.base" not in named


def test_no_test_that_runs_once_asks_for_a_database(request):
    mine = [item for item in request.session.items if item.path.name in twice.NO_DATABASE]
    assert not [item.nodeid for item in mine if {"stage", "app", "session"} & set(item.fixturenames)]


def test_a_copy_has_what_its_template_has(stage):
    for name in ("one", "two"):
        stage.copy("furnished", name)
    engine = create_engine(stage.url("one"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE extra (id INTEGER)"))
    engine.dispose()
    stage.copy("furnished", "one")
    for name in ("one", "two"):
        engine = create_engine(stage.url(name))
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT version_num FROM alembic_version"))
            assert "extra" not in engine.dialect.get_table_names(connection)
        engine.dispose()
        stage.drop(name)


@pytest.mark.skipif(not isinstance(the_stage(), PostgresStage), reason="SQLite is no server")
def test_the_server_ends_with_whoever_started_it_even_by_kill_9():
    run = subprocess.Popen([sys.executable, "-c", SERVER], cwd=HERE, stdout=subprocess.PIPE, text=True,
                           env=os.environ | {"PYTHONPATH": f"{HERE.parent}{os.pathsep}{HERE}"})
    folder = Path(run.stdout.readline().strip().partition("host=")[2])
    server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    assert alive(server)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    until(lambda: not alive(server))
    shutil.rmtree(folder)


@pytest.mark.skipif(not isinstance(the_stage(), PostgresStage), reason="SQLite has no account")
def test_the_suite_runs_as_an_ordinary_account(stage):
    with stage.admin.connect() as connection:
        assert connection.scalar(text("SELECT NOT rolsuper AND NOT rolbypassrls FROM pg_roles WHERE rolname = current_user"))
