"""Shoppers who unfollow and are back within seconds, while a turn of theirs is still running."""

from __future__ import annotations

import time
from typing import Any

from rasa.core.channels.channel import UserMessage

from bot.channels.state import RedisState
from tests.bot.channels.wechat.conftest import QUICK, QUICK_CUT
from tests.checks.channel import patient, until
from tests.fakes.agent import Gate
from tests.fakes.wechat import Delivery

ANNA = "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"
SENDER = f"wx:{ANNA}"


def wait_for(happens: Any) -> None:
    until(happens, 60)
    assert happens()


def subscription() -> dict[str, Any]:
    common = {"ToUserName": "gh_shop", "FromUserName": ANNA, "CreateTime": int(time.time())}
    return {**common, "MsgType": "event", "Event": "subscribe", "EventKey": ""}


def test_whose_return_is_pushed_again_after_they_were_forgotten_is_greeted_once(
    account, bots, tmp_path, redis_url
):
    """On two workers: one has the turn, the other hears that the shopper left."""

    def state() -> RedisState:
        return patient(RedisState(redis_url, prefix=tmp_path.name))

    gate = Gate()
    script = {"slow": gate.line}
    with (
        bots(script, state=state(), times=QUICK) as one,
        bots(script, state=state(), times=QUICK) as two,
    ):
        # One store of conversations and one of locks, as workers have.
        two.agent.running, two.agent.tracker = one.agent.running, one.agent.tracker
        account.callback = one.callback
        talk = account.begin(account.say(ANNA, "slow"))
        wait_for(lambda: one.agent.texts() == ["slow"])
        account.callback = two.callback
        gone = account.run(account.event(ANNA, "unsubscribe", EventKey=""))
        assert gone.attempts[0].body == "success" and not two.agent.erased
        # The first push of the return; WeChat hangs up on it.
        account.callback, account.cut, account.tries = one.callback, QUICK_CUT, 1
        back = subscription()
        account.run(account.deliver(back, Delivery()))
        gate.open()
        wait_for(lambda: two.agent.erased == two.unbound == [SENDER])
        # The second push comes to the other worker, which has nothing in memory of it.
        account.callback = two.callback
        account.run(account.deliver(back, Delivery()))
        talk.result(60)
        wait_for(lambda: "/greet" in one.agent.texts())
        assert sorted(one.agent.texts() + two.agent.texts()) == ["/greet", "slow"]
        assert "slow" not in one.agent.tracker[SENDER]
        wait_for(lambda: not two.server.run(two.channel.state.owners("leaving")))


def test_who_leaves_again_before_they_were_forgotten_is_forgotten_again(account, bots):
    """The mark that says so outlives the first time: a server that stops goes on with it."""
    gate = Gate()
    marks: list[list[str]] = []

    async def greet(heard: UserMessage) -> None:
        marks.append(await bot.channel.state.owners("leaving"))
        await heard.output_channel.send_response(heard.sender_id, {"text": "welcome"})

    with bots({"slow": gate.line, "/greet": greet}) as bot:
        account.begin(account.say(ANNA, "slow"))
        wait_for(lambda: bot.agent.texts() == ["slow"])
        account.run(account.event(ANNA, "unsubscribe", EventKey=""))
        back = account.begin(account.event(ANNA, "subscribe", EventKey=""))
        wait_for(lambda: len(bot.channel._windows._open) == 2)
        wait_for(lambda: len(bot.channel._queues._boxes[SENDER].waiting) == 2)
        account.run(account.event(ANNA, "unsubscribe", EventKey=""))
        gate.open()
        wait_for(lambda: bot.agent.erased == bot.unbound == [SENDER] * 2)
        back.result(60)
        assert bot.agent.texts() == ["slow", "/greet"] and marks == [[SENDER]]
        assert bot.agent.tracker[SENDER] == []
        wait_for(lambda: not bot.server.run(bot.channel.state.owners("leaving")))
        wait_for(lambda: not bot.channel._leaving)
