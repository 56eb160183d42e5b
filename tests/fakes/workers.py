"""The web channel with a scripted agent in processes of their own, one or several.

    python -m tests.fakes.workers --port 20001 --folder /tmp/x --workers 2 --redis redis://… \
        --database postgresql://…

What begins with `pid` is answered with the number of the worker that had the turn, `ask` with a
button, anything else is echoed. With a database, which must hold the shop's tables, accounts and
conversations are the real ones in it. Rasa's REST channel is beside it, for comparison.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from rasa.core.channels.channel import UserMessage, register
from rasa.core.channels.rest import RestInput
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from sanic import Sanic

from bot.channels.base import ChannelSettings
from bot.channels.state import RedisState, SqliteState
from bot.channels.web.connector import WebChat, WebSettings
from bot.lock_store import ConversationLocks
from bot.tracker_store import ConversationStore
from shop.settings import ShopSettings
from tests.bot.channels.web.page import SECRET, ToyAccounts
from tests.checks.channel import NOTIFY_SECRET
from tests.fakes.agent import ScriptedAgent, say
from tests.fakes.server import free_port

ROOT = Path(__file__).parents[2]


DOMAIN = Domain.from_dict({"intents": ["said"]})
ASK = {"text": "Which?", "buttons": [{"title": "Blue", "payload": "/blue"}]}


class Agent(ScriptedAgent):
    """As the scripted one; tells its process, and keeps conversations where there is a store."""

    store: ConversationStore | None = None

    async def default(self, message: UserMessage) -> None:
        text = message.text or ""
        said = {"text": f"{text}: {os.getpid()}" if text.startswith("pid") else f"echo {text}"}
        said = ASK if text == "ask" else said
        if self.store:
            tracker = await self.store.get_or_create_tracker(message.sender_id)
            tracker.update(UserUttered(text, {"name": "said", "confidence": 1.0}), DOMAIN)
            await self.store.save(tracker)
        await message.output_channel.send_response(message.sender_id, said)

    async def erase(self, sender_id: str) -> None:
        if self.store:
            await self.store.erase(sender_id)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--redis", default="")
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    agent = Agent()
    # As Rasa's agent does; over several processes it is Redis that keeps turns apart.
    agent.lock_store = ConversationLocks(redis_url=given.redis)
    agent.lock = agent.lock_store.lock
    shop = ShopSettings(secret=SECRET, database_url=given.database or "sqlite:///missing.db")
    if given.database:
        agent.store = ConversationStore(DOMAIN, host=given.database)
    channel = WebChat(
        # Raised: all load comes from one address, faster than people type.
        WebSettings(web_sessions_a_minute=10**6, web_messages_a_minute=10**6, uploads=given.folder),
        shop,
        None if given.database else ToyAccounts(),
        redis_url=given.redis,
        limits=ChannelSettings(
            message_rate=1000.0, message_burst=100, message_queue=100, notify_secret=NOTIFY_SECRET
        ),
        state=RedisState(given.redis) if given.redis else SqliteState(given.folder / "state.db"),
        say=say,
    )
    app = Sanic("workers", configure_logging=False)
    app.ctx.agent = agent
    register([channel, RestInput()], app, route="/webhooks/")
    app.run(host="127.0.0.1", port=given.port, workers=given.workers, access_log=False)


@contextmanager
def run(
    folder: Path,
    *,
    workers: int = 1,
    redis_url: str = "",
    database_url: str = "",
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[str]:
    """The processes; yields their address. At the end they get the signal, and must end well."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "tests.fakes.workers"]
    command += ["--port", str(port), "--folder", str(folder), "--workers", str(workers)]
    command += ["--redis", redis_url, "--database", database_url]
    server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, server)
        yield url
    finally:
        server.send_signal(stop)
        assert server.wait(60) == 0


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        try:
            if requests.get(f"{url}/webhooks/webchat/").status_code == 200:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise TimeoutError("the server does not answer")


if __name__ == "__main__":
    main()
