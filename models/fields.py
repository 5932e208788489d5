"""Fields of a document that strangers hand in: each one read or refused, with its place named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.money import fen
from models.words import N_, Message, Refusal

KINDS = {
    str: N_("text in quotation marks"),
    int: N_("a whole number"),
    bool: N_("true or false"),
    list: N_("a list"),
    dict: N_("an object with named fields"),
}


def kept(value: Any) -> Any:
    """The value as it stands."""
    return value


@dataclass(frozen=True)
class Field:
    """One named field. *read* turns a JSON value of exactly this *kind* into ours, or raises Refusal."""

    name: str
    read: Callable[[Any], Any] = kept
    kind: type = str                # exactly: true is no whole number, and 1.0 is none either
    nullable: bool = False          # must be given, and may be null
    optional: bool = False          # may be left out, which says the same as null


def read_object(value: Any, fields: tuple[Field, ...], where: str) -> dict[str, Any]:
    """The values of *fields* in a JSON object, by name. *where* is the object's place, such as `person`.

    Raises Refusal for anything but an object, and for a field that is unknown, missing or unreadable.
    """
    _check_kind(value, dict, where)
    names = [field.name for field in fields]
    for name in value:
        if name not in names:
            raise Refusal(N_("{where}: there is no field “{name}” here. Take it out; the fields are {names}."),
                          where=where, name=name, names=", ".join(names))
    return {field.name: _read_field(value, field, where) for field in fields}


def read_list(value: Any, read: Callable[[Any, str], Any], where: str) -> list[Any]:
    """Each entry of a JSON list, read by *read*(entry, its place), such as `payments[1]` for the first."""
    _check_kind(value, list, where)
    return [read(entry, f"{where}[{number}]") for number, entry in enumerate(value, start=1)]


def read_json(text: str) -> Any:
    """The value of a JSON text. Raises Refusal for other text, a name given twice, characters nobody can write."""
    try:
        value = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_once)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Refusal(N_("document: this is not a JSON document ({error})."), error=str(error)) from None
    return value


def placed(where: str, read: Callable[[Any], Any], value: Any) -> Any:
    """*read*(value); a refusal gets its place in front."""
    try:
        return read(value)
    except Refusal as refusal:
        raise Refusal(N_("{where}: {fault}"), where=where, fault=refusal.message) from None


def amount(value: str) -> int:
    """分 of a two-decimal yuan string that is not below zero."""
    found = fen(value)
    if found < 0:
        raise Refusal(N_("“{text}” is below zero, and this figure cannot be."), text=value)
    return found


def whole(most: int) -> Callable[[int], int]:
    """A reader of whole numbers from 0 to *most*."""
    def read(value: int) -> int:
        if not 0 <= value <= most:
            raise Refusal(N_("the number must lie between 0 and {most}."), most=most)
        return value
    return read


def one_of(*words: str) -> Callable[[str], str]:
    """A reader of one word out of a closed list."""
    def read(value: str) -> str:
        if value not in words:
            raise Refusal(N_("“{text}” is not known here: choose one of {words}."), text=value, words=", ".join(words))
        return value
    return read


def _read_field(value: dict[str, Any], field: Field, where: str) -> Any:
    if field.name not in value and not field.optional:
        raise Refusal(N_("{where}: “{name}” is missing. Give it; where it may be open or unknown, write null."),
                      where=where, name=field.name)
    found, place = value.get(field.name), f"{where}.{field.name}"
    if found is None and (field.nullable or field.optional):
        return None
    _check_kind(found, field.kind, place)
    return placed(place, field.read, found)


def _check_kind(value: Any, kind: type, where: str) -> None:
    if type(value) is not kind:
        raise Refusal(N_("{where}: must be {kind}."), where=where, kind=Message(KINDS[kind]))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # JSON readers keep the last of two values in silence; here somebody's money would hang on which.
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        raise Refusal(N_("document: “{name}” is given twice in one object. Take one of them out."),
                      name=next(name for name in names if names.count(name) > 1))
    return value
