"""The file of a backup: a plain tar in an age file. `manifest.json` comes first and says of every other member its
size and SHA-256; what it does not name, and what could lie anywhere but in its own place, is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from models.words import N_, Refusal
from portal.agefile import DAMAGED, Opening, Sealing

FORMAT = 1
MANIFEST, KEY, SQLITE, DUMP = "manifest.json", "secret-key", "database.sqlite.gz", "database.dump"
FOLDERS = ("files", "fonts")
_PARTS = re.compile(rf"{'|'.join(map(re.escape, (KEY, SQLITE, DUMP)))}|files/([0-9a-f]{{2}})/\1[0-9a-f]{{62}}|fonts/[^/\0]+")
_MANIFEST_LIMIT, _BLOCK = 512 * 1024 * 1024, 1024 * 1024


def sealed(out: BinaryIO, passphrase: str, work: int, manifest: dict[str, Any], members: Iterable[tuple[str, Path]]) -> None:
    """Write a backup: the manifest, then each member from its file."""
    sealing = Sealing(out, passphrase, work)
    with tarfile.open(fileobj=sealing, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        text = json.dumps(manifest, ensure_ascii=False).encode()
        tar.addfile(_header(MANIFEST, len(text)), io.BytesIO(text))
        for name, path in members:
            with path.open("rb") as file:
                tar.addfile(_header(name, manifest["members"][name]["size"]), file)
    sealing.close()


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o600
    return header


def checked(path: Path, passphrase: str, take: Callable[[dict[str, Any]], Path | None]) -> dict[str, Any]:
    """Read a backup to its last byte and compare all of it with its manifest, which is returned.

    *take* sees the manifest first, may refuse, and says into which folder the members go; None: nowhere. Raises
    Refusal for whatever is not as it was written.
    """
    with path.open("rb") as file:
        opened = Opening(file, passphrase)
        try:
            with tarfile.open(fileobj=opened, mode="r|") as tar:
                manifest = _manifest(tar)
                into, missing = take(manifest), dict(manifest["members"])
                while member := tar.next():
                    _received(tar, member, missing.pop(_name(member, missing)), into)
        except (tarfile.TarError, EOFError):
            raise Refusal(DAMAGED) from None
        opened.drain()
    if missing:
        raise Refusal(N_("The backup lacks {name}, which its list names: it was changed. Take another one."), name=min(missing))
    return manifest


def _manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    first = tar.next()
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > _MANIFEST_LIMIT:
        raise Refusal(N_("This is no backup of the portal: it does not begin with the list of its parts."))
    try:
        manifest = json.loads(tar.extractfile(first).read())
        if manifest["format"] != FORMAT:
            raise Refusal(N_("The backup is of format {format}, and this program reads format {known}: restore it with the "
                             "version of the portal that made it, or a newer one."), format=manifest["format"], known=FORMAT)
        return {"tables": manifest["tables"], "members": manifest["members"], **manifest}
    except (ValueError, KeyError, TypeError):
        raise Refusal(N_("This is no backup of the portal: the list of its parts cannot be read.")) from None


def _name(member: tarfile.TarInfo, missing: dict[str, Any]) -> str:
    places = {".", ".."} & set(member.name.split("/"))
    if not member.isreg() or not _PARTS.fullmatch(member.name) or member.name not in missing or places:
        raise Refusal(N_("The backup holds “{name}”, which is none of its parts: it was changed. Take another one."),
                      name=member.name[:80])
    return member.name


def _received(tar: tarfile.TarFile, member: tarfile.TarInfo, wanted: dict[str, Any], into: Path | None) -> None:
    """Copy one member, or only read it, and compare it with what the manifest says."""
    content, digest = tar.extractfile(member), hashlib.sha256()
    with _place(into, member.name) as out:
        while block := content.read(_BLOCK):
            digest.update(block)
            if out:
                out.write(block)
    if (member.size, digest.hexdigest()) != (wanted["size"], wanted["sha256"]):
        raise Refusal(N_("In the backup {name} is not what its list says: it was changed. Take another one."), name=member.name)


@contextmanager
def _place(into: Path | None, name: str):
    if into is None:
        yield None
        return
    path = into / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(path, "xb", opener=private) as file:
        yield file


def private(path: str, flags: int) -> int:
    """Opens a file for nobody else."""
    return os.open(path, flags, 0o600)


def sum_of(path: Path) -> dict[str, Any]:
    """{"size", "sha256"} of a file."""
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "size": file.tell()}
