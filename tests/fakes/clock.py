"""A clock on which an hour passes while one looks."""

from __future__ import annotations

import asyncio
import time

from bot.channels.clock import Clock


class FastClock(Clock):
    """Runs `speed` times as fast as the wall's."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.slept: list[float] = []

    def time(self) -> float:
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(seconds / self.speed)
