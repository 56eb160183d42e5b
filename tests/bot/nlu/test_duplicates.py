"""Near-duplicates: counted as the rule says, and few in our own data."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.nlu.duplicates import MOST, edit_distance, near_duplicates
from bot.nlu.examples import Example
from bot.nlu.files import Placed, read_placed

OURS = Path("data/nlu")


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [("kitten", "sitting", 3), ("", "ab", 2), ("退货", "退货", 0), ("查订单", "查我订单", 1)],
)
def test_edit_distance(first: str, second: str, distance: int) -> None:
    assert edit_distance(first, second, most=9) == distance
    assert edit_distance(second, first, most=9) == distance


def test_a_distance_beyond_the_most_is_not_counted_out() -> None:
    assert edit_distance("a" * 500, "b" * 500, most=3) == 4


def placed(*texts: str, intent: str = "x") -> list[Placed]:
    return [Placed(Example(text, intent), Path("f.zh.yml"), i) for i, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "pairs"),
    [
        (("Where is my parcel?", "where is my parcel"), 1),
        (("where is my parcel", "where is my parcels"), 1),
        (("我的快递到哪里了呀", "我的包裹到哪里了呀"), 0),
        (("退货", "退款"), 0),
        (("👍", "👌"), 0),
        (("a", "a", "a"), 2),
    ],
)
def test_what_repeats_an_earlier_one_is_found(texts: tuple[str, ...], pairs: int) -> None:
    assert len(near_duplicates(placed(*texts))) == pairs


def test_the_same_words_for_two_intents_are_no_duplicates() -> None:
    assert near_duplicates(placed("ok", intent="a") + placed("ok", intent="b")) == []


def test_examples_have_their_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "orders.zh.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: check_order\n  examples: |\n'
        "    - 查[XE1](order_id)\n- synonym: x\n  examples: |\n    - y\n",
        encoding="utf-8",
    )
    (one,) = read_placed(tmp_path)
    assert (one.path.name, one.line, one.lang) == ("orders.zh.yml", 5, "zh")
    assert (one.example.text, one.example.intent) == ("查XE1", "check_order")
    assert [(m.entity, m.start, m.end) for m in one.example.marks] == [("order_id", 1, 4)]


def test_our_own_examples_hardly_repeat_themselves() -> None:
    ours = read_placed(OURS)
    assert len(near_duplicates(ours)) < MOST * len(ours)
