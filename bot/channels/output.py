"""How Rasa speaks through a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rasa.core.channels.channel import OutputChannel

from bot.channels.messages import Message, from_rasa
from bot.channels.turns import Turn

if TYPE_CHECKING:
    from bot.channels.base import Channel


class Output(OutputChannel):
    """Rasa's way to speak: holds what a turn says until its end, then sends at once.

    A reminder keeps the output of the turn that set it and speaks minutes later; then nothing is
    held any more.
    """

    def __init__(self, channel: Channel, *, turn: Turn | None = None, hold: bool = False) -> None:
        self._channel = channel
        self._turn = turn
        self._held: list[Message] | None = [] if hold else None

    def name(self) -> str:
        """Chooses `channel:` variations of responses."""
        return str(self._channel.name())

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """All that Rasa says comes through here."""
        messages = from_rasa(message)
        if self._held is not None:
            self._held += messages
        else:
            # What comes after the end of the turn, from a reminder, belongs to no turn.
            turn = self._turn if self._turn and not self._turn.ended else None
            await self._channel.send(recipient_id, messages, turn)

    async def release(self, recipient_id: str) -> None:
        """Send what was held, and hold nothing from now on."""
        held, self._held = self._held, None
        await self._channel.send(recipient_id, held or [], self._turn)

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        """For code that calls this instead of `send_response`; Rasa does not."""
        await self.send_response(recipient_id, {"text": text})
