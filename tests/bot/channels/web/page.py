"""The chat page without a browser: it speaks the protocol over a real socket."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
import socketio

from bot.channels.web.accounts import Accounts, Name
from shop.errors import BadToken, NotFound
from tests.checks.channel import PATIENCE, Shopper, until

SECRET = "s" * 32
BASE = "/webhooks/webchat"


class Page(Shopper):
    """A tab that shows the chat; `events` is all that came, in order."""

    def __init__(self, url: str, *, token: str = "", lang: str = "en", last_seq: int = 0) -> None:
        self.url = url
        self.lang = lang
        self.events: list[tuple[str, Any]] = []
        self.token = token or new_session(url)["token"]
        self.last_seq = last_seq
        self.acks: list[dict[str, Any]] = []
        self.sender_id = ""
        self._sending = threading.Lock()

    def connect(self, *, transports: tuple[str, ...] = ("websocket",), **auth: Any) -> Page:
        self.socket = socketio.Client(reconnection=False, handle_sigint=False)
        self.socket.on("*", self._on)
        self.socket.on("connect_error", lambda error: self._on("connect_error", error))
        auth = {"token": self.token, "last_seq": self.last_seq, "lang": self.lang, **auth}
        self.socket.connect(
            self.url,
            auth=auth,
            socketio_path=f"{BASE}/socket.io",
            transports=list(transports),
            wait_timeout=int(PATIENCE),
        )
        self._raw = self.socket.eio.ws
        until(lambda: bool(self.of("ready")))
        self.sender_id = f"web:{self.of('ready')[-1]['session_id']}"
        return self

    def leave(self) -> None:
        self.socket.disconnect()
        if self._raw:
            # The client forgets to when it was the server that ended the connection.
            self._raw.shutdown()

    def call(self, event: str, data: Any = None) -> dict[str, Any]:
        """Send an event; its ack."""
        ack: dict[str, Any] = self.socket.call(event, data, timeout=int(PATIENCE))
        return ack

    def utter(self, **fields: Any) -> dict[str, Any]:
        message = {"id": uuid.uuid4().hex, "type": "text", "lang": self.lang, **fields}
        return self.call("user_uttered", message)

    def type(self, text: str, *, message_id: str = "") -> None:
        self.acks.append(self.utter(text=text, **({"id": message_id} if message_id else {})))

    def tap(self, title: str) -> None:
        options = [o for item in self.items() for o in options_of(item) if o["title"] == title]
        self.acks.append(self.utter(type="payload", key=options[-1]["key"], title=title))

    def heard(self) -> list[str]:
        return [line for item in self.items() for line in lines_of(item)]

    def items(self) -> list[dict[str, Any]]:
        """What the bot said, each entry once, by seq."""
        said = {e["id"]: e for e in self.entries() if e["from"] == "bot"}
        return [item for entry in said.values() for item in entry["items"]]

    def entries(self) -> list[dict[str, Any]]:
        """All entries that came, live or as history, in the order of their coming."""
        found: list[dict[str, Any]] = []
        for name, data in list(self.events):
            if name == "ready":
                found += data["entries"]
            elif name in ("bot_uttered", "user_uttered"):
                found.append(data)
        return found

    def of(self, event: str) -> list[Any]:
        """The data of all events of a name."""
        return [data for name, data in list(self.events) if name == event]

    def _on(self, event: str, *data: Any) -> None:
        self.events.append((event, data[0] if data else None))


@contextmanager
def page(url: str, **options: Any) -> Iterator[Page]:
    """A connected page for the length of a `with` block."""
    tab = Page(url, **options).connect()
    try:
        yield tab
    finally:
        tab.leave()


def refusal(url: str, **auth: Any) -> str:
    """The message with which a connection is refused; empty when it is not."""
    tab = Page(url, token="-")
    try:
        tab.connect(**auth)
    except socketio.exceptions.ConnectionError:
        until(lambda: bool(tab.of("connect_error")))
        error = tab.of("connect_error")[0]
        return str(error["message"] if isinstance(error, dict) else error)
    tab.leave()
    return ""


def new_session(url: str, token: str = "", **headers: str) -> dict[str, Any]:
    """What POST /session answers."""
    if token:
        headers["Authorization"] = f"Bearer {token}"
    answer = requests.post(f"{url}{BASE}/session", json={}, headers=headers)
    assert answer.status_code == 200, answer.text
    session: dict[str, Any] = answer.json()
    return session


def options_of(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The buttons of an item, those on cards included."""
    found = list(item.get("options", []))
    for card in item.get("cards", []):
        found += card["options"]
    return found


def lines_of(item: dict[str, Any]) -> list[str]:
    """What the page shows of an item; types it does not know it ignores."""
    lines = [item[key] for key in ("text", "alt") if item.get(key)]
    for card in item.get("cards", []):
        lines += [card[key] for key in ("title", "subtitle", "price") if card[key]]
    return lines + [option["title"] for option in options_of(item)]


class ToyAccounts(Accounts):
    """Two customers, Anna (1) and Bob (2); the token of customer 1 is "token-1", good once."""

    names = {1: "Anna", 2: "Bob"}

    def __init__(self) -> None:
        self.bound: dict[str, int] = {}
        self.used: set[str] = set()
        self.delay = 0.0

    def sign_in(self, sender_id: str, token: str) -> int:
        time.sleep(self.delay)
        customer = token.removeprefix("token-").split("-")[0]
        if not customer.isdigit():
            raise BadToken("token_invalid")
        if token in self.used:
            raise BadToken("token_used")
        self.used.add(token)
        self.bound[sender_id] = int(customer)
        return int(customer)

    def bind(self, sender_id: str, customer_id: int) -> None:
        self.bound[sender_id] = customer_id

    def sign_out(self, sender_id: str) -> None:
        self.bound.pop(sender_id, None)

    def customer_of(self, sender_id: str) -> int | None:
        return self.bound.get(sender_id)

    def name(self, customer_id: int) -> Name:
        return dict.fromkeys(("zh", "en"), self.names[customer_id])

    def samples(self) -> list[dict[str, Any]]:
        return [{"id": i, "name": self.name(i), "about": {"zh": "", "en": ""}} for i in self.names]

    def sample_token(self, customer_id: int) -> str:
        if customer_id not in self.names:
            raise NotFound(str(customer_id))
        return f"token-{customer_id}"
