"""Form fields for months and money, and the form class of every screen."""

from __future__ import annotations

from typing import Any

from flask_admin.form import BaseForm
from wtforms import IntegerField, StringField

from models.money import fen, yuan
from models.months import Month
from models.words import Refusal
from views.stepform import tidy
from views.words import say

LONGEST = 18  # digits of a whole number


class OfficeForm(BaseForm):
    """A form that can say all that is wrong with it."""

    def problems(self) -> list[tuple[str, str]]:
        return [(field.id, f"{field.label.text}：{error}") for field in self for error in field.errors]


class WholeField(IntegerField):
    """A whole number as people write one; longer ones would break those who compare it."""

    def process_formdata(self, values: list[str]) -> None:
        super().process_formdata([values[0] if len(values[0]) <= LONGEST else "x"] if values else values)


class _Read(StringField):
    """A field that keeps what was typed and reads it as something else."""

    kind = "text"

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else self._write(self.data) if self.data is not None else ""

    def process_formdata(self, values: list[str]) -> None:
        text = tidy(self.kind, values[0]) if values else ""
        if not text:
            self.raw_data = [""]  # a blank is no answer to a question that must be answered
        try:
            self.data = self._read(text) if text else None
        except Refusal as refusal:
            self.data = None
            raise ValueError(say(refusal)) from None

    def _read(self, text: str) -> Any:
        raise NotImplementedError

    def _write(self, data: Any) -> str:
        return str(data)


class MonthField(_Read):
    kind = "month"

    def _read(self, text: str) -> Month:
        return Month.parse(text)


class YuanField(_Read):
    """Yuan with two decimals on the page, 分 in the row."""

    kind = "money"

    def _read(self, text: str) -> int:
        return fen(text)

    def _write(self, data: int) -> str:
        return yuan(data)
