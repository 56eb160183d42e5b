"""What every channel must do, on 微信客服."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.channels.base import Channel
from bot.channels.wechat.kf import WechatKf
from tests.bot.channels.wechat.conftest import kf_settings_for
from tests.checks import channel as checks
from tests.fakes.server import Server
from tests.fakes.wecom import CustomerService


class CountedKf(WechatKf):
    """Counts the messages that it has pulled and dealt with or queued."""

    taken_in = 0

    async def _take(self, *args: Any) -> Any:
        try:
            return await super()._take(*args)
        finally:
            self.taken_in += 1


class KfShopper(checks.Shopper):
    """Types and taps on a phone."""

    def __init__(self, service: CustomerService, server: Server, name: str) -> None:
        self._service = service
        self._callback = f"{server.url}/webhooks/wechat_kf/callback"
        self._user = f"wmAJ2GCAAAme1XQRC-NI-q0_ZM9ukoA_{name}"
        self.sender_id = f"kf:{service.account}:{self._user}"
        (self._channel,) = server.app.ctx.input_channels

    def type(self, text: str, *, message_id: str = "") -> None:
        self._service.callback = self._callback
        before = self._channel.taken_in
        self._service.begin(self._service.say(self._user, text, message_id=message_id))
        checks.until(lambda: self._channel.taken_in > before)

    def tap(self, title: str) -> None:
        self._service.callback = self._callback
        self._service.begin(self._service.tap(self._user, title))

    def heard(self) -> list[str]:
        return self._service.customer(self._user).lines()


class TestKf(checks.ChannelChecks):
    """The adapter."""

    # While people answer, nothing reaches the bot at all: 5.3.11.
    test_during_a_hand_over_the_bot_may_be_silent = None  # type: ignore[assignment]

    @pytest.fixture(autouse=True)
    def _service(self) -> Iterator[None]:
        self.service = CustomerService().start()
        yield
        self.service.stop()
        assert self.service.violations == []

    def make(self, folder: Path, **options: Any) -> Channel:
        return CountedKf(kf_settings_for(self.service), unbind=lambda sender: None, **options)

    def make_disabled(self, folder: Path, **options: Any) -> Channel:
        return WechatKf(kf_settings_for(self.service, wechat_kf_aes_key=""), **options)

    @contextmanager
    def shopper(self, server: Server, name: str) -> Iterator[checks.Shopper]:
        yield KfShopper(self.service, server, name)

    @contextmanager
    def sending_fails(self, channel: Channel) -> Iterator[None]:
        self.service.failing["/cgi-bin/kf/send_msg"].extend([40058] * 50)
        yield
        self.service.failing["/cgi-bin/kf/send_msg"].clear()

    def secrets(self, channel: Channel) -> list[str]:
        service = self.service
        return [*super().secrets(channel), service.secret, service.token, service.aes_key]
