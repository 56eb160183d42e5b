"""Telegram: updates as nobody should send them, and many at once.

A few by default; XIAOER_TEST_FULL=1 tries 5,000 mutations and 200 chats.
"""

from __future__ import annotations

import copy
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.channels.base import SENDER_ID
from bot.channels.clock import Clock
from bot.channels.telegram.updates import COMMANDS, Me, Pressed, Said, understand
from tests.bot.channels.telegram.house import LIMITS, SECRET, House, house
from tests.fakes.clock import FastClock
from tests.fakes.telegram import BOT_ID, FakeTelegram

FULL = bool(os.environ.get("XIAOER_TEST_FULL"))
ME = Me(BOT_ID, "xiaoer_bot")

USER = {"id": 5, "is_bot": False, "first_name": "顾", "username": "gu", "language_code": "zh-hans"}
MESSAGE = {
    "message_id": 8,
    "date": 1_700_000_000,
    "chat": {"id": 5, "type": "private"},
    "from": USER,
}
GROUP = {**MESSAGE, "chat": {"id": -77, "type": "supergroup", "title": "群"}}
BOT_MESSAGE = {
    **MESSAGE,
    "from": {"id": BOT_ID, "is_bot": True},
    "text": "?",
    "reply_markup": {"inline_keyboard": [[{"text": "是", "callback_data": "q:AAAAAAAAAAAAAAAA"}]]},
}
SEEDS: list[dict[str, Any]] = [
    {"message": {**MESSAGE, "text": "你好, where is my order 🙂"}},
    {"message": {**MESSAGE, "text": "/start promo_1"}},
    {"message": {**MESSAGE, "text": "/lang zh"}},
    {"message": {**GROUP, "text": "@xiaoer_bot /restart"}},
    {"message": {**GROUP, "text": "/help@xiaoer_bot", "reply_to_message": BOT_MESSAGE}},
    {"message": {**MESSAGE, "photo": [{"file_id": "a", "file_size": 1}], "caption": "这个"}},
    {"message": {**MESSAGE, "photo": [{"file_id": "a"}], "media_group_id": "1"}},
    {"message": {**MESSAGE, "location": {"latitude": 31.2, "longitude": 121.5}}},
    {"message": {**MESSAGE, "contact": {"phone_number": "+8613800000000", "user_id": 5}}},
    {"message": {**MESSAGE, "document": {"file_id": "d", "mime_type": "image/png"}}},
    {"message": {**MESSAGE, "sticker": {"file_id": "s"}}},
    {"message": {**GROUP, "migrate_to_chat_id": -1007}},
    {"callback_query": {"id": "1", "from": USER, "message": BOT_MESSAGE,
                        "data": "q:AAAAAAAAAAAAAAAA"}},
    {"callback_query": {"id": "1", "from": USER, "message": BOT_MESSAGE, "data": "m:AAAAAAAAA:1"}},
    {"my_chat_member": {"chat": {"id": 5, "type": "private"}, "from": USER,
                        "new_chat_member": {"status": "kicked"}}},
    {"edited_message": {**MESSAGE, "text": "edited"}},
]  # fmt: skip

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**60, max_value=2**200),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=40),
    st.sampled_from(
        ["/restart", "/inform{}", "p:/restart", "\ud800", "\x00", "@xiaoer_bot", "a" * 5000]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all parts of a value."""
    found = [here] if here else []
    parts = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in parts:
        found += paths(inner, (*here, key))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A real update of which some parts were replaced, removed or renamed."""
    update = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    update["update_id"] = draw(st.integers(min_value=1, max_value=2**31))
    for _ in range(draw(st.integers(min_value=0, max_value=3))):
        where = draw(st.sampled_from(paths(update)))
        owner: Any = update
        for key in where[:-1]:
            owner = owner[key]
        change = draw(st.sampled_from(["replace", "remove", "rename"]))
        if change == "replace" or isinstance(owner, list):
            owner[where[-1]] = draw(values)
        elif change == "remove":
            del owner[where[-1]]
        else:
            owner[draw(st.text(max_size=12))] = owner.pop(where[-1])
        if not paths(update):
            break
    return draw(values) if draw(st.integers(0, 20)) == 0 else update


@settings(max_examples=5_000 if FULL else 300, deadline=None)
@given(mutated())
def test_whatever_comes_is_understood_or_left(update: Any) -> None:
    event = understand(update, ME)
    if isinstance(event, (Said, Pressed)):
        assert SENDER_ID.fullmatch(event.place.sender_id)
        assert len(json.dumps(event.metadata)) < 10_000
    if isinstance(event, Said):
        said = [event.text is not None, event.payload is not None, bool(event.command)]
        assert sum(said) == 1
        # A payload comes from our own list, whatever was sent.
        name = (event.payload or "/").split("{")[0]
        own = {"/", *COMMANDS.values(), "/share_location", "/share_phone", "/send_image"}
        assert name in own | {"/send_voice", "/unsupported_message"}


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder, clock = tmp_path_factory.mktemp("hostile"), FastClock(10_000)
    with FakeTelegram() as fake, house(folder, fake, clock=clock) as made:
        fake.shopper(5)
        fake.shopper(5, chat=-77)
        yield made


@settings(
    max_examples=5_000 if FULL else 60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(update=mutated(), secret=st.sampled_from([SECRET, SECRET, None, "", "wrong"]))
def test_whatever_comes_the_server_stays_calm(
    bot: House, update: Any, secret: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    bot.settled(60)
    before = len(bot.agent.said)
    status = bot.post(json.dumps(update).encode(), secret=secret)
    assert status == (200 if secret == SECRET else 403)
    if secret != SECRET:
        assert len(bot.agent.said) == before
    for record in caplog.records:
        assert record.exc_info is None, record


def test_after_all_that_the_bot_still_answers(bot: House) -> None:
    bot.fake.shopper(6).says("still there?")
    bot.fake.wait(lambda: "echo still there?" in bot.fake.texts(6), 60)


def test_without_the_secret_no_turn_ever_happens(tmp_path: Path, fake: FakeTelegram) -> None:
    with house(tmp_path, fake) as bot:
        for number, seed in enumerate(SEEDS * (20 if FULL else 1)):
            for secret in (None, "", "wrong"):
                assert bot.post({"update_id": number + 1, **seed}, secret=secret) == 403
        bot.settled()
        assert not bot.agent.said
        assert {call.method for call in fake.calls} <= {"getMe", "setWebhook", "setMyCommands"}


def test_many_chats_at_once_are_answered_in_order_within_the_limits(
    tmp_path: Path, fake: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    """200 chats send five messages at once; the burst of five is the default."""
    chats, texts = range(1, 201 if FULL else 21), [f"message {n}" for n in range(5)]
    with house(tmp_path, fake, clock=Clock(), limits=LIMITS) as bot:
        for text in texts:
            for chat in chats:
                fake.shopper(chat).says(text)
        fake.wait(fake.quiet, 60)
        wanted = [f"echo {text}" for text in texts]
        fake.wait(lambda: all(len(fake.texts(chat)) >= 5 for chat in chats), 120)
        bot.settled(30)
        assert all(fake.texts(chat) == wanted for chat in chats)
        times = sorted(call.at for call in fake.called("sendMessage"))
        assert len(times) == 5 * len(chats), "nothing was sent twice or refused"
        assert all(late - early > 1 for early, late in zip(times, times[30:], strict=False))
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]
