"""What a shopper asks to be forgotten is forgotten everywhere: in the shop's database, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.channels import base
from bot.channels.base import Channel
from bot.channels.state import SqliteState
from bot.channels.telegram import Telegram, TelegramSettings
from bot.channels.wechat import Wechat, WechatKf, WechatKfSettings, WechatSettings
from shop.database import open_engine
from shop.errors import Unavailable
from shop.identity import Identity
from shop.settings import ShopSettings, read
from tests.fakes.agent import ScriptedAgent, say
from tests.fakes.server import serve
from tests.fakes.telegram import TOKEN
from tests.servers import fill_shop

NOWHERE = "http://127.0.0.1:9"


def telegram(state: SqliteState) -> Channel:
    settings = TelegramSettings(telegram_token=TOKEN, telegram_api_base=NOWHERE)
    return Telegram(settings, state=state, say=say)


def wechat(state: SqliteState) -> Channel:
    settings = WechatSettings(
        wechat_appid="wx1", wechat_token="token", wechat_reply="passive", wechat_api_base=NOWHERE
    )
    return Wechat(settings, state=state, say=say)


def wechat_kf(state: SqliteState) -> Channel:
    settings = WechatKfSettings(
        wechat_kf_corpid="ww1",
        wechat_kf_secret="s",
        wechat_kf_token="token",
        wechat_kf_aes_key="a" * 43,
        wechat_kf_api_base=NOWHERE,
    )
    return WechatKf(settings, state=state, say=say)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    file = fill_shop(tmp_path)
    monkeypatch.setenv("XIAOER_DATABASE_URL", f"sqlite:///{file}")
    base._identity.cache_clear()
    yield file
    base._identity.cache_clear()


@pytest.mark.parametrize(
    ("make", "sender"),
    [(telegram, "tg:1"), (wechat, "wx:o_anna"), (wechat_kf, "kf:wk1:wm_anna")],
)
def test_whoever_is_erased_is_bound_to_no_customer(tmp_path, database, make, sender):
    shop = read(ShopSettings)
    identity = Identity.open(open_engine(shop), shop)
    state = SqliteState(tmp_path / "state.db")
    channel = make(state)
    agent = ScriptedAgent()
    with serve(channel, agent=agent) as server:
        identity.bind(sender, 1)
        identity.bind(f"{sender}_other", 2)
        server.run(state.put(sender, "known", True, ttl=60))
        # While the shop's database is away nothing is said to be erased.
        away = database.rename(database.with_suffix(".away"))
        with pytest.raises(Unavailable):
            server.run(channel.erase(sender))
        away.rename(database)
        # Nor while there is no model: the conversation would be left.
        agent.ready = False
        with pytest.raises(Unavailable):
            server.run(channel.erase(sender))
        assert server.run(state.get(sender, "known")) and identity.customer_of(sender) == 1
        agent.ready = True
        server.run(channel.erase(sender))
        assert identity.customer_of(sender) is None and agent.erased == [sender]
        assert server.run(state.get(sender, "known")) is None
        assert identity.customer_of(f"{sender}_other") == 2
        server.run(channel.erase(sender))
