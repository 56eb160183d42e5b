"""An hour in which WeChat pushes to us but its API does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from rasa.core.channels.channel import UserMessage

from bot.channels.state import SqliteState
from bot.channels.wechat.kf import WechatKf
from bot.channels.wechat.official import Wechat
from bot.channels.wechat.windows import Times
from tests.bot.channels.wechat.conftest import LIMITS, kf_settings_for, settings_for
from tests.checks.channel import patient, until
from tests.fakes.agent import ScriptedAgent, say
from tests.fakes.clock import FastClock
from tests.fakes.server import serve
from tests.fakes.wechat import OfficialAccount
from tests.fakes.wecom import CustomerService

HOUR = 3_600.0
# The first push is the last, so that answers which come later have to be sent.
ONE_PUSH = Times(patience=0.05, last_patience=0.05, hung_up=0.1, pushes=1)
SHOPPERS = [f"o_shopper{number}" for number in range(4)]
TALKER = "o_who_is_told_much"
BUTTON = [{"title": "好", "payload": "/affirm"}]


def in_time(happens: Callable[[], Any]) -> None:
    until(happens, 60)
    assert happens()


def late(account: OfficialAccount, *responses: dict[str, Any]) -> Any:
    """Answers when every push of the shopper is over: too late for a passive reply."""

    async def line(heard: UserMessage) -> None:
        openid, number = heard.sender_id.removeprefix("wx:"), len(begun)
        begun.append(heard.sender_id)
        mine = begun[: number + 1].count(heard.sender_id)
        while account.pushes[openid] < mine:
            await asyncio.sleep(0.01)
        for response in responses or ({"text": f"late {heard.text}"},):
            await heard.output_channel.send_response(heard.sender_id, dict(response))

    begun: list[str] = []
    return line


def test_an_hour_without_the_api_loses_and_doubles_nothing_and_keeps_the_quotas(
    account: OfficialAccount, service: CustomerService, tmp_path: Path
) -> None:
    """The clock runs 1,200 times as fast; 微信客服 is on the same server and goes on."""
    account.tries = 1
    slowly = late(account)
    much = late(account, *({"text": f"part {n}", "buttons": BUTTON} for n in range(7)))
    agent = ScriptedAgent({"one": slowly, "two": slowly, "three": slowly, "much": much})
    clock = FastClock(1_200)
    options: dict[str, Any] = {"limits": LIMITS, "say": say, "unbind": lambda sender: None}
    official = Wechat(
        settings_for(account),
        times=ONE_PUSH,
        clock=clock,
        state=patient(SqliteState(tmp_path / "official.db")),
        **options,
    )
    kf = WechatKf(
        kf_settings_for(service), state=patient(SqliteState(tmp_path / "kf.db")), **options
    )
    with serve(official, kf, agent=agent) as server:
        account.callback = f"{server.url}/webhooks/wechat/callback"
        service.callback = f"{server.url}/webhooks/wechat_kf/callback"
        health = f"{server.url}/webhooks/wechat/"
        in_time(lambda: account.token_calls == 1)
        account.down, begin = "500", clock.time()
        for text in ("one", "two", "three"):
            for openid in SHOPPERS:
                (attempt,) = account.run(account.say(openid, text)).attempts
                assert attempt.body == "success"
        account.run(account.say(TALKER, "much"))
        in_time(lambda: len(official._outbox) == len(SHOPPERS) + 1)
        assert requests.get(health).json()["api"] == "does not answer"
        # The other channel does not notice.
        service.run(service.say("wm_other", "还在吗"))
        in_time(lambda: service.customer("wm_other").lines() == ["echo 还在吗"])
        assert requests.get(f"{server.url}/webhooks/wechat_kf/").json()["status"] == "ok"
        # Nor does a turn whose answer WeChat takes with the push.
        in_time(lambda: clock.time() - begin > HOUR)
        assert not any(account.phone(openid).shown for openid in (*SHOPPERS, TALKER))

        account.down = ""
        wanted = ["late one", "late two", "late three"]
        in_time(lambda: all(account.phone(o).lines() == wanted for o in SHOPPERS))
        parts = [f"part {n}" for n in range(7)]
        shown = account.phone(TALKER).lines
        in_time(lambda: [line for line in shown() if line.startswith("part")] == parts)
        # Five for the one message of the shopper; the fixture looks for more.
        assert len(account.phone(TALKER).shown) <= 5
        in_time(lambda: not len(official._outbox))
        account.run(account.say(SHOPPERS[0], "three"))
        in_time(lambda: account.phone(SHOPPERS[0]).lines() == [*wanted, "late three"])
        assert "api" not in requests.get(health).json()
        assert requests.get(health).status_code == 200
    # The server's stop sent what was on its way: nothing came twice.
    assert account.phone(SHOPPERS[0]).lines() == [*wanted, "late three"]
    assert all(account.phone(openid).lines() == wanted for openid in SHOPPERS[1:])
    assert account.token_calls == 1
