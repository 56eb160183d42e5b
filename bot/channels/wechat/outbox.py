"""What could not be sent because the platform did not answer: tried again, for a day at most."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from bot.channels.base import pseudonym
from bot.channels.clock import Clock

logger = logging.getLogger(__name__)

P = TypeVar("P")
# Tries to send; returns what could not be sent because nobody answered.
Send = Callable[[str, list[P], str], Awaitable[list[P]]]


class Outbox(Generic[P]):
    """Waiting messages by shopper, in memory: a restart loses them, and says so."""

    # Seconds between attempts, and until a message is given up.
    delays = (5.0, 60.0)
    patience = 86_400.0
    # For how many shoppers.
    limit = 20_000

    def __init__(self, name: str, send: Send[P], *, kept: int, clock: Clock | None = None) -> None:
        """`send`: sender id, messages, language; `kept`: how many may wait for one shopper.

        Who comes back to an hour of answers needs the last of them.
        """
        self._name = name
        self._send = send
        self._kept = kept
        self._clock = clock or Clock()
        self._waiting: dict[str, tuple[list[P], str, float]] = {}
        self._filled = asyncio.Event()
        # Whose messages are on their way right now.
        self._sending = ""

    def put(self, sender: str, messages: Sequence[P], lang: str) -> None:
        """Keep for later, after what waits already."""
        if sender not in self._waiting and len(self._waiting) >= self.limit:
            self._give_up(sender, "too many shoppers wait")
            return
        earlier = self._waiting[sender][0] if sender in self._waiting else []
        waiting = [*earlier, *messages]
        if len(waiting) > self._kept:
            self._give_up(sender, "too many wait")
        self._waiting[sender] = (waiting[-self._kept :], lang, self._clock.time())
        self._filled.set()

    def waits(self, sender: str) -> bool:
        """Whether something waits, so that what comes later has to wait behind it."""
        return sender in self._waiting or sender == self._sending

    def forget(self, sender: str) -> None:
        """Send none of it."""
        self._waiting.pop(sender, None)
        if self._sending == sender:
            self._sending = ""

    def __len__(self) -> int:
        return len(self._waiting)

    async def work(self) -> None:
        """Try again and again."""
        delay = self.delays[0]
        while True:
            await self._filled.wait()
            await self._clock.sleep(delay)
            delay = min(delay * 2, self.delays[1])
            for sender in list(self._waiting):
                if not await self._try(sender):
                    # One is enough to see that nobody answers.
                    break
                delay = self.delays[0]
            if not self._waiting:
                self._filled.clear()
                delay = self.delays[0]

    async def _try(self, sender: str) -> bool:
        """False when nobody answers."""
        messages, lang, since = self._waiting.pop(sender)
        if self._clock.time() - since > self.patience:
            self._give_up(sender, "too old")
            return True
        self._sending = sender
        try:
            rest = await self._send(sender, messages, lang)
        except Exception as exc:
            logger.error("%s: messages to %s wait: %r", self._name, pseudonym(sender), exc)
            rest = messages
        later = self._waiting.pop(sender, ([], lang, since))[0]
        kept = [*rest, *later] if self._sending else later
        if kept:
            self._waiting[sender] = (kept[-self._kept :], lang, since)
        self._sending = ""
        return not rest

    def _give_up(self, sender: str, why: str) -> None:
        logger.error("%s: gave up messages to %s: %s", self._name, pseudonym(sender), why)
