"""Inline keyboards: what a press sends back, pages of long ones, and the mark of what was pressed.

A button's data is `q:<key>` in a question, `c:<key>` on a card, `m:<pages>:<number>` for the next
page, and `x` where a press does nothing more.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.channels.keys import ButtonKeys
from bot.channels.state import State
from bot.channels.telegram.rendering import Keyboard

# Rows that a phone shows without covering the message.
ROWS = 8
SPENT = "x"
_CHOICE = re.compile(r"([qc]):([A-Za-z0-9_-]{8,48})")
_PAGE = re.compile(r"m:([A-Za-z0-9_-]{8,32}):(\d{1,3})")

Rows = Sequence[Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Choice:
    """A press on a button that stands for something."""

    key: str
    question: bool


def choice(data: str) -> Choice | None:
    """The choice that a press sends, if it is one."""
    found = _CHOICE.fullmatch(data)
    return Choice(found[2], question=found[1] == "q") if found else None


def page(data: str) -> tuple[str, int] | None:
    """The pages, and which of them a press wants to see."""
    found = _PAGE.fullmatch(data)
    return (found[1], int(found[2])) if found else None


class Keyboards:
    """Makes keyboards for a recipient."""

    def __init__(self, state: State, keys: ButtonKeys, *, ttl: float) -> None:
        """`ttl`: seconds for which the pages of a long keyboard are kept."""
        self._state = state
        self._keys = keys
        self._ttl = ttl

    async def make(self, recipient: str, keyboard: Keyboard) -> InlineKeyboardMarkup:
        """With a fresh key for every option.

        Raises:
            Unavailable: the keys could not be kept, so no button would work.
        """
        options = [option for row in keyboard.rows for option in row]
        keys = iter(await self._keys.issue(recipient, options))
        sign = "q" if keyboard.question else "c"
        rows = [
            [
                {"text": option.title, "url": option.url}
                if (key := next(keys)) is None
                else {"text": option.title, "callback_data": f"{sign}:{key}"}
                for option in row
            ]
            for row in keyboard.rows
        ]
        if len(rows) <= ROWS:
            return markup(rows)
        name = secrets.token_urlsafe(9)
        pages = [rows[first : first + ROWS - 1] for first in range(0, len(rows), ROWS - 1)]
        for number, shown in enumerate(pages):
            following = (number + 1) % len(pages)
            title = f"⋯ {number + 1}/{len(pages)}"
            shown.append([{"text": title, "callback_data": f"m:{name}:{following}"}])
        await self._state.put(recipient, f"pages:{name}", pages, ttl=self._ttl)
        return markup(pages[0])

    async def turn_to(self, recipient: str, name: str, number: int) -> InlineKeyboardMarkup | None:
        """A page of a long keyboard; None when it has expired or is another shopper's."""
        pages = await self._state.get(recipient, f"pages:{name}")
        return markup(pages[number]) if pages and number < len(pages) else None


def markup(rows: Rows) -> InlineKeyboardMarkup:
    """Rows as Telegram's library wants them."""
    return InlineKeyboardMarkup(
        [
            [
                InlineKeyboardButton(
                    str(button.get("text")),
                    url=button.get("url"),
                    callback_data=button.get("callback_data"),
                )
                for button in row
            ]
            for row in rows
        ]
    )


def marked(rows: Rows, data: str, pressed: Choice) -> InlineKeyboardMarkup:
    """The keyboard after a press: the button ticked, other answers of a question gone."""
    shown = []
    for row in rows:
        kept = []
        for button in row:
            if button.get("callback_data") == data:
                kept.append({"text": f"✓ {button.get('text')}", "callback_data": SPENT})
            elif button.get("url") or (button.get("callback_data") and not pressed.question):
                kept.append(dict(button))
        if kept:
            shown.append(kept)
    return markup(shown)
