"""What hangs on shared state, on two Sanic workers as `SANIC_WORKERS=2` makes them.

Redis lies between them, and accounts and conversations are in PostgreSQL.
"""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from rasa.shared.core.events import UserUttered

from bot.tracker_store import ConversationStore
from shop import schema
from shop.database import open_engine, writing
from shop.identity import Identity
from shop.settings import ShopSettings
from tests.bot.channels.web.page import BASE, SECRET, Page, new_session, page
from tests.bot.channels.web.test_photos import picture
from tests.checks.channel import NOTIFY_SECRET, PATIENCE, until
from tests.checks.toy_shop import CUSTOMERS
from tests.fakes import workers
from tests.shop.conftest import load_toy


@pytest.fixture(scope="module")
def database(postgres_url: str) -> str:
    """A PostgreSQL with the toy shop in it, and a table for conversations."""
    engine = open_engine(ShopSettings(database_url=postgres_url))
    with writing(engine) as connection:
        schema.metadata.drop_all(connection)
        schema.metadata.create_all(connection)
    load_toy(engine)
    engine.dispose()
    conversation(postgres_url, "web:nobody")
    return postgres_url


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, redis_url: str, database: str) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("workers")
    with workers.run(folder, workers=2, redis_url=redis_url, database_url=database) as address:
        yield address


def conversation(database: str, sender_id: str) -> list[str]:
    """What the database holds of a shopper's side."""

    async def look() -> list[str]:
        store = ConversationStore(workers.DOMAIN, host=database)
        store.patience = PATIENCE
        tracker = await store.retrieve_full_tracker(sender_id)
        store._engine.dispose()
        events = tracker.events if tracker else ()
        return [event.text for event in events if isinstance(event, UserUttered)]

    return asyncio.run(look())


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


def test_s3_what_both_workers_take_is_stored_once_each_and_in_order(
    tabs: tuple[Page, Page], database: str
) -> None:
    def chat(tab: Page, name: str) -> list[str]:
        said = [f"{name} {number:02}" for number in range(20)]
        for text in said:
            tab.type(text)
        return said

    with ThreadPoolExecutor(2) as pool:
        sent = list(pool.map(chat, tabs, ("here", "there")))
    for tab in tabs:
        tab.waits_for("echo here 19", "echo there 19")
    stored = conversation(database, tabs[0].sender_id)
    for name, texts in zip(("here", "there"), sent, strict=True):
        assert [text for text in stored if text.startswith(name)] == texts


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


def test_5_4_03_5_4_12_a_sign_in_counts_on_both_workers_and_its_token_once(
    tabs: tuple[Page, Page], url: str, database: str
) -> None:
    here, there = tabs
    engine = open_engine(ShopSettings(database_url=database))
    identity = Identity(engine, secret=SECRET)
    customer = CUSTOMERS[0]
    token = identity.issue(customer.id)
    assert here.call("sign_in", {"token": token})["name"]["en"] == customer.name.en
    until(lambda: bool(there.of("identity")))
    assert there.of("identity")[0]["name"]["zh"] == customer.name.zh
    assert identity.customer_of(here.sender_id) == customer.id
    assert there.call("sign_in", {"token": token}) == {"ok": False, "error": "token_used"}
    for _ in range(4):
        with page(url, token=here.token) as reloaded:
            assert reloaded.of("ready")[0]["name"]["en"] == customer.name.en
    engine.dispose()


def test_5_4_08_a_button_works_on_either_worker_and_once(tabs: tuple[Page, Page]) -> None:
    here, there = tabs
    here.type("ask")
    for tab in tabs:
        tab.waits_for("Which?")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda tab: tab.tap("Blue"), tabs))
    here.waits_for("echo /blue", "echo Blue")
    there.type("last")
    there.waits_for("echo last")
    # The later one is understood as what the button said.
    assert [line for line in there.heard() if "blue" in line.lower()][1:] in (
        ["echo /blue", "echo Blue"],
        ["echo Blue", "echo /blue"],
    )


def test_5_4_11_what_came_while_away_is_replayed_by_any_worker(
    tabs: tuple[Page, Page], url: str
) -> None:
    here, there = tabs
    here.type("before")
    for tab in tabs:
        tab.waits_for("echo before")
    seen = max(entry["seq"] for entry in here.entries())
    here.leave()
    there.type("meanwhile")
    there.waits_for("echo meanwhile")
    for _ in range(4):
        with page(url, token=here.token, last_seq=seen) as back:
            said = [entry["seq"] for entry in back.of("ready")[0]["entries"]]
            assert said == [seen + 1, seen + 2]
            assert back.heard() == ["echo meanwhile"]


def test_5_4_13_erasing_on_one_worker_erases_for_both(
    tabs: tuple[Page, Page], database: str, url: str
) -> None:
    here, there = tabs
    here.type("my secret")
    there.waits_for("echo my secret")
    assert "my secret" in conversation(database, here.sender_id)
    assert there.call("erase", {})["ok"]
    until(lambda: bool(here.of("session") and there.of("session")))
    assert conversation(database, here.sender_id) == []
    assert here.utter(text="late") == {"ok": False, "error": "token"}
    with page(url, token=here.of("session")[0]["token"]) as fresh:
        assert not any("secret" in line for line in fresh.heard())


def test_5_4_15_news_reach_the_page_through_whichever_worker_is_told(
    tabs: tuple[Page, Page], url: str
) -> None:
    body = {"recipient": tabs[0].sender_id, "intent": "parcel_shipped"}
    before = [len(tab.heard()) for tab in tabs]
    # Each over a connection of its own, so that both workers get some.
    for _ in range(8):
        headers = {"X-Xiaoer-Secret": NOTIFY_SECRET, "Connection": "close"}
        answer = requests.post(f"{url}{BASE}/notify", json=body, headers=headers)
        assert answer.status_code == 202
    for tab, known in zip(tabs, before, strict=True):
        until(lambda tab=tab, known=known: len(tab.heard()) >= known + 8)  # type: ignore[misc]
        assert tab.heard()[known:] == ["news: parcel_shipped"] * 8


def test_a_photo_given_to_one_worker_is_known_to_both(tabs: tuple[Page, Page], url: str) -> None:
    headers = {"Authorization": f"Bearer {tabs[0].token}"}
    photo = requests.post(f"{url}{BASE}/photo", data=picture(), headers=headers).json()["photo"]
    for tab in tabs:
        assert tab.utter(type="photo", photo=photo)["ok"]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_s14_a_server_that_is_stopped_says_nothing_of_lost_tasks(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], sign: signal.Signals
) -> None:
    with workers.run(tmp_path, stop=sign) as url:
        transports: tuple[tuple[str, ...], ...] = (("websocket",), ("websocket",), ("polling",))
        tabs = [Page(url).connect(transports=transport) for transport in transports]
        for tab in tabs:
            tab.type("hello")
            tab.waits_for("echo hello")
    for tab in tabs:
        tab.leave()
    said = "".join(capfd.readouterr())
    for trouble in ("Traceback", "destroyed but it is pending", "never retrieved", "never awaited"):
        assert trouble not in said
