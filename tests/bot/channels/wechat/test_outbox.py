"""What waits for the platform to answer: in order, once, within bounds."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bot.channels.wechat.outbox import Outbox


class Platform:
    """Takes messages while it is up; `sent` is what it took, by shopper."""

    def __init__(self) -> None:
        self.up = False
        self.sent: dict[str, list[str]] = {}
        self.tries = 0

    async def send(self, sender: str, messages: list[str], lang: str) -> list[str]:
        self.tries += 1
        if not self.up:
            return messages
        self.sent.setdefault(sender, []).extend(messages)
        return []


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
async def outbox(platform):
    made: Outbox[str] = Outbox("wechat", platform.send, kept=3)
    made.delays = (0.01, 0.02)
    working = asyncio.ensure_future(made.work())
    yield made
    working.cancel()
    await asyncio.wait({working})


async def until(happens) -> None:
    async def wait() -> None:
        while not happens():
            await asyncio.sleep(0.01)

    await asyncio.wait_for(wait(), 60)


async def test_what_waits_is_sent_once_and_in_order_when_the_platform_is_back(outbox, platform):
    outbox.put("wx:anna", ["one", "two"], "zh")
    outbox.put("wx:bob", ["eins"], "en")
    await until(lambda: platform.tries > 3)
    outbox.put("wx:anna", ["three"], "zh")
    assert outbox.waits("wx:anna") and platform.sent == {}
    platform.up = True
    await until(lambda: not len(outbox))
    assert platform.sent == {"wx:anna": ["one", "two", "three"], "wx:bob": ["eins"]}
    assert not outbox.waits("wx:anna")


async def test_an_hour_of_answers_keeps_the_last_ones(outbox, platform, caplog):
    outbox.put("wx:anna", ["1", "2", "3", "4", "5"], "zh")
    platform.up = True
    await until(lambda: not len(outbox))
    assert platform.sent == {"wx:anna": ["3", "4", "5"]}
    assert "too many wait" in caplog.text and "anna" not in caplog.text


async def test_for_more_shoppers_than_fit_nothing_is_kept(outbox, platform, caplog):
    outbox.limit = 2
    for name in ("anna", "bob", "carl"):
        outbox.put(f"wx:{name}", ["hi"], "zh")
    outbox.put("wx:anna", ["there"], "zh")
    assert len(outbox) == 2 and not outbox.waits("wx:carl")
    assert "too many shoppers wait" in caplog.text


async def test_after_a_day_it_is_given_up(outbox, platform, caplog):
    outbox.patience = 0.0
    outbox.put("wx:anna", ["hi"], "zh")
    await until(lambda: not len(outbox))
    platform.up = True
    assert platform.sent == {} and "too old" in caplog.text


async def test_what_is_forgotten_is_not_sent_even_if_it_was_on_its_way(platform):
    """Whoever unfollows in the middle of an attempt."""
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slowly_in_vain(sender: str, messages: list[str], lang: str) -> list[str]:
        began.set()
        await go_on.wait()
        return messages

    outbox: Outbox[str] = Outbox("wechat", slowly_in_vain, kept=3)
    outbox.delays = (0.01, 0.02)
    working = asyncio.ensure_future(outbox.work())
    outbox.put("wx:anna", ["hi"], "zh")
    await began.wait()
    outbox.forget("wx:anna")
    go_on.set()
    await until(lambda: not outbox.waits("wx:anna"))
    assert not len(outbox)
    working.cancel()
    await asyncio.wait({working})


async def test_an_error_in_sending_loses_nothing(platform, caplog):
    caplog.set_level(logging.ERROR)
    failures = [RuntimeError("a bug")]

    async def send(sender: str, messages: list[str], lang: str) -> list[str]:
        if failures:
            raise failures.pop()
        return await platform.send(sender, messages, lang)

    platform.up = True
    outbox: Outbox[str] = Outbox("wechat", send, kept=3)
    outbox.delays = (0.01, 0.02)
    working = asyncio.ensure_future(outbox.work())
    outbox.put("wx:anna", ["hi"], "zh")
    await until(lambda: platform.sent == {"wx:anna": ["hi"]})
    assert "a bug" in caplog.text
    working.cancel()
    await asyncio.wait({working})
