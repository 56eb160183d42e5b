"""One turn of a conversation at a time, in one process or over several.

Rasa's locks are not atomic in Redis, polled once a second, and given up after 60 s while their turn
still runs. Here waiters are served in order, and a lock lasts as long as its holder lives.
`endpoints.yml`:

    lock_store:
      type: bot.lock_store.ConversationLocks
"""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from rasa.core.lock_store import LockError, LockStore
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import EndpointConfig

from bot.channels.state import StateSettings
from shop.errors import Unavailable
from shop.settings import read

logger = logging.getLogger(__name__)

# Seconds to wait for a conversation before giving up.
PATIENCE = 30.0


class ConversationLocks(LockStore):
    """Locks in memory, or in Redis where the settings name one."""

    def __init__(
        self, endpoint_config: EndpointConfig | None = None, *, redis_url: str | None = None
    ) -> None:
        """As Rasa makes it from endpoints.yml.

        Raises:
            RasaException: several workers are wanted, and there is no Redis.
        """
        super().__init__()
        url = read(StateSettings).redis_url if redis_url is None else redis_url
        if not url and os.environ.get("SANIC_WORKERS", "1") != "1":
            raise RasaException("SANIC_WORKERS above 1 needs Redis: set XIAOER_REDIS_URL")
        self._locks: LocalLocks | RedisLocks = RedisLocks(url) if url else LocalLocks()

    @asynccontextmanager
    async def lock(self, conversation_id: str, *_: Any, **__: Any) -> AsyncIterator[None]:
        """Hold the conversation. Raises: LockError (waited too long), Unavailable."""
        async with self._locks.hold(conversation_id):
            yield

    async def close(self) -> None:
        """Let go of connections."""
        await self._locks.close()


class LocalLocks:
    """For one process."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """See `ConversationLocks.lock`; asyncio's locks are fair."""
        lock, users = self._locks.get(name, (asyncio.Lock(), 0))
        self._locks[name] = lock, users + 1
        try:
            try:
                await asyncio.wait_for(lock.acquire(), PATIENCE)
            except asyncio.TimeoutError as exc:
                raise LockError("waited too long for a conversation") from exc
            try:
                yield
            finally:
                lock.release()
        finally:
            lock, users = self._locks.pop(name)
            if users > 1:
                self._locks[name] = lock, users - 1

    async def close(self) -> None:
        """Nothing is open."""


class RedisLocks:
    """For several processes. Each holder and waiter stands in a queue and gives signs of life."""

    # Seconds after its last sign of life that a process counts as dead, between two signs of life
    # of a holder, and between two looks of a waiter.
    lifetime = 6.0
    beat = 2.0
    look = 0.03
    # Seconds to wait for Redis itself.
    timeout = 1.0

    def __init__(self, url: str, *, prefix: str = "xiaoer-lock") -> None:
        self._url = url
        self._prefix = prefix
        self._client: Any = None

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """See `ConversationLocks.lock`."""
        # "|" is in no sender id.
        keys = [f"{self._prefix}|{name}|queue", f"{self._prefix}|{name}|alive"]
        me = uuid.uuid4().hex
        left = asyncio.Event()
        heart: asyncio.Task[None] | None = None
        try:
            await self._acquire(keys, me)
            heart = asyncio.ensure_future(self._beat(keys, me, left))
            yield
        finally:
            left.set()
            if heart:
                heart.cancel()
            # A sign of life that is not renewed frees the others anyway.
            with suppress(Unavailable):
                await asyncio.shield(self._eval(_LEAVE, keys, me))

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._client is not None:
            await self._client.close(close_connection_pool=True)
            self._client = None

    async def _acquire(self, keys: list[str], me: str) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        enter = "1"
        while True:
            place = await self._eval(_STEP, keys, me, self.lifetime, enter)
            if place == 1:
                return
            if place < 0 or loop.time() > until:
                raise LockError("waited too long for a conversation")
            enter = "0"
            await asyncio.sleep(self.look)

    async def _beat(self, keys: list[str], me: str, left: asyncio.Event) -> None:
        # In Python 3.10 a task may miss its cancellation (bpo-37658), hence the event.
        while not left.is_set():
            await asyncio.sleep(self.beat)
            try:
                alive = await self._eval(_STEP, keys, me, self.lifetime, "0") == 1
                if not alive and not left.is_set():
                    logger.error("A conversation's lock was lost while its turn ran")
                    return
            except Unavailable as exc:
                logger.warning("%s", exc)

    async def _eval(self, script: str, keys: list[str], *arguments: Any) -> int:
        # Imported where it is used: one process needs no redis package.
        import redis.asyncio as redis
        from redis.exceptions import RedisError

        if self._client is None:
            self._client = redis.Redis.from_url(
                self._url, socket_timeout=self.timeout, socket_connect_timeout=self.timeout
            )
        call = self._client.eval(script, len(keys), *keys, *arguments)
        try:
            return int(await asyncio.wait_for(call, self.timeout))
        except (RedisError, OSError, asyncio.TimeoutError) as exc:
            raise Unavailable(f"the locks in Redis: {type(exc).__name__}") from exc


# Enter the queue (ARGV[3] = 1) or give a sign of life in it, remove the dead from its head; tell:
# 1 it is this one's turn, 0 others are before it, -1 it was taken for dead and removed.
_STEP = """
local me, lifetime = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
if not redis.call('ZSCORE', KEYS[1], me) then
  if ARGV[3] ~= '1' then return -1 end
  local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  redis.call('ZADD', KEYS[1], (tonumber(last[2]) or 0) + 1, me)
end
redis.call('HSET', KEYS[2], me, now + lifetime)
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, math.ceil(lifetime * 10000)) end
while true do
  local head = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
  if head == me then return 1 end
  if tonumber(redis.call('HGET', KEYS[2], head) or '0') >= now then return 0 end
  redis.call('ZREM', KEYS[1], head)
  redis.call('HDEL', KEYS[2], head)
end
"""

_LEAVE = """
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
"""
