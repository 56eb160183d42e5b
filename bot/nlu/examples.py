"""Examples for training and measuring, whatever they were read from."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.tags import Span
from bot.nlu.units import Read


@dataclass(frozen=True)
class Mark:
    """Characters `start` to `end` (exclusive) of a text are an entity of this type."""

    entity: str
    start: int
    end: int


@dataclass(frozen=True)
class Example:
    """A text, what it wants, and the entities in it."""

    text: str
    intent: str
    marks: tuple[Mark, ...] = ()


def from_rasa(data: TrainingData) -> list[Example]:
    """The examples of Rasa's training data."""
    return [
        Example(message.get("text"), message.get("intent"), _marks(message))
        for message in data.intent_examples
        if message.get("text") and message.get("intent")
    ]


def _marks(message: Message) -> tuple[Mark, ...]:
    return tuple(Mark(e["entity"], e["start"], e["end"]) for e in message.get("entities") or ())


def spans(marks: Iterable[Mark], read: Read, *, units: int) -> list[Span]:
    """Marks as spans of units; a mark that is cut off or holds no unit is left out."""
    found = []
    for mark in marks:
        inside = [
            index
            for index, unit in enumerate(read.units[:units])
            if unit.start < mark.end and unit.end > mark.start
        ]
        if inside:
            found.append(Span(mark.entity, inside[0], inside[-1]))
    return found


def split(
    examples: Sequence[Example], part: float, *, seed: int
) -> tuple[list[Example], list[Example]]:
    """Keep part of the examples aside, of every intent, but never of one with less than eight."""
    by_intent: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_intent[example.intent].append(example)
    chance = random.Random(seed)
    kept, aside = [], []
    for intent in sorted(by_intent):
        group = by_intent[intent]
        chance.shuffle(group)
        count = round(len(group) * part) if len(group) >= 8 else 0
        aside += group[:count]
        kept += group[count:]
    return kept, aside
