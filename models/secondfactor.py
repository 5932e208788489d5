"""Codes from a phone that change every half minute (RFC 6238), without any network: the second factor of county posts.

GB/T 22239-2019 8.1.4.1 d. The secret is kept encrypted by a key derived from the
portal's own; a code is taken once, in its half minute or the one before or after.
"""

from __future__ import annotations

import base64
import unicodedata
from datetime import datetime
from functools import lru_cache
from hmac import compare_digest

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models.passwords import expired
from models.user import Role, User

ISSUER = "Portal"
STEP = 30  # seconds
PASSWORD, SECOND_FACTOR = "password", "second_factor"


def required(user: User) -> bool:
    """County posts sign in with a code; a township's may."""
    return user.role != Role.TOWNSHIP


def asked(user: User) -> bool:
    """Whether this person is asked for codes: wherever there is a code generator."""
    return user.code_secret is not None


def owed(user: User, since: datetime, second_factor: bool) -> str | None:
    """What a person who signed in at *since* has to do before anything else; nobody is stopped in the middle of work."""
    if expired(user, since):
        return PASSWORD
    return SECOND_FACTOR if second_factor and required(user) and not asked(user) else None


def new_secret() -> str:
    """160 random bits as people can type them (base 32)."""
    return pyotp.random_base32()


def address(secret: str, username: str) -> str:
    """What the picture says to the app on the phone."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)


@lru_cache(maxsize=4)
def _box(key: str) -> Fernet:
    derived = HKDF(SHA256(), 32, salt=None, info=b"portal second factor").derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


def seal(secret: str, key: str) -> str:
    """The secret encrypted under the portal's key."""
    return _box(key).encrypt(secret.encode()).decode()


def unseal(sealed: str, key: str) -> str | None:
    """The secret; None if it was sealed under another key (the portal's was changed): a new one has to be set up."""
    try:
        return _box(key).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def step_of(secret: str, code: str, at: datetime, after: int = 0) -> int | None:
    """The half minute whose code this is, one before or after *at* allowed, none up to *after*."""
    typed = unicodedata.normalize("NFKC", code).replace(" ", "")
    present, codes = int(at.timestamp()) // STEP, pyotp.TOTP(secret)
    return next((step for step in (present - 1, present, present + 1)
                 if step > after and compare_digest(codes.generate_otp(step).encode(), typed.encode())), None)


def take(user: User, code: str, at: datetime, key: str) -> bool:
    """Whether the code is right, and never taken before. The row's version lets one of two that come at once through."""
    secret = unseal(user.code_secret or "", key)
    step = step_of(secret, code, at, user.code_step or 0) if secret else None
    if step is not None:
        user.code_step = step
    return step is not None


def keep(user: User, secret: str, step: int, key: str) -> None:
    """From now on codes of this secret count, the one that confirmed it no more."""
    user.code_secret, user.code_step = seal(secret, key), step


def reset(user: User) -> None:
    """The phone is lost: the next sign-in sets a generator up anew."""
    user.code_secret = user.code_step = None
