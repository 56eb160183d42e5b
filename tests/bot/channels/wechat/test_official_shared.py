"""What every channel must do, on an Official Account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.channels.base import Channel, Receipt
from bot.channels.wechat.official import Wechat
from tests.bot.channels.wechat.conftest import PATIENT, PATIENT_CUT, settings_for
from tests.checks import channel as checks
from tests.fakes.server import Server
from tests.fakes.wechat import OfficialAccount


class CountedWechat(Wechat):
    """Counts the messages that it has taken in.

    Who types one after the other waits for that: pushes that travel side by side may overtake each
    other on a busy machine.
    """

    taken_in = 0

    async def receive(self, *args: Any, **options: Any) -> Receipt:
        try:
            return await super().receive(*args, **options)
        finally:
            self.taken_in += 1


class WechatShopper(checks.Shopper):
    """Types and taps on a phone."""

    def __init__(self, account: OfficialAccount, server: Server, name: str) -> None:
        self._account = account
        self._callback = f"{server.url}/webhooks/wechat/callback"
        self._openid = f"o6_bmjrPTlm6_2sgVt7hMZOP_{name}"
        self.sender_id = f"wx:{self._openid}"
        (self._channel,) = server.app.ctx.input_channels

    def type(self, text: str, *, message_id: str = "") -> None:
        self._account.callback = self._callback
        before = self._channel.taken_in
        said = self._account.begin(self._account.say(self._openid, text, message_id=message_id))
        # Until it was taken in, or answered as one that was known.
        checks.until(lambda: self._channel.taken_in > before or said.done())

    def tap(self, title: str) -> None:
        self._account.callback = self._callback
        self._account.begin(self._account.tap(self._openid, title))

    def heard(self) -> list[str]:
        return self._account.phone(self._openid).lines()


class OfficialChecks(checks.ChannelChecks):
    """The adapter; `verified` says which kind of account it is."""

    verified: bool

    @pytest.fixture(autouse=True)
    def _account(self) -> Iterator[None]:
        # No push is hung up on: what a busy machine cannot do in five seconds is tested elsewhere.
        self.account = OfficialAccount(cut=PATIENT_CUT).start()
        self.account.verified = self.verified
        yield
        self.account.stop()
        assert self.account.violations == []

    def make(self, folder: Path, **options: Any) -> Channel:
        return CountedWechat(
            settings_for(self.account), times=PATIENT, unbind=lambda sender: None, **options
        )

    def make_disabled(self, folder: Path, **options: Any) -> Channel:
        return Wechat(settings_for(self.account, wechat_token=""), **options)

    @contextmanager
    def shopper(self, server: Server, name: str) -> Iterator[checks.Shopper]:
        yield WechatShopper(self.account, server, name)

    @contextmanager
    def sending_fails(self, channel: Channel) -> Iterator[None]:
        self.account.down = "500"
        yield
        self.account.down = ""

    def secrets(self, channel: Channel) -> list[str]:
        account = self.account
        return [*super().secrets(channel), account.secret, account.token, account.aes_key]


class TestVerified(OfficialChecks):
    """服务号: customer-service messages and menus to tap."""

    verified = True


class TestUnverified(OfficialChecks):
    """An account that can only answer; menus have numbers."""

    verified = False

    # It cannot write by itself.
    test_s9_news_reach_the_shopper = None  # type: ignore[assignment]


del OfficialChecks
