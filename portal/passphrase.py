"""The passphrase of the backups: the county's own, or one made once. It is in no backup, so it has to be written down."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from models.words import N_, Refusal
from portal.settings import Settings

SHORTEST = 12
SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
GROUPS, GROUP = 5, 4                       # 99 bits
_MADE = re.compile(rf"[{SIGNS}]{{{GROUP}}}(-[{SIGNS}]{{{GROUP}}}){{{GROUPS - 1}}}")
# log₂ of scrypt's cost: one that people thought of is made dear to guess; nobody guesses 99 bits at any price.
DEAR, PLAIN = 17, 12


def kept(settings: Settings) -> Path:
    """Where the one made here lies."""
    return settings.data_dir / "backup-passphrase"


def given() -> str | None:
    """PORTAL_BACKUP_PASSPHRASE. Raises Refusal if it is too short."""
    text = os.environ.get("PORTAL_BACKUP_PASSPHRASE") or None
    if text is not None and len(text) < SHORTEST:
        raise Refusal(N_("PORTAL_BACKUP_PASSPHRASE is shorter than 12 characters: choose a longer one, or leave it out, and the "
                         "portal makes one."))
    return text


def known(settings: Settings) -> str | None:
    """The one given, or the one that lies in the data folder."""
    path = kept(settings)
    return given() or (path.read_text("utf-8").strip() if path.exists() else None)


def ensured(settings: Settings) -> tuple[str, bool]:
    """The passphrase, and whether it was made just now: then somebody has to be told it."""
    there = known(settings)
    if there:
        return there, False
    groups = ("".join(secrets.choice(SIGNS) for _ in range(GROUP)) for _ in range(GROUPS))
    try:
        return _write(kept(settings), "-".join(groups), os.O_EXCL), True
    except FileExistsError:  # somebody else was quicker
        return known(settings), False


def keep(settings: Settings, passphrase: str) -> None:
    """Lay it into the data folder, mode 0600."""
    _write(kept(settings), passphrase, os.O_TRUNC)


def _write(path: Path, passphrase: str, how: int) -> str:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | how, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(passphrase)
    return passphrase


def work(passphrase: str) -> int:
    """How dear a guess at it has to be."""
    return PLAIN if _MADE.fullmatch(passphrase) else DEAR
