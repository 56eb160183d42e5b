"""Time for what waits long, such as for a platform that is away."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """Time and sleep; tests pass a faster one."""

    def time(self) -> float:
        """Seconds since anything."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
