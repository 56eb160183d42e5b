"""The shared state is away for a while: nothing is lost, and nobody waits for nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from rasa.core.channels.channel import UserMessage

from bot.channels.state import RedisState, SqliteState
from shop.errors import Unavailable
from tests.bot.channels.web.conftest import Start
from tests.bot.channels.web.page import BASE, page, refusal
from tests.checks.channel import patient, until
from tools import services


class FlakyState(SqliteState):
    """A file that cannot be reached while `down`."""

    down = False
    # Does what it is asked to, and says so too late.
    late = False
    # Takes marks, but nothing into its lists.
    full = False

    async def first(self, owner: str, name: str, *, ttl: float) -> bool:
        won = await super().first(owner, name, ttl=ttl)
        if self.late:
            raise Unavailable("the disk is slow")
        return won

    async def append(self, owner: str, name: str, value: Any, *, keep: int, ttl: float) -> int:
        if self.full:
            raise Unavailable("the disk is full")
        return await super().append(owner, name, value, keep=keep, ttl=ttl)

    async def _run(self, work: Callable[[Any], Any]) -> Any:
        if self.down:
            raise Unavailable("the disk is away")
        return await super()._run(work)


@pytest.fixture
def state(tmp_path: Path) -> FlakyState:
    return patient(FlakyState(tmp_path / "state.db"))


def test_a_message_is_not_taken_and_may_be_sent_again(start: Start, state: FlakyState) -> None:
    server = start(state=state)
    with page(server.url) as tab:
        state.down = True
        refused = tab.utter(id="m1", text="hello")
        assert refused["ok"] is False and refused["error"] == "unavailable"
        assert refused["retry_after"] > 0
        state.down = False
        assert tab.utter(id="m1", text="hello")["ok"]
        tab.waits_for("echo hello")
        assert server.agent.texts() == ["hello"]


@pytest.mark.parametrize("fault", ["late", "full"])
def test_a_message_that_was_marked_but_not_taken_may_be_sent_again(
    start: Start, state: FlakyState, fault: str
) -> None:
    server = start(state=state)
    with page(server.url) as tab:
        setattr(state, fault, True)
        assert tab.utter(id="m1", text="hello")["error"] == "unavailable"
        setattr(state, fault, False)
        assert "seq" in tab.utter(id="m1", text="hello")
        tab.waits_for("echo hello")
        assert server.agent.texts() == ["hello"]


def test_an_answer_is_heard_although_it_cannot_be_kept(start: Start, state: FlakyState) -> None:
    async def answer(message: UserMessage) -> None:
        state.down = True
        buttons = [{"title": "Blue", "payload": "/blue"}]
        response = {"text": "Which?", "buttons": buttons}
        await message.output_channel.send_response(message.sender_id, response)

    server = start({"ask": answer}, state=state)
    with page(server.url) as tab:
        tab.type("ask")
        tab.waits_for("Which?")
        said = tab.of("bot_uttered")[-1]
        # A button without a key would do nothing, so there is none.
        assert said["seq"] is None and said["items"][0]["options"] == []


def test_nobody_connects_and_everybody_may_try_again(
    start: Start, state: FlakyState, caplog: pytest.LogCaptureFixture
) -> None:
    server = start(state=state)
    with page(server.url) as tab:
        state.down = True
        assert refusal(server.url, token=tab.token) == "unavailable"
        answer = requests.post(f"{server.url}{BASE}/session")
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
        assert tab.call("erase", {})["error"] == "unavailable"
        state.down = False
        assert requests.post(f"{server.url}{BASE}/session").status_code == 200
    assert "Traceback" not in caplog.text


def test_what_could_not_be_erased_is_said(start: Start, state: FlakyState) -> None:
    server = start(state=state)
    erase = server.agent.erase

    async def fail(sender_id: str) -> None:
        raise Unavailable("the database is down")

    server.agent.erase = fail
    with page(server.url) as tab:
        assert tab.call("erase", {})["ok"]
        until(lambda: bool(tab.of("error")))
        assert tab.of("error")[0]["error"] == "unavailable" and tab.of("session") == []
        server.agent.erase = erase
        assert tab.call("erase", {})["ok"]
        until(lambda: bool(tab.of("session")))
        assert tab.of("session")


def test_s11_without_redis_the_server_comes_up_and_the_chat_with_redis(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    port = services.free_port()
    url = f"redis://127.0.0.1:{port}/0"
    server = start(redis_url=url, state=RedisState(url))
    assert requests.get(f"{server.url}{BASE}/").status_code == 200
    assert requests.post(f"{server.url}{BASE}/session").status_code == 503
    with services.redis(port):
        until(lambda: requests.post(f"{server.url}{BASE}/session").status_code == 200)
        with page(server.url) as tab:
            tab.type("hello")
            tab.waits_for("echo hello")
    assert "Traceback" not in caplog.text
