from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.channels.base import ChannelSettings
from bot.channels.state import SqliteState
from bot.channels.web.connector import WebChat, WebSettings
from shop.settings import ShopSettings
from tests.bot.channels.web.page import SECRET, ToyAccounts
from tests.checks.channel import PATIENCE, patient
from tests.fakes.agent import ScriptedAgent, say
from tests.fakes.server import Server, serve

Start = Callable[..., Server]
# A machine that is busy elsewhere must not look like a bot that is slow.
GENEROUS: dict[str, Any] = {"message_rate": 1000.0, "turn_deadline": PATIENCE}


@pytest.fixture
def accounts() -> ToyAccounts:
    return ToyAccounts()


@pytest.fixture
def start(tmp_path: Path, accounts: ToyAccounts) -> Iterator[Start]:
    """Starts servers with the web channel, that share one folder.

    Keywords are settings of the channel (`web_…`, `photo_…`, `uploads`), of the shop (`demo`,
    `host`, `pictures`) or limits; `state`, `port` and `redis_url` are what they are.
    """
    with ExitStack() as servers:

        def start_one(
            script: dict[str, Any] | None = None,
            *,
            agent: ScriptedAgent | None = None,
            state: Any = None,
            port: int | None = None,
            redis_url: str = "",
            **settings: Any,
        ) -> Server:
            groups: list[dict[str, Any]] = []
            for cls in (WebSettings, ShopSettings, ChannelSettings):
                names = [n for n in settings if n in cls.__dataclass_fields__]  # type: ignore[attr-defined]
                groups.append({name: settings.pop(name) for name in names})
            assert not settings, f"unknown settings {settings}"
            web, shop, limits = groups
            channel = WebChat(
                WebSettings(**{"uploads": tmp_path / "uploads", **web}),
                ShopSettings(**{"secret": SECRET, **shop}),
                accounts,
                redis_url=redis_url,
                limits=ChannelSettings(**{**GENEROUS, **limits}),
                state=state or patient(SqliteState(tmp_path / "state.db")),
                say=say,
            )
            agent = agent or ScriptedAgent(script)
            return servers.enter_context(serve(channel, agent=agent, port=port))

        yield start_one
