"""What is tagged: one unit a Chinese character, a run of letters, a run of digits or a sign.

Any span a shopper or an annotator can mean starts and ends between units, with blanks or
without: "买2件L码iPhone15壳" has the units 买 2 件 L 码 iPhone 15 壳. So a tag a unit gives exact
spans, never half a word. Units are found in the plain form of the text (`shop.text.normalize`)
and lead back to the characters as they were typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shop.text.normalize import plain

CHINESE = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
UNIT = re.compile(rf"[{CHINESE}]|\d+|[^\W\d_{CHINESE}]+|[^\w\s]|_")


@dataclass(frozen=True)
class Unit:
    """A unit's place in the lowered plain text and in the text as typed."""

    text: str
    plain_start: int
    plain_end: int
    start: int
    end: int


@dataclass(frozen=True)
class Read:
    """A text read for the model.

    Attributes:
        original: what was typed, cut.
        text: its plain form in lower case, which the encoder sees.
        units: in order, none blank, none overlapping in either form.
    """

    original: str
    text: str
    units: tuple[Unit, ...]


def read(text: str, *, longest: int) -> Read:
    """Read a text; what follows the first `longest` characters is not looked at."""
    original = text[:longest]
    normalized = plain(original)
    # Lowering must not move characters (İ has a lower case of two), and an unpaired surrogate
    # cannot be handed to the encoder: both keep their place.
    lowered = normalized.text.lower()
    if len(lowered) != len(normalized.text):
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in normalized.text)
    lowered = lowered.encode("utf-8", "replace").decode("utf-8")
    units: list[Unit] = []
    for match in UNIT.finditer(lowered):
        start, end = normalized.span(match.start(), match.end())
        if units and start < units[-1].end:
            # One typed character became several (½): they stay together.
            last = units.pop()
            units.append(
                Unit(
                    text=lowered[last.plain_start : match.end()],
                    plain_start=last.plain_start,
                    plain_end=match.end(),
                    start=last.start,
                    end=max(last.end, end),
                )
            )
            continue
        units.append(Unit(match.group(), match.start(), match.end(), start, end))
    return Read(original, lowered, tuple(units))
