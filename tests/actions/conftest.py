"""Actions on a real sample shop: what was said, by name and values, and which slots were set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import base
from tests.servers import fill_shop


@dataclass
class Answer:
    """What an action said and remembered."""

    said: list[tuple[str, dict[str, Any]]]
    slots: dict[str, Any]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.said]

    @property
    def values(self) -> dict[str, Any]:
        (only,) = self.said
        return only[1]


class Chat:
    """One conversation; slots go on from turn to turn as the Rasa server would keep them."""

    def __init__(self, sender_id: str = "web:test") -> None:
        self.sender_id = sender_id
        self.slots: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []

    async def __call__(
        self,
        action: base.ShopAction,
        text: str,
        intent: str = "inform",
        *,
        ranking: tuple[str, ...] = (),
        metadata: dict[str, Any] | None = None,
        **entities: str,
    ) -> Answer:
        """One message of the shopper, already understood, and the action that a rule chose."""
        message = {
            "text": text,
            "intent": {"name": intent},
            "intent_ranking": [{"name": name} for name in ranking],
            "entities": [
                {
                    "entity": name,
                    "value": value,
                    "start": max(text.find(value), 0),
                    "end": max(text.find(value), 0) + len(value),
                }
                for name, value in entities.items()
            ],
            "metadata": {"typed": not text.startswith("/"), **(metadata or {})},
        }
        self.events.append({"event": "user", "text": text, "metadata": message["metadata"]})
        tracker = Tracker(
            self.sender_id, self.slots, message, self.events, False, None, {}, "action_listen"
        )
        dispatcher = CollectingDispatcher()
        events = await action.run(dispatcher, tracker, {})
        slots = {event["name"]: event["value"] for event in events}
        self.slots.update(slots)
        said = [(one["response"], one["values"]) for one in dispatcher.messages]
        json.dumps(said), json.dumps(slots)  # as it goes to the Rasa server
        return Answer(said, slots)

    def sign_in(self, situation: str) -> None:
        """As a sample customer."""
        known = {s.situation: s.customer.id for s in base.shop().sample_customers()}
        base.identity().bind(self.sender_id, known[situation])


@pytest.fixture
def database(tmp_path, monkeypatch):
    """A sample shop of its own; yields the file."""
    file = fill_shop(tmp_path)
    monkeypatch.setenv("XIAOER_DATABASE_URL", f"sqlite:///{file}")
    monkeypatch.setenv("XIAOER_SECRET", "s" * 32)
    # The first search reads the index: on a busy machine longer than a shopper would wait.
    monkeypatch.setattr(base, "WORK_TIMEOUT_S", 60.0)
    caches = (base.shop, base.identity)
    for cache in caches:
        cache.cache_clear()
    yield file
    base.shop().engine.dispose()
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def chat(database):
    return Chat()
