"""A zipped workbook's insides, judged before anything is unpacked, and what its reader cannot show."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from xml.parsers import expat

from exports import sheetlimits as limits
from exports.confinement import Fault

_WORTH_A_LOOK = re.compile(rb"<(?:\w+:)?f[\s/>]|\st=[\"']e[\"']")
_OTHER = (("word/", "Word"), ("ppt/", "PowerPoint"), ("meta-inf/manifest.xml", "ODS"), ("xl/workbook.bin", "xlsb"))
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError,
           expat.ExpatError)


class Package:
    """The zip around a workbook. Raises Fault for one that is too big, locked, cut off or no workbook."""

    def __init__(self, data: bytes):
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            self._judge(self._zip.infolist())
            if self._zip.testzip() is not None:  # a flipped byte must not become a wrong figure
                raise Fault("damaged")
        except _BROKEN as error:
            raise Fault("damaged") from error
        self._paths = self._sheet_paths()

    @staticmethod
    def _judge(entries: list[zipfile.ZipInfo]) -> None:
        if len(entries) > limits.ENTRIES:
            raise Fault("entries", limit=limits.ENTRIES)
        if sum(entry.file_size for entry in entries) > limits.UNPACKED:
            raise Fault("unpacked", limit=limits.UNPACKED // limits.MB)
        if any(entry.flag_bits & 1 for entry in entries):
            raise Fault("password")
        names = {entry.filename.lower() for entry in entries}
        for start, kind in _OTHER:
            if any(name.startswith(start) for name in names):
                raise Fault("foreign" if kind in ("Word", "PowerPoint") else "unread", kind=kind)
        if "xl/workbook.xml" not in names:
            raise Fault("foreign", kind="zip")

    def _read(self, path: str) -> bytes:
        """An entry's bytes; its name is met in any case, as Excel does."""
        found = [name for name in self._zip.namelist() if name.lower() == path.lower()]
        try:
            return self._zip.read(found[0]) if found else b""
        except _BROKEN as error:
            raise Fault("damaged") from error

    def _sheet_paths(self) -> dict[str, str]:
        """Entry by sheet name."""
        targets = {attributes.get("Id"): attributes.get("Target", "")
                   for name, attributes in elements(self._read("xl/_rels/workbook.xml.rels"), {"Relationship"})}
        paths = {}
        for _, attributes in elements(self._read("xl/workbook.xml"), {"sheet"}):
            target = targets.get(attributes.get("id"), "")
            paths[attributes.get("name", "")] = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
        return paths

    def marks(self, sheet: str) -> dict[int, dict[int, object]]:
        """By row number and place: `{"formula": true}` or `{"error": text}` for cells that the reader shows as ''."""
        data = self._read(self._paths.get(sheet, ""))
        return CellMarks().read(data) if _WORTH_A_LOOK.search(data) else {}


class CellMarks:
    """One pass over a sheet's XML that notes formulas without a stored result, and errors."""

    def __init__(self):
        self.found: dict[int, dict[int, object]] = {}
        self._row = self._place = 0
        self._kind = self._text = ""
        self._formula = self._inside = False

    def read(self, data: bytes) -> dict[int, dict[int, object]]:
        parse(data, self._start, self._end, self._characters)
        return self.found

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._place = -1
        elif name == "c":
            self._place = place(attributes["r"]) if "r" in attributes else self._place + 1
            self._kind, self._formula, self._text = attributes.get("t", ""), False, ""
        elif name == "f":
            self._formula = True
        self._inside = name == "v"

    def _characters(self, text: str) -> None:
        if self._inside:
            self._text += text

    def _end(self, name: str) -> None:
        self._inside = False
        if name != "c":
            return
        if self._kind == "e":
            self._note({"error": self._text or "#"})
        elif self._formula and not self._text and self._kind != "str":
            self._note({"formula": True})

    def _note(self, mark: object) -> None:
        self.found.setdefault(self._row, {})[self._place] = mark


def place(reference: str) -> int:
    """The column of a reference such as B5, from 0."""
    column = 0
    for letter in reference.rstrip("0123456789").replace("$", "").upper():
        column = column * 26 + ord(letter) - 64
    if not 1 <= column <= 16_384:
        raise Fault("damaged")
    return column - 1


def elements(data: bytes, names: set[str]) -> list[tuple[str, dict[str, str]]]:
    """(name, attributes) of the elements so named, without name spaces."""
    found = []
    parse(data, lambda name, attributes: name in names and found.append((name, attributes)))
    return found


def parse(data: bytes, start, end=None, characters=None) -> None:  # noqa: ANN001 - expat's own handler shapes
    """Run expat over XML that may not declare entities."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: start(
        local(name), {local(key): value for key, value in attributes.items()})
    if end:
        parser.EndElementHandler = lambda name: end(local(name))
    if characters:
        parser.CharacterDataHandler = characters
    parser.EntityDeclHandler = _refuse
    try:
        if data:
            parser.Parse(data, True)
    except (expat.ExpatError, ValueError) as error:
        raise Fault("damaged") from error


def _refuse(*_: object) -> None:
    raise Fault("damaged")


def local(name: str) -> str:
    return name.rpartition(":")[2]
