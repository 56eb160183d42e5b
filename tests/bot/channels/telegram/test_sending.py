"""Telegram: what goes out, and what goes wrong. The numbers are those of the checklist (5.1)."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from rasa.core.channels.channel import UserMessage

from bot.channels.clock import Clock
from bot.channels.telegram.connector import TYPING_DELAY
from tests.bot.channels.telegram.house import LIMITS, House, house
from tests.fakes.agent import Gate, slow
from tests.fakes.clock import FastClock
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram.rules import units

PICTURE = "https://shop.example/tea-{}.jpg"


def cards(how_many: int, **more: Any) -> dict[str, Any]:
    return {
        "elements": [
            {
                "title": f"Tea <{n}> & co",
                "subtitle": "绿茶 100 g",
                "price": f"¥{n}9",
                "image_url": PICTURE.format(n),
                "url": f"https://shop.example/tea/{n}?a=1&b=2",
                "buttons": [
                    {"title": "Details", "payload": f'/details{{"n": "{n}"}}'},
                    {"title": "Buy", "payload": f"/buy_{n}"},
                ],
                **more,
            }
            for n in range(1, how_many + 1)
        ]
    }


@pytest.fixture
def bot(tmp_path: Path, fake: FakeTelegram) -> Iterator[House]:
    with house(tmp_path, fake) as made:
        yield made


def tell(bot: House, *responses: dict[str, Any], chat: int = 1) -> list[dict[str, Any]]:
    """Let the bot say something; returns the messages that a shopper sees."""
    bot.agent.script["go"] = list(responses)
    bot.shopper(chat).says("go")
    bot.settled()
    return bot.fake.said(chat)


@pytest.mark.parametrize(
    "text",
    [
        "我们的茶叶来自高山，手工采摘。泡三分钟即可！" * 420,
        "Our tea grows in the mountains. It is picked by hand. " * 170,
        "🍵👨‍👩‍👧‍👦🇨🇳👍🏽" * 1000,
        "字" * 9000,
        "line of words\n" * 700,
        ("paragraph of words. " * 20 + "\n\n") * 25,
    ],
)
def test_5_1_14_long_text_comes_in_parts_in_order(bot: House, text: str) -> None:
    seen = tell(bot, {"text": text, "buttons": [{"title": "OK", "payload": "/affirm"}]})
    parts = [message["text"] for message in seen]
    assert len(parts) > 1
    assert "".join("".join(parts).split()) == "".join(text.split())
    for part in parts:
        assert units(part) <= 4096
        part.encode("utf-8")
    assert [bool(message.get("reply_markup")) for message in seen] == [False] * (len(parts) - 1) + [
        True
    ]


def test_5_1_15_text_is_shown_as_it_is(bot: House) -> None:
    text = "<b>&_*[]()~`>#+-=|{}.!</b> <script>alert(1)</script> &lt; \\"
    (message,) = tell(bot, {"text": text})
    assert message["text"] == text
    assert "entities" not in message


def test_5_1_15_our_own_markup_is_shown(bot: House) -> None:
    (message,) = tell(bot, cards(1))
    assert message["caption"] == "Tea <1> & co\n绿茶 100 g\n¥19"
    kinds = {(e["type"], e["offset"], e["length"]) for e in message["caption_entities"]}
    assert kinds == {("text_link", 0, 12), ("bold", 0, 12)}
    link = next(e for e in message["caption_entities"] if e["type"] == "text_link")
    assert link["url"].replace("&amp;", "&") == "https://shop.example/tea/1?a=1&b=2"


def test_5_1_15_markup_that_telegram_refuses_is_left_out(bot: House) -> None:
    for _ in range(2):
        bot.fake.fail("sendMessage", code=400, description="Bad Request: can't parse entities: x")
        bot.fake.faults[-1].times = 1
    seen = tell(bot, cards(1, image_url=None))
    # The second refusal hits the plain form, after which there is nothing plainer.
    assert not seen
    seen = tell(bot, cards(1, image_url=None))
    bot.fake.fail("sendMessage", code=400, description="Bad Request: can't parse entities: x")
    (*_, plain) = tell(bot, cards(1, image_url=None))
    assert plain["text"] == "Tea <1> & co\n绿茶 100 g\n¥19" and "entities" not in plain
    assert plain["reply_markup"]["inline_keyboard"][0][0]["text"] == "Details"


def test_5_1_16_five_products_are_an_album_and_a_list_with_buttons(bot: House) -> None:
    seen = tell(bot, cards(5))
    assert len(bot.fake.called("sendMediaGroup")) == 1
    assert len(bot.fake.called("sendMessage")) == 1
    assert [m["caption"] for m in seen[:5]] == [f"{n}. Tea <{n}> & co" for n in range(1, 6)]
    keyboard = seen[5]["reply_markup"]["inline_keyboard"]
    assert [[b["text"] for b in row] for row in keyboard] == [
        [f"{n}. Details", f"{n}. Buy"] for n in range(1, 6)
    ]
    assert seen[5]["text"].startswith("1. Tea <1> & co\n绿茶 100 g\n¥19\n\n2. Tea")
    bot.shopper(1).presses("3. Buy")
    bot.settled()
    assert bot.agent.texts()[-1] == "/buy_3"


def test_5_1_16_one_product_is_a_photo_with_buttons(bot: House) -> None:
    (message,) = tell(bot, cards(1, subtitle="很长的介绍。" * 400))
    assert message["photo"] and units(message["caption"]) <= 1024
    assert message["caption"].endswith("…\n¥19")
    assert [b["text"] for b in message["reply_markup"]["inline_keyboard"][0]] == ["Details", "Buy"]


def test_5_1_16_a_picture_that_telegram_cannot_fetch_leaves_the_words(bot: House) -> None:
    bot.fake.broken.update(PICTURE.format(n) for n in range(1, 9))
    (one,) = tell(bot, cards(1))
    assert "photo" not in one and one["text"] == "Tea <1> & co\n绿茶 100 g\n¥19"
    assert one["reply_markup"]["inline_keyboard"]
    *_, many = tell(bot, cards(5))
    assert "photo" not in many and many["text"].count("Tea") == 5


@pytest.mark.parametrize("how_many", [10, 11, 23])
def test_many_products_come_in_albums_of_ten(bot: House, how_many: int) -> None:
    seen = tell(bot, cards(how_many))
    lists = [m for m in seen if "text" in m]
    assert len(lists) == -(-how_many // 10)
    assert "".join(m["text"] for m in lists).count("绿茶") == how_many


def test_products_without_pictures_are_a_list(bot: House) -> None:
    (message,) = tell(bot, cards(3, image_url=None))
    assert message["text"].count("Tea") == 3


def test_a_picture_sent_once_is_sent_by_its_id(bot: House) -> None:
    tell(bot, {"image": PICTURE.format(1)})
    tell(bot, {"image": PICTURE.format(1)})
    first, second = (call.parameters["photo"] for call in bot.fake.called("sendPhoto"))
    assert first == PICTURE.format(1) and second in bot.fake.files
    # Telegram may forget it; then the address is tried at once.
    bot.fake.files.clear()
    (*_, seen) = tell(bot, {"image": PICTURE.format(1)})
    *_, refused, again = bot.fake.called("sendPhoto")
    assert refused.parameters["photo"] == second and refused.code == 400
    assert again.parameters["photo"] == PICTURE.format(1) and seen["photo"]


def test_a_picture_of_this_server_has_its_public_address(bot: House) -> None:
    (message,) = tell(bot, {"image": "/pictures/a.png"})
    (call,) = bot.fake.called("sendPhoto")
    assert call.parameters["photo"] == f"{bot.server.url}/pictures/a.png"
    assert message["photo"]


class Pictures(BaseHTTPRequestHandler):
    """A server that has pictures at /pictures, and a redirect."""

    def do_GET(self) -> None:
        known = {
            "/pictures/a.png": b"\x89PNG a",
            "/pictures/big.png": b"\x89PNG" + b"x" * 11 * 2**20,
        }
        if self.path == "/pictures/away.png":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest")
            self.end_headers()
            return
        self.send_response(200 if self.path in known else 404)
        self.end_headers()
        self.wfile.write(known.get(self.path, b""))

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", 0), Pictures) as server:
        monkeypatch.setenv("XIAOER_PORT", str(server.server_port))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def test_without_a_public_address_pictures_are_uploaded(
    tmp_path: Path, fake: FakeTelegram, pictures: None
) -> None:
    with house(tmp_path, fake, telegram_mode="polling", telegram_webhook_url="", wait=False) as bot:
        (message,) = tell(bot, {"image": "/pictures/a.png", "text": "see"})[1:]
        assert fake.files[message["photo"][0]["file_id"]] == b"\x89PNG a"
        for path in ("/pictures/none.png", "/pictures/away.png", "/pictures/big.png"):
            seen = tell(bot, {"elements": [{"title": path, "image_url": path}]})
            assert seen[-1]["text"] == path
        # A page that nobody could open has no link and no button.
        page = {"title": "T", "url": "/t", "buttons": [{"title": "Open", "url": "/t"}]}
        *_, message = tell(bot, {"elements": [page]})
        assert "reply_markup" not in message
        assert [e["type"] for e in message["entities"]] == ["bold"]


@pytest.mark.parametrize(
    ("custom", "method"),
    [
        ({"type": "location", "latitude": 31.2, "longitude": 121.5}, "sendLocation"),
        (
            {"type": "venue", "latitude": 1, "longitude": 2, "title": "Shop", "address": "Road 1"},
            "sendVenue",
        ),
        ({"type": "document", "url": "https://shop.example/manual.pdf"}, "sendDocument"),
        ({"type": "photo", "url": "https://shop.example/a.jpg"}, "sendPhoto"),
        ({"type": "location", "latitude": "31", "longitude": None}, None),
        ({"type": "venue", "latitude": 1, "longitude": 2}, None),
        ({"type": "document", "url": "file:///etc/passwd"}, None),
        ({"type": "invoice", "title": "pay me"}, None),
        ({"type": "send_message", "text": "x"}, None),
        ({"method": "leave_chat"}, None),
    ],
)
def test_only_known_custom_messages_are_sent(
    bot: House, custom: dict[str, Any], method: str | None
) -> None:
    before = len(bot.fake.calls)
    tell(bot, {"text": "first"}, {"custom": custom})
    methods = [c.method for c in bot.fake.calls[before:] if c.method != "sendChatAction"]
    assert methods == ["sendMessage"] + ([method] if method else [])


# --- errors


def test_5_1_17_429_is_waited_for_and_others_go_on(tmp_path: Path, fake: FakeTelegram) -> None:
    class Held(Clock):
        """Whoever is told to wait does so until the other chat has its answer, too."""

        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            while seconds >= 2 and not fake.said(2):
                await asyncio.sleep(0.01)

    with house(tmp_path, fake, clock=Held()) as bot:
        fake.fail("sendMessage", retry_after=2, chat=1)
        bot.shopper(1).says("one")
        fake.wait(lambda: fake.called("sendMessage", 1))
        bot.shopper(2).says("two")
        bot.shopper(1).hears()
        bot.shopper(2).hears()
        first, second = fake.called("sendMessage", 1)
        assert second.at - first.at >= 2
        (other,) = fake.called("sendMessage", 2)
        assert other.at < second.at
        bot.settled()
        assert fake.texts(1) == ["echo one"]


def test_5_1_17_the_fourth_429_ends_it(bot: House, caplog: pytest.LogCaptureFixture) -> None:
    bot.fake.fail("sendMessage", retry_after=1, times=4)
    shopper = bot.shopper(1)
    shopper.says("one")
    bot.settled()
    assert len(bot.fake.called("sendMessage")) == 4 and not bot.fake.said(1)
    assert sum("gave a message up" in r.message for r in caplog.records) == 1
    shopper.says("two")
    assert shopper.hears() == ["echo two"]


def test_5_1_18_who_blocked_the_bot_is_left_alone(
    bot: House, caplog: pytest.LogCaptureFixture
) -> None:
    shopper = bot.shopper(1)
    bot.agent.script["go"] = [{"text": "one"}, {"text": "two"}, {"text": "three"}]
    bot.fake.chats[1].blocked = True
    shopper.says("go")
    bot.settled()
    assert len(bot.fake.called("sendMessage")) == 1
    assert bot.agent.tracker["tg:1"] == ["go"]
    assert bot.notify("tg:1") == 202
    bot.settled()
    assert len(bot.fake.called("sendMessage")) == 1
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]
    shopper.blocks(False)
    bot.settled()
    bot.notify("tg:1")
    assert shopper.hears() == ["news: parcel_shipped"]


def test_5_1_18_my_chat_member_tells_before_a_message_fails(bot: House) -> None:
    shopper = bot.shopper(1)
    shopper.blocks()
    bot.settled()
    bot.notify("tg:1")
    bot.settled()
    assert not bot.fake.called("sendMessage")
    # Whoever writes wants to hear.
    bot.fake.chats[1].blocked = False
    shopper.says("hello")
    shopper.hears()
    bot.notify("tg:1")
    assert shopper.hears(2)[1] == "news: parcel_shipped"


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ({"code": 502}, 1),
        ({"code": 502, "garbage": True}, 1),
        ({"code": 500, "times": 5}, 1),
        ({"cut": True}, 1),
        # It was done, but nobody said so: one repetition cannot be avoided.
        ({"cut": True, "after": True}, 2),
        ({"garbage": True, "after": True}, 2),
        ({"cut": True, "after": True, "times": 9}, 2),
    ],
)
def test_5_1_19_what_may_not_have_arrived_is_sent_again(
    bot: House, fault: dict[str, Any], seen: int
) -> None:
    bot.fake.fail("sendMessage", **fault)
    shopper = bot.shopper(1)
    shopper.says("hello")
    bot.settled()
    assert bot.fake.texts(1) == ["echo hello"] * seen
    bot.fake.faults.clear()
    shopper.says("next")
    bot.settled()
    assert bot.fake.texts(1)[-1] == "echo next"


def test_a_chat_that_does_not_exist_is_dropped(bot: House) -> None:
    assert bot.notify("tg:999") == 202
    bot.fake.wait(lambda: bot.fake.called("sendMessage", 999))
    bot.settled()
    assert len(bot.fake.called("sendMessage", 999)) == 1


def test_5_1_20_typing_is_shown_until_the_answer(tmp_path: Path, fake: FakeTelegram) -> None:
    async def until_typing_is_repeated(heard: UserMessage) -> None:
        while len(fake.called("sendChatAction")) < 2:
            await asyncio.sleep(0.01)
        await heard.output_channel.send_response(heard.sender_id, {"text": "done"})

    with house(tmp_path, fake, script={"slow": until_typing_is_repeated}) as bot:
        bot.shopper(1).says("slow")
        bot.shopper(1).hears()
        one, two, *_ = fake.called("sendChatAction")
        assert one.parameters["action"] == two.parameters["action"] == "typing"
        # Telegram shows it for five seconds.
        assert two.at - one.at > 3.5
        assert bot.channel.typing_every + TYPING_DELAY < 5
        assert two.at < fake.called("sendMessage")[0].at


@pytest.mark.parametrize(
    "fault", [{"code": 500}, {"cut": True}, {"retry_after": 60}, {"delay": 60}]
)
def test_5_1_20_typing_that_fails_is_not_noticed(
    bot: House, fault: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    bot.fake.fail("sendChatAction", times=100, **fault)
    bot.agent.script["slow"] = slow(0.5)
    begin = time.monotonic()
    bot.shopper(1).says("slow")
    bot.shopper(1).hears()
    assert time.monotonic() - begin < 30, "the answer does not wait for it"
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_5_1_24_a_flood_is_answered_within_telegrams_limits(
    tmp_path: Path, fake: FakeTelegram
) -> None:
    with house(tmp_path, fake, clock=Clock()) as bot:
        for number, chat in itertools.product(range(2), range(1, 51)):
            bot.shopper(chat).says(f"message {number}")
        bot.settled(120)
        for chat in range(1, 51):
            assert fake.texts(chat) == ["echo message 0", "echo message 1"]
        keeps_the_limits(fake)
        assert not len(bot.channel._queues) and not len(bot.channel.sender._queues)


def keeps_the_limits(fake: FakeTelegram) -> None:
    """At most 30 messages in any second, no answer of 429."""
    sends = fake.called("sendMessage")
    assert all(call.code == 200 for call in sends)
    times = sorted(call.at for call in sends)
    for first, later in zip(times, times[30:], strict=False):
        assert later - first > 1


def test_in_a_chat_messages_come_at_telegrams_pace(tmp_path: Path, fake: FakeTelegram) -> None:
    clock = FastClock(100)
    with house(tmp_path, fake, clock=clock) as bot:
        bot.agent.script["go"] = [{"text": str(n)} for n in range(8)]
        begin = time.monotonic()
        bot.shopper(1).says("go")
        bot.shopper(1).hears(8)
        took = fake.called("sendMessage")[-1].at - begin
        # Three at once, then one a second, so the last is due five seconds after the first; the
        # waits run fast, and what has passed meanwhile is not waited for.
        assert max(clock.slept) + took > 4.5
        assert max(clock.slept) <= 5


@pytest.mark.parametrize("level", [logging.INFO, logging.DEBUG])
def test_5_1_25_the_token_is_in_no_log(
    tmp_path: Path, fake: FakeTelegram, caplog: pytest.LogCaptureFixture, level: int
) -> None:
    caplog.set_level(level)
    with house(tmp_path, fake, clock=FastClock(20)) as bot:
        tell(bot, cards(2), {"text": "private words"})
        for fault in ({"code": 401}, {"code": 403}, {"code": 404}, {"code": 502}, {"cut": True}):
            bot.fake.fail("sendMessage", **fault)
            tell(bot, {"text": "private words"})
        fake.down()
        bot.shopper(1).says("during the outage")
        bot.fake.wait(lambda: bot.health()[1]["status"] == "unreachable")
        fake.up()
        bot.settled()
    for secret in (TOKEN, TOKEN.split(":")[1], "private words"):
        assert secret not in caplog.text
    assert "bot1234567890:" not in caplog.text


def test_a_token_that_is_revoked_later_is_reported(bot: House) -> None:
    right = bot.fake.token
    bot.fake.token = "1234567890:revoked"
    bot.shopper(1).says("hello")
    bot.fake.wait(lambda: bot.health() == (503, {**bot.health()[1], "status": "unauthorised"}))
    bot.settled()
    bot.fake.token = right
    bot.shopper(1).says("again")
    assert bot.shopper(1).hears() == ["echo again"]
    assert bot.health()[0] == 200


# --- outages


def test_an_outage_during_a_turn_delays_the_answer(bot: House) -> None:
    gate = Gate()
    bot.agent.script["slow"] = gate.line
    bot.shopper(1).says("slow")
    bot.fake.wait(lambda: bot.agent.said)
    bot.fake.down()
    gate.open()
    bot.fake.wait(lambda: bot.health()[1]["status"] == "unreachable")
    assert bot.agent.tracker["tg:1"] == ["slow"]
    bot.fake.up()
    bot.shopper(1).hears()
    bot.settled()
    assert bot.fake.texts(1) == ["echo slow"]
    assert bot.health()[0] == 200


def test_an_hour_without_telegram_loses_and_doubles_nothing(
    tmp_path: Path, fake: FakeTelegram
) -> None:
    """Telegram can call us but we cannot reach it; the clock runs 1,200 times as fast."""
    with house(tmp_path, fake, clock=FastClock(1_200)) as bot:
        bot.channel.sender.patience = 0.05
        shoppers = [bot.shopper(chat) for chat in range(1, 6)]
        for shopper in shoppers:
            shopper.says("before")
            shopper.hears()
        fake.down()
        number = itertools.count(90_000)
        for text in ("one", "two", "three"):
            for shopper in shoppers:
                said = {"message": shopper.message(text=text)}
                assert bot.post({"update_id": next(number), **said}) == 200
            time.sleep(1)
        # Turns go on, and so does everything else of the server.
        fake.wait(lambda: len(bot.agent.said) == 20)
        fake.up()
        for shopper in shoppers:
            shopper.hears(4)
        bot.settled()
        for shopper in shoppers:
            told = fake.texts(shopper.chat)
            assert told == ["echo before", "echo one", "echo two", "echo three"]
        assert bot.health()[0] == 200


def test_after_a_day_without_telegram_messages_are_given_up(
    tmp_path: Path, fake: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    with house(tmp_path, fake, clock=FastClock(3_600), telegram_patience_hours=1) as bot:
        shopper = bot.shopper(1)
        fake.fail("sendMessage", code=502, times=100_000)
        shopper.says("hello")
        fake.wait(lambda: any("gave a message up" in r.message for r in caplog.records))
        fake.faults.clear()
        bot.settled()
        assert not fake.said(1)


def test_what_waits_is_bounded(bot: House, caplog: pytest.LogCaptureFixture) -> None:
    fake = bot.fake
    fake.fail("sendMessage", code=502, times=10**6)
    bot.channel.sender.patience = 0.001
    for _ in range(80):
        assert bot.notify("tg:1") == 202
    fake.wait(lambda: any("too many wait" in r.message for r in caplog.records))
    box = bot.channel.sender._queues._boxes["1"]
    assert len(box.waiting) <= 50


def test_the_servers_stop_sends_what_waits(tmp_path: Path, fake: FakeTelegram) -> None:
    limits = replace(LIMITS, shutdown_wait=60)
    with house(tmp_path, fake, clock=FastClock(5), limits=limits) as bot:
        bot.agent.script["go"] = [{"text": str(n)} for n in range(5)]
        bot.shopper(1).says("go")
        fake.wait(lambda: fake.said(1))
    assert fake.texts(1) == ["0", "1", "2", "3", "4"]


def test_payloads_never_reach_telegram(bot: House) -> None:
    tell(bot, cards(5), {"text": "?", "buttons": [{"title": "Pay", "payload": "/pay_4711"}]})
    sent = json.dumps([call.parameters for call in bot.fake.calls], default=str)
    assert "/pay" not in sent and "/buy" not in sent and "/details" not in sent
