"""Uploads taken in: judged by their content, never by their name, and made anew before they are kept."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable

from exports.confinement import Fault, ask
from exports.uploadchild import JPEG, LARGEST, PDF, PNG, SECONDS
from models.certificate import Upload
from models.words import N_, Refusal

ENDINGS = {JPEG: ("jpg", "jpeg"), PNG: ("png",), PDF: ("pdf",)}
FAULTS = {
    "empty": N_("{file} is empty: choose the file again."),
    "large": N_("{file} is larger than 10 MB: scan it at a lower resolution."),
    "foreign": N_("{file} is no PDF, JPEG or PNG: photograph or scan the paper anew."),
    "pixels": N_("{file} has too many pixels: photograph it at a lower resolution."),
    "damaged": N_("{file} is damaged: photograph or scan the paper anew."),
    "locked": N_("{file} is locked or protected by a password: save it without, or scan the paper anew."),
    "pages": N_("{file} has more than 50 pages: choose only those that prove something."),
    "too_much": N_("{file} asks for more memory or time than a scan needs: photograph or scan the paper anew."),
}


def checked_upload(kind: str, data: bytes, name: str, put: Callable[[bytes], str]) -> Upload:
    """Keep a scan with *put*, made anew, if it is a PDF, JPEG or PNG of at most 10 MB. Raises Refusal otherwise."""
    name = tidy_name(name)
    try:
        media_type, content = made_anew(data)
    except Fault as fault:
        raise Refusal(FAULTS[fault.code], file=name) from None
    return Upload(kind, put(content), named(name, media_type), len(content), media_type)


def made_anew(data: bytes) -> tuple[str, bytes]:
    """(media type, content) of a scan as it may be kept: made by a child that a hostile file may have. Raises Fault."""
    head, _, content = ask("exports.uploadchild", SECONDS, input=data[:LARGEST + 1]).partition(b"\n")
    told = json.loads(head)
    if "fault" in told:
        raise Fault(told["fault"])
    return told["media_type"], content


def named(name: str, media_type: str) -> str:
    """The name with the ending of what the file is."""
    stem, dot, ending = name.rpartition(".")
    endings = ENDINGS[media_type]
    return name if dot and ending.lower() in endings else f"{(stem if dot else name)[:110]}.{endings[0]}"


def tidy_name(name: str) -> str:
    """A file name without folders and control characters; at most 120 characters, the ending kept."""
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    name = "".join(sign for sign in name if unicodedata.category(sign)[0] != "C").strip() or "file"
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:110]}{dot}{ending[:9]}" if dot else name[:120]
