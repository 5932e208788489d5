"""Passwords: what may be one, how long it may stay, the last five; codes that sign in once. Only hashes are kept.

Length and block list as OWASP ASVS 5.0 6.2 asks, kinds of characters and change after 90 days
as assessors of GB/T 22239-2019 8.1.4.1 a do.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from pypinyin import lazy_pinyin
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship
from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from models.base import BigId, Row, db
from models.scope import Child
from models.words import N_, Refusal

if TYPE_CHECKING:
    from models.user import User

SHORTEST, LONGEST, KEPT = 10, 256, 5
LIVES, WARNED = timedelta(days=90), timedelta(days=76)
CODE_LIVES = timedelta(hours=24)
# Whoever guesses begins with what the portal is about.
CONTEXT = ("portal", "jiaocheng", "lvliang", "shanxi", "county", "township", "pension", "yanglao", "shebao", "renshe",
           "daiyu", "qingli", "tianning", "xiajiaying", "xiying")
COMMON = frozenset(FREQUENCY_LISTS["passwords"][:3000])
_PLAIN = str.maketrans("0134578@$!", "oleastbasi")  # the usual signs for letters

hasher = PasswordHasher()
# Checked when nobody has the name, so that an unknown name takes as long as a wrong password.
_NOBODY = hasher.hash(secrets.token_hex(16))


class OldPassword(db.Model, Row, Child):
    """The hash of a password somebody had before: none of the last five comes back."""

    __tablename__ = "old_password"
    __administrative__, __owner__ = True, "user_id"
    __parent__ = ("user_id", "User")
    __untraced__ = True  # that the password changed is in the trail

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("portal_user.id"), nullable=False, index=True)
    password_hash: Mapped[str] = mapped_column(String(200), nullable=False)

    user: Mapped[User] = relationship(back_populates="old_passwords")


def matches(kept: str, password: str) -> bool:
    try:
        return hasher.verify(kept, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def password_fits(user: User | None, password: str) -> bool:
    """Whether *password* is the user's; takes the same time for nobody."""
    return matches(user.password_hash if user else _NOBODY, password) and user is not None


def check_password(password: str, username: str, name: str = "") -> None:
    """Raises Refusal, in one sentence, for a password that is too short, too plain or easily guessed."""
    kinds = (any(c.islower() for c in password), any(c.isupper() for c in password),
             any(c.isdigit() for c in password), any(not (c.islower() or c.isupper() or c.isdigit()) for c in password))
    if len(password) < SHORTEST or sum(kinds) < 3:
        raise Refusal(N_("A password needs at least 10 characters and three of: small letters, capitals, "
                         "digits, other signs."))
    if len(password) > LONGEST:
        raise Refusal(N_("A password has at most 256 characters."))
    if any(word in text for word in _own_words(username, name) for text in _readings(password)):
        raise Refusal(N_("A password must not contain the user name or the name."))
    if any(word in text for word in CONTEXT for text in _readings(password)):
        raise Refusal(N_("A password must not contain a word that everybody here thinks of, such as the county’s name."))
    if _easily_guessed(password, username):
        raise Refusal(N_("This password is easily guessed: take a sentence only you know, or several words without relation."))


def _own_words(username: str, name: str) -> list[str]:
    """The user name and the name as people type them; of two letters or fewer anything would contain them."""
    words = (username.lower(), _letters(username), name.lower(), "".join(lazy_pinyin(name)).lower())
    return [word for word in words if len(word) > 2 or word and not word.isascii()]


def _readings(password: str) -> tuple[str, ...]:
    """The password as it is, its letters alone, and the letters its signs stand for, with what hangs on its ends and without."""
    low = password.lower()
    core = re.sub(r"^[^a-z]+|[^a-z]+$", "", low)
    return low, _letters(low), _letters(low.translate(_PLAIN)), _letters(core.translate(_PLAIN))


def _letters(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha())


def _easily_guessed(password: str, username: str) -> bool:
    """Less than a million guesses, or one of the 3,000 commonest passwords with decorations."""
    if COMMON & set(_readings(password)):
        return True
    return zxcvbn(password[:72], user_inputs=[username, *CONTEXT])["score"] < 2  # it takes no more than 72


def one_time() -> str:
    """A code that is easy to read out and fits every rule."""
    letters, digits = "abcdefghjkmnpqrstuvwxyz", "23456789"
    pick = lambda signs, count: "".join(secrets.choice(signs) for _ in range(count))
    return f"{pick(letters.upper(), 2)}-{pick(letters, 5)}-{pick(digits, 5)}"


def check_new(user: User, password: str) -> None:
    """Raises Refusal for the password somebody has, or one of the four before."""
    if any(matches(kept, password) for kept in [user.password_hash, *(old.password_hash for old in user.old_passwords)] if kept):
        raise Refusal(N_("This was one of the last five passwords: choose another."))


def lay_by(user: User) -> None:
    """Keep the hash of the present password with the former ones, of which four stay."""
    if user.password_hash and user.password_set_at:
        user.old_passwords.append(OldPassword(user_id=user.id, password_hash=user.password_hash))
        del user.old_passwords[:-(KEPT - 1)]


def expired(user: User, at: datetime) -> bool:
    """Whether a password of one's own has to be chosen first: there is none yet, or it is older than 90 days."""
    return user.password_set_at is None or at - user.password_set_at >= LIVES


def days_left(user: User, at: datetime) -> int | None:
    """Days until the password has to be changed, from day 76 on; None before."""
    if user.password_set_at is None or at - user.password_set_at < WARNED:
        return None
    return max(0, (user.password_set_at + LIVES - at).days)
