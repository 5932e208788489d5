"""Sentences for people: message ids in English, translated at the edge.

A message travels as its id with its values, so that a screen, a command and a
log can each say it in their own language. Nothing here knows a translator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


def N_(message: str) -> str:
    """Mark a message id for the catalogue and leave it as it is."""
    return message


STALE = N_("Somebody else changed this row meanwhile: look at it as it is now, then decide again.")


@dataclass(frozen=True)
class Message:
    """A message id with its values; a value may be a Message (or a marked id wrapped in one) itself."""

    id: str
    values: dict[str, Any] = field(default_factory=dict, hash=False)

    def say(self, translate: Callable[[str], str] = str) -> str:
        """The sentence in the language that *translate* speaks (message id -> text)."""
        values = {name: value.say(translate) if isinstance(value, Message) else value
                  for name, value in self.values.items()}
        return translate(self.id).format(**values) if values else translate(self.id)

    def __str__(self) -> str:
        return self.say()


class Refusal(Exception):
    """What a clerk is told when something cannot be done: what, where, how to mend it.

    The only exception that edges turn into a sentence; every other one is a bug.
    """

    def __init__(self, message: str | Message, **values: Any):
        self.message = message if isinstance(message, Message) else Message(message, values)
        super().__init__(str(self.message))

    def say(self, translate: Callable[[str], str] = str) -> str:
        return self.message.say(translate)


def as_json(message: Message) -> dict[str, Any]:
    """A message as a row keeps it; the screen says it in the language of whoever reads it."""
    return {"id": message.id, "values": {name: _plain(value) for name, value in message.values.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return as_json(value)
    return value if isinstance(value, str | int | None) else str(value)


def from_json(kept: dict[str, Any]) -> Message:
    """The message that `as_json` kept."""
    return Message(kept["id"], {name: from_json(value) if isinstance(value, dict) else value
                                for name, value in kept["values"].items()})
