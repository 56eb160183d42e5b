from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp.web
import jsonschema
import pytest
import rasa
from rasa.core.actions.action import RemoteAction
from rasa.core.channels.channel import CollectingOutputChannel
from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import EndpointConfig

from bot import fixes


@pytest.fixture(autouse=True)
def applied() -> None:
    fixes.apply()


@asynccontextmanager
async def action_server(answer: Any, *, delay: float = 0) -> AsyncIterator[tuple[str, list[Any]]]:
    """A server that answers every action alike; yields its address and the requests' headers."""
    seen = []

    async def handle(request: aiohttp.web.Request) -> aiohttp.web.Response:
        seen.append(dict(request.headers))
        await asyncio.sleep(delay)
        return aiohttp.web.json_response(answer)

    app = aiohttp.web.Application()
    app.router.add_post("/webhook", handle)
    runner = aiohttp.web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield f"http://127.0.0.1:{port}/webhook", seen
    finally:
        await runner.cleanup()


async def run(url: str, name: str = "action_check_order") -> list[Any]:
    tracker = DialogueStateTracker.from_events("web:1", [])
    return await RemoteAction(name, EndpointConfig(url)).run(
        CollectingOutputChannel(),
        TemplatedNaturalLanguageGenerator({}),
        tracker,
        Domain.empty(),
    )


def test_the_corrections_are_made_for_the_rasa_we_run() -> None:
    assert rasa.__version__ == "3.6.21", "see whether each correction in bot/fixes.py still fits"


async def test_a_hung_action_server_costs_a_turn_its_budget_and_no_more() -> None:
    async with action_server({}, delay=5) as (url, _):
        fixes.action_deadline.set(time.monotonic() + 0.2)
        started = time.monotonic()
        for _ in range(3):
            # What Rasa's callers expect, unlike the bare timeout.
            with pytest.raises(RasaException):
                await run(url)
        assert time.monotonic() - started < 1


async def test_a_quick_action_server_is_heard() -> None:
    async with action_server({"events": [], "responses": [{"text": "hi"}]}) as (url, _):
        fixes.action_deadline.set(time.monotonic() + 5)
        (said,) = await run(url)
        assert said.text == "hi"


async def test_an_answer_that_is_no_answer_is_refused() -> None:
    async with action_server({"events": "none"}) as (url, _):
        with pytest.raises(jsonschema.ValidationError):
            await run(url)


def test_checking_an_answer_costs_next_to_nothing() -> None:
    answer = {"events": [{"event": "slot", "name": "size", "value": "XL"}], "responses": []}
    action = RemoteAction("action_check_order", None)

    def took(check: Any, times: int) -> float:
        started = time.perf_counter()
        for _ in range(times):
            check()
        return (time.perf_counter() - started) / times

    schema = RemoteAction.action_response_format_spec()
    rasas = took(lambda: jsonschema.validate(answer, schema), 5)
    ours = took(lambda: action._validate_action_result(answer), 50)
    assert ours < rasas / 5


async def test_the_action_server_is_found_by_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    async with action_server({}) as (url, seen):
        monkeypatch.setenv("XIAOER_ACTION_PORT", url.split(":")[2].split("/")[0])
        monkeypatch.setenv("XIAOER_SECRET", "s" * 32)
        await run("http://127.0.0.1:5055/webhook")
        assert seen[0]["X-Xiaoer-Secret"] == "s" * 32


async def test_an_action_server_elsewhere_stays_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XIAOER_ACTION_PORT", "1")
    async with action_server({}) as (url, seen):
        await run(url)
        assert len(seen) == 1


async def test_no_action_server_is_an_error_at_once() -> None:
    with pytest.raises(RasaException):
        await run("http://127.0.0.1:1/webhook")
