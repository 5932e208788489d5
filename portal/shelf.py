"""The shelf of backups: their names, which of them are kept, and which is due. By the real clock.

`portal-20210920T000000Z-daily.age`: a name that ends so was read back whole before it was given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path

from portal.settings import SHANGHAI

SUFFIX = ".age"
DAILY, BY_HAND, IMPORT = "daily", "by-hand", "import"
DUE_AT = clock_time(2)
DAYS, OTHERS = timedelta(days=30), timedelta(days=2)
_NAME = re.compile(rf"portal-(\d{{8}}T\d{{6}}Z)-({DAILY}|{BY_HAND}|{IMPORT}){re.escape(SUFFIX)}")
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Kept:
    """A backup on the shelf."""

    path: Path
    made_at: datetime
    kind: str

    @property
    def whole(self) -> bool:
        """Whether the files are in it."""
        return self.kind != IMPORT


def free_name(folder: Path, kind: str, now: datetime) -> Path:
    """The name of a backup made now; a second one within the same second takes the next."""
    while (path := folder / f"portal-{now.astimezone(UTC).strftime(_STAMP)}-{kind}{SUFFIX}").exists():
        now += timedelta(seconds=1)
    return path


def kept(folder: Path) -> list[Kept]:
    """All of a folder, oldest first. Other files are not ours."""
    found = [(path, _NAME.fullmatch(path.name)) for path in folder.glob(f"portal-*{SUFFIX}")]
    every = [Kept(path, datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC), match[2]) for path, match in found if match]
    return sorted(every, key=lambda one: (one.made_at, one.path.name))


def tidy(folder: Path, now: datetime) -> list[Path]:
    """Take away what is kept no longer: beyond 2 days all but each day's last whole one, beyond 30 days all.

    Never the newest, and never the newest whole one.
    """
    every = kept(folder)
    whole = [one for one in every if one.whole]
    last_of_day = {one.made_at.astimezone(SHANGHAI).date(): one for one in whole}.values()
    newest = [*every[-1:], *whole[-1:]]
    gone = [one.path for one in every if one not in newest and now - one.made_at > (DAYS if one in last_of_day else OTHERS)]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


def last_due(now: datetime) -> datetime:
    """When the daily one was due last: at 02:00 in Asia/Shanghai."""
    local = now.astimezone(SHANGHAI)
    today = datetime.combine(local.date(), DUE_AT, SHANGHAI)
    return today if local >= today else today - timedelta(days=1)


def is_due(folder: Path, now: datetime) -> bool:
    """Whether no daily one was made since it was due; machines that were off at night find it so in the morning."""
    return not any(one.kind == DAILY and last_due(now) <= one.made_at <= now for one in kept(folder))
