"""Locks in memory and in Redis: the same checks on both."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from rasa.core.lock_store import LockError, LockStore
from rasa.core.utils import number_of_sanic_workers
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import EndpointConfig

import bot.lock_store
from bot.lock_store import ConversationLocks, RedisLocks
from shop.errors import Unavailable


class LockChecks:
    async def test_two_turns_of_a_conversation_never_overlap(
        self, locks: ConversationLocks
    ) -> None:
        name, inside, order = uuid.uuid4().hex, 0, []

        async def turn(number: int) -> None:
            nonlocal inside
            async with locks.lock(name):
                inside += 1
                assert inside == 1
                await asyncio.sleep(0.005)
                order.append(number)
                inside -= 1

        turns = []
        for number in range(8):
            turns.append(asyncio.ensure_future(turn(number)))
            await asyncio.sleep(0.003)
        await asyncio.gather(*turns)
        assert order == list(range(8)), "served in the order of arrival"

    async def test_different_conversations_do_not_wait(self, locks: ConversationLocks) -> None:
        async with locks.lock("web:1"), locks.lock("web:2"):
            pass

    async def test_a_failed_turn_frees_the_conversation(self, locks: ConversationLocks) -> None:
        name = uuid.uuid4().hex
        with pytest.raises(ValueError):
            async with locks.lock(name):
                raise ValueError
        async with locks.lock(name):
            pass

    async def test_a_cancelled_waiter_does_not_block_those_behind(
        self, locks: ConversationLocks
    ) -> None:
        name = uuid.uuid4().hex

        async def take() -> None:
            async with locks.lock(name):
                pass

        async with locks.lock(name):
            cancelled, behind = asyncio.ensure_future(take()), asyncio.ensure_future(take())
            await asyncio.sleep(0.05)
            cancelled.cancel()
        await asyncio.wait_for(behind, 5)

    async def test_waiting_ends_with_an_error(
        self, locks: ConversationLocks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bot.lock_store, "PATIENCE", 0.1)
        name = uuid.uuid4().hex
        async with locks.lock(name):
            with pytest.raises(LockError):
                async with locks.lock(name):
                    pass


class TestLocalLocks(LockChecks):
    @pytest.fixture
    async def locks(self) -> ConversationLocks:
        return ConversationLocks(redis_url="")

    async def test_nothing_is_kept_of_conversations_that_are_over(self) -> None:
        locks = ConversationLocks(redis_url="")
        async with locks.lock("web:1"):
            pass
        assert locks._locks._locks == {}  # type: ignore[union-attr]


class TestRedisLocks(LockChecks):
    @pytest.fixture
    async def locks(self, redis_url: str) -> AsyncIterator[ConversationLocks]:
        locks = ConversationLocks(redis_url=redis_url)
        yield locks
        await locks.close()

    async def test_two_processes_never_overlap(self, redis_url: str) -> None:
        processes = [ConversationLocks(redis_url=redis_url) for _ in range(2)]
        name, inside = uuid.uuid4().hex, 0

        async def turn(locks: ConversationLocks) -> None:
            nonlocal inside
            async with locks.lock(name):
                inside += 1
                assert inside == 1
                await asyncio.sleep(0.002)
                inside -= 1

        await asyncio.gather(*(turn(processes[n % 2]) for n in range(20)))
        for locks in processes:
            await locks.close()

    async def test_a_turn_may_outlive_the_lifetime_of_a_sign_of_life(self, redis_url: str) -> None:
        slow, other = RedisLocks(redis_url), RedisLocks(redis_url)
        for locks in (slow, other):
            locks.lifetime, locks.beat = 0.3, 0.1
        name, done = uuid.uuid4().hex, []

        async def turn(locks: RedisLocks, seconds: float, what: str) -> None:
            async with locks.hold(name):
                await asyncio.sleep(seconds)
                done.append(what)

        first = asyncio.ensure_future(turn(slow, 0.8, "first"))
        await asyncio.sleep(0.05)
        await asyncio.gather(first, turn(other, 0, "second"))
        assert done == ["first", "second"]
        await slow.close()
        await other.close()

    async def test_a_dead_process_frees_its_conversations(self, redis_url: str) -> None:
        dead, alive = RedisLocks(redis_url), RedisLocks(redis_url)
        dead.lifetime, dead.beat = 0.3, 60.0
        name = uuid.uuid4().hex
        holding = dead.hold(name)
        await holding.__aenter__()
        async with alive.hold(name):
            pass
        await holding.__aexit__(None, None, None)
        await dead.close()
        await alive.close()

    async def test_no_redis_is_unavailable_at_once(self) -> None:
        locks = ConversationLocks(redis_url="redis://127.0.0.1:1/0")
        with pytest.raises(Unavailable):
            async with locks.lock("web:1"):
                pass
        await locks.close()


def test_rasa_finds_it_and_lets_it_have_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    config = EndpointConfig(type="bot.lock_store.ConversationLocks")
    monkeypatch.setenv("XIAOER_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("SANIC_WORKERS", "2")
    assert isinstance(LockStore.create(config), ConversationLocks)
    assert number_of_sanic_workers(config) == 2


def test_several_workers_without_redis_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANIC_WORKERS", "2")
    with pytest.raises(RasaException, match="XIAOER_REDIS_URL"):
        ConversationLocks()
