"""The shared checks on the web channel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.channels.base import Channel
from bot.channels.web.connector import WebChat, WebSettings
from shop.settings import ShopSettings
from tests.bot.channels.web.page import SECRET, Page, ToyAccounts, new_session, page
from tests.checks.channel import ChannelChecks
from tests.fakes.server import Server


class TestWebChat(ChannelChecks):
    def make(self, folder: Path, **options: Any) -> Channel:
        return self._make(folder, SECRET, **options)

    def make_disabled(self, folder: Path, **options: Any) -> Channel:
        return self._make(folder, "", **options)

    def _make(self, folder: Path, secret: str, **options: Any) -> Channel:
        settings = WebSettings(uploads=folder / "uploads")
        shop = ShopSettings(secret=secret)
        return WebChat(settings, shop, ToyAccounts(), redis_url="", **options)

    @contextmanager
    def shopper(self, server: Server, name: str) -> Iterator[Page]:
        # The same shopper on two servers bears the same token.
        tokens = self.__dict__.setdefault("tokens", {})
        token = tokens.setdefault(name, "") or new_session(server.url)["token"]
        tokens[name] = token
        with page(server.url, token=token) as tab:
            yield tab

    @contextmanager
    def sending_fails(self, channel: Channel) -> Iterator[None]:
        assert isinstance(channel, WebChat)
        emit = channel._sio.emit

        async def fail(event: str, *args: Any, **kwargs: Any) -> None:
            if event == "bot_uttered":
                raise OSError("the network is down")
            await emit(event, *args, **kwargs)

        channel._sio.emit = fail
        yield
        channel._sio.emit = emit

    def secrets(self, channel: Channel) -> list[str]:
        return [*super().secrets(channel), SECRET, *self.__dict__.get("tokens", {}).values()]
