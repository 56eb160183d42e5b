"""Copies of examples: with another value for an entity, and as hasty people type them.

Case, width of characters, traditional characters and invisible ones need no copies: they are gone
before the encoder reads the text (`bot.nlu.units`).
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable

from bot.nlu.examples import Example, Mark
from bot.nlu.units import CHINESE

_CHINESE = re.compile(f"[{CHINESE}]")
#: Neighbours on the keyboard.
_KEYS = {
    key: row[max(0, i - 1) : i] + row[i + 1 : i + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for i, key in enumerate(row)
}
_FURTHER_DIGIT = re.compile(r"(?<=[0-9])[0-9]")
_ENDINGS = ("", "", "?", "？", "!", "。", "~", "…", " 😊", " 🙏", "呢", "呀")


class Values:
    """What the examples hold as values, by type and script.

    Days and amounts are left alone: in some intents it is the value that tells ("双十一").
    """

    KEPT = ("date", "price")
    #: Their digits say nothing: others take their place, the first of each number aside.
    NUMBERED = ("address", "order_id", "tracking_number")

    def __init__(self, examples: Iterable[Example]) -> None:
        """Collect them."""
        self._values: dict[tuple[str, bool], list[str]] = defaultdict(list)
        for example in examples:
            for mark in example.marks:
                value = example.text[mark.start : mark.end]
                self._values[self._key(mark, value)].append(value)

    @staticmethod
    def _key(mark: Mark, value: str) -> tuple[str, bool]:
        return mark.entity, bool(_CHINESE.search(value))

    def exchanged(self, example: Example, chance: random.Random) -> Example:
        """A copy in which about half of the values are others of their type and script, and digits
        of numbers are others."""
        text, marks, done = "", [], 0
        for mark in sorted(example.marks, key=lambda mark: mark.start):
            value = example.text[mark.start : mark.end]
            if mark.entity not in self.KEPT and chance.random() < 0.5:
                value = chance.choice(self._values[self._key(mark, value)])
            if mark.entity in self.NUMBERED:
                value = _FURTHER_DIGIT.sub(lambda _: chance.choice("0123456789"), value)
            text += example.text[done : mark.start]
            marks.append(Mark(mark.entity, len(text), len(text) + len(value)))
            text += value
            done = mark.end
        return Example(text + example.text[done:], example.intent, tuple(marks))


def noisy(example: Example, chance: random.Random) -> Example:
    """A copy with one to three slips."""
    # Each character with the number of its mark, -1 for none.
    marked = [-1] * len(example.text)
    for number, mark in enumerate(example.marks):
        marked[mark.start : mark.end] = [number] * (mark.end - mark.start)
    letters = list(zip(example.text, marked, strict=True))
    for _ in range(chance.choice((1, 1, 2, 2, 3))):
        _slip(letters, chance)
    if not "".join(c for c, _ in letters).strip():
        return example
    marks = []
    for number, mark in enumerate(example.marks):
        places = [i for i, (_, owner) in enumerate(letters) if owner == number]
        if places:
            marks.append(Mark(mark.entity, places[0], places[-1] + 1))
    return Example("".join(c for c, _ in letters), example.intent, tuple(marks))


def _slip(letters: list[tuple[str, int]], chance: random.Random) -> None:
    if len(letters) < 3:
        return
    kind = chance.random()
    if kind < 0.35:
        _ending(letters, chance)
        return
    place = chance.randrange(1, len(letters) - 1)
    letter, owner = letters[place]
    if owner != -1 and (letter.isdigit() or chance.random() < 0.7):
        return
    if letter.lower() in _KEYS:
        if kind < 0.5:
            del letters[place]
        elif kind < 0.65:
            letters.insert(place, (letter, owner))
        elif kind < 0.8 and letters[place + 1][1] == owner and letters[place + 1][0].isalpha():
            letters[place], letters[place + 1] = letters[place + 1], letters[place]
        else:
            letters[place] = (chance.choice(_KEYS[letter.lower()]), owner)
    elif (
        (_CHINESE.match(letter) and owner == -1 and len(letters) > 5)
        or (letter.isspace() and chance.random() < 0.3)
        or letter in ",.!?'，。！？、"
    ):
        del letters[place]


def _ending(letters: list[tuple[str, int]], chance: random.Random) -> None:
    while letters and letters[-1][1] == -1 and letters[-1][0] in ".!?。！？~…":
        letters.pop()
    letters.extend((c, -1) for c in chance.choice(_ENDINGS))
