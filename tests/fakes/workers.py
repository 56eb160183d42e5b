"""The web channel with a scripted agent in processes of their own, one or several.

    python -m tests.fakes.workers --port 20001 --folder /tmp/x --workers 2 --redis redis://…

What begins with `pid` is answered with the number of the worker that had the turn, anything else is
echoed. Rasa's REST channel is beside it, for comparison.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from rasa.core.channels.channel import UserMessage, register
from rasa.core.channels.rest import RestInput
from sanic import Sanic

from bot.channels.base import ChannelSettings
from bot.channels.state import RedisState, SqliteState
from bot.channels.web.connector import WebChat, WebSettings
from bot.lock_store import ConversationLocks
from shop.settings import ShopSettings
from tests.bot.channels.web.page import SECRET, ToyAccounts
from tests.fakes.agent import ScriptedAgent, say
from tests.fakes.server import free_port

ROOT = Path(__file__).parents[2]


class Agent(ScriptedAgent):
    """As the scripted one, and tells its process."""

    async def default(self, message: UserMessage) -> None:
        told = f": {os.getpid()}" if (message.text or "").startswith("pid") else ""
        said = {"text": f"{message.text}{told}" if told else f"echo {message.text}"}
        await message.output_channel.send_response(message.sender_id, said)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--redis", default="")
    given = parser.parse_args()
    agent = Agent()
    # As Rasa's agent does; over several processes it is Redis that keeps turns apart.
    agent.lock_store = ConversationLocks(redis_url=given.redis)
    agent.lock = agent.lock_store.lock
    channel = WebChat(
        # Raised: all load comes from one address, faster than people type.
        WebSettings(web_sessions_a_minute=10**6, web_messages_a_minute=10**6, uploads=given.folder),
        ShopSettings(secret=SECRET),
        ToyAccounts(),
        redis_url=given.redis,
        limits=ChannelSettings(message_rate=1000.0, message_burst=100),
        state=RedisState(given.redis) if given.redis else SqliteState(given.folder / "state.db"),
        say=say,
    )
    app = Sanic("workers", configure_logging=False)
    app.ctx.agent = agent
    register([channel, RestInput()], app, route="/webhooks/")
    app.run(host="127.0.0.1", port=given.port, workers=given.workers, access_log=False)


@contextmanager
def run(folder: Path, *, workers: int = 1, redis_url: str = "") -> Iterator[str]:
    """The processes; yields their address."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "tests.fakes.workers"]
    command += ["--port", str(port), "--folder", str(folder), "--workers", str(workers)]
    server = subprocess.Popen(
        [*command, "--redis", redis_url], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(60)


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
