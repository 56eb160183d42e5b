"""Menus that are answered by typing: "2", "２", "二", "②" or the title of an option.

The last menu of a shopper is remembered for half an hour and only until the bot says something
else, so that a number that answers another question is not taken for a choice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from bot.channels.keys import ButtonKeys
from bot.channels.state import State
from bot.channels.wechat.parts import Article, Line, Menu, Part, Picture
from bot.channels.wechat.text import TEXT_BYTES, cut, split, unlinked

MENU_SECONDS = 1_800.0
# https://developer.work.weixin.qq.com/document/path/94677; for 公众号 nothing is documented.
MENU_OPTIONS = 10
MENU_TITLE_BYTES = 128
MENU_HEAD_BYTES = 1024
_MENU = "menu"
_MARKUP = re.compile('[<>"&]')
_AROUND = " \t\n.。,，、)）(（:：!！"


@dataclass(frozen=True)
class Entry:
    """An option as it was shown: its title, and the key that stands for its payload."""

    title: str
    key: str


@dataclass(frozen=True)
class Offer:
    """A menu whose options have keys; `first` is the number of its first option."""

    head: str
    entries: tuple[Entry, ...]
    first: int = 1

    def numbered(self, hint: str) -> str:
        """To answer by typing a number."""
        lines = [
            f"{self.first + i}. {unlinked(entry.title)}" for i, entry in enumerate(self.entries)
        ]
        return "\n".join(filter(None, (self.head, *lines, hint)))

    def linked(self) -> str:
        """To tap, as links that WeChat answers for the shopper; documented nowhere."""
        lines = [
            f'<a href="weixin://bizmsgmenu?msgmenucontent={title}&msgmenuid={entry.key}">{title}</a>'
            for entry in self.entries
            for title in [_MARKUP.sub(" ", entry.title)]
        ]
        return "\n".join(filter(None, (self.head, *lines)))


# What is sent as one message.
Piece = Line | Offer | Picture | Article


def sized(parts: Sequence[Part | Offer], *, text_bytes: int = TEXT_BYTES) -> list[Piece]:
    """Parts cut to what one message holds."""
    pieces: list[Piece] = []
    for part in parts:
        if isinstance(part, Line):
            pieces += [Line(text) for text in split(part.text, text_bytes)]
        elif isinstance(part, Offer):
            # A long text goes before its menu, but for its last lines.
            *before, head = split(part.head, MENU_HEAD_BYTES) or [""]
            pieces += sized([Line("\n".join(before))], text_bytes=text_bytes) if before else []
            for start in range(0, len(part.entries), MENU_OPTIONS):
                entries = part.entries[start : start + MENU_OPTIONS]
                pieces.append(Offer(head if not start else "", entries, part.first + start))
        else:
            assert not isinstance(part, Menu)
            pieces.append(part)
    return pieces


class Menus:
    """The last menu of every shopper."""

    def __init__(self, state: State, keys: ButtonKeys) -> None:
        self._state = state
        self._keys = keys

    async def offer(
        self, sender: str, parts: Sequence[Part]
    ) -> tuple[list[Part | Offer], list[Entry]]:
        """Keys for the options of all menus, numbered through; all entries once more in a list."""
        made: list[Part | Offer] = []
        entries: list[Entry] = []
        for part in parts:
            if not isinstance(part, Menu):
                made.append(part)
                continue
            keys = await self._keys.issue(sender, part.options)
            own = tuple(
                Entry(cut(option.title, MENU_TITLE_BYTES), key)
                for option, key in zip(part.options, keys, strict=True)
                if key
            )
            made.append(Offer(part.head, own, len(entries) + 1))
            entries += own
        return made, entries

    async def show(self, sender: str, entries: Sequence[Entry]) -> None:
        """Remember what the shopper sees now; no entries: there is nothing to choose."""
        if entries:
            pairs = [[entry.title, entry.key] for entry in entries]
            await self._state.put(sender, _MENU, pairs, ttl=MENU_SECONDS)
        else:
            await self._state.take(sender, _MENU)

    async def last(self, sender: str) -> list[Entry]:
        """What the shopper may choose from now."""
        return [Entry(*pair) for pair in await self._state.get(sender, _MENU) or ()]

    async def chosen(self, sender: str, text: str) -> Entry | None:
        """The option that a message names, if it names one."""
        entries = await self.last(sender)
        number = as_number(text)
        if number is not None:
            return entries[number - 1] if 1 <= number <= len(entries) else None
        wanted = _bare(text)
        named = [entry for entry in entries if _bare(entry.title) == wanted]
        # Two options of the same name: only their numbers tell them apart.
        return named[0] if len(named) == 1 else None


def as_number(text: str) -> int | None:
    """The number a message consists of, in any script."""
    bare = text.strip(_AROUND)
    digits = unicodedata.normalize("NFKC", bare)
    if digits.isascii() and digits.isdigit() and len(digits) <= 3:
        return int(digits)
    if len(bare) == 1:
        value = unicodedata.numeric(bare, -1.0)
        return int(value) if value >= 0 and value == int(value) else None
    return None


def _bare(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip(_AROUND).casefold()
