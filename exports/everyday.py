"""The everyday part of a big font: the 7,500 characters of GB 2312 instead of 65,000.

Each paper embeds its own subset, and cutting that out of the whole of Noto takes longer than laying the paper out. From
this part it takes a tenth, and the file is a quarter of the size. Rarer characters still come from the whole font.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

# Enumeration values and names of HarfBuzz's stable C interface (hb-subset.h).
_DROP_TABLES, _DESUBROUTINIZE = 3, 4
_UNUSED = (b"GSUB", b"GPOS", b"BASE", b"VORG", b"vhea", b"vmtx", b"DSIG")
_POINTERS = ("hb_blob_create_from_file_or_fail", "hb_blob_get_data", "hb_face_create", "hb_face_reference_blob",
             "hb_subset_input_create_or_fail", "hb_subset_input_unicode_set", "hb_subset_input_set",
             "hb_subset_or_fail")


@cache
def possible() -> bool:
    """Whether this machine has libharfbuzz-subset; without it papers are cut from the whole font, slowly."""
    return _library() is not None


@cache
def cut(path: Path, face: int = 0) -> bytes:
    """An OpenType font with the everyday characters of *face* in the font file *path*. Raises OSError for no font."""
    hb, pointer = _library(), ctypes.c_void_p
    blob = pointer(hb.hb_blob_create_from_file_or_fail(str(path).encode()))
    whole = pointer(hb.hb_face_create(blob, face))
    wanted = pointer(hb.hb_subset_input_create_or_fail())
    for character in _characters():
        hb.hb_set_add(pointer(hb.hb_subset_input_unicode_set(wanted)), character)
    for table in _UNUSED:
        hb.hb_set_add(pointer(hb.hb_subset_input_set(wanted, _DROP_TABLES)), int.from_bytes(table, "big"))
    hb.hb_subset_input_set_flags(wanted, _DESUBROUTINIZE)
    part = pointer(hb.hb_subset_or_fail(whole, wanted))
    if not part:
        raise OSError(f"{path} cannot be cut")
    result = pointer(hb.hb_face_reference_blob(part))
    length = ctypes.c_uint()
    data = ctypes.string_at(hb.hb_blob_get_data(result, ctypes.byref(length)), length.value)
    hb.hb_blob_destroy(result)
    hb.hb_face_destroy(part)
    hb.hb_subset_input_destroy(wanted)
    hb.hb_face_destroy(whole)
    hb.hb_blob_destroy(blob)
    return data


@cache
def _library() -> ctypes.CDLL | None:
    """HarfBuzz's subsetter; looking a name up in it finds those of the HarfBuzz it is linked with, too."""
    try:
        library = ctypes.CDLL("libharfbuzz-subset.so.0")
        for name in _POINTERS:
            getattr(library, name).restype = ctypes.c_void_p
    except (OSError, AttributeError):
        return None
    return library


@cache
def _characters() -> tuple[int, ...]:
    """GB 2312, ASCII and the signs of Western Europe (¥, ·)."""
    pairs = (bytes((row, cell)) for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    # Python's gb2312 has another dash and another middle dot than everybody types; its gbk has those.
    chinese = {ord(character) for pair in pairs for character in pair.decode("gbk", "ignore")}
    return tuple(sorted(chinese.union(range(0x20, 0x7F), range(0xA0, 0x100))))
