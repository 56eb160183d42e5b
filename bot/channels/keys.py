"""Opaque keys for buttons: the payload stays here, the platform sees a random word.

So nobody can forge a payload, press another shopper's button, or press one twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from bot.channels.messages import Option
from bot.channels.state import State

# 96 bits, 16 characters: no guessing, and short enough for Telegram's 64 bytes.
_BYTES = 12


@dataclass(frozen=True)
class Tap:
    """What a button stands for."""

    payload: str
    title: str


class ButtonKeys:
    """Issues keys to a recipient and redeems each once."""

    def __init__(self, state: State, *, ttl: float) -> None:
        """`ttl`: seconds until an unused key expires."""
        self._state = state
        self._ttl = ttl

    async def issue(self, recipient: str, options: Sequence[Option]) -> list[str | None]:
        """A fresh key for every option, in order; None for those that open an address."""
        keys = [secrets.token_urlsafe(_BYTES) if option.payload else None for option in options]
        taps = {
            _name(key): [option.payload, option.title]
            for key, option in zip(keys, options, strict=True)
            if key
        }
        if taps:
            await self._state.put_many(recipient, taps, ttl=self._ttl)
        return keys

    async def redeem(self, recipient: str, key: str) -> Tap | None:
        """What the key stands for; None when it is unknown, expired, used or another shopper's."""
        found = await self._state.take(recipient, _name(key))
        return Tap(*found) if found else None

    async def peek(self, recipient: str, key: str) -> Tap | None:
        """As `redeem`, but the key stays valid."""
        found = await self._state.get(recipient, _name(key))
        return Tap(*found) if found else None

    async def restore(self, recipient: str, key: str, tap: Tap) -> None:
        """Make a redeemed key valid again, because its turn failed."""
        await self._state.put(recipient, _name(key), [tap.payload, tap.title], ttl=self._ttl)


def _name(key: str) -> str:
    return f"key:{key}"
