"""The protocol between the chat page and the server.

Everything lies below `/webhooks/webchat`. Bodies are JSON. An HTTP error says `{"error": code}`.

    GET  /                 health: {"channel": "webchat", "status": "ok" | "starting" | …}
    GET  /chat             the page (static/index.html)
    GET  /embed.js         the widget; GET /static/<file> what both need
    GET  /config           {"demo": bool, "default_language": "zh"|"en", "max_text": 2000,
                            "max_photo_bytes": 5242880, "photo_types": ["image/jpeg", …]}
    GET  /pictures/<file>  drawn product pictures
    POST /session          {} -> {"token", "session_id", "expires"}      (expires: Unix seconds)
                           With `Authorization: Bearer <token>` the session goes on with a fresh
                           token; without, or with one that does not count, a new one begins.
                           403 origin, 429 too_many (with Retry-After)
    POST /photo            Authorization: Bearer <token>, body: the image file -> {"photo": id}
                           401 token, 413 too_large, 415 not_an_image, 429 too_many
    GET  /photo/<id>       Authorization: Bearer <token> -> the image, for its owner only
                           (fetch it and show the blob)
    GET  /demo/customers   {"customers": [{"id", "name": {"zh", "en"}, "about": {"zh", "en"}}]}
    POST /demo/token       {"customer": id} -> {"token"} for `sign_in`
                           both: in demo mode from this machine, 404 otherwise

/chat comes with a Content-Security-Policy (`pages.policy`): scripts and styles from /static only,
pictures also from https:, data: and blob:, connections to this host only. The page reads the query
?lang=zh|en, ?theme=light|dark, ?embedded=1; addresses in it are relative.

Socket.IO, path `/webhooks/webchat/socket.io`, default namespace. Connect with
`auth: {token, last_seq, lang}` (last_seq: the greatest seq the page shows, 0 at first). A refused
connection gets `connect_error` with the message `token`: POST /session and connect again.

Client to server; each is answered by an ack, `{"ok": true, …}` or
`{"ok": false, "error": code, "retry_after"?: seconds}`:

    user_uttered {id, type: "text", text, lang}               typed; ack {ok, id, seq}
                 {id, type: "payload", key, title, lang}      a tap on a button
                 {id, type: "photo", photo, text?, lang}
                 {id, type: "location", latitude, longitude, lang}
                 `id` is a UUID of the client's. If no ack came, send it again with the same id
                 after the reconnect: it is taken once. `lang` is the page's switch.
    sign_in      {token}   the shop's token; ack {ok, name}. As somebody else than before, it begins
                           a new conversation: `session` follows
    sign_out     {}        a new conversation in which nobody is signed in; nothing for a visitor
    start_over   {}        a new conversation, signed in as before; the shop keeps the old one
    erase        {}        deletes the conversation, photos and sign-in for good, then a new one
    history      {after}   ack {ok, entries}: those with a greater seq

    sign_out, start_over and erase are acked at once; then every tab gets `session`.

Server to client:

    ready        {session_id, seq, entries, name}   after connecting: what came after last_seq. If
                           seq < last_seq, the history was lost: clear, then show the entries.
                           name: {"zh", "en"} of the customer, null for a visitor
    bot_uttered  entry     the bot spoke
    user_uttered entry     the shopper wrote in another tab
    typing       {on}
    identity     {name}    somebody signed in
    session      {token, session_id, expires}   go on with this one: clear, disconnect, connect
    error        {error, retry_after?}          of no single event; `token`: the token expired

An entry has `seq` (rising by one within the session), `at` (Unix seconds), `from` ("bot"|"user"),
`id`, and of the bot `items`, of the shopper `type`, `text`, of a tap `key`, of a photo `photo`. A
tap uses up all buttons of its `choices`, but of a card only that one. The last 50 are kept. Show
entries by seq; ignore one that is shown already. A seq of null: it could not be kept, show it all
the same.

    item:   {"type": "text", "text"}
            {"type": "choices", "text": string|null, "options": [option]}
            {"type": "image", "url", "alt"}
            {"type": "cards", "cards": [{"title", "subtitle", "price", "image": string|null, "alt",
                                         "url": string|null, "options": [option]}]}
            {"type": "custom", "data": {…}}   ignore types you do not know
    option: {"title", "key"} sends `payload` with the key, once | {"title", "url"} opens a page

Error codes: token, bad_request, too_fast, too_many, too_long, empty, unavailable, token_invalid,
token_expired, token_used (the last three: of the shop's token), origin, too_large, not_an_image.
After `too_fast` send again in retry_after seconds. All text is plain: textContent only.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.channels.messages import Cards, Choices, Custom, Image, Message, Option, Text
from bot.channels.turns import Incoming

EVENTS = ("user_uttered", "sign_in", "sign_out", "start_over", "erase", "history")
# Clients use UUIDs; photos and keys are ours.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LANGUAGES = ("zh", "en")
# Buttons' titles are short; more than this was not ours.
_LONGEST_TITLE = 200
_LONGEST_TOKEN = 4_096


class BadRequest(Exception):
    """What a client sent does not follow the protocol."""


@dataclass(frozen=True)
class Uttered:
    """A `user_uttered` event that follows the protocol; for `type` see the module."""

    id: str
    type: str
    lang: str | None
    text: str = ""
    key: str = ""
    photo: str = ""
    latitude: float = 0.0
    longitude: float = 0.0

    def incoming(self, sender_id: str) -> Incoming:
        """As the turn pipeline takes it."""
        text = key = payload = title = None
        metadata: dict[str, Any] = {}
        if self.type == "text":
            text = self.text
        elif self.type == "payload":
            key, title = self.key, self.text
        elif self.type == "photo":
            metadata["attachments"] = [{"type": "photo", "id": self.photo}]
            # What is written under a photo says what it is about.
            text, payload = (self.text, None) if self.text else (None, "/send_image")
        else:
            place = {"latitude": self.latitude, "longitude": self.longitude}
            metadata["location"] = place
            payload = "/share_location" + json.dumps(place)
        return Incoming(
            sender_id,
            self.id,
            text=text,
            key=key,
            payload=payload,
            title=title,
            lang=self.lang,
            metadata=metadata,
        )

    def entry(self) -> dict[str, Any]:
        """As it stands in the history."""
        entry = {"from": "user", "id": self.id, "type": self.type, "text": self.text}
        if self.key:
            entry["key"] = self.key
        if self.photo:
            entry["photo"] = self.photo
        return entry


def uttered(data: Any) -> Uttered:
    """Check a `user_uttered` event. Raises: BadRequest."""
    fields = _mapping(data)
    name, kind, lang = _matching(_ID, fields.get("id")), fields.get("type"), fields.get("lang")
    lang = lang if lang in _LANGUAGES else None
    if kind == "text":
        return Uttered(name, kind, lang, text=_string(fields.get("text")))
    if kind == "payload":
        title = _string(fields.get("title", ""))[:_LONGEST_TITLE]
        return Uttered(name, kind, lang, text=title, key=_matching(_ID, fields.get("key")))
    if kind == "photo":
        text = _string(fields.get("text", "")).strip()
        return Uttered(name, kind, lang, text=text, photo=_matching(_ID, fields.get("photo")))
    if kind == "location":
        latitude = _degrees(fields.get("latitude"), 90)
        longitude = _degrees(fields.get("longitude"), 180)
        return Uttered(name, kind, lang, latitude=latitude, longitude=longitude)
    raise BadRequest


def sign_in_token(data: Any) -> str:
    """The token of a `sign_in` event. Raises: BadRequest."""
    token = _string(_mapping(data).get("token"))
    if not token or len(token) > _LONGEST_TOKEN:
        raise BadRequest
    return token


def sequence_number(data: Any, name: str) -> int:
    """A seq that the client knows; 0 where it knows none. Raises: BadRequest."""
    number = _mapping(data).get(name, 0)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise BadRequest
    return number


def items(messages: Sequence[Message], keys: Mapping[Option, str | None]) -> list[dict[str, Any]]:
    """Messages as the page shows them; an option whose key is missing is left out."""
    return [_item(message, keys) for message in messages]


def all_options(messages: Sequence[Message]) -> list[Option]:
    """The buttons in messages, also those on cards."""
    found: list[Option] = []
    for message in messages:
        if isinstance(message, Choices):
            found += message.options
        elif isinstance(message, Cards):
            for card in message.cards:
                found += card.options
    return found


def _item(message: Message, keys: Mapping[Option, str | None]) -> dict[str, Any]:
    if isinstance(message, Text):
        return {"type": "text", "text": message.text}
    if isinstance(message, Choices):
        options = _options(message.options, keys)
        return {"type": "choices", "text": message.text, "options": options}
    if isinstance(message, Image):
        return {"type": "image", "url": message.url, "alt": message.alt}
    if isinstance(message, Custom):
        return {"type": "custom", "data": dict(message.data)}
    cards = [
        {
            "title": card.title,
            "subtitle": card.subtitle,
            "price": card.price,
            "image": card.image,
            "alt": card.alt,
            "url": card.url,
            "options": _options(card.options, keys),
        }
        for card in message.cards
    ]
    return {"type": "cards", "cards": cards}


def _options(options: Sequence[Option], keys: Mapping[Option, str | None]) -> list[dict[str, str]]:
    found = []
    for option in options:
        if option.url:
            found.append({"title": option.title, "url": option.url})
        elif key := keys.get(option):
            found.append({"title": option.title, "key": key})
    return found


def _mapping(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise BadRequest
    return data


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise BadRequest
    return value


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadRequest
    return value


def _degrees(value: Any, limit: int) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadRequest
    if not math.isfinite(value) or abs(value) > limit:
        raise BadRequest
    return float(value)
