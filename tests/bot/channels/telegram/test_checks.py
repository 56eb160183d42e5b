"""The shared checks on the Telegram channel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.channels.base import Channel
from bot.channels.telegram import Telegram, TelegramSettings
from tests.bot.channels.telegram.house import SECRET, settings_for
from tests.checks.channel import ChannelChecks
from tests.checks.channel import Shopper as CheckedShopper
from tests.fakes.clock import FastClock
from tests.fakes.server import Server
from tests.fakes.telegram import TOKEN, FakeTelegram

_numbers = count(1_000)


class OnTelegram(CheckedShopper):
    """Posts updates to one server, as Telegram would, and reads what the fake got."""

    def __init__(self, fake: FakeTelegram, server: Server, number: int) -> None:
        self.fake, self.server = fake, server
        self.phone = fake.shopper(number)
        self.sender_id = f"tg:{number}"
        self._pressed: dict[str, tuple[dict[str, Any], str]] = {}

    def type(self, text: str, *, message_id: str = "") -> None:
        number = 42 if message_id else next(_numbers)
        self._post({"update_id": number, "message": self.phone.message(text=text)})

    def tap(self, title: str) -> None:
        # A button that was ticked is pressed again as on a phone that has not heard of it.
        if title not in self._pressed:
            self._pressed[title] = self.phone.button(title)
        message, data = self._pressed[title]
        number = next(_numbers)
        self.fake.queries.add(f"query{number}")
        content = {"id": f"query{number}", "from": self.phone.user, "data": data}
        content["message"] = dict(message)
        self._post({"update_id": number, "callback_query": content})

    def heard(self) -> list[str]:
        lines = []
        for message in self.fake.said(self.phone.chat):
            lines.append(message.get("text") or message.get("caption") or "")
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                lines += [button["text"] for button in row]
        return [line for line in lines if line]

    def _post(self, update: dict[str, Any]) -> None:
        url = f"{self.server.url}/webhooks/telegram/webhook"
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        # Telegram tries again for a day; a few seconds are enough here.
        for _ in range(20):
            if requests.post(url, json=update, headers=headers).status_code == 200:
                return
            time.sleep(0.1)


class TestTelegram(ChannelChecks):
    @pytest.fixture(autouse=True)
    def fake_telegram(self) -> Iterator[None]:
        with FakeTelegram() as self.fake:
            yield

    def make(self, folder: Path, **options: Any) -> Channel:
        # Twenty answers in a chat take seventeen seconds at Telegram's pace.
        return Telegram(
            settings_for(self.fake, 443),
            clock=FastClock(50),
            unbind=lambda sender: None,
            **options,
        )

    def make_disabled(self, folder: Path, **options: Any) -> Channel:
        return Telegram(TelegramSettings(), **options)

    @contextmanager
    def shopper(self, server: Server, name: str) -> Iterator[OnTelegram]:
        yield OnTelegram(self.fake, server, 700_001 + ["anna", "bob"].index(name))

    @contextmanager
    def sending_fails(self, channel: Channel) -> Iterator[None]:
        fault = self.fake.fail("sendMessage", code=500, times=10_000)
        yield
        fault.times = 0

    def secrets(self, channel: Channel) -> list[str]:
        return [*super().secrets(channel), SECRET, TOKEN, TOKEN.split(":")[1]]
