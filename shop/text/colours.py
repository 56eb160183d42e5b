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

# What makes another thing of it: Black Friday, gold members, clear my history.
_NO_COLOUR = re.compile(
    r"[ ]?(?:(?:and (?:gold|silver) )?(?:accounts?|status|members?|level|tier|vip|friday|glove"
    r"|my|history|聊天|升|会员|friends?)(?![a-z])|light glasses)",
    re.IGNORECASE,
)
# Goods rather than colours, unless asked for as one.
_GOODS = re.compile("creams?|rose|roses", re.IGNORECASE)
_IN_COLOUR = re.compile(r"(?:^|(?<![a-z])(?:in|colou?r|or|and)[ :]?)[ ]?$", re.IGNORECASE)
_OF_COLOUR = re.compile(r"[ ](?:ones?|colou?r|version)(?![a-z])", re.IGNORECASE)


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
        if _NO_COLOUR.match(read.text, end):
            continue
        in_colour = _IN_COLOUR.search(read.text, max(0, start - 8), start)
        of_colour = _OF_COLOUR.match(read.text, end) or not read.text[end:].strip(" .,!?")
        if _GOODS.fullmatch(read.text, start, end) and not (in_colour and of_colour):
            continue
        shade = _SHADE.search(read.text, max(0, start - 7), start)
        found.append(Colour(code, *read.span(shade.start() if shade else start, end)))
    return found
