"""Examples: split fairly, made noisy without losing their entities."""

from __future__ import annotations

import random
import re

import pytest

from bot.nlu.augment import Values, noisy
from bot.nlu.examples import Example, Mark, spans, split
from bot.nlu.units import read

EXAMPLES = [
    Example("我想买两双黑色的跑步鞋，谢谢", "search_product", (Mark("color", 5, 7),)),
    Example("where is my parcel SF123456789, please?", "track", (Mark("tracking", 19, 30),)),
    Example("ok", "affirm"),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.intent)
def test_noise_keeps_intent_and_entities(example: Example) -> None:
    chance = random.Random(0)
    copies = [noisy(example, chance) for _ in range(300)]
    # What is so short stays as it is.
    assert len({copy.text for copy in copies}) > (0 if len(example.text) < 3 else 20)
    for copy in copies:
        assert copy.intent == example.intent
        assert [m.entity for m in copy.marks] == [m.entity for m in example.marks]
        for mark, original in zip(copy.marks, example.marks, strict=True):
            value = copy.text[mark.start : mark.end]
            wanted = example.text[original.start : original.end]
            assert value and abs(len(value) - len(wanted)) <= 3
            assert sum(c.isdigit() for c in value) == sum(c.isdigit() for c in wanted)


def test_values_are_exchanged_for_others_of_their_type_and_script() -> None:
    red = Example("买红色的", "x", (Mark("color", 1, 3),))
    blue = Example("想要天蓝色", "x", (Mark("color", 2, 5),))
    navy = Example("navy and 两双 today", "x", (Mark("color", 0, 4), Mark("date", 12, 17)))
    values, chance = Values([red, blue, navy]), random.Random(0)
    copies = [values.exchanged(red, chance) for _ in range(50)]
    assert {copy.text for copy in copies} == {"买红色的", "买天蓝色的"}
    for copy in copies:
        (mark,) = copy.marks
        assert copy.text[mark.start : mark.end] in ("红色", "天蓝色")
    assert {values.exchanged(navy, chance).text for _ in range(50)} == {navy.text}


def test_digits_of_numbers_and_addresses_change() -> None:
    text = "把订单20231105001寄到文一西路969号3栋，买2件"
    marks = (Mark("order_id", 3, 14), Mark("address", 16, 26), Mark("quantity", 28, 30))
    given = Example(text, "x", marks)
    values, chance = Values([given]), random.Random(0)
    copies = [values.exchanged(given, chance) for _ in range(50)]
    assert all(re.fullmatch(r"把订单2\d{10}寄到文一西路9\d\d号3栋，买2件", c.text) for c in copies)
    assert len({copy.text for copy in copies}) > 40
    assert {copy.marks for copy in copies} == {marks}


def test_marks_become_spans_of_units() -> None:
    example = EXAMPLES[0]
    found = read(example.text, longest=100)
    (span,) = spans(example.marks, found, units=len(found.units))
    assert (span.entity, span.first, span.last) == ("color", 5, 6)
    assert spans(example.marks, found, units=3) == []


def test_a_split_takes_its_part_of_every_intent_but_not_of_small_ones() -> None:
    given = [Example(f"a{i}", "big") for i in range(100)] + [Example("b", "small")] * 5
    kept, aside = split(given, 0.1, seed=1)
    assert len(aside) == 10 and all(e.intent == "big" for e in aside)
    assert len(kept) == 95
    assert split(given, 0.1, seed=1) == (kept, aside)
