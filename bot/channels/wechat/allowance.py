"""How many messages 微信客服 lets us send: five after each of the customer's, within 48 hours.

Unlike an Official Account's pushes, messages are pulled some time after they were written, and what
was sent in between counts as well.
"""

from __future__ import annotations

import time

from bot.channels.state import State

ALLOWED = 5
WITHIN = 48 * 3_600.0


class Allowance:
    """Counts what was sent to each customer."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def open(self, sender: str, written: float) -> None:
        """The customer wrote at this time, in Unix seconds."""
        known = await self._state.get(sender, "written")
        if known is None or known < written:
            await self._state.put(sender, "written", written, ttl=WITHIN)

    async def left(self, sender: str) -> int:
        """How many may be sent for certain; one where nothing is known of the customer.

        WeCom tells only the second in which they wrote, so all of that second's count.
        """
        written = await self._state.get(sender, "written")
        if written is None:
            return 1
        sent = await self._state.since(sender, "sent")
        return max(ALLOWED - sum(at >= written for _, at in sent), 0)

    async def spend(self, sender: str, at: float) -> None:
        """One was sent."""
        await self._state.append(sender, "sent", at, keep=ALLOWED, ttl=WITHIN)

    async def close(self, sender: str) -> None:
        """WeCom says that no more may be sent."""
        for _ in range(ALLOWED):
            await self.spend(sender, time.time())
