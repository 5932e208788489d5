"""The database handle, column types and mixins every table is made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, BigInteger, DateTime, Integer, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.types import TypeDecorator

from models.months import Month

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)


db = SQLAlchemy(model_class=Base)

BigId = BigInteger().with_variant(Integer, "sqlite")
Json = JSON(none_as_null=True)


def by_bytes(length: int) -> String:
    """A text that is sorted, or compared as a range: by the order of bytes on every database, which is SQLite's."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


AreaCode = by_bytes(12)


class Instant(TypeDecorator):
    """A moment, aware in and out, stored in UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> datetime | None:
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: object) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


class MonthText(TypeDecorator):
    """A Month, stored as CHAR(7) such as 2021-08."""

    impl = String(7)
    cache_ok = True

    def process_bind_param(self, value: Month | str | None, dialect: object) -> str | None:
        return value and str(value)

    def process_result_value(self, value: str | None, dialect: object) -> Month | None:
        return value and Month.parse(value)


class Sensitive(TypeDecorator):
    """An ID, card or phone number: one type, so that hiding and encrypting them is one place each."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(by_bytes(self.impl.length))


class Row:
    """What every table has: an id that is never given twice, and a version where people edit."""

    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(BigId, primary_key=True)


class Editable(Row):
    """A row that people change; the version tells the loser of a race."""

    version: Mapped[int] = mapped_column(Integer, nullable=False, default=1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict:
        return {"version_id_col": cls.__table__.c.version}

    def touch(self, column: str) -> None:
        """Give the row its next version, though none of its columns need change: what hangs on it was changed."""
        flag_modified(self, column)
