"""Conversations in an SQL database, SQLite or PostgreSQL: a store that fails closed.

Rasa's own store ends the process for some texts, freezes the server while the database does, and
its wrapper lets the bot go on without memory. This one does its work in threads within a time
limit and raises `Unavailable`, so that the channel can apologize and nothing is half done. The
table is Rasa's. `endpoints.yml`:

    tracker_store:
      type: bot.tracker_store.ConversationStore
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import sqlalchemy as sa
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import ACTION_SESSION_START_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.engine import Connection

from shop.database import open_engine, reading, sqlite_file, writing
from shop.errors import Unavailable
from shop.settings import ShopSettings, read, refuse

logger = logging.getLogger(__name__)

T = TypeVar("T")

_metadata = sa.MetaData()
# As Rasa's SQLTrackerStore makes it, so its tools can read it.
events = sa.Table(
    "events",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sender_id", sa.String(255), nullable=False, index=True),
    sa.Column("type_name", sa.String(255), nullable=False),
    sa.Column("timestamp", sa.Float),
    sa.Column("intent_name", sa.String(255)),
    sa.Column("action_name", sa.String(255)),
    sa.Column("data", sa.Text),
)

# On a tracker: how many of its events are stored.
_STORED = "stored_events"


@dataclass(frozen=True)
class TrackerSettings:
    """Where conversations are kept."""

    # SQLite file (relative to the working folder) or postgresql://user:password@host/name.
    tracker_url: str = field(default="sqlite:///var/tracker.db", repr=False)

    def __post_init__(self) -> None:
        if not self.tracker_url.startswith(("sqlite:///", "postgresql")):
            refuse(self, "tracker_url", "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")


class ConversationStore(TrackerStore):
    """See the module."""

    # Read by `bot.fixes`: no fail-safe wrapper that goes on without memory.
    fails_closed = True
    # Seconds after which the database counts as not answering.
    patience = 3.0
    # Also how many threads a frozen database can hold; other shoppers hear an apology meanwhile.
    threads = 4

    def __init__(
        self,
        domain: Domain | None = None,
        event_broker: EventBroker | None = None,
        host: str | None = None,
        **kwargs: Any,
    ) -> None:
        """As Rasa makes it from endpoints.yml; `host` is the `url` there and wins over settings."""
        super().__init__(domain, event_broker, **kwargs)
        url = host or read(TrackerSettings).tracker_url
        # The shop's engine has the time limits we want, and refuses a file that is missing.
        self._engine = open_engine(replace(read(ShopSettings), database_url=url))
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="tracker-store")
        self._has_table = False
        if file := sqlite_file(self._engine):
            try:
                # Made now and not later: a file that vanishes while the bot runs must not be
                # taken for a shop without customers.
                file.parent.mkdir(parents=True, exist_ok=True)
                with sqlite3.connect(file) as connection:
                    # Readers and a writer do not wait for each other.
                    connection.execute("PRAGMA journal_mode = WAL")
                connection.close()
            except (sqlite3.Error, OSError) as exc:
                logger.error("The conversations' database cannot be opened: %s", exc)

    def init_tracker(self, sender_id: str) -> DialogueStateTracker:
        """A new, empty tracker; whatever the database holds of the sender is none of its events."""
        tracker = super().init_tracker(sender_id)
        setattr(tracker, _STORED, 0)
        return tracker

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The conversation since its last session began. Raises: Unavailable."""
        return await self._retrieve(sender_id, whole=False)

    async def retrieve_full_tracker(self, conversation_id: str) -> DialogueStateTracker | None:
        """The conversation with all its sessions. Raises: Unavailable."""
        return await self._retrieve(conversation_id, whole=True)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Add what is new in the tracker, all or nothing. Raises: Unavailable."""
        stored = getattr(tracker, _STORED, None)
        if stored is None:
            # A tracker of another origin: as Rasa does, take its events for the session's.
            stored = len(await self._run(lambda c: _rows(c, tracker.sender_id, whole=False)))
        new = list(tracker.events)[stored:]
        if not new:
            return
        rows = [_row(tracker.sender_id, event.type_name, event.as_dict()) for event in new]

        def add(connection: Connection) -> None:
            connection.execute(sa.insert(events), rows)

        await self._run(add, write=True)
        setattr(tracker, _STORED, len(tracker.events))
        if self.event_broker:
            # Only what is stored is told to others.
            await self._stream_new_events(self.event_broker, new, tracker.sender_id)

    async def keys(self) -> Iterable[str]:
        """All conversations' sender ids. Raises: Unavailable."""
        senders = sa.select(events.c.sender_id).distinct()
        return await self._run(lambda c: [row.sender_id for row in c.execute(senders)])

    async def erase(self, sender_id: str) -> None:
        """Delete a conversation for good. Raises: Unavailable."""
        whole = sa.delete(events).where(events.c.sender_id == sender_id)
        await self._run(lambda c: c.execute(whole), write=True)

    async def _retrieve(self, sender_id: str, *, whole: bool) -> DialogueStateTracker | None:
        rows = await self._run(lambda c: _rows(c, sender_id, whole=whole))
        try:
            said = _readable(rows)
            if not said:
                return None
            tracker = DialogueStateTracker.from_dict(sender_id, said, self.domain.slots)
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            # JSON, but no event: the shopper gets a fresh session rather than none at all.
            logger.error("A stored conversation cannot be read: %r", exc)
            return None
        setattr(tracker, _STORED, len(tracker.events))
        return tracker

    async def _run(self, work: Callable[[Connection], T], *, write: bool = False) -> T:
        """Do `work` in a transaction in a thread, within the time limit."""

        def transact() -> T:
            if not self._has_table:
                with writing(self._engine) as connection:
                    _make_table(connection)
                self._has_table = True
            with (writing if write else reading)(self._engine) as connection:
                return work(connection)

        call = asyncio.get_running_loop().run_in_executor(self._pool, transact)
        try:
            return await asyncio.wait_for(call, self.patience)
        except asyncio.TimeoutError as exc:
            raise Unavailable("the conversations' database did not answer in time") from exc


