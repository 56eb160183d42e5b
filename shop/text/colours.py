"""Colours in either language as codes of the catalogue (table `colour` of `data/words/`)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shop.text.normalize import Normalized, plain
from shop.text.words import Words

# A shade that the table does not know is its plain colour: 深绿 is a green, pale pink a pink.
_SHADE = re.compile(
    r"(?:[深浅淡亮暗嫩]|(?<![a-z])(?:dark|light|pale|bright|deep|soft)[ -])$", re.IGNORECASE
)


@dataclass(frozen=True)
class Colour:
    """A colour that was named; `code` stands in table `colour`."""

    code: str
    start: int
    end: int


def colours(text: str | Normalized, words: Words) -> list[Colour]:
    """The colours in a text, in order."""
    read = plain(text)
    # Spans in the plain form first: the shade stands before them there.
    inner = plain(read.text)
    found = []
    for code, start, end in words.find("colour", inner):
        shade = _SHADE.search(read.text, max(0, start - 7), start)
        found.append(Colour(code, *read.span(shade.start() if shade else start, end)))
    return found
