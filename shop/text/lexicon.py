"""Finds known phrases in a text, longest first, in one pass over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

# A single character such as 黑 is a word of its own only between these (我要黑的, 红和白) or
# between what is no Chinese character: 黑科技 is not black.
_BEFORE = "要买换选个件双条只的是有和或跟与及了色、款深浅"
_AFTER = "色的款码号系、和或跟与及吗呢吧有也都那这"


class Lexicon(Generic[T]):
    """Phrases, each with something that belongs to it.

    Latin phrases match whole words only, in any case, with an "s" or "es" more, and with a
    hyphen or a blank between their words. Chinese ones match anywhere, single characters only
    where they are words.
    """

    def __init__(self, phrases: Iterable[tuple[str, T]]) -> None:
        self._by_first: dict[str, list[tuple[str, T]]] = {}
        for phrase, meaning in phrases:
            folded = fold(phrase.strip())
            if folded:
                self._by_first.setdefault(folded[0], []).append((folded, meaning))
        for entries in self._by_first.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def scan(self, text: str) -> Iterator[tuple[T, int, int]]:
        """Yields (meaning, start, end) from left to right; a phrase with several meanings, each."""
        folded = fold(text)
        at = 0
        while at < len(folded):
            end = 0
            for phrase, meaning in self._by_first.get(folded[at], ()):
                if end and end - at > len(phrase):
                    continue
                found = _end_of(folded, phrase, at)
                if found and (not end or found == end):
                    end = found
                    yield meaning, at, end
            at = end or at + 1


def fold(text: str) -> str:
    """Lower case, with blanks for hyphens; keeps the length."""
    lower = text.lower()
    if len(lower) != len(text):  # such as İ
        lower = "".join(low if len(low := sign.lower()) == 1 else sign for sign in text)
    return lower.replace("-", " ")


def _is_word(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()


def is_han(sign: str) -> bool:
    """Whether a character is a Chinese one."""
    return "\u4e00" <= sign <= "\u9fff" or "\u3400" <= sign <= "\u4dbf"


def _end_of(text: str, phrase: str, start: int) -> int:
    """Where the phrase ends that begins at `start`; 0 when it is not there."""
    if not text.startswith(phrase, start):
        return 0
    end = start + len(phrase)
    before = text[start - 1] if start else " "
    if _is_word(phrase[0]) and _is_word(before):
        return 0
    if _is_word(phrase[-1]):
        for more in ("", "s", "es"):
            if text.startswith(more, end) and not _is_word(
                text[end + len(more) : end + len(more) + 1]
            ):
                return end + len(more)
        return 0
    if len(phrase) == 1 and is_han(phrase):
        after = text[end] if end < len(text) else " "
        if (is_han(before) and before not in _BEFORE) or (is_han(after) and after not in _AFTER):
            return 0
    return end
