"""What Telegram tells (https://core.telegram.org/bots/api#update), as plain values.

Read by hand and not by `telegram.Update.de_json`, which raises TypeError, AttributeError or
KeyError on anything unexpected: an update that cannot be read is simply none.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from telegram import Message

from bot.channels.text import clean

# What we ask Telegram to send. Edited messages are not among it: a message acts once.
WANTED = ("message", "callback_query", "my_chat_member")

# Commands of the menu, and the payloads they stand for. /lang and /reset are the channel's own.
COMMANDS = {
    "start": "/greet",
    "help": "/ask_capabilities",
    "orders": "/check_order",
    "track": "/track_shipment",
    "human": "/request_human",
}
# In a group these would show everybody what concerns one.
PERSONAL = {"orders", "track"}

# Of messages that are not text: kind -> payload, in the order in which to look (an animation is
# also a document, a venue also a location).
_KINDS = (
    *((kind, "/unsupported_message") for kind in ("animation", "sticker", "dice", "poll", "game")),
    *((kind, "/unsupported_message") for kind in ("story", "paid_media", "checklist", "giveaway")),
    ("venue", "/share_location"),
    ("location", "/share_location"),
    ("contact", "/share_phone"),
    ("photo", "/send_image"),
    ("video", "/send_image"),
    ("document", "/send_image"),
    ("voice", "/send_voice"),
    ("audio", "/send_voice"),
    ("video_note", "/send_voice"),
)
# What messages may hold as of the library's version of the Bot API. A key beyond these is most
# likely something to send that was invented since.
_KNOWN = {"from", *(name for kind in Message.__mro__ for name in getattr(kind, "__slots__", ()))}
_COMMAND = re.compile(r"/([a-z0-9_]{1,32})(?:@(\w{1,64}))?(?:\s+(.*))?", re.DOTALL | re.I)
_START_PARAMETER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PHONE = re.compile(r"\+?[0-9]{5,20}")
_LARGEST = 2**53


@dataclass(frozen=True)
class Me:
    """The bot itself; without a name until Telegram has told it."""

    id: int
    username: str = ""

    @property
    def link(self) -> str:
        """Opens the private chat with the bot; empty while its name is not known."""
        return f"https://t.me/{self.username}" if self.username else ""


@dataclass(frozen=True)
class Place:
    """Who speaks where: in a group every member has a conversation of their own."""

    chat: int
    user: int
    group: bool = False

    @property
    def sender_id(self) -> str:
        """The id of the conversation."""
        return f"tg:{self.chat}:{self.user}" if self.group else f"tg:{self.chat}"


@dataclass(frozen=True)
class Said:
    """A message for the bot. One of `text`, `payload` and `command` is set.

    Attributes:
        command: `lang`, `reset` or `private` (what may not be talked about in a group).
        argument: what follows `/lang`.
        album: the same for all pictures sent together.
    """

    place: Place
    delivery: str
    text: str | None = None
    payload: str | None = None
    command: Literal["", "lang", "reset", "private"] = ""
    argument: str = ""
    album: str = ""
    lang: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pressed:
    """A button of an inline keyboard was pressed.

    Attributes:
        title: what the button says; empty when the message is too old for Telegram to show.
        keyboard: the rows of buttons as Telegram has them.
    """

    place: Place
    delivery: str
    query: str
    data: str
    title: str = ""
    message: int | None = None
    keyboard: tuple[tuple[Mapping[str, Any], ...], ...] = ()
    lang: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Membership:
    """The bot was let in (again), or thrown out or blocked."""

    chat: int
    out: bool


@dataclass(frozen=True)
class Moved:
    """A group became a supergroup, which has another id."""

    old: int
    new: int


Event = Said | Pressed | Membership | Moved


def understand(update: Any, me: Me) -> Event | None:
    """What happened; None for what does not concern the bot or cannot be read."""
    number = _integer(_dict(update).get("update_id"))
    if number is None:
        return None
    delivery = f"u{number}"
    if message := _dict(update.get("message")):
        return _message(message, delivery, me)
    if query := _dict(update.get("callback_query")):
        return _press(query, delivery, me)
    if change := _dict(update.get("my_chat_member")):
        return _membership(change)
    return None


def _message(message: dict[str, Any], delivery: str, me: Me) -> Event | None:
    if moved := _moved(message):
        return moved
    user = _dict(message.get("from"))
    place = _place(_dict(message.get("chat")), user)
    if place is None:
        return None
    said = Said(place, delivery, lang=_language(user), metadata=_metadata(message, user, me))
    text = message.get("text")
    words = text if isinstance(text, str) else message.get("caption")
    words = words if isinstance(words, str) else ""
    command = _COMMAND.fullmatch(words.strip()) if isinstance(text, str) else None
    if command:
        name, addressee, argument = (part or "" for part in command.groups())
        if addressee and addressee.lower() != me.username.lower():
            return None
        if chosen := _command(said, name.lower(), argument.strip()):
            return chosen
        words = f"{name} {argument}" if addressee else words
    if place.group:
        if not (command and command[2]) and not _addressed(message, words, me):
            return None
        words = _without_mention(words, me)
    return _content(said, message, words)


def _moved(message: dict[str, Any]) -> Moved | None:
    chat = _integer(_dict(message.get("chat")).get("id"))
    new, old = (_integer(message.get(f"migrate_{way}_chat_id")) for way in ("to", "from"))
    if chat and new:
        return Moved(chat, new)
    return Moved(old, chat) if chat and old else None


def _command(said: Said, name: str, argument: str) -> Said | None:
    """What a command stands for; None when it is none of ours, or really a sentence."""
    if name == "lang":
        return replace(said, command="lang", argument=argument.lower())
    if name == "reset":
        return replace(said, command="reset")
    if name not in COMMANDS or (argument and name != "start"):
        return None
    if said.place.group and name in PERSONAL:
        return replace(said, command="private")
    if name == "start" and _START_PARAMETER.fullmatch(argument):
        said.metadata["start_param"] = argument
    return replace(said, payload=COMMANDS[name])


def _content(said: Said, message: dict[str, Any], words: str) -> Said | None:
    """What is said in words, or by what is sent instead of words."""
    album = message.get("media_group_id")
    if isinstance(album, str):
        said = replace(said, album=clean(album)[:64])
    if attachments := _attachments(message):
        said.metadata["attachments"] = attachments
    if clean(words):
        return replace(said, text=words)
    if isinstance(message.get("text"), str):
        # A group member who only called the bot's name greets it.
        group = said.place.group
        return replace(said, payload=COMMANDS["start"]) if group else replace(said, text="")
    return _wordless(said, message)


def _wordless(said: Said, message: dict[str, Any]) -> Said | None:
    kind, payload = next(((k, p) for k, p in _KINDS if message.get(k)), ("", ""))
    content = _dict(message.get(kind))
    if kind == "contact":
        return _contact(said, content)
    if payload == "/share_location":
        spot = _spot(_dict(content.get("location")) or content)
        if spot is None:
            return None
        said.metadata["location"] = spot
    if kind == "document" and not str(content.get("mime_type")).startswith(("image/", "video/")):
        payload = "/unsupported_message"
    if not kind:
        # What else the library knows are notices about the chat: nobody said anything.
        if said.place.group or not set(message) - _KNOWN:
            return None
        payload = "/unsupported_message"
    return replace(said, payload=payload)


def _contact(said: Said, contact: dict[str, Any]) -> Said:
    if said.place.group:
        return replace(said, command="private")
    phone = re.sub(r"[ ()-]", "", str(contact.get("phone_number")))
    # Somebody else's number says nothing about who this is.
    if _integer(contact.get("user_id")) != said.place.user or not _PHONE.fullmatch(phone):
        return replace(said, payload="/unsupported_message")
    return replace(said, payload="/share_phone" + json.dumps({"phone": phone}))


def _attachments(message: dict[str, Any]) -> list[dict[str, Any]]:
    """What is needed to fetch files later: kind, id, type, size."""
    found = []
    for kind in ("photo", "document", "video", "voice", "audio", "video_note"):
        value = message.get(kind)
        # A photo comes in several sizes, the largest last.
        value = value[-1] if kind == "photo" and isinstance(value, list) and value else value
        file = _dict(value)
        if isinstance(file.get("file_id"), str):
            mime = file.get("mime_type")
            found.append(
                {
                    "type": kind,
                    "file_id": file["file_id"][:256],
                    "mime": mime[:100] if isinstance(mime, str) else None,
                    "size": _integer(file.get("file_size")),
                }
            )
    return found


def _press(query: dict[str, Any], delivery: str, me: Me) -> Pressed | None:
    message, user = _dict(query.get("message")), _dict(query.get("from"))
    place = _place(_dict(message.get("chat")), user)
    identifier, data = query.get("id"), query.get("data")
    # A press without chat comes from an inline message, which this bot never sends.
    if place is None or not isinstance(identifier, str) or not isinstance(data, str):
        return None
    markup = _dict(message.get("reply_markup")).get("inline_keyboard")
    keyboard = tuple(
        tuple(button for button in row if isinstance(button, dict))
        for row in (markup if isinstance(markup, list) else ())
        if isinstance(row, list)
    )
    pressed = [b for row in keyboard for b in row if b.get("callback_data") == data]
    title = pressed[0].get("text") if pressed else ""
    return Pressed(
        place,
        delivery,
        query=identifier[:128],
        data=data,
        title=clean(title) if isinstance(title, str) else "",
        message=_integer(message.get("message_id")),
        keyboard=keyboard,
        lang=_language(user),
        metadata=_metadata(message, user, me),
    )


def _membership(change: dict[str, Any]) -> Membership | None:
    chat = _integer(_dict(change.get("chat")).get("id"))
    status = _dict(change.get("new_chat_member")).get("status")
    if chat is None or not isinstance(status, str):
        return None
    return Membership(chat, out=status in ("kicked", "left"))


def _place(chat: dict[str, Any], user: dict[str, Any]) -> Place | None:
    chat_id, user_id, kind = _integer(chat.get("id")), _integer(user.get("id")), chat.get("type")
    if not chat_id or not user_id or user_id < 0 or user.get("is_bot"):
        return None
    if kind == "private":
        return Place(chat_id, user_id)
    return Place(chat_id, user_id, group=True) if kind in ("group", "supergroup") else None


def _addressed(message: dict[str, Any], words: str, me: Me) -> bool:
    """Whether a message in a group is meant for the bot."""
    answered = _dict(_dict(message.get("reply_to_message")).get("from"))
    return answered.get("id") == me.id or _without_mention(words, me) != words


def _without_mention(words: str, me: Me) -> str:
    if not me.username:
        return words
    return re.sub(rf"(?<!\w)@{re.escape(me.username)}(?!\w)[,，:：]?", "", words, flags=re.I)


def _metadata(message: dict[str, Any], user: dict[str, Any], me: Me) -> dict[str, Any]:
    texts = {
        "chat_type": _dict(message.get("chat")).get("type"),
        "language_code": user.get("language_code"),
        "username": user.get("username"),
        "first_name": user.get("first_name"),
    }
    return {
        "user_id": user.get("id"),
        "message_id": _integer(message.get("message_id")),
        # Where to go on with what concerns nobody else.
        **({"private_chat": me.link} if me.link else {}),
        **{name: clean(t)[:64] for name, t in texts.items() if isinstance(t, str)},
    }


def _language(user: dict[str, Any]) -> str | None:
    """Of the shopper's Telegram; who reads neither Chinese nor English most likely reads this."""
    code = user.get("language_code")
    if not isinstance(code, str) or not code:
        return None
    return "zh" if code.lower().split("-")[0] in ("zh", "yue") else "en"


def _spot(location: dict[str, Any]) -> dict[str, float] | None:
    latitude, longitude = (_number(location.get(key)) for key in ("latitude", "longitude"))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return {"lat": latitude, "lng": longitude}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _integer(value: Any) -> int | None:
    """Telegram's ids have at most 52 bits."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and abs(value) < _LARGEST else None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < _LARGEST and math.isfinite(value) else None
