from __future__ import annotations

import asyncio

import pytest

from bot.channels.queues import Job, SenderQueues

# Seconds, of which a test that passes uses none.
PATIENCE = 30


def job(done: list[str], name: str, seconds: float = 0) -> Job:
    async def work() -> None:
        await asyncio.sleep(seconds)
        done.append(name)

    return work


async def test_jobs_of_one_sender_are_done_in_order_and_others_do_not_wait() -> None:
    queues, done = SenderQueues(20), list[str]()
    queues.put("a", job(done, "a1", 0.05))
    queues.put("a", job(done, "a2"))
    queues.put("b", job(done, "b1"))
    assert await queues.drain(PATIENCE)
    assert done == ["b1", "a1", "a2"]


async def test_nothing_is_left_of_a_queue_that_is_done() -> None:
    queues = SenderQueues(20)
    for number in range(100):
        queues.put(f"sender {number}", job([], ""))
    async with queues.entrance("visitor"):
        assert len(queues) == 101
    await queues.drain(PATIENCE)
    assert len(queues) == 0


async def test_a_failing_job_is_logged_and_the_next_is_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    queues, done = SenderQueues(20), list[str]()
    queues.put("a", fail)
    queues.put("a", job(done, "after"))
    await queues.drain(PATIENCE)
    assert done == ["after"]
    assert "broken" in caplog.text


async def test_the_entrance_tells_when_there_is_no_room() -> None:
    queues, runs, ends = SenderQueues(2), asyncio.Event(), asyncio.Event()

    async def running() -> None:
        runs.set()
        await ends.wait()

    queues.put("a", running)
    await runs.wait()
    room = []
    for _ in range(3):
        async with queues.entrance("a") as has_room:
            room.append(has_room)
            if has_room:
                queues.put("a", job([], "waiting"))
    assert room == [True, True, False]
    async with queues.entrance("b") as has_room:
        assert has_room
    ends.set()
    await queues.drain(PATIENCE)


async def test_whoever_comes_first_enters_first() -> None:
    queues, order = SenderQueues(20), list[int]()

    async def enter(number: int, seconds: float) -> None:
        async with queues.entrance("a"):
            await asyncio.sleep(seconds)
            order.append(number)

    await asyncio.gather(*(enter(number, 0.03 / (number + 1)) for number in range(5)))
    assert order == list(range(5))


async def test_draining_does_not_wait_for_ever() -> None:
    queues = SenderQueues(20)
    queues.put("a", job([], "endless", 60))
    await asyncio.sleep(0.01)
    assert not await queues.drain(0.05)
