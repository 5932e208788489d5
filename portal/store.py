"""Files under the data folder, named by their sha256: written whole or not at all, never changed."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path


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
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(file.name, path)
        return sha256

    def get(self, sha256: str) -> bytes:
        return self.path(sha256).read_bytes()
