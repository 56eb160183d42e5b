"""The store of conversations on SQLite and PostgreSQL: the same checks on both."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rasa.core.agent import Agent
from rasa.core.tracker_store import (
    FailSafeTrackerStore,
    InMemoryTrackerStore,
    TrackerStore,
    check_if_tracker_store_async,
)
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from bot import fixes
from bot.tracker_store import ConversationStore, events
from shop.database import reading, writing
from shop.errors import Unavailable

DOMAIN = Domain.from_dict(
    {"intents": ["greet"], "slots": {"size": {"type": "text", "mappings": [{"type": "custom"}]}}}
)


def begin(tracker: DialogueStateTracker) -> None:
    """What Rasa adds to a tracker when a session begins."""
    for event in (
        ActionExecuted("action_session_start"),
        SessionStarted(),
        ActionExecuted("action_listen"),
    ):
        tracker.update(event, DOMAIN)


def say(tracker: DialogueStateTracker, *texts: str) -> None:
    for text in texts:
        tracker.update(UserUttered(text, {"name": "greet", "confidence": 0.9}), DOMAIN)


def texts(tracker: DialogueStateTracker | None) -> list[str | None]:
    assert tracker is not None
    return [event.text for event in tracker.events if isinstance(event, UserUttered)]


class StoreChecks:
    """Each test uses a sender of its own, since a database is shared by all of them."""

    async def test_a_conversation_comes_back_as_it_was(self, store: ConversationStore) -> None:
        tracker = await store.get_or_create_tracker("web:back", append_action_listen=False)
        begin(tracker)
        say(tracker, "你好 😊", "half of a character: \ud800, nul: \x00")
        tracker.update(SlotSet("size", "XL"), DOMAIN)
        await store.save(tracker)
        again = await store.retrieve("web:back")
        assert again is not None
        assert list(again.events) == list(tracker.events)
        assert again.get_slot("size") == "XL"

    async def test_nobody_has_no_conversation(self, store: ConversationStore) -> None:
        assert await store.retrieve("web:nobody") is None
        assert not await store.exists("web:nobody")

    async def test_only_what_is_new_is_added(self, store: ConversationStore) -> None:
        tracker = await store.get_or_create_tracker("web:new", append_action_listen=False)
        begin(tracker)
        await store.save(tracker)
        for text in ("one", "two"):
            tracker = await store.get_or_create_tracker("web:new")
            say(tracker, text)
            await store.save(tracker)
            await store.save(tracker)
        assert texts(await store.retrieve("web:new")) == ["one", "two"]

    async def test_a_tracker_that_another_made_is_not_stored_twice(
        self, store: ConversationStore
    ) -> None:
        tracker = await store.get_or_create_tracker("web:copy", append_action_listen=False)
        begin(tracker)
        say(tracker, "one")
        await store.save(tracker)
        copy = DialogueStateTracker.from_events("web:copy", list(tracker.events))
        say(copy, "two")
        await store.save(copy)
        assert texts(await store.retrieve("web:copy")) == ["one", "two"]

    async def test_a_new_session_hides_the_old_one_but_keeps_it(
        self, store: ConversationStore
    ) -> None:
        tracker = await store.get_or_create_tracker("web:sessions", append_action_listen=False)
        for text in ("before", "after"):
            begin(tracker)
            say(tracker, text)
            await store.save(tracker)
        now = await store.retrieve("web:sessions")
        assert texts(now) == ["after"]
        assert now is not None and now.events[0] == ActionExecuted("action_session_start")
        assert texts(await store.retrieve_full_tracker("web:sessions")) == ["before", "after"]

    async def test_a_clock_set_back_hides_nothing(self, store: ConversationStore) -> None:
        tracker = await store.get_or_create_tracker("web:clock", append_action_listen=False)
        begin(tracker)
        tracker.update(
            UserUttered("an hour ago", {"name": "greet"}, timestamp=time.time() - 3600), DOMAIN
        )
        await store.save(tracker)
        assert texts(await store.retrieve("web:clock")) == ["an hour ago"]

    async def test_overlapping_turns_lose_no_event(self, store: ConversationStore) -> None:
        tracker = await store.get_or_create_tracker("web:overlap", append_action_listen=False)
        begin(tracker)
        await store.save(tracker)
        one, two = [await store.retrieve("web:overlap") for _ in range(2)]
        assert one and two
        say(one, "one", "and more")
        say(two, "two")
        await store.save(one)
        await store.save(two)
        assert texts(await store.retrieve("web:overlap")) == ["one", "and more", "two"]

    async def test_erasing_leaves_nothing_of_one_and_all_of_another(
        self, store: ConversationStore
    ) -> None:
        for sender in ("web:gone", "web:stays"):
            tracker = await store.get_or_create_tracker(sender, append_action_listen=False)
            begin(tracker)
            say(tracker, "secret")
            await store.save(tracker)
        await store.erase("web:gone")
        assert await store.retrieve_full_tracker("web:gone") is None
        keys = set(await store.keys())
        assert "web:stays" in keys and "web:gone" not in keys

    @pytest.mark.parametrize(
        "damage", ['{"event": "user", "te', "null", '{"no": "event"}', "[]", '{"event": "slot"}']
    )
    async def test_a_damaged_row_costs_the_session_and_not_the_shopper(
        self, store: ConversationStore, damage: str
    ) -> None:
        sender = f"web:damage{abs(hash(damage))}"
        tracker = await store.get_or_create_tracker(sender, append_action_listen=False)
        begin(tracker)
        say(tracker, "before")
        await store.save(tracker)
        with writing(store._engine) as connection:
            last = sa.select(sa.func.max(events.c.id)).where(events.c.sender_id == sender)
            connection.execute(
                sa.update(events).where(events.c.id == last.scalar_subquery()).values(data=damage)
            )
        fresh = await store.get_or_create_tracker(sender, append_action_listen=False)
        begin(fresh)
        say(fresh, "after")
        await store.save(fresh)
        assert texts(await store.retrieve(sender)) == ["after"]

    async def test_others_hear_of_what_was_stored(self, store: ConversationStore) -> None:
        class Broker:
            published: list[Any] = []

            def publish(self, event: dict[str, Any]) -> None:
                self.published.append((event["sender_id"], event["event"]))

        store.event_broker = Broker()  # type: ignore[assignment]
        tracker = await store.get_or_create_tracker("web:broker", append_action_listen=False)
        say(tracker, "hi")
        await store.save(tracker)
        assert Broker.published == [("web:broker", "user")]


class TestOnSqlite(StoreChecks):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> ConversationStore:
        return ConversationStore(DOMAIN, host=f"sqlite:///{tmp_path}/folder/tracker.db")

    async def test_a_locked_file_fails_closed_and_loses_nothing(self, tmp_path: Path) -> None:
        store = ConversationStore(DOMAIN, host=f"sqlite:///{tmp_path}/t.db")
        tracker = await store.get_or_create_tracker("web:1", append_action_listen=False)
        begin(tracker)
        await store.save(tracker)
        lock = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        say(tracker, "while locked")
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await store.save(tracker)
        assert time.monotonic() - started < 2
        lock.execute("ROLLBACK")
        lock.close()
        await store.save(tracker)
        assert texts(await store.retrieve("web:1")) == ["while locked"]

    async def test_a_missing_file_fails_closed_and_is_not_made_anew(self, tmp_path: Path) -> None:
        store = ConversationStore(DOMAIN, host=f"sqlite:///{tmp_path}/t.db")
        tracker = await store.get_or_create_tracker("web:1", append_action_listen=False)
        begin(tracker)
        say(tracker, "before")
        await store.save(tracker)
        (tmp_path / "t.db").rename(tmp_path / "elsewhere.db")
        with pytest.raises(Unavailable):
            await store.retrieve("web:1")
        assert not (tmp_path / "t.db").exists()
        (tmp_path / "elsewhere.db").rename(tmp_path / "t.db")
        assert texts(await store.retrieve("web:1")) == ["before"]

    async def test_a_slow_database_does_not_hold_the_others(self, tmp_path: Path) -> None:
        store = ConversationStore(DOMAIN, host=f"sqlite:///{tmp_path}/t.db")
        store.patience = 0.1
        call = asyncio.ensure_future(store._run(lambda connection: time.sleep(0.5)))
        ticks = 0
        while not call.done():
            await asyncio.sleep(0.01)
            ticks += 1
        assert ticks > 5
        with pytest.raises(Unavailable):
            await call

    async def test_the_server_starts_although_the_folder_cannot_be_written(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        store = ConversationStore(DOMAIN, host=f"sqlite:///{tmp_path}/file/t.db")
        with pytest.raises(Unavailable):
            await store.retrieve("web:1")


class TestOnPostgres(StoreChecks):
    @pytest.fixture
    async def store(self, postgres_url: str) -> ConversationStore:
        return ConversationStore(DOMAIN, host=postgres_url)

    async def test_the_server_starts_without_the_database(self) -> None:
        store = ConversationStore(DOMAIN, host="postgresql://nobody@127.0.0.1:1/none")
        with pytest.raises(Unavailable):
            await store.retrieve("web:1")

    async def test_workers_that_start_at_once_on_an_empty_database_all_answer(
        self, postgres_url: str
    ) -> None:
        server = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT", future=True)
        url = server.url.set(database="empty").render_as_string(hide_password=False)
        with server.connect() as connection:
            connection.execute(sa.text("CREATE DATABASE empty"))
        server.dispose()
        stores = [ConversationStore(DOMAIN, host=url) for _ in range(8)]
        found = await asyncio.gather(*(store.retrieve("web:1") for store in stores))
        assert found == [None] * 8

    async def test_rasa_reads_the_same_table(self, postgres_url: str) -> None:
        store = ConversationStore(DOMAIN, host=postgres_url)
        tracker = await store.get_or_create_tracker("web:rasa", append_action_listen=False)
        begin(tracker)
        say(tracker, "hi")
        await store.save(tracker)
        with reading(store._engine) as connection:
            row = connection.execute(
                sa.select(events).where(
                    events.c.sender_id == "web:rasa", events.c.type_name == "user"
                )
            ).one()
        assert (row.intent_name, row.action_name) == ("greet", None)


async def test_rasa_makes_it_and_does_not_wrap_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixes.apply()
    monkeypatch.setenv("XIAOER_TRACKER_URL", f"sqlite:///{tmp_path}/t.db")
    store = TrackerStore.create(EndpointConfig(type="bot.tracker_store.ConversationStore"), DOMAIN)
    assert isinstance(store, ConversationStore)
    assert check_if_tracker_store_async(store)
    assert Agent(domain=DOMAIN, tracker_store=store).tracker_store is store
    assert isinstance(
        Agent(domain=DOMAIN, tracker_store=InMemoryTrackerStore(DOMAIN)).tracker_store,
        FailSafeTrackerStore,
    )
