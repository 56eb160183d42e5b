"""An Official Account and a 微信客服 account to test with, and bots that answer them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.channels.base import ChannelSettings
from bot.channels.state import SqliteState, State
from bot.channels.wechat.official import Wechat
from bot.channels.wechat.settings import WechatKfSettings, WechatSettings
from bot.channels.wechat.windows import Times
from tests.checks.channel import patient
from tests.fakes.agent import ScriptedAgent, say
from tests.fakes.server import Server, serve
from tests.fakes.wechat import OfficialAccount
from tests.fakes.wecom import CustomerService

# As fast as a test may go: generous limits, no apology before WeChat's last attempt.
LIMITS = ChannelSettings(
    message_rate=1000.0, message_burst=50, turn_deadline=60.0, turn_limit=60.0, shutdown_wait=10.0
)
# No push is hung up on, unless a test is about that: then WeChat's five seconds are three, of which
# a busy machine has two to answer the last push.
PATIENT = Times(patience=60.0, last_patience=60.0, hung_up=60.0)
PATIENT_CUT = 90.0
QUICK = Times(patience=1.2, last_patience=0.8, hung_up=3.4)
QUICK_CUT = 3.0


@pytest.fixture
def account() -> Iterator[OfficialAccount]:
    """公众号 in safe mode, whose rules nobody may have broken at the end of the test."""
    fake = OfficialAccount(cut=PATIENT_CUT).start()
    yield fake
    fake.stop()
    assert fake.violations == []


@pytest.fixture
def service() -> Iterator[CustomerService]:
    fake = CustomerService().start()
    yield fake
    fake.stop()
    assert fake.violations == []


def settings_for(account: OfficialAccount, **changes: Any) -> WechatSettings:
    """The bot's settings for an account."""
    return replace(
        WechatSettings(
            wechat_appid=account.appid,
            wechat_secret=account.secret,
            wechat_token=account.token,
            wechat_aes_key="" if account.mode == "plain" else account.aes_key,
            wechat_mode=account.mode,
            wechat_api_base=account.url,
            wechat_api_timeout=30.0,
        ),
        **changes,
    )


class Bot:
    """A running bot: its channel, its server, its scripted agent."""

    def __init__(self, channel: Wechat, server: Server, agent: ScriptedAgent) -> None:
        self.channel, self.server, self.agent = channel, server, agent
        self.callback = f"{server.url}/webhooks/wechat/callback"
        # Conversations whose customer was forgotten.
        self.unbound: list[str] = []


class Bots:
    """Starts bots that answer an account."""

    def __init__(self, account: OfficialAccount, folder: Path) -> None:
        self._account = account
        self._folder = folder

    def __call__(
        self,
        script: dict[str, Any] | None = None,
        *,
        state: State | None = None,
        times: Times = PATIENT,
        limits: ChannelSettings = LIMITS,
        unbind: Callable[[str], object] | None = None,
        **settings: Any,
    ) -> AbstractContextManager[Bot]:
        return self._start(script or {}, state, times, limits, unbind, settings)

    @contextmanager
    def _start(
        self,
        script: dict[str, Any],
        state: State | None,
        times: Times,
        limits: ChannelSettings,
        unbind: Callable[[str], object] | None,
        settings: dict[str, Any],
    ) -> Iterator[Bot]:
        agent = ScriptedAgent(script)
        unbound: list[str] = []
        channel = Wechat(
            settings_for(self._account, **settings),
            times=times,
            limits=limits,
            state=state or patient(SqliteState(self._folder / "state.db")),
            say=say,
            unbind=unbind or unbound.append,
        )
        with serve(channel, agent=agent) as server:
            bot = Bot(channel, server, agent)
            bot.unbound = unbound
            self._account.callback = bot.callback
            yield bot


@pytest.fixture
def bots(account: OfficialAccount, tmp_path: Path) -> Bots:
    """Call it with a script and settings: a bot for the length of a `with` block."""
    return Bots(account, tmp_path)


def kf_settings_for(service: CustomerService, **changes: Any) -> WechatKfSettings:
    """The bot's settings for a 微信客服 account."""
    return replace(
        WechatKfSettings(
            wechat_kf_corpid=service.corpid,
            wechat_kf_secret=service.secret,
            wechat_kf_token=service.token,
            wechat_kf_aes_key=service.aes_key,
            wechat_kf_api_base=service.url,
            wechat_kf_api_timeout=30.0,
        ),
        **changes,
    )
