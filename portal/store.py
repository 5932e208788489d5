"""Files under the data folder, named by their sha256: written whole or not at all, never changed."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

HALF = "half-"  # how the name of a file begins that is being written
LEFT = 2 * 24 * 60 * 60  # seconds after which nobody writes it any more


class Store:
    """Keeps bytes by their hash. Safe to put the same bytes twice."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where a file lies. Only a hash names one, so no name a person typed ever reaches the disk."""
        assert len(sha256) == 64
        assert set(sha256) <= set("0123456789abcdef")
        return self.folder / sha256[:2] / sha256

    def put(self, content: bytes) -> str:
        """Keep *content*; its sha256."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.path(sha256)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write(path, content)
        return sha256

    def _write(self, path: Path, content: bytes) -> None:
        """Raises OSError, which names the file, and leaves nothing behind."""
        half = None
        try:
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=HALF, delete=False) as file:
                half = Path(file.name)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(half, path)
            _settle(path.parent, self.folder)  # a power cut must not take back a name that a row tells of
        except OSError as error:
            error.filename = error.filename or str(path)
            with suppress(OSError):
                half and half.unlink()
            raise

    def tidy(self) -> int:
        """Remove what killed processes left half-written; how many files."""
        old = [half for half in self.folder.glob(f"??/{HALF}*") if time.time() - half.stat().st_mtime > LEFT]
        for half in old:
            half.unlink(missing_ok=True)
        return len(old)

    def get(self, sha256: str) -> bytes:
        return self.path(sha256).read_bytes()


def _settle(*folders: Path) -> None:
    """Have the disk know what stands in the folders."""
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
