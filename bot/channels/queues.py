"""Order: what one shopper sends is done one after the other, different shoppers side by side."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)

Job = Callable[[], Awaitable[None]]


@dataclass
class Mailbox:
    """What waits for one sender."""

    # Held while a message is taken in, so that two keep the order in which they arrived.
    entrance: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: deque[Job] = field(default_factory=deque)
    worker: asyncio.Task[None] | None = None
    visitors: int = 0


class SenderQueues:
    """One first-in-first-out queue a sender, held only while something is in it."""

    def __init__(self, limit: int) -> None:
        """`limit`: how many jobs of one sender may wait."""
        self._limit = limit
        self._boxes: dict[str, Mailbox] = {}

    @asynccontextmanager
    async def entrance(self, sender: str) -> AsyncIterator[bool]:
        """Wait for one's turn to `put`; tells whether there is room."""
        box = self._boxes.setdefault(sender, Mailbox())
        box.visitors += 1
        try:
            async with box.entrance:
                yield len(box.waiting) < self._limit
        finally:
            box.visitors -= 1
            self._tidy(sender, box)

    def put(self, sender: str, job: Job) -> None:
        """Do the job after those that wait; an error in it is logged and concerns no other."""
        box = self._boxes.setdefault(sender, Mailbox())
        box.waiting.append(job)
        if box.worker is None:
            box.worker = asyncio.get_running_loop().create_task(self._work(sender, box))

    async def drain(self, seconds: float) -> bool:
        """Wait until everything is done; False when it was not within `seconds`."""
        workers = [box.worker for box in self._boxes.values() if box.worker]
        if not workers:
            return True
        _, late = await asyncio.wait(workers, timeout=seconds)
        for worker in late:
            worker.cancel()
        return not late

    def __len__(self) -> int:
        return len(self._boxes)

    async def _work(self, sender: str, box: Mailbox) -> None:
        try:
            while box.waiting:
                job = box.waiting.popleft()
                try:
                    await job()
                except Exception:
                    logger.exception("A job in a sender's queue failed")
        finally:
            box.worker = None
            self._tidy(sender, box)

    def _tidy(self, sender: str, box: Mailbox) -> None:
        if not box.visitors and not box.waiting and box.worker is None:
            self._boxes.pop(sender, None)
