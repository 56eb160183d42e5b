"""Who calls, and what they say: opens what WeChat pushes and seals what we answer.

Shared by the Official Account and 微信客服. What is not from WeChat raises `BadCallback` and is
refused in one way; what is, but makes no sense, raises `BadMessage` and is acknowledged, because
WeChat would send it again and again.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.channels.wechat import xml
from bot.channels.wechat.crypto import BadCallback, Envelope, sign, signed

# Seconds by which a push may be late: WeChat repeats it for a quarter of a minute.
FRESH = 600
BODY_LIMIT = 64 * 1024
_PARAMETER_LIMIT = 1_024

Query = Mapping[str, Sequence[str]]


class BadMessage(ValueError):
    """From WeChat, but not a message we know how to read."""


@dataclass(frozen=True)
class Push:
    """A message from WeChat, opened.

    Attributes:
        fields: what stands in it, by WeChat's names.
        stamp: timestamp and nonce; a repeated push has the same.
        key: what opened it, for the answer; None for one that came in plain text.
        is_json: an account may be set to JSON in place of XML.
    """

    fields: Mapping[str, str]
    stamp: str
    key: bytes | None = None
    is_json: bool = False


class Gate:
    """Checks the callbacks of one account."""

    def __init__(self, token: str, envelope: Envelope | None, *, plain: bool) -> None:
        """`plain`: whether a push may come unencrypted; it is never said by the push itself."""
        self._token = token
        self._envelope = envelope
        self._plain = plain

    def echo(self, query: Query) -> str:
        """The answer to the check of our address (公众号).

        Raises:
            BadCallback: the signature does not fit.
        """
        signature, timestamp, nonce, echo = _parameters(
            query, "signature", "timestamp", "nonce", "echostr"
        )
        if not signed(signature, self._token, timestamp, nonce):
            raise BadCallback
        return echo

    def sealed_echo(self, query: Query) -> str:
        """The same for WeCom, where what has to be answered is encrypted.

        Raises:
            BadCallback: signature or encryption do not fit.
        """
        signature, timestamp, nonce, echo = _parameters(
            query, "msg_signature", "timestamp", "nonce", "echostr"
        )
        # A plus sign in an address that was not escaped arrives as a blank.
        echo = echo.replace(" ", "+")
        if not signed(signature, self._token, timestamp, nonce, echo) or not self._envelope:
            raise BadCallback
        try:
            return self._envelope.open(echo).content.decode()
        except UnicodeDecodeError:
            raise BadCallback from None

    def open(self, query: Query, body: bytes) -> Push:
        """A pushed message.

        Raises:
            BadCallback: not from WeChat, too old, or in plain text where that is not allowed.
            BadMessage: from WeChat, but unreadable.
        """
        timestamp, nonce = _parameters(query, "timestamp", "nonce")
        fresh = timestamp.isdecimal() and abs(time.time() - int(timestamp)) <= FRESH
        if not fresh:
            raise BadCallback
        stamp = f"{timestamp}.{nonce}"
        if "msg_signature" in query:
            return self._open_sealed(query, timestamp, nonce, body, stamp)
        (signature,) = _parameters(query, "signature")
        if not self._plain or not signed(signature, self._token, timestamp, nonce):
            raise BadCallback
        return Push(_read(body), stamp, is_json=_is_json(body))

    def _open_sealed(
        self, query: Query, timestamp: str, nonce: str, body: bytes, stamp: str
    ) -> Push:
        (signature,) = _parameters(query, "msg_signature")
        try:
            encrypted = _read(body).get("Encrypt", "")
        except BadMessage:
            # Nothing vouches for it yet.
            raise BadCallback from None
        if not signed(signature, self._token, timestamp, nonce, encrypted) or not self._envelope:
            raise BadCallback
        opened = self._envelope.open(encrypted)
        return Push(_read(opened.content), stamp, opened.key, _is_json(body))

    def answer(self, push: Push, fields: Mapping[str, Any]) -> str:
        """The body that answers a push, in its form and encrypted as it was."""
        content = _write(fields, push.is_json)
        if push.key is None or self._envelope is None:
            return content
        encrypted = self._envelope.seal(content.encode(), push.key)
        timestamp, nonce = int(time.time()), secrets.token_hex(8)
        sealed = {
            "Encrypt": encrypted,
            "MsgSignature": sign(self._token, str(timestamp), nonce, encrypted),
            "TimeStamp": timestamp,
            "Nonce": nonce,
        }
        return _write(sealed, push.is_json)


def _parameters(query: Query, *names: str) -> list[str]:
    """Parameters that must be there, once."""
    values = []
    for name in names:
        found = query.get(name) or ()
        # Sanic's own `get` returns the first of several.
        found = query.getlist(name) if hasattr(query, "getlist") else found
        if not found or len(found) != 1 or len(found[0]) > _PARAMETER_LIMIT:
            raise BadCallback
        values.append(found[0])
    return values


def _is_json(body: bytes) -> bool:
    return body.lstrip()[:1] == b"{"


def _read(body: bytes) -> dict[str, str]:
    try:
        return _read_json(body) if _is_json(body) else xml.parse(body)
    except (ValueError, RecursionError) as exc:
        raise BadMessage(str(exc)) from exc


def _read_json(body: bytes) -> dict[str, str]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a field twice")
        return found

    fields = json.loads(body, object_pairs_hook=once)
    return {
        name: str(value)
        for name, value in fields.items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool)
    }


def _write(fields: Mapping[str, Any], as_json: bool) -> str:
    return json.dumps(fields, ensure_ascii=False) if as_json else xml.build(fields)
