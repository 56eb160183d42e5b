"""Keeps within the numbers of messages that Telegram allows."""

from __future__ import annotations

from collections import deque

from bot.channels.clock import Clock
from bot.channels.state import State
from shop.errors import Unavailable

DAY = 86_400.0
# Owns in the shared state what belongs to no shopper.
OWNER = "telegram"

# Telegram allows about 30 messages a second, 1 a second in a chat (a few more at once), and 20 a
# minute in a group (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this).
# At most rate * time + burst pass, so these stay below.
_OVERALL, _PRIVATE, _GROUP = (25.0, 4), (1.0, 3), (0.25, 5)
# At most so many may reach Telegram within a second, whatever holds them up on their way.
_WINDOW, _WINDOW_SECONDS = 29, 1.05


class Gate:
    """Lets messages of this process through; each counts from its start to a second after its end.

    When Telegram gets it lies between, so a stall of the machine or the network cannot bunch more
    into a second than is allowed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way = 0
        self._ended: deque[float] = deque()

    async def __aenter__(self) -> None:
        while (rest := self._full_for()) > 0:
            await self._clock.sleep(rest)
        self._under_way += 1

    async def __aexit__(self, *_: object) -> None:
        self._under_way -= 1
        self._ended.append(self._clock.time())

    def _full_for(self) -> float:
        now = self._clock.time()
        while self._ended and now - self._ended[0] > _WINDOW_SECONDS:
            self._ended.popleft()
        if self._under_way + len(self._ended) < _WINDOW:
            return 0.0
        if not self._ended:
            return _WINDOW_SECONDS / _WINDOW
        return max(self._ended[0] + _WINDOW_SECONDS - now, 0.001)


class Pace:
    """The limits of all processes together, in the shared state, and of this one."""

    def __init__(self, state: State, clock: Clock) -> None:
        self.gate = Gate(clock)
        self._state = state
        self._clock = clock

    async def wait(self, chat: int) -> None:
        """Until it is this chat's turn, in the chat and among all; then pass the gate."""
        limits = ((f"tg:{chat}", _GROUP if chat < 0 else _PRIVATE), (OWNER, _OVERALL))
        for owner, (rate, burst) in limits:
            try:
                wait = await self._state.pace(owner, "sends", rate=rate, burst=burst, patience=DAY)
            except Unavailable:
                # Rather slowly than not at all.
                wait = 1.0
            if wait:
                await self._clock.sleep(wait)
