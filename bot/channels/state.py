"""What the channels must remember together: seen deliveries, button keys, replay, cursors, limits.

One small seam. `SqliteState` is a file for one process and survives a restart; `RedisState` serves
several. Both pass the checks in `tests/checks/state.py`.

Everything belongs to an *owner*, in most cases a sender id, so that `forget` can erase all of it.
Values are whatever JSON can hold. Every method raises `Unavailable` when the store does not answer
in time.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from shop.errors import Unavailable

T = TypeVar("T")


@dataclass(frozen=True)
class StateSettings:
    """Where the shared state lies."""

    # File for one process, relative to the working folder.
    state_path: Path = Path("var/state.db")
    # redis://:password@host:6379/0 for several processes; then the file is not used.
    redis_url: str = field(default="", repr=False)


class State(ABC):
    """Shared memory of the channels. To add one, write these methods and inherit the checks."""

    async def put(self, owner: str, name: str, value: Any, *, ttl: float) -> None:
        """Keep a value for `ttl` seconds, in place of an older one of that name."""
        await self.put_many(owner, {name: value}, ttl=ttl)

    @abstractmethod
    async def put_many(self, owner: str, values: Mapping[str, Any], *, ttl: float) -> None:
        """`put` several at once."""

    @abstractmethod
    async def get(self, owner: str, name: str) -> Any:
        """The value, or None when there is none (any more)."""

    @abstractmethod
    async def owners(self, name: str) -> list[str]:
        """Who has a value of this name, in any order; looks at everything, so ask rarely."""

    @abstractmethod
    async def take(self, owner: str, name: str) -> Any:
        """`get` and remove in one step: of two takers at the same time one gets None."""

    @abstractmethod
    async def first(self, owner: str, name: str, *, ttl: float) -> bool:
        """True for the first to ask within `ttl` seconds, False for everyone after."""

    @abstractmethod
    async def lead(self, owner: str, name: str, holder: str, *, ttl: float) -> bool:
        """True while `holder` is the one who does it; asking again prolongs it by `ttl` seconds.

        For work that only one of several processes may do: polling, pulling from a cursor. To let
        go early, ask with a `ttl` of 0.
        """

    @abstractmethod
    async def append(self, owner: str, name: str, value: Any, *, keep: int, ttl: float) -> int:
        """Add to a list that keeps the last `keep` values; returns the value's number.

        Numbers rise by one from 1. `ttl` seconds after the last `append` the list is gone and the
        numbers begin again.
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
            Seconds to wait before going on, or None when that would be more than `patience`; then
            nothing was used up.
        """

    @abstractmethod
    async def forget(self, owner: str) -> None:
        """Erase everything the owner has here."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of files and connections; the next call opens them again."""


@lru_cache(maxsize=1)
def shared(settings: StateSettings) -> State:
    """The state of this process; opens nothing yet, so that workers may be forked after it."""
    if settings.redis_url:
        return RedisState(settings.redis_url)
    return SqliteState(settings.state_path)


