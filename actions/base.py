"""The ground of all actions: one turn of a conversation, and what every action does alike.

An action does the work, remembers what later turns need in slots, and names the responses to say;
the words are YAML. Its class `ActionCheckOrder` is `action_check_order` in the domain, and `work`
is all it has to write.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from shop.backend import ShopBackend
from shop.database import open_engine
from shop.errors import NotAllowed, NotSignedIn, ShopError
from shop.identity import IN_A_GROUP, Identity
from shop.models import Language
from shop.settings import ShopSettings, read
from shop.sql import open_shop
from shop.text.language import Turn as TypedTurn
from shop.text.language import of_conversation
from shop.text.request import Request, understand
from shop.text.words import shop_words

logger = logging.getLogger(__name__)

# Less than what the Rasa server waits for us, so that the shopper hears our own apology.
WORK_TIMEOUT_S = 4.0


class Turn:
    """What the shopper said, who they are, and what is answered; filled while an action works."""

    def __init__(self, tracker: Tracker) -> None:
        message = tracker.latest_message
        self.sender_id: str = tracker.sender_id
        self.intent: str = message.get("intent", {}).get("name") or ""
        self.entities: list[dict[str, Any]] = message.get("entities") or []
        self.text: str = message.get("text") or "" if _typed(message) else ""
        # What the channel tells of the message.
        self.metadata: Mapping[str, Any] = message.get("metadata") or {}
        self.slots: dict[str, Any] = dict(tracker.slots)
        self.ranking: list[dict[str, Any]] = message.get("intent_ranking") or []
        self.lang = _language(tracker)
        self.responses: list[tuple[str, dict[str, Any]]] = []
        # Whatever was asked before is answered or left behind, unless this action asks again.
        self._slots_set: dict[str, Any] = {"asked": None}

    def entity(self, name: str) -> str | None:
        """The value of the first entity of this name."""
        return next((str(e["value"]) for e in self.entities if e.get("entity") == name), None)

    def customer_id(self) -> int:
        """The customer bound to this conversation.

        Raises:
            NotAllowed: with reason group: others read along.
            NotSignedIn, Unavailable
        """
        if IN_A_GROUP.fullmatch(self.sender_id):
            raise NotAllowed("group")
        customer_id = identity().customer_of(self.sender_id)
        if customer_id is None:
            raise NotSignedIn(f"{self.intent} needs a customer")
        return customer_id

    def visitor_id(self) -> int | None:
        """The customer bound to this conversation, None for a visitor. Raises: Unavailable."""
        return identity().customer_of(self.sender_id)

    def meaning(self) -> str:
        """Intent and entities as they stand after the `/` in the payload of a button."""
        entities = {each["entity"]: str(each["value"]) for each in reversed(self.entities)}
        return self.intent + (json.dumps(entities, ensure_ascii=False) if entities else "")

    def request(self) -> Request:
        """What the message asks for, with prices, dates, colours and the like resolved."""
        return understand(
            self.text,
            self.entities,
            now=datetime.now(timezone.utc),
            words=shop_words(),
            zone=read(ShopSettings).timezone,
        )

    def say(self, response: str, **values: Any) -> None:
        """Answer with a response; `values` (plain JSON) are what its placeholders stand for."""
        self.responses.append((response, values))

    def remember(self, **slots: Any) -> None:
        """Set slots for later turns."""
        self._slots_set.update(slots)

    def events(self) -> list[EventType]:
        """The slots as events for the Rasa server."""
        return [SlotSet(name, value) for name, value in self._slots_set.items()]


class ShopAction(Action):
    """An action on the shop."""

    def name(self) -> str:
        """`action_check_order` for the class `ActionCheckOrder`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()

    @abstractmethod
    def work(self, turn: Turn) -> None:
        """Do it; may block, runs in a thread. A `ShopError` becomes a response."""

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[EventType]:
        """See the parent class."""
        turn = Turn(tracker)
        try:
            await asyncio.wait_for(asyncio.to_thread(self.work, turn), WORK_TIMEOUT_S)
        except NotSignedIn:
            turn.responses = [("utter_sign_in", {"again": turn.meaning()})]
        except (ShopError, asyncio.TimeoutError) as error:
            if isinstance(error, NotAllowed) and error.reason == "group":
                private_chat = turn.metadata.get("private_chat", "")
                turn.responses = [("utter_private", {"link": private_chat})]
            else:
                logger.error("%s: %s: %s", self.name(), type(error).__name__, error)
                turn.responses = [("utter_unavailable", {})]
        except Exception as error:  # a shopper hears an apology, whatever went wrong
            logger.exception("%s failed: %s", self.name(), type(error).__name__)
            turn.responses = [("utter_apology", {})]
        for response, values in turn.responses:
            dispatcher.utter_message(response=response, values=values)
        return turn.events()


@lru_cache(maxsize=1)
def shop() -> ShopBackend:
    """The shop of this process; it connects when first asked."""
    return open_shop(read(ShopSettings))


@lru_cache(maxsize=1)
def identity() -> Identity:
    """Who speaks in which conversation."""
    settings = read(ShopSettings)
    return Identity.open(open_engine(settings), settings)


def _typed(message: Mapping[str, Any]) -> bool:
    metadata = message.get("metadata") or {}
    return bool(metadata.get("typed", not str(message.get("text") or "").startswith("/")))


def _language(tracker: Tracker) -> Language:
    users = (event for event in tracker.events if event.get("event") == "user")
    turns = [
        TypedTurn(
            text=event.get("text") if _typed(event) else None,
            lang=(event.get("metadata") or {}).get("lang"),
        )
        for event in users
    ]
    said = of_conversation(turns, default=read(ShopSettings).default_language)
    return "en" if said == "en" else "zh"
