"""What can be told by its form alone: order numbers, parcel numbers, phones and e-mails.

Patterns are law: the units of a match become one entity of one of the types that the form allows
(a phone's eleven digits may also be an order number: the tagger chooses, in doubt the first). See
`bot.nlu.entities`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: Types that nothing but their form makes.
PATTERN_ONLY = ("email",)
#: No letter or digit of the same run before or after.
_ALONE = r"(?<![0-9a-z]){}(?![0-9a-z])"
_EMAIL = (
    r"(?<![0-9a-z_.+-])[0-9a-z][0-9a-z_.+-]{0,63}@[0-9a-z][0-9a-z-]{0,62}(?:\.[0-9a-z-]{1,63}){1,4}"
)
# With a country code, or a mainland mobile with or without separators.
_PHONE_ABROAD = r"(?<![0-9a-z+])\+\d{1,3}[ -]?\d(?:[ -]?\d){6,11}(?![0-9a-z])"
_PHONE = r"1[3-9]\d(?:\d{8}| \d{4} \d{4}|-\d{4}-\d{4})"
# UPS; two letters, nine digits, two letters (UPU S10); letters of a courier before digits.
_PARCEL = (
    r"(?:1z[0-9a-z]{16}|[a-z]{2}\d{9}[a-z]{2}|(?:sf|yt|jdv?[a-z]{0,2}|jt|zto|sto|ems)\d{9,18})"
)
_LONG_NUMBER = r"\d{12,20}"


@dataclass(frozen=True)
class Match:
    """Characters of the lowered plain text, and which types they may be."""

    start: int
    end: int
    entities: tuple[str, ...]


class Patterns:
    """The forms, with the shop's own form of order numbers first.

    Args:
        order: pattern of a whole order number, any case.
    """

    def __init__(self, order: str) -> None:
        """Compile them; the first that matches a place wins."""
        forms = (
            (_EMAIL, ("email",)),
            (_ALONE.format(f"(?:{order})"), ("order_id",)),
            (_ALONE.format(_PARCEL), ("tracking_number",)),
            (_PHONE_ABROAD, ("phone",)),
            (_ALONE.format(_PHONE), ("phone", "order_id")),
            (_ALONE.format(_LONG_NUMBER), ("order_id", "tracking_number")),
        )
        self._forms = tuple((re.compile(form, re.IGNORECASE), types) for form, types in forms)

    def find(self, text: str) -> Iterator[Match]:
        """Matches in a lowered plain text; none overlaps another."""
        taken: list[Match] = []
        for form, types in self._forms:
            for match in form.finditer(text):
                start, end = match.span()
                if all(end <= other.start or start >= other.end for other in taken):
                    taken.append(Match(start, end, types))
        yield from sorted(taken, key=lambda match: match.start)