class SqliteState(State):
    """A SQLite file, used by one thread of one process."""

    # Seconds before an answer counts as missing, and between two sweeps of what has expired.
    patience = 2.0
    sweep_every = 300.0

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        # One thread: the calls of a process never wait for each other's locks, and stay in order.
        self._thread: ThreadPoolExecutor | None = None
        self._swept = 0.0

    async def put_many(self, owner: str, values: Mapping[str, Any], *, ttl: float) -> None:
        rows = [(owner, name, json.dumps(value)) for name, value in values.items()]

        def work(db: sqlite3.Connection) -> None:
            db.executemany(_PUT, [(*row, time.time() + ttl) for row in rows])

        await self._run(work)

    async def get(self, owner: str, name: str) -> Any:
        return await self._run(lambda db: _value(db, owner, name))

    async def owners(self, name: str) -> list[str]:
        def work(db: sqlite3.Connection) -> list[str]:
            wanted = "SELECT owner FROM entry WHERE name = ? AND expires > ?"
            return [owner for (owner,) in db.execute(wanted, (name, time.time()))]

        return await self._run(work)

    async def take(self, owner: str, name: str) -> Any:
        def work(db: sqlite3.Connection) -> Any:
            value = _value(db, owner, name)
            db.execute("DELETE FROM entry WHERE owner = ? AND name = ?", (owner, name))
            return value

        return await self._run(work)

    async def first(self, owner: str, name: str, *, ttl: float) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            if _value(db, owner, name) is not None:
                return False
            db.execute(_PUT, (owner, name, "1", time.time() + ttl))
            return True

        return await self._run(work)

    async def lead(self, owner: str, name: str, holder: str, *, ttl: float) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            if _value(db, owner, name) not in (None, holder):
                return False
            db.execute(_PUT, (owner, name, json.dumps(holder), time.time() + ttl))
            return True

        return await self._run(work)

    async def append(self, owner: str, name: str, value: Any, *, keep: int, ttl: float) -> int:
        counter, text = f"{name}#", json.dumps(value)

        def work(db: sqlite3.Connection) -> int:
            last = _value(db, owner, counter)
            number = (last or 0) + 1
            # Without a counter the list has expired, and what is left of it goes.
            oldest = number - keep if last else number
            db.execute(_PUT, (owner, counter, json.dumps(number), time.time() + ttl))
            db.execute(
                "DELETE FROM item WHERE owner = ? AND name = ? AND (number <= ? OR number >= ?)",
                (owner, name, oldest, number),
            )
            db.execute("INSERT INTO item VALUES (?, ?, ?, ?)", (owner, name, number, text))
            return number

        return await self._run(work)

    async def since(self, owner: str, name: str, number: int = 0) -> list[tuple[int, Any]]:
        def work(db: sqlite3.Connection) -> list[tuple[int, Any]]:
            if _value(db, owner, f"{name}#") is None:
                return []
            rows = db.execute(
                "SELECT number, value FROM item WHERE owner = ? AND name = ? AND number > ?"
                " ORDER BY number",
                (owner, name, number),
            )
            return [(number, json.loads(value)) for number, value in rows]

        return await self._run(work)

    async def pace(
        self, owner: str, name: str, *, rate: float, burst: int, patience: float = 0.0
    ) -> float | None:
        def work(db: sqlite3.Connection) -> float | None:
            now = time.time()
            due = max(_value(db, owner, name) or 0.0, now)
            wait = due - now - (burst - 1) / rate
            if wait > patience + _HAIR:
                return None
            due += 1 / rate
            db.execute(_PUT, (owner, name, json.dumps(due), due))
            return max(0.0, wait)

        return await self._run(work)

    async def forget(self, owner: str) -> None:
        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM entry WHERE owner = ?", (owner,))
            db.execute("DELETE FROM item WHERE owner = ?", (owner,))

        await self._run(work)

    async def close(self) -> None:
        if self._thread:
            if self._connection:
                # After what is under way; if that hangs, so be it.
                self._thread.submit(self._connection.close)
            self._thread.shutdown(wait=False)
        self._thread = self._connection = None

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one transaction, in the thread."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="channel-state")
        call = asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)
        try:
            return await asyncio.wait_for(call, self.patience)
        except (sqlite3.Error, OSError, asyncio.TimeoutError) as exc:
            raise Unavailable(f"the channels' state in {self._path}: {exc!r}") from exc

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        db = self._connection or self._open()
        try:
            # IMMEDIATE: several processes on one file (a mistake, but not a fatal one) wait for
            # each other here and not with half of their work done.
            db.execute("BEGIN IMMEDIATE")
            self._sweep(db)
            result = work(db)
            db.execute("COMMIT")
        except sqlite3.Error:
            # Whatever is wrong with the file, the next call opens it anew; closing rolls back.
            self._connection = None
            db.close()
            raise
        return result

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(
            self._path,
            timeout=self.patience / 2,
            isolation_level=None,
            # Opened and used in the one thread; only closed at interpreter exit from another.
            check_same_thread=False,
        )
        db.execute("PRAGMA journal_mode = WAL")
        # In WAL mode a crash of the machine may cost the last transactions, never the file.
        db.execute("PRAGMA synchronous = NORMAL")
        # What is forgotten is overwritten, not only marked as free.
        db.execute("PRAGMA secure_delete = ON")
        for statement in _SCHEMA:
            db.execute(statement)
        self._connection = db
        return db

    def _sweep(self, db: sqlite3.Connection) -> None:
        now = time.time()
        if now - self._swept < self.sweep_every:
            return
        self._swept = now
        db.execute("DELETE FROM entry WHERE expires <= ?", (now,))
        db.execute(
            "DELETE FROM item WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.owner = item.owner"
            " AND entry.name = item.name || '#')"
        )


_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS entry (owner TEXT, name TEXT, value TEXT, expires REAL,"
    " PRIMARY KEY (owner, name)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS item (owner TEXT, name TEXT, number INTEGER, value TEXT,"
    " PRIMARY KEY (owner, name, number)) WITHOUT ROWID",
)
# Seconds by which rounding may make a wait look longer than it is.
_HAIR = 0.001
_PUT = "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)"


def _value(db: sqlite3.Connection, owner: str, name: str) -> Any:
    row = db.execute(
        "SELECT value FROM entry WHERE owner = ? AND name = ? AND expires > ?",
        (owner, name, time.time()),
    ).fetchone()
    return json.loads(row[0]) if row else None


