"""Files of the age format (age-encryption.org/v1) under a passphrase, written and read as streams.

The libraries at hand take a passphrase only with the whole content in memory. The format is small: a file key wrapped
by scrypt and ChaCha20-Poly1305, a header under HMAC-SHA256, and chunks of 64 KiB that are each authenticated with
their place and whether they are the last. So no byte can be changed, moved, added or cut off unnoticed, and the
standard tool (`age -d`) opens what is written here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from models.words import N_, Refusal

CHUNK, TAG = 64 * 1024, 16
MOST_WORK = 20  # log₂ N: a gigabyte of memory; a header may not ask for more
_SALT = b"age-encryption.org/v1/scrypt"
_INTRO = b"age-encryption.org/v1\n"
_HEADER = re.compile(rb"age-encryption\.org/v1\n-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n([A-Za-z0-9+/]{43})\n"
                     rb"--- ([A-Za-z0-9+/]{43})\n")
_LONGEST_HEADER = 256

NOT_OURS = N_("This is no backup of the portal: it does not begin as one made under a passphrase.")
DAMAGED = N_("The backup is damaged: something in it was changed or cut off. Take another one.")
WRONG = N_("The passphrase is not the one of this backup (or its first lines are damaged): try it again as it was written down.")


class Sealing:
    """A file-like object that encrypts what is written to it into *file*. `close` writes the last chunk, not *file*'s end.

    *work*: log₂ of scrypt's cost, the higher the dearer each guess at the passphrase.
    """

    def __init__(self, file: BinaryIO, passphrase: str, work: int):
        file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
        wrapped = ChaCha20Poly1305(_stretched(passphrase, salt, work)).encrypt(bytes(12), file_key, None)
        header = _INTRO + b"-> scrypt %s %d\n%s\n---" % (_plain64(salt), work, _plain64(wrapped))
        file.write(header + b" " + _plain64(_mac(file_key, header)) + b"\n" + nonce)
        self._file, self._count, self._held = file, 0, bytearray()
        self._box = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))

    def write(self, data: bytes) -> int:
        self._held += data
        while len(self._held) > CHUNK:  # a full chunk is kept back: it may be the last
            self._put(self._held[:CHUNK], last=False)
            del self._held[:CHUNK]
        return len(data)

    def close(self) -> None:
        self._put(self._held, last=True)
        self._held.clear()

    def _put(self, chunk: bytes, last: bool) -> None:
        self._file.write(self._box.encrypt(_nonce(self._count, last), bytes(chunk), None))
        self._count += 1


class Opening:
    """A file-like object that gives what was encrypted into *file*. Reading raises Refusal at the first wrong byte."""

    def __init__(self, file: BinaryIO, passphrase: str):
        file_key, length = _file_key(file.read(_LONGEST_HEADER), passphrase)
        file.seek(length)
        nonce = file.read(16)
        if len(nonce) < 16:
            raise Refusal(DAMAGED)
        self._file, self._count, self._held = file, 0, b""
        self._box = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
        self._next, self._ended = file.read(CHUNK + TAG), False

    def read(self, size: int) -> bytes:
        parts, wanted = [], size
        while wanted and (self._held or not self._ended):
            self._held = self._held or self._chunk()
            parts.append(self._held[:wanted])
            self._held = self._held[wanted:]
            wanted -= len(parts[-1])
        return b"".join(parts)

    def drain(self) -> None:
        """Read to the end, which alone shows that nothing was cut off."""
        while not self._ended:
            self._chunk()
        self._held = b""

    def _chunk(self) -> bytes:
        sealed, self._next = self._next, self._file.read(CHUNK + TAG)
        self._ended = not self._next
        try:
            chunk = self._box.decrypt(_nonce(self._count, self._ended), sealed, None)
        except (InvalidTag, ValueError):
            raise Refusal(DAMAGED) from None
        self._count += 1
        return chunk


def _file_key(start: bytes, passphrase: str) -> tuple[bytes, int]:
    """The key of a file and the length of its header."""
    found = _HEADER.match(start)
    if not found:
        raise Refusal(NOT_OURS)
    salt, work, wrapped, mac = found[1], int(found[2]), found[3], found[4]
    if work > MOST_WORK:
        raise Refusal(NOT_OURS)
    try:
        file_key = ChaCha20Poly1305(_stretched(passphrase, _from64(salt), work)).decrypt(bytes(12), _from64(wrapped), None)
    except InvalidTag:
        raise Refusal(WRONG) from None
    if not hmac.compare_digest(_plain64(_mac(file_key, start[:found.start(4) - 1])), mac):
        raise Refusal(DAMAGED)
    return file_key, found.end()


def _stretched(passphrase: str, salt: bytes, work: int) -> bytes:
    return Scrypt(salt=_SALT + salt, length=32, n=2 ** work, r=8, p=1).derive(passphrase.encode())


def _derived(file_key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt or None, info).derive(file_key)


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.new(_derived(file_key, b"", b"header"), header, hashlib.sha256).digest()


def _nonce(count: int, last: bool) -> bytes:
    return count.to_bytes(11, "big") + bytes([last])


def _plain64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _from64(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4))
