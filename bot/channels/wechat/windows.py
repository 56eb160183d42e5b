"""The five seconds in which WeChat waits for an answer, three times over.

WeChat pushes a message, hangs up after five seconds and pushes it again, twice. All pushes of one
message share a `Window`: the first starts the turn, each waits a little less than five seconds for
its answer, and the last one that WeChat still listens to tells it. With several workers the pushes
may reach different ones, so what they must agree on stands in the shared state.

    tries:<id>    how many pushes came; an earlier one has been hung up on and keeps silent
    begun:<id>    some worker has taken the message in
    closed:<id>   who decides what the answer is: the turn's end, or the last push's patience
    answer:<id>   the answer, for a minute
    told:<id>     somebody told it

The first two are the account's and not the shopper's: who unfollows and is back within seconds is
forgotten in between, and the pushes of their return must still be known.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.channels.messages import Message
from bot.channels.state import State
from bot.channels.wechat.sender import Occasion

# Fields of a passive reply; none: acknowledge only.
Answer = Mapping[str, Any]

_KEPT = 60.0
_POLL = 0.1


@dataclass(frozen=True)
class Times:
    """Seconds; tests are shorter."""

    # How long a push waits for the answer, and the last one of a message.
    patience: float = 4.5
    last_patience: float = 4.0
    # When WeChat has certainly hung up.
    hung_up: float = 6.0
    # How many pushes WeChat makes.
    pushes: int = 3


@dataclass(eq=False)
class Window:
    """One message of a shopper, while it is being answered.

    Attributes:
        held: what the bot said in this turn.
        is_message: not an event.
        mine: it is answered here, not by another worker.
        waiters: pushes in this process that wait now.
        heard: the answer was told by a push of this process.
    """

    sender: str
    delivery: str
    occasion: Occasion = "message"
    is_message: bool = True
    lang: str = "zh"
    mine: bool = False
    held: list[Message] = field(default_factory=list)
    waiters: int = 0
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    answer: asyncio.Future[Answer] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Windows:
    """The windows of this process, and what it shares with others."""

    def __init__(self, state: State, times: Times, *, owner: str) -> None:
        """`owner`: of what outlives a shopper's data, for a minute."""
        self.times = times
        self._state = state
        self._owner = owner
        self._open: dict[tuple[str, str], Window] = {}

    def enter(self, window: Window) -> tuple[Window, bool]:
        """The window of this message, and whether it is the given one, so the first push here."""
        kept = self._open.setdefault((window.sender, window.delivery), window)
        return kept, kept is window

    def find(self, sender: str, delivery: str) -> Window | None:
        """The window of a turn."""
        return self._open.get((sender, delivery))

    def leave(self, window: Window) -> None:
        """Its answer is known; a push that comes yet finds it in the shared state."""
        self._open.pop((window.sender, window.delivery), None)

    async def count(self, sender: str, delivery: str) -> int:
        """The number of this push of the message, from 1."""
        name = f"tries:{_mark(sender, delivery)}"
        return await self._state.append(self._owner, name, 0, keep=9, ttl=_KEPT)

    async def begin(self, window: Window) -> bool:
        """Become the worker that takes the message in; False: one did."""
        mark = _mark(window.sender, window.delivery)
        return await self._state.first(self._owner, f"begun:{mark}", ttl=_KEPT)

    async def begin_again(self, window: Window) -> None:
        """It could not be taken in: the next push may be."""
        await self._state.take(self._owner, f"begun:{_mark(window.sender, window.delivery)}")

    async def is_last(self, window: Window, number: int) -> bool:
        """Whether no later push of the message came; WeChat has hung up on earlier ones."""
        name = f"tries:{_mark(window.sender, window.delivery)}"
        return not await self._state.since(self._owner, name, number)

    async def claim(self, window: Window) -> bool:
        """Become the one who decides what the answer is; False: it is too late."""
        return await self._state.first(window.sender, f"closed:{window.delivery}", ttl=_KEPT)

    async def publish(self, window: Window, answer: Answer) -> None:
        """Let the pushes of all workers know the answer."""
        if not window.answer.done():
            window.answer.set_result(answer)
        name = f"answer:{window.delivery}"
        await self._state.put(window.sender, name, dict(answer), ttl=_KEPT)

    async def wait(self, window: Window, seconds: float) -> Answer | None:
        """The answer, from whichever worker; None when there is none in time."""
        window.waiters += 1
        until = time.monotonic() + seconds
        try:
            while True:
                left = until - time.monotonic()
                done, _ = await asyncio.wait({window.answer}, timeout=max(min(_POLL, left), 0))
                if done:
                    return window.answer.result()
                found = await self._state.get(window.sender, f"answer:{window.delivery}")
                if found is not None:
                    return dict(found)
                if left <= 0:
                    return None
        finally:
            window.waiters -= 1

    async def tell(self, window: Window) -> None:
        """Note that a push told the answer."""
        window.heard.set()
        await self._state.put(window.sender, f"told:{window.delivery}", True, ttl=_KEPT)

    async def told(self, window: Window) -> bool:
        """Whether somebody told the answer."""
        return bool(await self._state.get(window.sender, f"told:{window.delivery}"))


def _mark(sender: str, delivery: str) -> str:
    """A message, in a form that tells nobody whose it is."""
    return hashlib.sha256(f"{sender} {delivery}".encode()).hexdigest()[:32]
