"""One turn pipeline for every channel.

To add a channel, subclass `Channel`, give it a `name`, a `prefix` for its sender ids, and write

* `routes`   the platform's webhook: check who calls, turn its payload into an `Incoming`, hand it to
             `await self.receive(incoming)` and acknowledge at once;
* `deliver`  send neutral messages (`bot.channels.messages`) to a recipient;

and, where the platform has it, `typing`. The rest is here and the same for all: order of a shopper's
messages, duplicates, limits, opaque button keys, an apology instead of silence, the deadline,
proactive messages, health, shutting down. `docs/new-channel.md` walks through an example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from bot.channels.messages import Message

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
        metadata: goes into the tracker as JSON, so no secrets; `channel`, `lang` and `typed` are added.
    """

    sender_id: str
    message_id: str
    text: str | None = None
    key: str | None = None
    payload: str | None = None
    title: str | None = None
    lang: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Receipt:
    """What became of an `Incoming`: accepted, or why not.

    `too_fast`, `too_long` and `empty` have been answered to the shopper; `closing` should make the
    platform deliver again.
    """

    accepted: bool
    refusal: Refusal = ""
    turn: Turn | None = None


class Turn:
    """A turn on its way: its `Incoming`, language and the end of it (`await turn.wait()`)."""

    incoming: Incoming
    lang: str

    async def wait(self) -> None:
        """Until the turn has ended and everything it said has been delivered."""


class Channel:  # rasa's InputChannel
    """See the module. Signatures; the implementation follows."""

    prefix: str

    def routes(self, blueprint: Any) -> None:
        """Add the platform's routes to the channel's blueprint at /webhooks/<name>/."""

    async def start(self) -> None:
        """After the server started: open clients, register webhooks; must not fail (retry in a task)."""

    async def stop(self) -> None:
        """Before the server stops, when all turns have ended."""

    async def deliver(
        self, recipient: str, messages: Sequence[Message], turn: Turn | None = None
    ) -> None:
        """Send messages to a sender id; `turn` is None for a proactive one.

        May raise: the error is logged in one line and the conversation goes on.
        """

    async def typing(self, recipient: str, on: bool) -> None:
        """Show that the bot is writing; called again every `typing_every` seconds. May fail."""

    async def receive(self, incoming: Incoming) -> Receipt:
        """Take a message in: returns when it is queued, long before it is answered.

        Raises:
            Unavailable: the shared state does not answer; let the platform deliver again.
        """
