"""Signatures and encryption of WeChat's and WeCom's callbacks.

The scheme is the same for both: AES-256-CBC under the EncodingAESKey, and a SHA-1 over the sorted
parts with the token among them. `owner` is the app id of an account, the corp id of a company.
https://developer.work.weixin.qq.com/document/path/90968 · tested with Tencent's own vectors.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY_LENGTH = 43
_KEY = re.compile(f"[A-Za-z0-9]{{{KEY_LENGTH}}}")
# PKCS#7 with blocks of 32 bytes, though AES has 16.
_BLOCK = 32
_RANDOM = 16


class BadCallback(Exception):
    """Not from WeChat: signature, key, padding or owner do not fit. Says no more, on purpose."""


def sign(token: str, *parts: str) -> str:
    """SHA-1 over the token and the parts, sorted and joined."""
    return hashlib.sha1("".join(sorted([token, *parts])).encode()).hexdigest()


def signed(signature: str, token: str, *parts: str) -> bool:
    """Whether a signature fits; takes the same time whatever differs."""
    return hmac.compare_digest(signature.encode(), sign(token, *parts).encode())


def decode_key(encoding_aes_key: str) -> bytes:
    """The 32 bytes of an EncodingAESKey.

    Raises:
        ValueError: it is not 43 letters and digits.
    """
    if not _KEY.fullmatch(encoding_aes_key):
        raise ValueError(f"{KEY_LENGTH} letters and digits")
    return base64.b64decode(encoding_aes_key + "=")


@dataclass(frozen=True)
class Opened:
    """A decrypted message, and the key that opened it: an answer is encrypted with the same."""

    content: bytes
    key: bytes


class Envelope:
    """Opens and seals messages of one account."""

    def __init__(self, owner: str, encoding_aes_keys: Sequence[str]) -> None:
        """`encoding_aes_keys`: the current one first, then the one before it, if any.

        While a key is changed WeChat still uses the former one for some minutes.
        """
        self._owner = owner.encode()
        self._keys = [decode_key(key) for key in encoding_aes_keys]

    def open(self, encrypted: str) -> Opened:
        """Decrypt the content of an `Encrypt` field.

        Raises:
            BadCallback: with none of the keys does this become a message to us.
        """
        try:
            data = base64.b64decode(encrypted, validate=True)
        except (binascii.Error, ValueError):
            raise BadCallback from None
        if not data or len(data) % 16:
            raise BadCallback
        # All keys are tried, so that the time tells nothing.
        contents = [(self._content(_decrypt(key, data)), key) for key in self._keys]
        for content, key in contents:
            if content is not None:
                return Opened(content, key)
        raise BadCallback

    def seal(self, content: bytes, key: bytes | None = None) -> str:
        """Encrypt a message, with the current key if none is given."""
        length = struct.pack(">I", len(content))
        plain = secrets.token_bytes(_RANDOM) + length + content + self._owner
        padding = _BLOCK - len(plain) % _BLOCK
        key = key or self._keys[0]
        encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
        data = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
        return base64.b64encode(data).decode()

    def _content(self, plain: bytes) -> bytes | None:
        """The message in decrypted data; None when the data are not one to us."""
        padding = plain[-1]
        if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
            return None
        plain = plain[:-padding]
        if len(plain) < _RANDOM + 4:
            return None
        (length,) = struct.unpack_from(">I", plain, _RANDOM)
        content, owner = plain[_RANDOM + 4 :][:length], plain[_RANDOM + 4 + length :]
        return content if hmac.compare_digest(owner, self._owner) else None


def _decrypt(key: bytes, data: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    return decryptor.update(data) + decryptor.finalize()
