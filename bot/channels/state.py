"""What the channels must remember together: seen deliveries, button keys, replay, cursors, limits.

One small seam. `SqliteState` is a file for one process and survives a restart; `RedisState` serves
several. Both pass the checks in `tests/checks/state.py`.

Everything belongs to an *owner*, in most cases a sender id, so that `forget` can erase all of it. Values are
whatever JSON can hold. Every method raises `Unavailable` when the store does not answer in time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class State(ABC):
    """Shared memory of the channels. To add one, write these methods and inherit the checks."""

    @abstractmethod
    async def put(self, owner: str, name: str, value: Any, *, ttl: float) -> None:
        """Keep a value for `ttl` seconds, in place of an older one of that name."""

    async def put_many(self, owner: str, values: dict[str, Any], *, ttl: float) -> None:
        """`put` several at once."""
        for name, value in values.items():
            await self.put(owner, name, value, ttl=ttl)

    @abstractmethod
    async def get(self, owner: str, name: str) -> Any:
        """The value, or None when there is none (any more)."""

    @abstractmethod
    async def take(self, owner: str, name: str) -> Any:
        """`get` and remove in one step: of two takers at the same time one gets None."""

    @abstractmethod
    async def first(self, owner: str, name: str, *, ttl: float) -> bool:
        """True for the first to ask within `ttl` seconds, False for everyone after."""

    @abstractmethod
    async def lead(self, owner: str, name: str, holder: str, *, ttl: float) -> bool:
        """True while `holder` is the one who does it; asking again prolongs it by `ttl` seconds.

        For work that only one of several processes may do: polling, pulling from a cursor.
        """

    @abstractmethod
    async def append(self, owner: str, name: str, value: Any, *, keep: int, ttl: float) -> int:
        """Add to a list that keeps the last `keep` values; returns the value's number, from 1.

        Numbers of a list rise by one and are never used again, not even after the list expired.
        """

    @abstractmethod
    async def since(self, owner: str, name: str, number: int = 0) -> list[tuple[int, Any]]:
        """The kept values of a list whose number is greater than `number`, oldest first."""

    @abstractmethod
    async def pace(
        self, owner: str, name: str, *, rate: float, burst: int, patience: float = 0.0
    ) -> float | None:
        """Ask for one of `rate` per second, `burst` at once.

        Returns:
            Seconds to wait before using it, or None when that would be more than `patience`; then
            nothing was used up.
        """

    @abstractmethod
    async def forget(self, owner: str) -> None:
        """Erase everything the owner has here."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of files and connections."""
