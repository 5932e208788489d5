"""What must be so before the portal starts: nobody else on the machine reads its data, no door stands open to its queue."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import column, create_engine, func, or_, select, table

from models.words import N_, Refusal
from portal.settings import Settings

_ROLE = table("pg_roles", column("rolname"), column("rolsuper"), column("rolbypassrls"))
_ACCOUNT = select(_ROLE.c.rolname, or_(_ROLE.c.rolsuper, _ROLE.c.rolbypassrls)).where(_ROLE.c.rolname == func.current_user())


def check(settings: Settings) -> None:
    """Raises Refusal with the line that mends it."""
    for place in _places(settings):
        if place.exists() and place.stat().st_mode & stat.S_IRWXO:
            raise Refusal(N_("Everybody on this machine may read {place}. Run: {line}"), place=str(place),
                          line=f"chmod o-rwx {place}")
    check_redis(settings)
    check_database(settings)


def check_database(settings: Settings) -> None:
    """An account that PostgreSQL's walls (models/rowwalls.py) do not hold makes them none."""
    if settings.database_url.startswith("sqlite"):
        return
    engine = create_engine(settings.database_url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            name, passes = connection.execute(_ACCOUNT).one()
    finally:
        engine.dispose()
    if passes:
        raise Refusal(N_("PostgreSQL puts up no walls for the account {name} of PORTAL_DATABASE_URL, which is a superuser or "
                         "bypasses them. Let the portal have an ordinary one. Run: {line}"), name=name,
                      line=f"ALTER ROLE \"{name}\" NOSUPERUSER NOBYPASSRLS")


def check_redis(settings: Settings) -> None:
    """Whoever writes to the queue makes the worker work: only a unix socket or a password keeps others out, also those on
    this machine.
    """
    found = urlsplit(settings.redis_url or "unix:///")
    if found.scheme != "unix" and not found.password:
        raise Refusal(N_("The Redis of PORTAL_REDIS_URL has no password, so everybody who reaches its port could give the portal "
                         "work: set one (requirepass) and write redis://:PASSWORD@{host}, or let it listen on a unix socket "
                         "and write unix:///PATH."), host=found.hostname or "…")


def close(settings: Settings) -> None:
    """Shut the data folder and the database file to everybody else, as far as they are ours to shut."""
    for place in _places(settings):
        found = place.stat() if place.exists() else None
        # A folder such as /tmp belongs to all; serving from there is refused.
        if found and found.st_uid == os.getuid() and not found.st_mode & stat.S_ISVTX:
            place.chmod(stat.S_IMODE(found.st_mode) & ~stat.S_IRWXO)


def _places(settings: Settings) -> list[Path]:
    path = settings.database_url.removeprefix("sqlite:///").partition("?")[0]
    files = [Path(path + end) for end in ("", "-wal", "-shm")] if path != settings.database_url else []
    return [settings.data_dir, *files, settings.data_dir / "secret-key"]
