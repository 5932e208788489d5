"""Uploads taken in: judged by their content, never by their name."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable

from PIL import Image

from models.certificate import Upload
from models.words import N_, Refusal

LARGEST = 10 * 1024 * 1024
MOST_PIXELS = 60_000_000
KINDS = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def checked_upload(kind: str, data: bytes, name: str, put: Callable[[bytes], str]) -> Upload:
    """Keep an upload with *put* if it is a PDF, JPEG or PNG of at most 10 MB. Raises Refusal otherwise."""
    name = tidy_name(name)
    if not data:
        raise Refusal(N_("{file} is empty: choose the file again."), file=name)
    if len(data) > LARGEST:
        raise Refusal(N_("{file} is larger than 10 MB: scan it at a lower resolution."), file=name)
    media_type = next((media for start, media in KINDS.items() if data.startswith(start)), None)
    if media_type is None:
        raise Refusal(N_("{file} is no PDF, JPEG or PNG: photograph or scan the paper anew."), file=name)
    if media_type.startswith("image/"):
        _check_image(data, name)
    return Upload(kind, put(data), name, len(data), media_type)


def _check_image(data: bytes, name: str) -> None:
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Refusal(N_("{file} has too many pixels: photograph it at a lower resolution."), file=name)
            image.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise Refusal(N_("{file} is damaged: photograph or scan the paper anew."), file=name) from None


def tidy_name(name: str) -> str:
    """A file name without folders and control characters; at most 120 characters, the ending kept."""
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    name = "".join(sign for sign in name if unicodedata.category(sign)[0] != "C").strip() or "file"
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:110]}{dot}{ending[:9]}" if dot else name[:120]
