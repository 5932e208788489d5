"""A fresh installation: nobody else on the machine reads its data, no secret is a default, no queue stands open."""

from __future__ import annotations

import stat

import pytest
from click.testing import CliRunner
from conftest import KEY
from sqlalchemy import create_engine, make_url, text
from stages import PostgresStage

from models.words import Refusal
from portal import safety
from portal.cli import main
from portal.settings import Settings

PASSWORD = "Test-Pass-2021!"


def settings(folder, redis: str | None = None) -> Settings:
    return Settings(data_dir=folder, database_url=f"sqlite:///{folder / 'portal.sqlite'}", redis_url=redis)


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Commands on an empty data folder that everybody may read, as mkdir makes it."""
    folder = tmp_path / "var"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    for name, value in {"PORTAL_DATA_DIR": str(folder), "PORTAL_DATABASE_URL": "", "PORTAL_REDIS_URL": "", "PORTAL_LOCALE": "en",
                        "PORTAL_SECRET_KEY": "", "PORTAL_ADMIN_PASSWORD": PASSWORD, "PORTAL_NOW": ""}.items():
        monkeypatch.setenv(name, value)
    return lambda *words: CliRunner().invoke(main, list(words))


def test_setting_up_shuts_the_data_to_others(shell, tmp_path):
    assert shell("init").exit_code == 0

    for place in (tmp_path / "var", tmp_path / "var" / "portal.sqlite", tmp_path / "var" / "secret-key"):
        assert place.stat().st_mode & stat.S_IRWXO == 0, place
    safety.check(settings(tmp_path / "var"))


def test_setting_up_makes_one_account_with_the_password_of_its_person(shell, tmp_path):
    assert shell("init").exit_code == 0
    engine = create_engine(f"sqlite:///{tmp_path / 'var' / 'portal.sqlite'}")
    with engine.connect() as connection:
        assert connection.scalars(text("SELECT username FROM portal_user")).all() == ["county_admin"]
        assert connection.scalar(text("SELECT count(*) FROM portal_user WHERE code_secret IS NOT NULL")) == 0
    engine.dispose()


@pytest.mark.parametrize("password", ["", "123456", "admin123", "Jiaocheng-2021", "Passw0rd!2021"])
def test_setting_up_takes_no_password_that_comes_to_mind(shell, monkeypatch, password):
    monkeypatch.setenv("PORTAL_ADMIN_PASSWORD", password)

    assert shell("init").exit_code == 1


def test_every_installation_has_a_key_of_its_own(tmp_path, monkeypatch):
    monkeypatch.delenv("PORTAL_SECRET_KEY")
    keys = {settings(tmp_path / str(n)).secret_key for n in range(5)}

    assert len(keys) == 5
    assert all(len(key) >= 48 for key in keys)


@pytest.mark.parametrize(("place", "mode"), [("", 0o755), ("", 0o701), ("portal.sqlite", 0o604), ("portal.sqlite", 0o666),
                                             ("portal.sqlite-wal", 0o644), ("secret-key", 0o644)])
def test_the_portal_does_not_start_where_everybody_may_read(shell, tmp_path, place, mode):
    assert shell("init").exit_code == 0
    target = tmp_path / "var" / place
    target.touch()
    target.chmod(mode)
    result = shell("serve", "--port", "0")

    assert result.exit_code == 1
    assert f"chmod o-rwx {target}" in result.stderr
    assert shell("doctor").exit_code == 1


def test_a_folder_of_all_is_left_as_it_is(tmp_path):
    tmp_path.chmod(0o1777)
    safety.close(settings(tmp_path))

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777
    with pytest.raises(Refusal, match="Everybody"):
        safety.check(settings(tmp_path))


@pytest.mark.parametrize(("url", "open_"), [
    ("redis://10.0.0.5:6379/0", True), ("redis://queue/0", True), ("rediss://queue", True), ("redis://user@queue", True),
    ("redis://0.0.0.0", True), ("redis://:@queue", True),
    ("redis://:secret@10.0.0.5/0", False), ("rediss://portal:secret@queue", False), ("redis://127.0.0.1:6379", True),
    ("redis://localhost", True), ("redis://[::1]:6379", True), ("redis://:secret@localhost", False),
    ("unix:///run/redis.sock", False), (None, False)])
def test_a_queue_needs_a_password_or_a_unix_socket(tmp_path, url, open_):
    if open_:
        with pytest.raises(Refusal, match="has no password"):
            safety.check_redis(settings(tmp_path, url))
    else:
        safety.check_redis(settings(tmp_path, url))


@pytest.mark.parametrize("host", ["10.0.0.5", "127.0.0.1"])
@pytest.mark.parametrize("command", ["serve", "worker", "schedule", "doctor"])
def test_no_process_starts_on_an_open_queue(shell, monkeypatch, command, host):
    assert shell("init").exit_code == 0
    monkeypatch.setenv("PORTAL_REDIS_URL", f"redis://{host}:6379/0")
    result = shell(command)

    assert (result.exit_code, "has no password" in result.output) == (1, True)


@pytest.fixture
def accounts(stage):
    """Two accounts of a throw-away server: an ordinary one, and one that no wall holds."""
    if not isinstance(stage, PostgresStage):
        pytest.skip("SQLite has no accounts")
    stage.copy("furnished", "accounts")
    ordinary = make_url(stage.url("accounts"))
    superuser = ordinary.set(username="postgres")
    yield [account.render_as_string(hide_password=False) for account in (ordinary, superuser)]
    engine = create_engine(superuser.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:  # an ordinary account may not close a superuser's connections
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
                           {"name": ordinary.database})
    engine.dispose()
    stage.drop("accounts")


def test_an_account_that_no_wall_holds_is_refused(shell, accounts, tmp_path, monkeypatch):
    ordinary, superuser = accounts
    safety.close(settings(tmp_path / "var"))
    monkeypatch.setenv("PORTAL_DATABASE_URL", superuser)
    monkeypatch.setenv("PORTAL_SECRET_KEY", KEY)
    served = shell("serve", "--port", "0")
    assert served.exit_code == 1
    assert 'ALTER ROLE "postgres" NOSUPERUSER NOBYPASSRLS' in served.stderr
    assert 'ALTER ROLE "postgres" NOSUPERUSER NOBYPASSRLS' in shell("doctor").stdout

    monkeypatch.setenv("PORTAL_DATABASE_URL", ordinary)
    assert "NOBYPASSRLS" not in shell("doctor").stdout
