"""Scratch folders: where a process keeps what it needs for a while, so that nothing is left behind, however it ends.

WeasyPrint keeps 9 MB of fonts for as long as its process lives, and a killed process, like RQ's work horse, which ends
without a farewell, would leave them for ever.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = "portal-scratch-{pid}-"
_OURS = re.compile(r"portal-scratch-(\d+)-\w+")


@contextmanager
def folder() -> Iterator[Path]:
    """What this process, and those it forks, put aside inside goes into a folder of its own, and with it."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix=_NAME.format(pid=os.getpid()), ignore_cleanup_errors=True) as own:
        tempfile.tempdir = own
        try:
            yield Path(own)
        finally:
            tempfile.tempdir = before


def clear() -> int:
    """Remove the folders of processes that are no more, and our own of before, which could not go while no file could be
    opened; how many. To be called outside `folder()`."""
    left = [place for place in Path(tempfile.gettempdir()).glob("portal-scratch-*") if _is_left(place)]
    for place in left:
        shutil.rmtree(place, ignore_errors=True)
    return len(left)


def _is_left(place: Path) -> bool:
    found, about = _OURS.fullmatch(place.name), place.lstat()
    return (bool(found) and stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid()
            and (int(found[1]) == os.getpid() or not Path("/proc", found[1]).exists()))
