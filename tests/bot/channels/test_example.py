"""The channel that docs/new-channel.md builds, as it stands there, passes the shared checks."""

from __future__ import annotations

import json
import re
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests

from bot.channels.base import Channel
from bot.channels.state import SqliteState
from tests.checks.channel import ChannelChecks, Shopper
from tests.fakes.agent import ScriptedAgent, say
from tests.fakes.server import Server, serve

DOCUMENT = Path(__file__).parents[3] / "docs/new-channel.md"
SECRET = "d" * 32


def example() -> ModuleType:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    module = ModuleType("desk")
    sys.modules["desk"] = module  # dataclasses look their module up
    exec(compile(code, "docs/new-channel.md", "exec"), module.__dict__)
    return module


class DeskPlatform:
    """Desk's API: keeps what was sent to whom."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.fails = False
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(500 if platform.fails else 200)
                self.send_header("content-length", "0")
                self.end_headers()
                if not platform.fails:
                    platform.sent.append(json.loads(body))

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/messages"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class DeskUser(Shopper):
    def __init__(self, server: Server, platform: DeskPlatform, name: str) -> None:
        self.name, self.platform = name, platform
        self.sender_id = f"desk:{name}"
        self.url = f"{server.url}/webhooks/desk/webhook"

    def type(self, text: str, *, message_id: str = "") -> None:
        self._send({"text": text}, message_id)

    def tap(self, title: str) -> None:
        buttons = [b for m in self._messages() for b in m["buttons"] if b["title"] == title]
        self._send({"pressed": buttons[-1]["id"]}, "")

    def heard(self) -> list[str]:
        return [
            line
            for message in self._messages()
            for line in [*message["text"].split("\n"), *(b["title"] for b in message["buttons"])]
        ]

    def _messages(self) -> list[dict[str, Any]]:
        return [message for message in self.platform.sent if message["to"] == self.name]

    def _send(self, event: dict[str, Any], message_id: str) -> None:
        event = {"from": self.name, "id": message_id or uuid.uuid4().hex, **event}
        answer = requests.post(self.url, json=event, headers={"Desk-Secret": SECRET})
        assert answer.status_code == 200


class TestDesk(ChannelChecks):
    @pytest.fixture(autouse=True)
    def platform(self) -> Iterator[None]:
        self.desk = DeskPlatform()
        yield
        self.desk.server.shutdown()
        self.desk.server.server_close()

    def make(self, folder: Path, **options: Any) -> Channel:
        module = example()
        channel: Channel = module.Desk(
            module.DeskSettings(self.desk.url, SECRET), unbind=lambda sender: None, **options
        )
        return channel

    def make_disabled(self, folder: Path, **options: Any) -> Channel:
        channel: Channel = example().Desk(**options)
        return channel

    @contextmanager
    def shopper(self, server: Server, name: str) -> Iterator[Shopper]:
        yield DeskUser(server, self.desk, name)

    @contextmanager
    def sending_fails(self, channel: Channel) -> Iterator[None]:
        self.desk.fails = True
        yield
        self.desk.fails = False

    def secrets(self, channel: Channel) -> list[str]:
        return [*super().secrets(channel), SECRET]


@pytest.mark.parametrize(
    "body, headers, status",
    [
        (b'{"from": "a", "id": "1", "text": "x"}', {}, 403),
        (b'{"from": "a", "id": "1", "text": "x"}', {"Desk-Secret": "wrong"}, 403),
        (b"no json", {"Desk-Secret": SECRET}, 400),
        (b"[]", {"Desk-Secret": SECRET}, 400),
        (b"x" * 70_000, {"Desk-Secret": SECRET}, 413),
    ],
)
def test_only_desk_may_deliver(
    body: bytes, headers: dict[str, str], status: int, tmp_path: Path
) -> None:
    module, agent = example(), ScriptedAgent()
    channel = module.Desk(
        module.DeskSettings("http://127.0.0.1:1", SECRET),
        state=SqliteState(tmp_path / "s.db"),
        say=say,
    )
    with serve(channel, agent=agent) as server:
        url = f"{server.url}/webhooks/desk/webhook"
        assert requests.post(url, data=body, headers=headers).status_code == status
        assert agent.said == []