def _make_table(connection: Connection) -> None:
    """Make the table where it is missing; several workers may start at once."""
    if connection.dialect.name == "postgresql":
        # "If it is missing" and "make it" are two steps there, so the workers take turns.
        turn = zlib.crc32(events.name.encode())
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(turn)))
    _metadata.create_all(connection)


def _rows(connection: Connection, sender_id: str, *, whole: bool) -> list[str]:
    """The stored events as JSON, oldest first.

    A session is found by ids, not by time: a clock that was set back must not hide events.
    """
    of_sender = events.c.sender_id == sender_id
    wanted = sa.select(events.c.data).where(of_sender).order_by(events.c.id)
    if not whole:
        last = sa.select(sa.func.max(events.c.id)).where(of_sender)
        started = connection.execute(
            last.where(events.c.type_name == SessionStarted.type_name)
        ).scalar()
        if started:
            # The action that began the session stands just before; Rasa's policies know it.
            action = connection.execute(
                last.where(events.c.action_name == ACTION_SESSION_START_NAME, events.c.id < started)
            ).scalar()
            wanted = wanted.where(events.c.id >= (action or started))
    return [row.data for row in connection.execute(wanted)]


def _readable(rows: list[str]) -> list[dict[str, Any]]:
    """The events after the last row that is damaged."""
    said: list[dict[str, Any]] = []
    for row in rows:
        try:
            event = json.loads(row)
        except (ValueError, TypeError):
            event = None
        if isinstance(event, dict) and "event" in event:
            said.append(event)
        else:
            logger.error("A damaged event, and what was said before it, is left out")
            said = []
    return said


def _row(sender_id: str, type_name: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "sender_id": sender_id,
        "type_name": type_name,
        "timestamp": data.get("timestamp"),
        "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"),
        "action_name": data.get("name"),
        # ASCII with escapes: NUL and halves of characters reach no driver.
        "data": json.dumps(data),
    }
