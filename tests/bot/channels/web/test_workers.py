"""Two Sanic workers with Redis between them, as `SANIC_WORKERS=2` makes them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.bot.channels.web.page import Page, new_session
from tests.checks.channel import until
from tests.fakes import workers


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("workers")
    with workers.run(folder, workers=2, redis_url=redis_url) as address:
        yield address


@pytest.fixture
def tabs(url: str) -> Iterator[tuple[Page, Page]]:
    """Two tabs of one session, on different workers."""
    token = new_session(url)["token"]
    opened: dict[str, Page] = {}
    deadline = time.monotonic() + 60
    while len(opened) < 2 and time.monotonic() < deadline:
        tab = Page(url, token=token).connect()
        worker = worker_of(tab)
        if worker in opened:
            tab.leave()
        else:
            opened[worker] = tab
    assert len(opened) == 2, "both workers take connections"
    first, second = opened.values()
    yield first, second
    for tab in (first, second):
        tab.leave()


def worker_of(tab: Page) -> str:
    """The worker at the other end of a tab's socket."""
    question = f"pid for {uuid.uuid4().hex}"
    tab.type(question)
    tab.waits_for(f"{question}: ")
    (answer,) = (line for line in tab.heard() if line.startswith(question))
    return answer.rpartition(" ")[2]


def test_both_tabs_hear_whichever_worker_answers(tabs: tuple[Page, Page]) -> None:
    here, there = tabs
    here.type("from here")
    there.type("from there")
    for tab in tabs:
        tab.waits_for("echo from here", "echo from there")
    assert [entry["text"] for entry in there.of("user_uttered")][-1] == "from here"


def test_s5_a_message_sent_to_both_workers_is_taken_once(tabs: tuple[Page, Page]) -> None:
    with ThreadPoolExecutor(2) as pool:
        for number in range(10):
            message_id = f"both-{number}"
            list(pool.map(lambda tab, text=message_id: tab.type(text, message_id=text), tabs))
    here = tabs[0]
    here.type("last")
    here.waits_for("echo last")
    echoes = [line for line in here.heard() if line.startswith("echo both-")]
    assert sorted(echoes) == [f"echo both-{number}" for number in range(10)]


def test_5_4_13_a_session_closed_on_one_worker_is_closed_on_the_other(
    tabs: tuple[Page, Page],
) -> None:
    here, there = tabs
    assert here.call("start_over", {})["ok"]
    until(lambda: bool(there.of("session") and here.of("session")))
    assert there.of("session") == here.of("session")
    assert there.utter(text="late") == {"ok": False, "error": "token"}
