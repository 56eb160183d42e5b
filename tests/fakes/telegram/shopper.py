"""Somebody with a phone: what a person does becomes updates for the bot."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes.telegram import FakeTelegram

_queries = count(1)


class Shopper:
    """In one chat; a member of a group is one of several in it."""

    def __init__(
        self, telegram: FakeTelegram, number: int, *, language: str, chat: int, kind: str
    ) -> None:
        self.telegram = telegram
        self.number, self.chat, self.kind = number, chat, kind
        self.user = {
            "id": number,
            "is_bot": False,
            "first_name": f"顾客{number}",
            "username": f"shopper{number}",
            "language_code": language,
        }

    def message(self, **content: Any) -> dict[str, Any]:
        """A message as Telegram keeps it."""
        chat = self.telegram.chats[self.chat]
        return self.telegram.keep(chat, self.user, **content)

    def sends(self, **content: Any) -> int:
        """Sends a message; returns the update's id."""
        return self.telegram.push({"message": self.message(**content)})

    def says(self, text: str, **more: Any) -> int:
        """Types something."""
        return self.sends(text=text, **more)

    def presses(self, title: str, *, data: str | None = None, message: Any = None) -> int:
        """Presses the newest button of that title; `data` and `message` forge what is sent."""
        found = self.button(title) if data is None else None
        if found:
            message, data = found
        query = f"query{next(_queries)}"
        self.telegram.queries.add(query)
        content = {"id": query, "from": self.user, "chat_instance": "1", "data": data}
        if message is not None:
            content["message"] = message
        return self.telegram.push({"callback_query": content})

    def button(self, title: str) -> tuple[dict[str, Any], str]:
        """The message that has a button of that title now, and what the button sends."""
        for message in reversed(self.telegram.said(self.chat)):
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                for button in row:
                    if button["text"] == title and "callback_data" in button:
                        return message, button["callback_data"]
        raise AssertionError(f"no button {title!r}: {self.buttons()}")

    def buttons(self) -> list[list[str]]:
        """The titles of the newest message that has buttons, by row."""
        for message in reversed(self.telegram.said(self.chat)):
            if rows := message.get("reply_markup", {}).get("inline_keyboard"):
                return [[button["text"] for button in row] for row in rows]
        return []

    def hears(self, how_many: int = 1, seconds: float = 60) -> list[str]:
        """Waits until the bot has said so many messages here; returns the words of all."""
        fake = self.telegram
        fake.wait(lambda: len(fake.said(self.chat)) >= how_many, seconds)
        return fake.texts(self.chat)

    def blocks(self, blocked: bool = True) -> int:
        """Blocks the bot, or lets it speak again."""
        self.telegram.chats[self.chat].blocked = blocked
        return self.telegram.push(
            {
                "my_chat_member": {
                    "chat": {"id": self.chat, "type": self.kind},
                    "from": self.user,
                    "date": int(time.time()),
                    "new_chat_member": {"status": "kicked" if blocked else "member"},
                }
            }
        )


def inaccessible(message: Mapping[str, Any]) -> dict[str, Any]:
    """What Telegram shows of a message that is too old."""
    return {"chat": message["chat"], "message_id": message["message_id"], "date": 0}
