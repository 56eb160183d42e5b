"""Cuts long text into parts that Telegram takes.

Telegram counts in UTF-16 code units, after entities are parsed; an emoji counts two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# A little below Telegram's 4096.
TEXT_LIMIT = 4000

# Where to cut, best first: after a paragraph, a line, a sentence, a word.
_BORDERS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"[。！？…；]+[”’」』）]*|[.!?;]+[\"')]*(?=\s)"),
    re.compile(r"\s+|[，、,]"),
)
_JOINER = "\u200d"


def units(text: str) -> int:
    """Length as Telegram counts it."""
    return len(text) + sum(sign > "\uffff" for sign in text)


def split(text: str, limit: int = TEXT_LIMIT) -> list[str]:
    """The parts in order, none empty or above `limit` units; blanks at the cuts are dropped."""
    return [part for part in (part.strip() for part in _parts(text.strip(), limit)) if part]


def shorten(text: str, limit: int) -> str:
    """The text, cut with an ellipsis where it is longer than `limit` units."""
    if units(text) <= limit:
        return text
    return text[: _whole_signs(text, _fitting(text, limit - 1))].rstrip() + "…"


def _parts(text: str, limit: int) -> Iterator[str]:
    while units(text) > limit:
        end = _fitting(text, limit)
        cut = _border(text, end) or _whole_signs(text, end)
        yield text[:cut]
        text = text[cut:].lstrip()
    yield text


def _fitting(text: str, limit: int) -> int:
    """How many characters fit into `limit` units."""
    used = 0
    for index, sign in enumerate(text):
        used += 2 if sign > "\uffff" else 1
        if used > limit:
            return index
    return len(text)


def _border(text: str, end: int) -> int:
    """The last good place to cut at or before `end`; 0 when there is none."""
    # A part much shorter than could be looks worse than one cut at a lesser border.
    start = end // 2
    for border in _BORDERS:
        ends = [match.end() for match in border.finditer(text, start, end)]
        if ends:
            return ends[-1]
    return 0


def _whole_signs(text: str, end: int) -> int:
    """`end`, moved back so that no sign of several characters (a flag, a family) is cut."""
    for cut in range(end, max(end - 30, 0), -1):
        if not _continues(text, cut):
            return cut
    return max(end, 1)


def _continues(text: str, index: int) -> bool:
    """Whether the character at `index` belongs to the one before it."""
    if index >= len(text):
        return False
    before, sign = text[index - 1], text[index]
    if _JOINER in (before, sign) or "\U0001f3fb" <= sign <= "\U0001f3ff":  # skin tones
        return True
    if unicodedata.category(sign) in ("Mn", "Me", "Mc"):  # accents, variation selectors
        return True
    # Flags are pairs of letters, so what matters is how many stand before.
    letters = re.search("[\U0001f1e6-\U0001f1ff]*$", text[max(0, index - 40) : index])
    odd = letters is not None and len(letters.group()) % 2 == 1
    return odd and "\U0001f1e6" <= sign <= "\U0001f1ff"
