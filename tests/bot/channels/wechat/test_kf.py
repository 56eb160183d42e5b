"""The checks of 5.3: 微信客服, from the callback to what the phone shows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import pytest

from bot.channels.state import RedisState, SqliteState, State
from bot.channels.wechat.kf import WechatKf
from tests.bot.channels.wechat.conftest import LIMITS, kf_settings_for
from tests.checks.channel import patient
from tests.fakes.agent import Gate, ScriptedAgent, say
from tests.fakes.server import Server, serve
from tests.fakes.wecom import BOT, FREE, PERSON, QUEUE, CustomerService

USER = "wmAJ2GCAAAme1XQRC-NI-q0_ZM9ukoAw"
SEND = "/cgi-bin/kf/send_msg"
SYNC = "/cgi-bin/kf/sync_msg"
TRANS = "/cgi-bin/kf/service_state/trans"
HANDOVER = {"转人工": [{"text": "已登记", "custom": {"handover": True}}]}


class Bot:
    def __init__(self, channel: WechatKf, server: Server, agent: ScriptedAgent) -> None:
        self.channel, self.server, self.agent = channel, server, agent
        self.callback = f"{server.url}/webhooks/wechat_kf/callback"


@pytest.fixture
def bots(service, tmp_path):
    """Call it with a script: a bot for the length of a `with` block."""

    @contextmanager
    def start(
        script: dict[str, Any] | None = None, *, state: State | None = None, **settings: Any
    ) -> Iterator[Bot]:
        agent = ScriptedAgent(script or {})
        channel = WechatKf(
            kf_settings_for(service, **settings),
            limits=LIMITS,
            state=state or patient(SqliteState(tmp_path / "state.db")),
            say=say,
            unbind=lambda sender: None,
        )
        with serve(channel, agent=agent) as server:
            bot = Bot(channel, server, agent)
            service.callback = bot.callback
            yield bot

    return start


def wait_for(happens: Any, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not happens() and time.monotonic() < until:
        time.sleep(0.02)
    assert happens()


def shown(service: CustomerService) -> list[str]:
    return service.customer(USER).lines()


def cursor(service: CustomerService, bot: Bot) -> Any:
    owner = f"wechat_kf.{service.corpid}"
    return bot.server.run(bot.channel.state.get(owner, f"cursor:{service.account}"))


def test_5_3_01_the_address_check_is_decrypted_within_a_second(service, bots):
    with bots() as bot:
        # The best of three: what else the machine does is not the bot's affair.
        assert min(service.run(service.check(bot.callback)) for _ in range(3)) < 1.0


def test_5_3_02_the_call_is_taken_first_and_then_pulled_with_its_token(service, bots):
    service.pull_seconds = 3.0
    with bots() as bot:
        service.run(service.say(USER, "你好"))
        (attempt,) = service.attempts
        assert attempt.status == 200 and attempt.seconds < service.pull_seconds
        service.pull_seconds = 0.0
        wait_for(lambda: shown(service) == ["echo 你好"])
        body = service.bodies(SYNC)[0]
        assert body["token"] in service.callback_tokens and body["cursor"] == ""
        wait_for(lambda: cursor(service, bot) == "1")
        service.run(service.say(USER, "again"))
        wait_for(lambda: "echo again" in shown(service))
        assert service.bodies(SYNC)[-1]["cursor"] == "1"


def test_5_3_03_all_pages_are_pulled_also_after_an_empty_one(service, bots):
    service.page, service.empty_pages = 2, 1
    with bots() as bot:
        for number in range(5):
            service.add(USER, "text", {"content": f"number {number}"}, origin=3)
        service.run(service.say(USER, "last"))
        wait_for(lambda: "echo last" in shown(service))
        assert bot.agent.texts() == [*(f"number {number}" for number in range(5)), "last"]
        assert len(service.bodies(SYNC)) == 4


def test_5_3_04_the_cursor_is_stored_after_the_messages_were_answered(service, bots):
    gate = Gate()
    with bots({"slow": gate.line}) as bot:
        service.run(service.say(USER, "slow"))
        wait_for(lambda: bot.agent.texts() == ["slow"])
        assert cursor(service, bot) is None
        gate.open()
        wait_for(lambda: shown(service) == ["echo slow"])
        wait_for(lambda: cursor(service, bot) == "1")


@pytest.mark.parametrize("answered", [False, True])
def test_5_3_04_after_a_crash_nothing_is_lost_and_nothing_said_twice(
    service, bots, tmp_path, answered, monkeypatch
):
    """A crash leaves the state as it is in the middle of a turn: seen, not done."""
    monkeypatch.setattr("bot.channels.wechat.kf.LEASE", 0.5)
    state = tmp_path / "state.db"
    with bots(state=SqliteState(state)) as bot:
        service.run(service.say(USER, "first"))
        wait_for(lambda: cursor(service, bot) == "1")
    message_id = "crash-1"
    sender = f"kf:{service.account}:{USER}"
    service.add(USER, "text", {"content": "second"}, origin=3, message_id=message_id)
    customer = service.customer(USER)
    customer.left, customer.until = 5, time.time() + 1000
    with bots(state=SqliteState(state)) as bot:
        # As the crashed process left it.
        if answered:
            wait_for(lambda: cursor(service, bot) == "2")
            assert shown(service) == ["echo first", "echo second"]
            bot.server.run(bot.channel.state.take(sender, f"done:{message_id}"))
            owner = f"wechat_kf.{service.corpid}"
            name = f"cursor:{service.account}"
            bot.server.run(bot.channel.state.put(owner, name, "1", ttl=1000))
    time.sleep(0.6)
    with bots(state=SqliteState(state)) as bot:
        wait_for(lambda: cursor(service, bot) == "2")
        if answered:
            assert bot.agent.texts() == ["second"], "the turn is taken up again"
        assert shown(service) == ["echo first", "echo second"]


def test_5_3_05_what_is_old_at_the_first_start_is_left_alone(service, bots):
    for age in (3 * 86_400, 3_600, 700):
        service.add(USER, "text", {"content": f"{age} s ago"}, origin=3, age=age)
    service.add(USER, "text", {"content": "a minute ago"}, origin=3, age=60)
    with bots() as bot:
        service.run(service.say(USER, "now"))
        wait_for(lambda: bot.agent.texts() == ["a minute ago", "now"])


def test_5_3_06_events_and_people_never_reach_the_bot(service, bots):
    with bots() as bot:
        service.add(USER, "text", {"content": "I am from the shop"}, origin=5)
        service.add(USER, "text", {"content": "the system says"}, origin=4)
        service.run(service.say(USER, "hello"))
        wait_for(lambda: shown(service) == ["echo hello"])
        assert bot.agent.texts() == ["hello"]


def test_5_3_07_who_enters_is_welcomed_once(service, bots):
    with bots() as bot:
        service.run(service.enter(USER, "poster"))
        wait_for(lambda: shown(service) == ["utter_welcome zh"])
        service.run(service.call())
        service.add(USER, "event", service.log[-1]["event"], origin=4)
        service.run(service.say(USER, "hi"))
        wait_for(lambda: "echo hi" in shown(service))
        assert len(service.bodies("/cgi-bin/kf/send_msg_on_event")) == 1
        assert bot.agent.said[0].metadata["start_param"] == "poster"


def test_5_3_08_a_menu_is_tapped(service, bots):
    script = {"ask": [{"text": "颜色？", "buttons": [{"title": "红", "payload": "/red"}]}]}
    with bots(script) as bot:
        service.run(service.say(USER, "ask"))
        wait_for(lambda: "红" in shown(service))
        service.run(service.tap(USER, "红"))
        wait_for(lambda: bot.agent.texts() == ["ask", "/red"])


def test_5_3_09_more_than_ten_options_are_several_menus(service, bots):
    buttons = [{"title": f"option {n}", "payload": f"/o{n}"} for n in range(23)]
    with bots({"ask": [{"text": "Which?", "buttons": buttons}]}) as bot:
        service.run(service.say(USER, "ask"))
        wait_for(lambda: "option 22" in shown(service))
        menus = [body["msgmenu"] for body in service.bodies(SEND)]
        assert [len(menu["list"]) for menu in menus] == [10, 10, 3]
        service.run(service.tap(USER, "option 17"))
        wait_for(lambda: bot.agent.texts()[-1] == "/o17")


def test_5_3_10_who_is_with_a_person_is_sent_nothing_and_wecom_asked_once(service, bots):
    with bots() as bot:
        service.customer(USER).state = PERSON
        service.run(service.say(USER, "hi"))
        wait_for(lambda: len(service.bodies("/cgi-bin/kf/service_state/get")) == 1)
        assert len(service.bodies(SEND)) == 1
        service.run(service.say(USER, "anybody there?"))
        wait_for(lambda: cursor(service, bot) == "2")
        assert bot.agent.texts() == ["hi"], "the bot is silent from now on"


@pytest.mark.parametrize("queueing", [True, False])
def test_5_3_11_who_asks_for_a_person_is_handed_over_until_the_person_is_done(
    service, bots, queueing
):
    service.queueing = queueing
    with bots(HANDOVER) as bot:
        service.run(service.say(USER, "转人工"))
        wait_for(lambda: service.customer(USER).state == (QUEUE if queueing else PERSON))
        assert shown(service) == ["已登记"]
        service.run(service.say(USER, "在吗"))
        wait_for(lambda: cursor(service, bot) == "2")
        assert bot.agent.texts() == ["转人工"]
        service.run(service.person_is_done(USER))
        wait_for(lambda: cursor(service, bot) == "3")
        service.run(service.say(USER, "谢谢"))
        wait_for(lambda: shown(service)[-1] == "echo 谢谢")


def test_5_3_12_with_nobody_on_duty_the_bot_says_so_and_stays(service, bots):
    service.on_duty = []
    with bots(HANDOVER) as bot:
        service.run(service.say(USER, "转人工"))
        wait_for(lambda: shown(service) == ["已登记", "utter_nobody_on_duty zh"])
        assert service.customer(USER).state in (FREE, BOT) and service.bodies(TRANS) == []
        service.run(service.say(USER, "再问一句"))
        wait_for(lambda: bot.agent.texts() == ["转人工", "再问一句"])


@pytest.mark.parametrize("why", [4, 5, 6, 10])
def test_5_3_13_a_failed_delivery_is_noted_until_the_customer_writes(service, bots, why, caplog):
    with bots() as bot:
        sender = f"kf:{service.account}:{USER}"
        service.run(service.say(USER, "hi"))
        wait_for(lambda: shown(service) == ["echo hi"])
        service.run(service.event(USER, "msg_send_fail", fail_msgid="x", fail_type=why))
        wait_for(lambda: bot.server.run(bot.channel.state.get(sender, "send_failed")) == why)
        assert f"type {why}" in caplog.text and USER not in caplog.text
        bot.server.run(bot.channel.get_output_channel().send_response(sender, {"text": "news"}))
        assert shown(service) == ["echo hi"]
        service.run(service.say(USER, "back"))
        wait_for(lambda: shown(service)[-1] == "echo back")


def test_5_3_14_a_repeated_send_is_delivered_once(service, bots):
    with bots() as bot:
        bot.channel._outbox.delays = (0.2, 0.2)
        service.fail(SEND, "drop")
        service.run(service.say(USER, "hi"))
        wait_for(lambda: len(bot.channel._outbox) == 1)
        bot.channel.client._paused_until = 0.0
        wait_for(lambda: shown(service) == ["echo hi"])
        first, second = service.bodies(SEND)
        assert json.loads(first)["msgid"] == second["msgid"]


def test_5_3_15_two_calls_at_once_are_one_pull_at_a_time(service, bots, tmp_path, redis_url):
    service.pull_seconds = 0.3

    def state() -> State:
        return RedisState(redis_url, prefix=tmp_path.name)

    with bots(state=state()) as one, bots(state=state()) as two:
        service.callback = one.callback
        service.add(USER, "text", {"content": "a"}, origin=3)
        first = service.begin(service.say(USER, "b"))
        again = service.begin(service.call())
        first.result(10), again.result(10)
        service.callback = two.callback
        service.run(service.say(USER, "c"))
        wait_for(lambda: "echo c" in shown(service))
        assert service.most_pulling == 1
        assert sorted(one.agent.texts() + two.agent.texts()) == ["a", "b", "c"]


async def _post(url: str, body: bytes) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(url, data=body) as answer:
        return answer.status, await answer.text()


def test_5_3_16_forged_calls_are_refused(service, bots):
    with bots() as bot:
        url, body = service.sealed({"Event": "kf_msg_or_event", "OpenKfId": service.account})
        stranger = CustomerService(token="other")
        stranger.callback = bot.callback
        for address, content in [
            (bot.callback, body),
            (url, b"<xml><OpenKfId>wk</OpenKfId></xml>"),
            (url.replace("nonce=", "nonce=0"), body),
            stranger.sealed({"Event": "kf_msg_or_event", "OpenKfId": service.account}),
        ]:
            assert service.run(_post(address, content)) == (403, "refused")
        assert service.bodies(SYNC) == []


def test_wecom_that_does_not_answer_is_asked_again(service, bots, monkeypatch):
    monkeypatch.setattr("bot.channels.wechat.pulling.FIRST_DELAY", 0.2)
    monkeypatch.setattr("bot.channels.wechat.api.PAUSE", 0.1)
    with bots():
        service.fail(SYNC, "500", "500")
        service.run(service.say(USER, "hi"))
        wait_for(lambda: shown(service) == ["echo hi"])


def test_what_came_while_the_bot_was_away_is_pulled_at_start(service, bots):
    with bots() as bot:
        service.run(service.say(USER, "first"))
        wait_for(lambda: cursor(service, bot) == "1")
    service.tries, service.callback = 0, "http://127.0.0.1:9/"
    service.run(service.say(USER, "while away"))
    with bots():
        wait_for(lambda: shown(service) == ["echo first", "echo while away"])
