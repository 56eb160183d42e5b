"""A bot on the fake Telegram, for the tests of the Telegram channel."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.channels.base import ChannelSettings
from bot.channels.clock import Clock
from bot.channels.state import SqliteState, State
from bot.channels.telegram import Telegram, TelegramSettings
from tests.checks.channel import patient
from tests.fakes.agent import ScriptedAgent, say
from tests.fakes.clock import FastClock
from tests.fakes.server import Server, free_port, serve
from tests.fakes.telegram import TOKEN, FakeTelegram

SECRET = "a-secret-of-the-webhook-0123456789"
# Tests say more in a second than a shopper may, and a busy machine is no slow bot.
LIMITS = ChannelSettings(
    message_rate=1_000,
    turn_deadline=60,
    turn_limit=60,
    notify_secret="secret-of-the-notices-in-the-tests",
)


def settings_for(fake: FakeTelegram, port: int, **others: Any) -> TelegramSettings:
    """Webhook by default."""
    return TelegramSettings(
        **{
            "telegram_token": TOKEN,
            "telegram_api_base": fake.url,
            "telegram_webhook_url": f"http://127.0.0.1:{port}",
            "telegram_secret": SECRET,
            **others,
        }
    )


def sentence(name: str, lang: str, channel: str, **values: Any) -> dict[str, Any]:
    """As `tests.fakes.agent.say`, with the menu of commands."""
    if name == "utter_commands":
        return {"custom": {"orders": f"orders in {lang}", "help": f"help in {lang}"}}
    return say(name, lang, channel, **values)


class House:
    """What a test needs: the fake, the agent, the server with the channel."""

    def __init__(self, fake: FakeTelegram, server: Server, channel: Telegram) -> None:
        self.fake, self.server, self.channel = fake, server, channel
        self.agent: ScriptedAgent = server.agent
        # Conversations whose customer was forgotten.
        self.unbound: list[str] = []
        self.shopper = fake.shopper

    @property
    def webhook(self) -> str:
        """Where updates are posted."""
        return f"{self.server.url}/webhooks/telegram/webhook"

    def post(self, body: Any, secret: str | None = SECRET, method: str = "POST") -> int:
        """A request as anybody can send it; returns the status."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if secret is not None:
            headers["X-Telegram-Bot-Api-Secret-Token"] = secret
        request = urllib.request.Request(
            self.webhook, data if method == "POST" else None, headers, method=method
        )
        return status_of(request)

    def notify(self, recipient: str, intent: str = "parcel_shipped") -> int:
        """The shop has news for a shopper."""
        body = json.dumps({"recipient": recipient, "intent": intent}).encode()
        secret = LIMITS.notify_secret
        headers = {"X-Xiaoer-Secret": secret, "Content-Type": "application/json"}
        address = f"{self.server.url}/webhooks/telegram/notify"
        return status_of(urllib.request.Request(address, body, headers, method="POST"))

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and content of the health page."""
        try:
            with urllib.request.urlopen(f"{self.server.url}/webhooks/telegram/") as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def settled(self, seconds: float = 60) -> None:
        """Waits until everything is delivered, answered and sent."""
        self.fake.wait(self.fake.quiet, seconds)
        idle = lambda: not len(self.channel._queues) and not len(self.channel.sender._queues)  # noqa: E731
        self.fake.wait(idle, seconds)


def status_of(request: urllib.request.Request) -> int:
    """The status of the answer, whatever it is."""
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@contextmanager
def house(
    folder: Path,
    fake: FakeTelegram,
    *,
    script: dict[str, Any] | None = None,
    clock: Clock | None = None,
    limits: ChannelSettings = LIMITS,
    state: State | None = None,
    port: int | None = None,
    ready: bool = True,
    wait: bool = True,
    **settings: Any,
) -> Iterator[House]:
    """A server with the channel; `wait` until Telegram knows it."""
    port = port or free_port()
    unbound: list[str] = []
    channel = Telegram(
        settings_for(fake, port, **settings),
        # Rather fast than at Telegram's pace, where a test does not measure it.
        clock=clock or FastClock(20),
        limits=limits,
        state=state or patient(SqliteState(folder / "state.db")),
        say=sentence,
        unbind=unbound.append,
    )
    with serve(channel, agent=ScriptedAgent(script, ready=ready), port=port) as server:
        made = House(fake, server, channel)
        made.unbound = unbound
        if wait:
            fake.wait(lambda: fake.webhook.get("url") or fake._polling)
            fake.wait(lambda: channel.me.username and len(fake.commands) == 2)
        yield made
