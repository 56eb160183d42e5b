"""Telegram: what comes in. The numbers are those of the channel's checklist (5.1)."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rasa.core.channels.channel import UserMessage

from bot import nlg
from bot.channels.base import ChannelSettings
from bot.channels.messages import Text, from_rasa
from bot.channels.state import RedisState, SqliteState
from bot.channels.telegram import Telegram, TelegramSettings
from shop.errors import SettingsError, Unavailable
from shop.settings import read
from tests.bot.channels.telegram.house import LIMITS, SECRET, House, house
from tests.fakes.agent import ScriptedAgent, slow
from tests.fakes.clock import FastClock
from tests.fakes.server import free_port, serve
from tests.fakes.telegram import BOT_ID, TOKEN, FakeTelegram
from tests.fakes.telegram.shopper import inaccessible


@pytest.fixture
def bot(tmp_path: Path, fake: FakeTelegram) -> Iterator[House]:
    script: dict[str, Any] = {
        "choose": [
            {
                "text": "Which one?",
                "buttons": [
                    {"title": "Red", "payload": '/inform{"color":"red"}'},
                    {"title": "Blue", "payload": '/inform{"color":"blue"}'},
                    {"title": "Green", "payload": '/inform{"color":"green"}'},
                    {"title": "None of them, show me more", "payload": "/deny"},
                    {"title": "Shop", "url": "https://shop.example/all"},
                ],
            }
        ],
        "cards": [
            {
                "elements": [
                    {"title": f"Tea {n}", "buttons": [{"title": "Buy", "payload": f"/buy_{n}"}]}
                    for n in (1, 2)
                ]
            }
        ],
    }
    with house(tmp_path, fake, script=script) as made:
        yield made


def update(number: int, **content: Any) -> dict[str, Any]:
    return {"update_id": number, **content}


def message(chat: int = 1, **content: Any) -> dict[str, Any]:
    user = {"id": chat, "is_bot": False, "first_name": "A", "language_code": "en"}
    return {
        "message_id": 1,
        "date": 0,
        "chat": {"id": chat, "type": "private"},
        "from": user,
        **content,
    }


# --- the webhook


def test_5_1_01_an_update_with_the_secret_is_taken_at_once_and_answered(bot: House) -> None:
    bot.shopper(1)
    bot.agent.script["hello"] = slow(0.5, {"text": "hello yourself"})
    seconds = []
    for number in range(5):
        begin = time.monotonic()
        assert bot.post(update(number + 1, message=message(text="hello"))) == 200
        seconds.append(time.monotonic() - begin)
    # The best of five: what else the machine does is not the bot's affair.
    assert min(seconds) < 0.2
    bot.fake.wait(lambda: bot.fake.texts(1) == ["hello yourself"] * 5)


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", "密码"])
def test_5_1_01_without_the_secret_nothing_happens(bot: House, secret: str | None) -> None:
    secret = secret.encode().decode("latin-1") if secret else secret
    bot.shopper(1)
    before = len(bot.fake.calls)
    assert bot.post(update(1, message=message(text="hello")), secret=secret) == 403
    bot.settled()
    assert not bot.agent.said
    assert len(bot.fake.calls) == before


def test_5_1_02_get_is_refused_and_the_health_page_says_how_it_is(bot: House) -> None:
    assert bot.post(None, method="GET") == 405
    status, health = bot.health()
    assert status == 200
    assert health == {"channel": "telegram", "status": "ok", "mode": "webhook"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"notjson", 400),
        (b"\xff\xfe{}", 400),
        (b"[" * 100_000, 400),
        (b"[]", 200),
        (b"{}", 200),
        (b"null", 200),
        (b'{"update_id":"x","message":5}', 200),
        (b'{"update_id":3,"message":{"message_id":1}}', 200),
        (b'{"update_id":3,"message":{"chat":{"id":"1"},"from":{"id":1}}}', 200),
        (b'{"update_id":' + b"9" * 30 + b',"message":{}}', 200),
        (b'{"a":"' + b"x" * 300_000 + b'"}', 413),
    ],
)
def test_5_1_03_what_cannot_be_read_does_no_harm(
    bot: House, body: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert bot.post(body) == status
    bot.shopper(1).says("still there?")
    bot.fake.wait(lambda: bot.fake.texts(1) == ["echo still there?"])
    assert not [
        r
        for r in caplog.records
        if r.exc_info and r.levelno >= logging.ERROR and "PayloadTooLarge" not in str(r.exc_info)
    ]


def test_5_1_07_the_same_update_three_times_is_answered_once(bot: House) -> None:
    bot.shopper(1)
    for _ in range(3):
        assert bot.post(update(5, message=message(text="hello"))) == 200
    bot.settled()
    assert bot.fake.texts(1) == ["echo hello"]


def test_an_update_that_could_not_be_taken_is_delivered_again(
    tmp_path: Path, fake: FakeTelegram
) -> None:
    class Sick(SqliteState):
        sick = False

        async def first(self, owner: str, name: str, *, ttl: float) -> bool:
            if self.sick:
                raise Unavailable("the state, in this test")
            return await super().first(owner, name, ttl=ttl)

    state = Sick(tmp_path / "state.db")
    with house(tmp_path, fake, state=state) as bot:
        state.sick = True
        number = bot.shopper(1).says("hello")
        fake.wait(lambda: (number, 503) in fake.deliveries)
        state.sick = False
        fake.wait(lambda: fake.texts(1) == ["echo hello"])


# --- at start


def test_5_1_04_at_start_telegram_is_told_where_to_call(bot: House) -> None:
    (call,) = bot.fake.called("setWebhook")
    assert call.parameters["url"] == bot.webhook
    assert call.parameters["secret_token"] == SECRET
    assert call.parameters["max_connections"] <= 40
    assert set(call.parameters["allowed_updates"]) == {
        *("message", "callback_query", "my_chat_member")
    }
    bot.fake.wait(lambda: len(bot.fake.commands) == 2)
    assert bot.fake.commands["zh"][0] == {"command": "orders", "description": "orders in zh"}
    assert bot.fake.commands[""][0] == {"command": "orders", "description": "orders in en"}


def test_5_1_04_a_second_worker_finds_it_done(tmp_path: Path, fake: FakeTelegram) -> None:
    with house(tmp_path, fake) as first:
        port = first.server.port
        again = Telegram(
            first.channel.settings, limits=LIMITS, state=SqliteState(tmp_path / "state.db")
        )
        with serve(again, agent=ScriptedAgent()):
            fake.wait(lambda: len(fake.called("getMe")) == 2)
            fake.wait(lambda: fake.called("getWebhookInfo"))
            fake.wait(lambda: not again._tasks)
            assert len(fake.called("setWebhook")) == 1
    # The address changed while nothing ran: set again.
    with house(tmp_path, fake, port=free_port()) as moved:
        assert moved.server.port != port
        fake.wait(lambda: fake.webhook["url"] == moved.webhook)


def test_5_1_05_telegram_away_at_start_is_found_later(
    tmp_path: Path, fake: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    fake.down()
    with house(tmp_path, fake, wait=False, clock=FastClock(10)) as bot:
        bot.fake.wait(lambda: bot.health()[1]["status"] == "unreachable")
        fake.up()
        fake.wait(lambda: fake.webhook.get("url") == bot.webhook)
        fake.wait(lambda: bot.health() == (200, {**bot.health()[1], "status": "ok"}))
        bot.shopper(1).says("hello")
        fake.wait(lambda: fake.texts(1) == ["echo hello"])
    assert sum("cannot be set up yet" in r.message for r in caplog.records) == 1


def test_at_start_429_is_waited_for(tmp_path: Path, fake: FakeTelegram) -> None:
    fake.fail("setWebhook", retry_after=3)
    clock = FastClock(20)
    with house(tmp_path, fake, clock=clock):
        first, second = fake.called("setWebhook")
        assert second.at - first.at >= 3 / clock.speed


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({}, "XIAOER_TELEGRAM_TOKEN is not set"),
        ({"XIAOER_TELEGRAM_TOKEN": "  "}, "XIAOER_TELEGRAM_TOKEN is not set"),
        ({"XIAOER_TELEGRAM_TOKEN": "not-a-token"}, "XIAOER_TELEGRAM_TOKEN"),
        ({"XIAOER_TELEGRAM_TOKEN": TOKEN, "XIAOER_TELEGRAM_MODE": "magic"}, "XIAOER_TELEGRAM_MODE"),
        ({"XIAOER_TELEGRAM_TOKEN": TOKEN, "XIAOER_TELEGRAM_MODE": "webhook"}, "WEBHOOK_URL"),
        (
            {"XIAOER_TELEGRAM_TOKEN": TOKEN, "XIAOER_TELEGRAM_WEBHOOK_URL": "http://a.example"},
            "XIAOER_TELEGRAM_WEBHOOK_URL",
        ),
        (
            {"XIAOER_TELEGRAM_TOKEN": TOKEN, "XIAOER_TELEGRAM_SECRET": "too short"},
            "XIAOER_TELEGRAM_SECRET",
        ),
    ],
)
def test_a_missing_or_wrong_setting_switches_off_telegram_only(
    environ: dict[str, str],
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XIAOER_STATE_PATH", str(tmp_path / "state.db"))
    caplog.set_level(logging.INFO)
    channel = Telegram.from_credentials(None)
    with serve(channel, agent=ScriptedAgent()) as server:
        import urllib.request

        with urllib.request.urlopen(f"{server.url}/webhooks/telegram/") as response:
            health = json.load(response)
    assert health["status"] == "disabled"
    assert reason in health["reason"]
    lines = [r.getMessage() for r in caplog.records if r.name.startswith("bot.")]
    assert len(lines) == 1 and reason in lines[0] and "\n" not in lines[0]
    assert TOKEN not in caplog.text and "too short" not in caplog.text


def test_a_token_that_telegram_refuses_switches_off_telegram_only(
    tmp_path: Path, fake: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    fake.token = "1234567890:another-token-that-was-revoked-012345"
    with house(tmp_path, fake, wait=False) as bot:
        fake.wait(lambda: bot.health() == (503, {**bot.health()[1], "status": "unauthorised"}))
        fake.wait(lambda: not bot.channel._tasks)
        assert len(fake.calls) == 1
    (line,) = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert line.startswith("telegram is switched off")
    assert TOKEN not in caplog.text


def test_the_secret_is_derived_where_none_is_set() -> None:
    one = TelegramSettings(telegram_token=TOKEN)
    other = TelegramSettings(telegram_token=TOKEN.replace("FAKE", "fake"))
    assert one.secret == TelegramSettings(telegram_token=TOKEN).secret != other.secret
    assert len(one.secret) >= 32
    assert TOKEN not in repr(one) and one.secret not in repr(one)
    with pytest.raises(SettingsError) as error:
        read(TelegramSettings, {"XIAOER_TELEGRAM_TOKEN": "123:short"})
    assert "123:short" not in str(error.value)


# --- polling


def test_5_1_06_polling_reads_in_order_and_confirms(tmp_path: Path, fake: FakeTelegram) -> None:
    fake.webhook = {"url": "https://old.example/webhook"}
    with house(tmp_path, fake, wait=False, telegram_mode="polling") as bot:
        shopper = bot.shopper(1)
        fake.wait(lambda: fake.called("getUpdates"))
        assert fake.called("deleteWebhook") and not fake.webhook
        first = [shopper.says(text) for text in ("one", "two")]
        fake.wait(lambda: fake.texts(1) == ["echo one", "echo two"])
        fake.wait(lambda: fake.called("getUpdates")[-1].parameters["offset"] == first[-1] + 1)
        offsets = [call.parameters["offset"] for call in fake.called("getUpdates")]
        assert offsets == sorted(offsets)


def test_5_1_06_another_poller_is_waited_for(
    tmp_path: Path, fake: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    fake.fail("getUpdates", code=409, description="Conflict: terminated by other", times=3)
    clock = FastClock(20)
    with house(tmp_path, fake, telegram_mode="polling", clock=clock, wait=False) as bot:
        bot.shopper(1).says("hello")
        fake.wait(lambda: fake.texts(1) == ["echo hello"])
        calls = fake.called("getUpdates")
        waits = [(b.at - a.at) * clock.speed for a, b in itertools.pairwise(calls)][:3]
        assert waits[0] >= 1 and waits[1] >= 2 and waits[2] >= 4
    assert sum("another program polls" in r.message for r in caplog.records) == 1


def test_5_1_06_a_restart_does_not_answer_again(tmp_path: Path, fake: FakeTelegram) -> None:
    number = 0
    with house(tmp_path, fake, telegram_mode="polling", wait=False) as bot:
        number = bot.shopper(1).says("hello")
        fake.wait(lambda: fake.texts(1) == ["echo hello"])
    # As if the last poll, which confirms, had never come.
    fake.pending.appendleft(update(number, message=message(text="hello")))
    with house(tmp_path, fake, telegram_mode="polling", wait=False) as bot:
        bot.shopper(1).says("again")
        fake.wait(lambda: len(fake.texts(1)) == 2)
        assert fake.texts(1) == ["echo hello", "echo again"]


def test_a_press_counts_once_on_two_workers_with_redis(
    tmp_path: Path, fake: FakeTelegram, redis_url: str
) -> None:
    def state() -> RedisState:
        return RedisState(redis_url, prefix=tmp_path.name)

    script = {"choose": [{"text": "?", "buttons": [{"title": "Pay", "payload": "/pay"}]}]}
    with house(tmp_path, fake, script=script, state=state()) as one:
        shopper = one.shopper(1)
        shopper.says("choose")
        shopper.hears()
        pressed, data = shopper.button("Pay")
        with house(tmp_path, fake, state=state(), wait=False) as two:
            fake.wait(lambda: two.channel.me.username)
            fake.queries.add("query")
            content = {"id": "query", "from": shopper.user, "message": pressed, "data": data}
            for number, worker in enumerate((one, two, one, two)):
                # The first two are the same delivery.
                update_id = 50 + number // 2 * number
                assert worker.post({"update_id": update_id, "callback_query": content}) == 200
            fake.wait(lambda: len(fake.said(1)) == 2)
            one.settled()
            two.settled()
            assert sorted(one.agent.texts() + two.agent.texts()) == ["/pay", "choose"]


def test_of_two_processes_one_polls(tmp_path: Path, fake: FakeTelegram) -> None:
    with house(tmp_path, fake, telegram_mode="polling", wait=False) as bot:
        fake.wait(lambda: fake.called("getUpdates"))
        with house(tmp_path, fake, telegram_mode="polling", wait=False, clock=FastClock(50)) as two:
            fake.wait(lambda: two.channel.me.username)
            bot.shopper(1).says("hello")
            fake.wait(lambda: fake.texts(1) == ["echo hello"])
            time.sleep(0.2)
            assert not [c for c in fake.called("getUpdates") if c.code == 409]
            assert bool(bot.agent.said) != bool(two.agent.said)


# --- commands and kinds of messages


@pytest.mark.parametrize("parameter", ["promo_1", "A-b_9" * 12, "x" * 64])
def test_5_1_08_a_deep_link_brings_its_parameter(bot: House, parameter: str) -> None:
    bot.shopper(1).says(f"/start {parameter}")
    bot.settled()
    (said,) = bot.agent.said
    assert said.text == "/greet"
    assert said.metadata["start_param"] == parameter


@pytest.mark.parametrize("parameter", ["", " ", " " + "x" * 80, " <script>", " 优惠", " a b"])
def test_5_1_08_a_strange_deep_link_is_a_plain_greeting(bot: House, parameter: str) -> None:
    bot.shopper(1).says(f"/start{parameter}")
    bot.settled()
    (said,) = bot.agent.said
    assert said.text == "/greet"
    assert "start_param" not in said.metadata


def test_5_1_09_a_command_for_another_bot_is_not_ours(bot: House) -> None:
    member = bot.shopper(1, chat=-50)
    member.says("/help@otherbot")
    member.says("/help@Xiaoer_Bot")
    member.says("/help")
    member.says("/unknown")
    bot.settled()
    assert bot.agent.texts() == ["/ask_capabilities"] * 2


@pytest.mark.parametrize(
    ("typed", "heard"),
    [
        ("/orders", "/check_order"),
        ("/track", "/track_shipment"),
        ("/human", "/request_human"),
        ("/help", "/ask_capabilities"),
        ("/HELP", "/ask_capabilities"),
        ("/track SF123456", "track SF123456"),
        ("/restart", "restart"),
        ("/session_start", "session_start"),
        ('/inform{"order_id":"1"}', 'inform{"order_id":"1"}'),
        ("//greet", "greet"),
        (" /greet", "greet"),
        ("/::)", "::)"),
        ("/转人工", "转人工"),
    ],
)
def test_only_commands_of_the_menu_mean_something(bot: House, typed: str, heard: str) -> None:
    bot.shopper(1).says(typed)
    bot.settled()
    assert bot.agent.texts() == [heard]


def test_lang_sets_the_language_of_what_tells_none(bot: House) -> None:
    shopper = bot.shopper(1, language="zh-hans")
    shopper.says("/lang")
    shopper.says("/lang en")
    shopper.sends(sticker={"file_id": "s", "emoji": "🙂"})
    bot.settled()
    assert bot.fake.texts(1)[:2] == ["utter_ask_language zh", "utter_language en"]
    assert bot.agent.said[0].metadata["lang"] == "en"


@pytest.mark.parametrize(
    ("code", "lang"),
    [("zh-hans", "zh"), ("zh-TW", "zh"), ("en-GB", "en"), ("fr", "en"), (None, None), (5, None)],
)
def test_the_language_of_the_phone_is_a_hint(bot: House, code: Any, lang: str | None) -> None:
    shopper = bot.shopper(1)
    shopper.user["language_code"] = code
    shopper.says("12345")
    bot.settled()
    assert bot.agent.said[0].metadata.get("lang") == lang


def test_reset_forgets_the_conversation(bot: House) -> None:
    shopper = bot.shopper(1, language="en")
    shopper.says("remember me")
    shopper.says("/reset")
    bot.settled()
    assert bot.agent.erased == bot.unbound == ["tg:1"]
    assert bot.fake.texts(1) == ["echo remember me", "utter_welcome en"]


def test_reset_does_not_claim_what_was_not_done(bot: House) -> None:
    async def erase(sender_id: str) -> None:
        raise Unavailable("the conversations")

    bot.agent.erase = erase  # type: ignore[method-assign]
    bot.shopper(1, language="en").says("/reset")
    bot.settled()
    assert bot.fake.texts(1) == ["utter_apology en"]


def test_a_rush_of_commands_is_not_obeyed_for_ever(bot: House) -> None:
    shopper, begin = bot.shopper(1), time.monotonic()
    for _ in range(30):
        shopper.says("/lang")
    bot.settled()
    # Five at once, then one in two seconds, however long the machine took.
    assert 5 <= len(bot.fake.texts(1)) <= 5 + 0.5 * (time.monotonic() - begin)


PHOTO = [{"file_id": "small", "file_size": 10}, {"file_id": "large", "file_size": 99}]


@pytest.mark.parametrize(
    ("content", "heard"),
    [
        ({"location": {"latitude": 31.2, "longitude": 121.5}}, "/share_location"),
        (
            {
                "venue": {"location": {"latitude": 31.2, "longitude": 121.5}, "title": "T"},
                "location": {"latitude": 31.2, "longitude": 121.5},
            },
            "/share_location",
        ),
        ({"location": {"latitude": 91, "longitude": 0}}, None),
        (
            {"contact": {"phone_number": "+86 138-0000 0000", "user_id": 1}},
            '/share_phone{"phone": "+8613800000000"}',
        ),
        ({"contact": {"phone_number": "+8613800000000", "user_id": 2}}, "/unsupported_message"),
        ({"contact": {"phone_number": "+8613800000000"}}, "/unsupported_message"),
        ({"contact": {"phone_number": '1"}/restart', "user_id": 1}}, "/unsupported_message"),
        ({"photo": PHOTO, "caption": "有这个吗"}, "有这个吗"),
        ({"photo": PHOTO}, "/send_image"),
        ({"photo": PHOTO, "caption": "/orders"}, "orders"),
        ({"video": {"file_id": "v"}}, "/send_image"),
        ({"document": {"file_id": "d", "mime_type": "image/png"}}, "/send_image"),
        ({"document": {"file_id": "d", "mime_type": "application/pdf"}}, "/unsupported_message"),
        ({"voice": {"file_id": "a", "duration": 3}}, "/send_voice"),
        ({"audio": {"file_id": "a"}}, "/send_voice"),
        ({"video_note": {"file_id": "a"}}, "/send_voice"),
        ({"sticker": {"file_id": "s"}}, "/unsupported_message"),
        ({"animation": {"file_id": "g"}, "document": {"file_id": "g"}}, "/unsupported_message"),
        ({"dice": {"emoji": "🎲", "value": 3}}, "/unsupported_message"),
        ({"poll": {"id": "p", "question": "?"}}, "/unsupported_message"),
        ({"hologram_of_2031": {"file_id": "h"}}, "/unsupported_message"),
        ({"pinned_message": {"message_id": 1}}, None),
        ({"message_auto_delete_timer_changed": {"message_auto_delete_time": 9}}, None),
        ({}, None),
    ],
)
def test_5_1_21_every_kind_of_message_is_understood(
    bot: House, content: dict[str, Any], heard: str | None
) -> None:
    shopper = bot.shopper(1)
    shopper.sends(**content)
    shopper.says("end")
    bot.settled()
    assert bot.agent.texts() == ([heard] if heard else []) + ["end"]


def test_5_1_21_details_are_kept_beside_the_message(bot: House) -> None:
    shopper = bot.shopper(1)
    shopper.sends(location={"latitude": 31.25, "longitude": 121.5})
    shopper.sends(photo=PHOTO, caption="这个")
    bot.settled()
    place, photo = (said.metadata for said in bot.agent.said)
    assert place["location"] == {"lat": 31.25, "lng": 121.5}
    assert photo["attachments"] == [{"type": "photo", "file_id": "large", "mime": None, "size": 99}]
    assert photo["user_id"] == 1 and photo["chat_type"] == "private"


def test_an_album_is_one_message(bot: House) -> None:
    shopper = bot.shopper(1)
    for _ in range(4):
        shopper.sends(photo=PHOTO, media_group_id="99")
    shopper.sends(photo=PHOTO, media_group_id="100", caption="哪个好")
    shopper.sends(photo=PHOTO, media_group_id="100")
    bot.settled()
    assert bot.agent.texts() == ["/send_image", "哪个好"]


def test_a_rush_of_stickers_is_answered_once(bot: House) -> None:
    shopper = bot.shopper(1)
    for _ in range(5):
        shopper.sends(sticker={"file_id": "s"})
    shopper.says("hello")
    bot.settled()
    assert bot.agent.texts() == ["/unsupported_message", "hello"]


@pytest.mark.parametrize(
    "content",
    [
        {"edited_message": message(text="cancel my order")},
        {"channel_post": message(text="news")},
        {"inline_query": {"id": "1", "from": {"id": 1}, "query": "tea", "offset": ""}},
        {"pre_checkout_query": {"id": "1", "from": {"id": 1}, "currency": "CNY"}},
        {"message_reaction": {"chat": {"id": 1}}},
        {"message": message(text="I am a bot") | {"from": {"id": 9, "is_bot": True}}},
        {"message": message(text="in a channel") | {"chat": {"id": -1, "type": "channel"}}},
    ],
)
def test_5_1_22_what_is_not_for_the_bot_is_accepted_and_left(
    bot: House, content: dict[str, Any]
) -> None:
    bot.shopper(1)
    assert bot.post(update(1, **content)) == 200
    bot.settled()
    assert not bot.agent.said and not bot.fake.said(1)


def test_5_1_22_an_edited_message_does_not_act_again(bot: House) -> None:
    bot.shopper(1)
    bot.post(update(1, message=message(text="cancel order 1")))
    bot.post(update(2, edited_message=message(text="cancel order 1, please", edit_date=1)))
    bot.settled()
    assert bot.agent.texts() == ["cancel order 1"]


# --- groups


def test_5_1_23_members_of_a_group_have_conversations_of_their_own(bot: House) -> None:
    one, two = (bot.shopper(number, chat=-70) for number in (1, 2))
    one.says("@xiaoer_bot do you have tea?")
    two.says("@XIAOER_bot，有茶吗")
    one.says("chatting with the others about @xiaoer_botany and xiaoer_bot")
    bot.settled()
    assert bot.agent.texts("tg:-70:1") == ["do you have tea?"]
    assert bot.agent.texts("tg:-70:2") == ["有茶吗"]
    assert sorted(bot.fake.texts(-70)) == ["echo do you have tea?", "echo 有茶吗"]
    # Everybody sees who is being answered.
    assert all(said["reply_to"] for said in bot.fake.said(-70))


def test_5_1_23_in_a_group_the_bot_answers_replies_and_its_name(bot: House) -> None:
    member = bot.shopper(1, chat=-70)
    member.says("what does it cost?", reply_to_message={"message_id": 1, "from": {"id": BOT_ID}})
    member.says("I agree", reply_to_message={"message_id": 2, "from": {"id": 5}})
    member.says("@xiaoer_bot")
    member.sends(sticker={"file_id": "s"})
    member.sends(new_chat_members=[{"id": 6, "is_bot": False}])
    bot.settled()
    assert bot.agent.texts() == ["what does it cost?", "/greet"]


@pytest.mark.parametrize(
    "content",
    [
        {"text": "/orders"},
        {"text": "/track@xiaoer_bot"},
        {
            "contact": {"phone_number": "+8613800000000", "user_id": 1},
            "reply_to_message": {"message_id": 1, "from": {"id": BOT_ID}},
        },
    ],
)
def test_in_a_group_nothing_personal_is_talked_about(bot: House, content: dict[str, Any]) -> None:
    bot.shopper(1, chat=-70, language="en").sends(**content)
    bot.settled()
    assert not bot.agent.said
    assert bot.fake.texts(-70) == ["utter_private en https://t.me/xiaoer_bot"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_5_1_23_an_action_that_refuses_a_group_can_lead_to_the_private_chat(
    bot: House, lang: str
) -> None:
    """`actions.base` says `utter_private` with this link; here as the shopper sees it."""

    async def refuse(heard: UserMessage) -> None:
        link = heard.metadata["private_chat"]
        said = nlg.say("utter_private", lang, "telegram", link=link)
        await heard.output_channel.send_response(heard.sender_id, dict(said))

    bot.agent.script["my order?"] = refuse
    bot.shopper(1, chat=-70).says("@xiaoer_bot my order?")
    bot.settled()
    (said,) = bot.fake.said(-70)
    ((button,),) = said["reply_markup"]["inline_keyboard"]
    assert button["url"] == "https://t.me/xiaoer_bot"
    assert bot.agent.said[0].metadata["chat_type"] == "group"
    # Without the bot's name there is no button, but the sentence stays.
    bare = from_rasa(nlg.say("utter_private", lang, "telegram", link=""))
    assert [type(part) for part in bare] == [Text]


def test_5_1_23_a_group_that_became_a_supergroup_goes_on(bot: House) -> None:
    member = bot.shopper(1, chat=-70)
    member.says("@xiaoer_bot one")
    bot.settled()
    moved = bot.shopper(1, chat=-1001)
    bot.fake.chats[-70].moved_to = -1001
    member.sends(migrate_to_chat_id=-1001)
    moved.sends(migrate_from_chat_id=-70)
    moved.says("@xiaoer_bot two")
    bot.settled()
    assert bot.agent.texts("tg:-70:1") == ["one", "two"]
    assert bot.fake.texts(-1001) == ["echo two"]


def test_5_1_23_a_move_that_was_not_told_is_noticed_when_sending(bot: House) -> None:
    bot.shopper(1, chat=-70)
    bot.shopper(1, chat=-1001)
    bot.fake.chats[-70].moved_to = -1001
    assert bot.notify("tg:-70:1") == 202
    bot.fake.wait(lambda: bot.fake.texts(-1001) == ["news: parcel_shipped"])
    assert bot.notify("tg:-70:1") == 202
    bot.fake.wait(lambda: len(bot.fake.texts(-1001)) == 2)
    assert len(bot.fake.called("sendMessage", -70)) == 1


# --- presses


def test_5_1_10_buttons_stand_in_rows_and_a_press_is_answered_first(bot: House) -> None:
    shopper = bot.shopper(1)
    shopper.says("choose")
    shopper.hears()
    rows = [["Red", "Blue"], ["Green"], ["None of them, show me more"], ["Shop"]]
    assert shopper.buttons() == rows
    shopper.presses("Blue")
    shopper.hears(2)
    assert bot.agent.texts()[1] == '/inform{"color":"blue"}'
    methods = [call.method for call in bot.fake.calls]
    answered = methods.index("answerCallbackQuery")
    assert "text" not in bot.fake.calls[answered].parameters
    assert methods.count("sendMessage") == 2
    assert answered < len(methods) - 1 - methods[::-1].index("sendMessage")
    bot.fake.wait(lambda: shopper.buttons() == [["✓ Blue"], ["Shop"]])


def test_5_1_10_a_slow_answer_to_the_press_does_not_change_the_order(bot: House) -> None:
    shopper = bot.shopper(1)
    shopper.says("choose")
    shopper.hears()
    bot.fake.fail("answerCallbackQuery", delay=0.5, after=False)
    shopper.presses("Blue")
    shopper.hears(2)
    (answer,) = bot.fake.called("answerCallbackQuery")
    assert bot.fake.called("sendMessage")[-1].at >= answer.at + 0.5


def test_a_button_pressed_twice_acts_once(bot: House) -> None:
    shopper = bot.shopper(1)
    shopper.says("choose")
    shopper.hears()
    message, data = shopper.button("Blue")
    _, other = shopper.button("Red")
    for sent in (data, data, other):
        shopper.presses("", data=sent, message=dict(message))
    bot.settled()
    assert bot.agent.texts()[1:] == ['/inform{"color":"blue"}']
    assert len(bot.fake.called("answerCallbackQuery")) == 3
    assert not bot.fake.notices
    bot.fake.wait(lambda: shopper.buttons()[0] == ["✓ Blue"])
    shopper.presses("✓ Blue")
    bot.settled()
    assert len(bot.agent.said) == 2


def test_buttons_of_cards_can_be_pressed_one_after_the_other(bot: House) -> None:
    shopper = bot.shopper(1)
    shopper.says("cards")
    shopper.hears()
    shopper.presses("1. Buy")
    bot.fake.wait(lambda: shopper.buttons() == [["✓ 1. Buy"], ["2. Buy"]])
    shopper.presses("2. Buy")
    bot.settled()
    assert bot.agent.texts()[1:] == ["/buy_1", "/buy_2"]


def test_a_press_whose_turn_failed_can_be_repeated(bot: House) -> None:
    shopper = bot.shopper(1)
    shopper.says("choose")
    shopper.hears()
    bot.agent.script['/inform{"color":"blue"}'] = RuntimeError("the action server is away")
    shopper.presses("Blue")
    assert shopper.hears(2)[1] == "utter_apology en"
    bot.settled()
    del bot.agent.script['/inform{"color":"blue"}']
    shopper.presses("Blue")
    assert shopper.hears(3)[2] == 'echo /inform{"color":"blue"}'


def test_5_1_11_a_long_payload_comes_back_whole(bot: House) -> None:
    payload = "/inform" + json.dumps({"product": "茶" * 60}, ensure_ascii=False)
    assert len(payload.encode()) > 190
    bot.agent.script["tea"] = [{"text": "?", "buttons": [{"title": "选这个", "payload": payload}]}]
    shopper = bot.shopper(1)
    shopper.says("tea")
    shopper.hears()
    assert len(shopper.button("选这个")[1].encode()) <= 64
    shopper.presses("选这个")
    shopper.hears(2)
    assert bot.agent.texts() == ["tea", payload]


def test_5_1_11_what_an_expired_button_says_is_taken_as_typed(
    tmp_path: Path, fake: FakeTelegram
) -> None:
    limits = ChannelSettings(message_burst=100, button_days=0.3 / 86_400)
    script = {"choose": [{"text": "?", "buttons": [{"title": "蓝色", "payload": "/inform"}]}]}
    with house(tmp_path, fake, script=script, limits=limits) as bot:
        shopper = bot.shopper(1)
        shopper.says("choose")
        shopper.hears()
        time.sleep(0.5)
        message, data = shopper.button("蓝色")
        shopper.presses("", data=data, message=inaccessible(message))
        fake.wait(lambda: fake.notices == ["utter_expired zh"])
        shopper.presses("蓝色")
        shopper.hears(2)
        assert bot.agent.texts() == ["choose", "蓝色"]


@pytest.mark.parametrize(
    "data", ["p:/restart", "/restart", "q:" + "A" * 16, "c:x", "m:aaaaaaaaaaaa:0", "", "q:" * 30]
)
def test_5_1_12_a_forged_press_is_answered_with_a_notice(bot: House, data: str) -> None:
    shopper = bot.shopper(1)
    shopper.says("choose")
    shopper.hears()
    message, _ = shopper.button("Blue")
    shopper.presses("", data=data, message=dict(message))
    bot.fake.wait(lambda: bot.fake.notices == ["utter_expired zh"])
    bot.settled()
    assert bot.agent.texts() == ["choose"]


def test_5_1_12_the_button_of_another_shopper_does_nothing(bot: House) -> None:
    one, two = bot.shopper(1, chat=-70), bot.shopper(2, chat=-70)
    one.says("@xiaoer_bot choose")
    one.hears()
    two.presses("Blue")
    bot.fake.wait(lambda: bot.fake.notices == ["utter_expired zh"])
    one.presses("Red")
    bot.settled()
    assert bot.agent.texts() == ["choose", '/inform{"color":"red"}']


@pytest.mark.parametrize("shown", ["inaccessible", "no keyboard"])
def test_5_1_13_a_press_on_a_message_that_is_not_shown(bot: House, shown: str) -> None:
    shopper = bot.shopper(1)
    shopper.says("choose")
    shopper.hears()
    message, data = shopper.button("Green")
    seen = inaccessible(message) if shown == "inaccessible" else {**message, "reply_markup": None}
    shopper.presses("", data=data, message=seen)
    shopper.hears(2)
    assert bot.agent.texts()[1] == '/inform{"color":"green"}'


def test_5_1_13_a_press_without_a_message_is_left(bot: House) -> None:
    bot.shopper(1).presses("", data="q:" + "A" * 16)
    bot.settled()
    assert not bot.agent.said


def test_many_buttons_come_in_pages(bot: House) -> None:
    bot.agent.script["sizes"] = [
        {
            "text": "?",
            "buttons": [
                {"title": f"A rather long title number {n}", "payload": f"/inform_{n}"}
                for n in range(1, 16)
            ],
        }
    ]
    shopper = bot.shopper(1)
    shopper.says("sizes")
    shopper.hears()
    assert len(shopper.buttons()) == 8
    shopper.presses("⋯ 1/3")
    bot.fake.wait(lambda: shopper.buttons()[0] == ["A rather long title number 8"])
    shopper.presses("⋯ 2/3")
    bot.fake.wait(lambda: shopper.buttons()[0] == ["A rather long title number 15"])
    shopper.presses("A rather long title number 15")
    shopper.hears(2)
    assert bot.agent.texts()[1] == "/inform_15"
    bot.fake.wait(lambda: shopper.buttons() == [["✓ A rather long title number 15"]])


def test_a_turn_that_takes_long_shows_typing(bot: House) -> None:
    async def until_typing_is_seen(heard: UserMessage) -> None:
        while not bot.fake.called("sendChatAction"):
            await asyncio.sleep(0.01)
        await heard.output_channel.send_response(heard.sender_id, {"text": "done"})

    bot.agent.script["slow"] = until_typing_is_seen
    bot.shopper(1).says("slow")
    assert bot.shopper(1).hears() == ["done"]
    # A quick turn does without.
    before = len(bot.fake.called("sendChatAction"))
    assert before == 1 and bot.fake.called("sendChatAction")[0].parameters["action"] == "typing"
