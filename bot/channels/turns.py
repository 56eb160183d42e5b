"""A message on its way from a platform to the bot and back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Refusal = Literal["", "duplicate", "too_fast", "too_long", "empty", "bad_sender", "closing"]


@dataclass(frozen=True)
class Incoming:
    """One thing a shopper did. Exactly one of `text`, `key` and `payload` is set.

    Attributes:
        sender_id: `<prefix>:…`, letters, digits and `:_-`, at most 128.
        message_id: the platform's id of this delivery; the same id again is the same message.
        text: what was typed; it never becomes a payload, whatever it looks like.
        key: an opaque key that `Channel.keys` issued for a button.
        payload: `/intent{…}` that the channel itself vouches for, from its own list.
        title: what the tapped button said.
        lang: zh or en, where the platform or page tells what the shopper prefers.
        metadata: kept in the tracker, so JSON and no secrets; `channel`, `lang`, `typed` are added.
    """

    sender_id: str
    message_id: str
    text: str | None = None
    key: str | None = None
    payload: str | None = None
    title: str | None = None
    lang: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


class Turn:
    """A message on its way through.

    Attributes:
        incoming: what the shopper did.
        lang: the language of what the channel itself says in this turn.
        spoke: whether the shopper has heard anything in this turn.
        notes: for the channel's own use.
    """

    def __init__(self, incoming: Incoming, lang: str) -> None:
        self.incoming = incoming
        self.lang = lang
        self.spoke = False
        self.notes: dict[str, Any] = {}
        self._ended = asyncio.Event()

    async def wait(self) -> None:
        """Until the turn has ended and everything it said has been delivered."""
        await self._ended.wait()

    def end(self) -> None:
        """Let those who wait go on."""
        self._ended.set()

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._ended.is_set()


@dataclass(frozen=True)
class Receipt:
    """What became of an `Incoming`: accepted, or why not.

    `too_fast`, `too_long` and `empty` are answered to the shopper by the base. After `closing` the
    platform should deliver again.
    """

    accepted: bool
    refusal: Refusal = ""
    turn: Turn | None = None
