"""One-time keys of forms: what a form does is done once, however often it arrives.

A request's key is written into every transaction that the request begins, so it and what the form does are committed
together or not at all, wherever a screen commits; a refused verb takes it back with everything else. The second of two
requests that come at once waits for the first, on PostgreSQL at the unique index, on SQLite before that at BEGIN
IMMEDIATE, and then meets its key: `Repeated`. A repeat does nothing and so leaves no second entry in the trail.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import ColumnElement, Connection, LargeBinary, String, delete, event, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from models import scope
from models.base import AreaCode, BigId, Instant, Row, db
from models.schema import writing
from models.scope import Placed

LASTS = timedelta(hours=48)
LARGEST = 1_000_000  # bytes of an answer, packed; of a larger one only the fact is kept
NONCE = 12


class FormKey(db.Model, Row, Placed):
    """A form that did something. Of its key only the hash is kept, of what it held only a digest. Times are the real clock's.

    `done` is False while only what comes before the act is committed: a code from the phone that counts as used.
    """

    __tablename__ = "form_key"
    __administrative__, __owner__ = True, "user_id"
    __untraced__ = True  # what the form did has its entry

    key_hash: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)
    # No foreign key: it would lock the person's row, and two forms that each take a code from the phone would block each other.
    user_id: Mapped[int] = mapped_column(BigId, nullable=False)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False)  # the user's
    endpoint: Mapped[str] = mapped_column(String(64), nullable=False)
    digest: Mapped[str] = mapped_column(String(64), nullable=False)
    made_at: Mapped[datetime] = mapped_column(Instant, nullable=False, index=True)
    done: Mapped[bool] = mapped_column(nullable=False)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)


class Repeated(Exception):
    """The key of this form is in the table already: the form was sent before. Nothing may be done by this request."""

    def __init__(self, claim: Claim):
        super().__init__(claim.values["endpoint"])
        self.claim = claim


class Secret:
    """What a key opens: made of the portal's own secret and of the key, of which the database has neither."""

    def __init__(self, key: str, secret: str):
        made = HKDF(SHA256(), 64, salt=None, info=b"portal form key").derive(f"{secret}\0{key}".encode())
        self._digests, self._answers = made[:32], made[32:]

    def digest(self, content: bytes) -> str:
        """Of what a form holds, passwords among it: without the key nobody can try which ones fit."""
        return hmac.new(self._digests, content, hashlib.sha256).hexdigest()

    def seal(self, answer: bytes) -> bytes | None:
        """An answer packed and encrypted; None if it is too large."""
        packed = zlib.compress(answer)
        nonce = os.urandom(NONCE)
        return nonce + AESGCM(self._answers).encrypt(nonce, packed, None) if len(packed) <= LARGEST else None

    def unseal(self, sealed: bytes) -> bytes | None:
        """None if it was sealed under another secret of the portal."""
        try:
            return zlib.decompress(AESGCM(self._answers).decrypt(sealed[:NONCE], sealed[NONCE:], None))
        except InvalidTag:
            return None


@dataclass
class Claim:
    """The key that a request has come with, and what became of it: True for the act, False for what comes before it."""

    values: dict[str, Any]        # of the row
    pending: bool | None = None   # in the transaction at hand
    stands: bool | None = None    # committed
    over: bool = False            # the screen is through: what is committed from now on is not the form's

    def write(self, connection: Connection) -> None:
        """Put the key into a transaction. Raises Repeated."""
        if self.over or self.stands or self.pending is not None:
            return
        if self.stands is None:
            try:
                connection.execute(insert(FormKey).values(**self.values, done=True))
            except IntegrityError as error:
                raise Repeated(self) from error
        else:
            self.mark(connection, True)
        self.pending = True

    def mark(self, connection: Connection, done: bool) -> None:
        connection.execute(update(FormKey).where(self.row).values(done=done))
        self.pending = done

    @property
    def row(self) -> ColumnElement[bool]:
        return FormKey.key_hash == self.values["key_hash"]


_claim: ContextVar[Claim | None] = ContextVar("form key", default=None)


def hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@contextmanager
def claiming(claim: Claim) -> Iterator[None]:
    """Whatever is committed inside is committed with this key. Raises Repeated."""
    token = _claim.set(claim)
    try:
        if writing.get():
            claim.write(db.session.connection())
        elif first(claim) is not None:  # it is written by the transaction that writes; until then a screen only looks
            raise Repeated(claim)
        yield
    finally:
        _claim.reset(token)


def aside() -> None:
    """What is committed next is not yet what the form is sent for; the key is used up by it all the same."""
    claim = _claim.get()
    if claim is not None and claim.pending:
        claim.mark(db.session.connection(), False)


def forgo() -> None:
    """Take the key out again: the form turns out to fetch something, which may be done again from the same page."""
    claim = _claim.get()
    if claim is not None:
        db.session.connection().execute(delete(FormKey).where(claim.row))
        claim.over, claim.stands = True, None


def over() -> Claim | None:
    """The screen is through: no later transaction of this request is the form's. The claim, if the form had one."""
    claim = _claim.get()
    if claim is not None:
        claim.over = True
    return claim


@event.listens_for(db.session, "after_begin")
def _begun(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    claim = _claim.get()
    if claim is not None and not transaction.nested and writing.get():
        claim.write(connection)


@event.listens_for(db.session, "after_commit")
def _committed(session: Session) -> None:
    claim = _claim.get()
    if claim is not None and claim.pending is not None and not session.in_nested_transaction():
        claim.stands = claim.pending


@event.listens_for(db.session, "after_transaction_end")
def _ended(session: Session, transaction: SessionTransaction) -> None:
    claim = _claim.get()
    if claim is not None and transaction.parent is None:
        claim.pending = None


def first(claim: Claim) -> FormKey | None:
    """What is there of a form that was sent before, as it stands now and apart from the session."""
    with scope.everything("a form that was sent before"):
        found = db.session.scalar(select(FormKey).where(claim.row))
    if found is not None:
        db.session.expunge(found)
    return found


def answered(claim: Claim, answer: bytes | None) -> None:
    """Keep what the first was answered."""
    db.session.connection().execute(update(FormKey).where(claim.row).values(answer=answer))


def purge(now: datetime) -> None:
    """Forget keys of forms that nobody sends again."""
    with scope.everything("old form keys"):
        db.session.connection().execute(delete(FormKey).where(FormKey.made_at <= now - LASTS))
