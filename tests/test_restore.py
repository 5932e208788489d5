"""A backup put back: only whole, only into what is empty, only with its passphrase; and otherwise nothing at all."""

from __future__ import annotations

import os
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from backups import (
    Opened,
    acts_in,
    backed_up,
    close,
    furnished,
    inside,
    killed,
    member,
    names_in,
    restored,
    secret_of,
    tables_of,
    write,
)
from running import office, settings
from sqlalchemy import inspect, make_url, select, text
from tally import tell

from models import outbox, schema, signin
from models.base import db
from models.chain import verify
from models.words import Refusal
from portal import archive, backup, create_app, pgtools, restore, shelf, snapshot


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A portal, its backup, the passphrase, and the backup taken apart."""
    folder = tmp_path_factory.mktemp("kept")
    app = furnished(folder / "data")
    write(app, "甲")
    made = backed_up(app, to=folder / "good.age")
    close(app)
    return made, secret_of(app), tables_of(app)


@pytest.fixture
def new(tmp_path):
    """A data folder that is not there yet, with a database that is empty."""
    settings(tmp_path / "new")  # makes the database, where it is one of a server
    return tmp_path / "new"


@pytest.fixture
def opened(kept, tmp_path):
    made, secret, _ = kept
    return Opened(made, secret, tmp_path / "apart")


def untouched(folder: Path) -> bool:
    """Whether nothing lies in a data folder and its database."""
    postgres = settings(folder).database_url.startswith("postgresql")
    return not folder.exists() and (not postgres or pgtools.is_empty(settings(folder).database_url))


def test_what_is_restored_is_what_was_backed_up(kept, new):
    made, secret, before = kept
    found = restored(made.path, new, secret)
    app = create_app(settings(new))

    assert found.tables == made.manifest["tables"]
    assert {path.name for path in new.iterdir()} - {"portal.sqlite"} == {"files", "secret-key", "backup-passphrase"}
    assert [app.extensions["store"].get(path.name) for path in sorted((new / "files").glob("??/*"))]
    after = tables_of(app)
    changed = {"audit_entry", "audit_head", "task", "sign_in"}
    assert {name: each for name, each in after.items() if name not in changed} == {
        name: each for name, each in found.tables.items() if name not in changed}
    assert names_in(app) == {"张建国", "甲"}
    assert acts_in(app)[-1] == "restore"
    assert all(path.stat().st_mode & 0o077 == 0 for path in new.rglob("*") if path.is_file())
    close(app)


def test_sessions_are_ended_and_tasks_free(kept, new):
    made, secret, _ = kept
    found = restored(made.path, new, secret)
    app = create_app(settings(new))

    assert (found.sessions, found.tasks) == (1, 1)
    with inside(app):
        assert [row.ended_why for row in db.session.scalars(select(signin.SignIn))] == [signin.RESTORED]
        assert [task.state for task in db.session.scalars(select(outbox.Task))] == [outbox.QUEUED]
        assert verify() == made.manifest["chain"]["entries"] + 1
    close(app)


def test_the_passphrase_goes_on_with_what_was_restored(kept, new):
    made, secret, _ = kept
    restored(made.path, new, secret)
    app = create_app(settings(new))

    again = backed_up(app)
    assert secret_of(app) == secret
    assert restored(again.path, new, secret, drill=True).tables == again.manifest["tables"]
    close(app)


# ---- damage

def flipped(place: float):
    def damage(data: bytes) -> bytes:
        at = min(int(len(data) * place), len(data) - 1)
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
    return damage


BYTES = {
    "cut at the end": lambda data: data[:-1], "cut by a chunk": lambda data: data[:-70000],
    "cut in the middle": lambda data: data[:len(data) // 2], "cut in the first lines": lambda data: data[:100],
    "a byte flipped at the start": flipped(0), "a byte flipped in the header": flipped(0.00006),
    "a byte flipped in the middle": flipped(0.5), "a byte flipped at the end": flipped(1),
    "a byte more": lambda data: data + b"x", "empty": lambda data: b"",
    "no backup": lambda data: b"PK\x03\x04 something else" * 100, "a chunk twice": lambda data: data[:66000] + data[300:],
}


@pytest.mark.parametrize("damage", BYTES)
def test_a_damaged_file_is_refused_and_nothing_is_touched(kept, new, tmp_path, damage):
    made, secret, _ = kept
    (tmp_path / "bad.age").write_bytes(BYTES[damage](made.path.read_bytes()))

    with pytest.raises(Refusal) as refused:
        restored(tmp_path / "bad.age", new, secret)
    assert str(refused.value).count(". ") <= 1
    assert untouched(new)


def test_another_passphrase_opens_nothing(kept, new):
    with pytest.raises(Refusal, match="passphrase"):
        restored(kept[0].path, new, kept[1][:-1] + "!")
    assert untouched(new)


def _format(opened):
    opened.manifest["format"] = 2
    return {}


def _newer(opened):
    opened.manifest["revision"] = "9999"
    return {}


def _other_database(opened):
    opened.manifest["database"] = "oracle"
    return {}


def _member_changed(opened):
    opened.path(archive.KEY).write_bytes(b"?" * opened.path(archive.KEY).stat().st_size)
    return {}


def _file_longer(opened):
    name = next(name for name in opened.manifest["members"] if name.startswith("files/"))
    opened.path(name).write_bytes(b"longer than it was")
    return {}


def _no_manifest(opened):
    opened.manifest = {"members": {}}
    return {}


def _first_file(opened):
    return next(name for name in opened.manifest["members"] if name.startswith("files/"))


def _named_and_hostile(opened, name):
    """The manifest names it as well: it is refused for where it would lie."""
    opened.manifest["members"][name] = {"size": 1, "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}
    return {"extra": member(name)}


RESEALED = {
    "another format": _format, "a newer schema": _newer, "another kind of database": _other_database,
    "a changed member": _member_changed, "a file of another length": _file_longer, "no list of parts": _no_manifest,
    "no key": lambda opened: {"leave_out": archive.KEY}, "no database": lambda opened: {"leave_out": opened.database},
    "a file missing from files": lambda opened: {"leave_out": _first_file(opened)},
    "a part nobody named": lambda opened: {"extra": member("fonts/x.ttf")},
    "a way up": lambda opened: _named_and_hostile(opened, "../evil"),
    "a way up among the fonts": lambda opened: _named_and_hostile(opened, "fonts/.."),
    "a way from the root": lambda opened: _named_and_hostile(opened, "/tmp/evil"),
    "a symbolic link": lambda opened: {"extra": member(archive.KEY, tarfile.SYMTYPE, "/etc/passwd")},
    "a hard link": lambda opened: {"extra": member(archive.KEY, tarfile.LNKTYPE, archive.MANIFEST)},
    "a device": lambda opened: {"extra": member(archive.KEY, tarfile.CHRTYPE)},
}


@pytest.mark.parametrize("change", RESEALED)
def test_a_backup_changed_by_somebody_with_the_passphrase_is_refused(opened, new, tmp_path, change):
    bad = opened.close(tmp_path / "bad.age", **RESEALED[change](opened))

    with pytest.raises(Refusal):
        restored(bad, new, opened.secret)
    assert untouched(new)
    tell(f"damaged backups refused: {len(BYTES) + len(RESEALED) + 5} kinds") if change == "a device" else None


def test_sealed_again_without_a_change_it_is_restored(opened, new, tmp_path):
    restored(opened.close(tmp_path / "same.age"), new, opened.secret)
    assert (new / "secret-key").exists()


def test_a_changed_row_is_found(kept, opened, new, tmp_path):
    app = office(tmp_path / "other")
    write(app, "乙")
    other = Opened(backed_up(app), secret_of(app), tmp_path / "otherwise")
    close(app)
    other.manifest |= {"tables": opened.manifest["tables"], "chain": opened.manifest["chain"]}

    with pytest.raises(Refusal, match="rows of table"):
        restored(other.close(tmp_path / "bad.age"), new, other.secret)
    assert untouched(new)


@pytest.fixture
def broken(tmp_path):
    """A portal whose trail somebody changed by hand."""
    app = furnished(tmp_path / "broken")
    with app.app_context(), db.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER audit_entry_no_update"))
        else:
            connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE audit_entry SET actor = 'nobody' WHERE id = 1").execution_options(past_the_walls=True))
    yield app
    close(app)


def test_a_trail_broken_inside_is_found(broken, new, tmp_path):
    apart = Opened(backed_up(broken), secret_of(broken), tmp_path / "apart")
    assert "broken at entry" in apart.manifest["chain"]["broken"]["id"]
    apart.manifest["chain"]["broken"] = None

    with pytest.raises(Refusal, match="broken at entry"):
        restored(apart.close(tmp_path / "bad.age"), new, apart.secret)
    assert untouched(new)


def test_what_was_broken_when_it_was_backed_up_is_put_back_and_told(broken, new):
    made = backed_up(broken)

    assert not restored(made.path, new, secret_of(broken)).intact


# ---- what has to be empty, and what has to fit

def test_a_folder_with_something_in_it_is_left_alone(kept, new):
    new.mkdir()
    (new / "notes.txt").write_text("mine")

    with pytest.raises(Refusal, match=r"notes\.txt"):
        restored(kept[0].path, new, kept[1])
    assert [path.name for path in new.iterdir()] == ["notes.txt"]


def test_a_portal_in_use_is_left_alone(kept, tmp_path):
    app = furnished(tmp_path / "used")
    before = tables_of(app)

    with pytest.raises(Refusal, match="not empty"):
        restored(kept[0].path, tmp_path / "used", kept[1])
    assert tables_of(app) == before
    close(app)


def test_another_key_in_the_environment_is_refused(kept, new, monkeypatch):
    monkeypatch.setenv("PORTAL_SECRET_KEY", "another key, with which the trail is broken")

    with pytest.raises(Refusal, match="PORTAL_SECRET_KEY"):
        restored(kept[0].path, new, kept[1])
    assert untouched(new)


def test_an_older_schema_is_brought_to_the_newest(new, tmp_path):
    app = office(tmp_path / "old")
    with inside(app), db.engine.begin() as connection:
        command.downgrade(schema._config(connection), "0007")
        if connection.dialect.name == "postgresql":  # its walls were of the newer one
            for table in inspect(connection).get_table_names():
                connection.execute(text(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY"))
    with inside(app):
        made = backup.make(shelf.BY_HAND)
    close(app)

    found = restored(made.path, new, secret_of(app))
    app = create_app(settings(new))
    assert (found.manifest["revision"], found.upgraded) == ("0007", True)
    with inside(app):
        assert schema.is_current(db.engine)
        assert verify()
    close(app)


def test_a_backup_before_an_import_takes_its_files_from_a_folder(tmp_path, new):
    app = furnished(tmp_path / "data")
    made, secret = backed_up(app, shelf.IMPORT), secret_of(app)
    close(app)
    files = tmp_path / "data" / "files"
    lost = next(files.glob("??/*"))

    with pytest.raises(Refusal, match="--files-from"):
        restored(made.path, new, secret)
    restored(made.path, new, secret, files_from=files)
    assert {path.name for path in (new / "files").glob("??/*")} == set(made.manifest["needs"])
    lost.write_bytes(b"rotten")
    with pytest.raises(Refusal, match=lost.name):
        restored(made.path, tmp_path / "third", secret, files_from=tmp_path / "data")
    assert untouched(tmp_path / "third")


# ---- killed half-way

DEATHS = {"while it unpacks": (archive, "_received", 1), "before the database": (snapshot, "put_back", 0),
          "before the trail is checked": (restore, "_taken_over", 0), "before it moves into place": (restore, "_moved_up", 0)}
MOVING = {"before the first move": 0, "before the last": 2}


@pytest.mark.parametrize("moment", DEATHS)
def test_a_restore_killed_half_way_leaves_no_portal_and_may_be_begun_anew(kept, new, moment):
    made, secret, _ = kept
    killed(lambda: restored(made.path, new, secret), *DEATHS[moment])

    assert {path.name for path in new.iterdir()} <= {".restoring", "backup.lock"}
    assert restored(made.path, new, secret).tables == made.manifest["tables"]
    assert not (new / ".restoring").exists()


@pytest.mark.parametrize("moment", MOVING)
def test_a_restore_killed_while_it_moves_leaves_no_portal(kept, new, moment):
    made, secret, _ = kept
    if settings(new).database_url.startswith("postgresql"):
        pytest.skip("there the database is in place already")
    killed(lambda: restored(made.path, new, secret), os, "rename", MOVING[moment])

    assert not (new / "portal.sqlite").exists()
    assert restored(made.path, new, secret).tables == made.manifest["tables"]


def test_a_portal_restored_is_no_debris(kept, new):
    """What a kill after the very last move leaves behind is not taken for an unfinished one."""
    made, secret, _ = kept
    restored(made.path, new, secret)
    (new / ".restoring").mkdir()

    with pytest.raises(Refusal, match="not empty"):
        restored(made.path, new, secret)
    assert (new / "secret-key").exists()


def test_a_drill_changes_nothing(kept, tmp_path):
    made, secret, _ = kept
    app = furnished(tmp_path / "data")
    before, names = tables_of(app), {path.name for path in (tmp_path / "data").iterdir()}

    restored(made.path, tmp_path / "data", secret, drill=True)
    assert tables_of(app) == before
    assert {path.name for path in (tmp_path / "data").iterdir()} == names
    close(app)
    shutil.rmtree(tmp_path / "data")


def test_an_sqlite_file_elsewhere_is_not_written(kept, new, tmp_path):
    place = replace(settings(new), database_url=f"sqlite:///{tmp_path / 'elsewhere.db'}")

    with pytest.raises(Refusal, match="PORTAL_DATABASE_URL"):
        restore.restore(place, kept[0].path, kept[1])
    assert make_url(place.database_url).database not in map(str, tmp_path.iterdir())
