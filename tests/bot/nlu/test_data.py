"""Our own examples are such that the tokenizer and Rasa can work with them."""

from __future__ import annotations

from pathlib import Path

from bot.nlu.files import read_placed
from bot.nlu.units import read

PLACED = read_placed(Path("data/nlu"))


def test_no_entity_begins_or_ends_within_a_token() -> None:
    wrong = []
    for placed in PLACED:
        units = read(placed.example.text, longest=512).units
        starts, ends = {u.start for u in units}, {u.end for u in units}
        for mark in placed.example.marks:
            if mark.start not in starts or mark.end not in ends:
                value = placed.example.text[mark.start : mark.end]
                wrong.append(f"{placed.path}:{placed.line}: {value}")
    assert wrong == []


def test_no_message_stands_for_two_intents() -> None:
    seen: dict[str, str] = {}
    wrong = []
    for placed in PLACED:
        text, intent = placed.example.text.strip().lower(), placed.example.intent
        if seen.setdefault(text, intent) != intent:
            wrong.append(f"{placed.path}:{placed.line}: {text!r} is also {seen[text]}")
    assert wrong == []