class RedisState(State):
    """Redis, for any number of processes; needs version 5 or later."""

    # Seconds to wait for Redis before the call counts as failed.
    patience = 1.0

    def __init__(self, url: str, *, prefix: str = "xiaoer") -> None:
        self._url = url
        self._prefix = prefix
        self._client: Any = None

    async def put_many(self, owner: str, values: Mapping[str, Any], *, ttl: float) -> None:
        async def work(redis: Any) -> None:
            # A pipeline that is cut short must give its connection back.
            async with redis.pipeline(transaction=True) as pipe:
                for name, value in values.items():
                    pipe.set(self._key(owner, name), json.dumps(value), px=_milliseconds(ttl))
                await pipe.execute()

        await self._run(work)

    async def get(self, owner: str, name: str) -> Any:
        return _loads(await self._run(lambda redis: redis.get(self._key(owner, name))))

    async def owners(self, name: str) -> list[str]:
        async def work(redis: Any) -> list[str]:
            match = self._key("*", name)
            keys = {key async for key in redis.scan_iter(match=match, count=10_000)}
            return [key.removeprefix(f"{self._prefix}|").rsplit("|", 1)[0] for key in keys]

        return await self._run(work)

    async def take(self, owner: str, name: str) -> Any:
        return _loads(await self._script(_TAKE, [self._key(owner, name)], []))

    async def first(self, owner: str, name: str, *, ttl: float) -> bool:
        key = self._key(owner, name)
        won = await self._run(lambda redis: redis.set(key, "1", px=_milliseconds(ttl), nx=True))
        return won is not None

    async def lead(self, owner: str, name: str, holder: str, *, ttl: float) -> bool:
        arguments = [json.dumps(holder), _milliseconds(ttl)]
        return bool(await self._script(_LEAD, [self._key(owner, name)], arguments))

    async def append(self, owner: str, name: str, value: Any, *, keep: int, ttl: float) -> int:
        keys = [self._key(owner, name), self._key(owner, f"{name}#")]
        return int(await self._script(_APPEND, keys, [json.dumps(value), keep, _milliseconds(ttl)]))

    async def since(self, owner: str, name: str, number: int = 0) -> list[tuple[int, Any]]:
        key = self._key(owner, name)
        rows = await self._run(lambda redis: redis.lrange(key, 0, -1))
        items = [row.split(" ", 1) for row in rows]
        return [(int(n), json.loads(value)) for n, value in items if int(n) > number]

    async def pace(
        self, owner: str, name: str, *, rate: float, burst: int, patience: float = 0.0
    ) -> float | None:
        arguments = [1 / rate, (burst - 1) / rate, patience]
        wait = float(await self._script(_PACE, [self._key(owner, name)], arguments))
        return None if wait < 0 else wait

    async def forget(self, owner: str) -> None:
        async def work(redis: Any) -> None:
            keys = [key async for key in redis.scan_iter(match=self._key(owner, "*"), count=1000)]
            if keys:
                await redis.delete(*keys)

        await self._run(work)

    async def close(self) -> None:
        if self._client is not None:
            # Of its own accord it closes only connections that are not from an URL.
            await self._client.close(close_connection_pool=True)
        self._client = None

    def _key(self, owner: str, name: str) -> str:
        # "|" is in no sender id, so one owner's keys never begin like another's.
        return f"{self._prefix}|{owner}|{name}"

    async def _script(self, script: str, keys: list[str], arguments: list[Any]) -> Any:
        return await self._run(lambda redis: redis.eval(script, len(keys), *keys, *arguments))

    async def _run(self, work: Callable[[Any], Any]) -> Any:
        # Imported where it is used: one process on a file needs no redis package.
        import redis.asyncio as redis
        from redis.exceptions import RedisError

        if self._client is None:
            self._client = redis.Redis.from_url(
                self._url,
                decode_responses=True,
                socket_timeout=self.patience,
                socket_connect_timeout=self.patience,
            )
        try:
            return await asyncio.wait_for(work(self._client), self.patience)
        except (RedisError, OSError, asyncio.TimeoutError) as exc:
            raise Unavailable(f"the channels' state in Redis: {type(exc).__name__}") from exc


_TAKE = "local v = redis.call('GET', KEYS[1]) redis.call('DEL', KEYS[1]) return v"

_LEAD = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

_APPEND = """
local number = redis.call('INCR', KEYS[2])
redis.call('RPUSH', KEYS[1], number .. ' ' .. ARGV[1])
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return number
"""

# The clock is the server's, so processes need not agree. -1 stands for "too long to wait".
_PACE = """
local interval, slack, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = due - now - slack
if wait > patience + 0.001 then return '-1' end
due = due + interval
local left = math.max(1, math.ceil((due - now) * 1000))
redis.call('SET', KEYS[1], string.format('%.6f', due), 'PX', left)
return string.format('%.6f', math.max(0, wait))
"""


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _loads(text: str | None) -> Any:
    return None if text is None else json.loads(text)
