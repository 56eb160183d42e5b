"""Numbers and how many."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.text.numbers import quantities, resolve_quantity, value_of

VALUES = [
    ("三百五", 350),
    ("三百零五", 305),
    ("三百五十", 350),
    ("一百二", 120),
    ("两千", 2000),
    ("两千零五", 2005),
    ("两千五", 2500),
    ("一千零二十", 1020),
    ("一万五", 15000),
    ("两万三千", 23000),
    ("三万零五百", 30500),
    ("十", 10),
    ("十五", 15),
    ("二十", 20),
    ("百", 100),
    ("一亿", 100_000_000),
    ("壹佰贰拾", 120),
    ("二〇二六", 2026),
    ("兩百", 200),  # traditional
    ("半", "0.5"),
    ("俩", 2),
    ("1.5万", 15000),
    ("1.5w", 15000),
    ("2k", 2000),
    ("3千", 3000),
    ("１２０", 120),  # full-width
    ("12,345.50", "12345.50"),
    ("fifty", 50),
    ("twenty-five", 25),
    ("a hundred", 100),
    ("two hundred and fifty", 250),
    ("a thousand two hundred", 1200),
    ("twelve hundred", 1200),
    ("one and a half thousand", 1500),
    ("half a million", 500_000),
    ("half", "0.5"),
]


@pytest.mark.parametrize(("text", "expected"), VALUES)
def test_a_number_has_a_value(text: str, expected: int | str) -> None:
    assert value_of(text) == Decimal(expected)


@pytest.mark.parametrize("text", ["", "几", "两三", "abc", "一下", "1.2.3", "1e5", "٣", "a"])
def test_what_is_no_number_has_none(text: str) -> None:
    assert value_of(text) is None


@given(st.integers(1, 99_999))
def test_digits_mean_what_they_say(number: int) -> None:
    assert value_of(str(number)) == value_of(f"{number:,}") == number


QUANTITIES = [
    ("要两件", [(2, "piece", "两件")]),
    ("来三双袜子", [(3, "pair", "三双")]),
    ("给我拿十二瓶水和2包纸", [(12, "bottle", "十二瓶"), (2, "bag", "2包")]),
    ("買２個", [(2, "piece", "２個")]),
    ("一打", [(12, None, "一打")]),
    ("半打", [(6, None, "半打")]),
    ("来一件", [(1, "piece", "一件")]),
    ("一个", [(1, "piece", "一个")]),
    ("x2", [(2, None, "x2")]),
    ("黑色 ×3", [(3, None, "×3")]),
    ("3 pairs of socks", [(3, "pair", "3 pairs of")]),
    ("a dozen eggs", [(12, None, "a dozen")]),
    ("half a dozen", [(6, None, "half a dozen")]),
    ("a couple of bags", [(2, "bag", "a couple of bags")]),
    ("two shirts please", [(2, None, "two")]),
    ("I want 2 black shirts", [(2, None, "2")]),
    ("3 of them", [(3, None, "3")]),
    ("change my order to two", [(2, None, "two")]),
    ("我要 2 pairs", [(2, "pair", "2 pairs")]),
    # what counts no goods
    ("我要一个充电宝", []),
    ("第二个", []),
    ("这两款哪个好", []),
    ("300块", []),
    ("两百块钱", []),
    ("三个月", []),
    ("3个工作日", []),
    ("两个人", []),
    ("三包政策", []),
    ("三件套", []),
    ("几个", []),
    ("九块九包邮", []),
    ("win11支持吗", []),
    ("双十一打几折", []),
    ("三只松鼠", []),
    ("ThinkPad X1", []),
    ("1,250 points", []),
    ("两三件", []),
    ("iPhone 15 cases", []),
    ("size 8 shoes", []),
    ("7 days", []),
    ("5 stars", []),
    ("50 bucks", []),
    ("20% off items", []),
    ("the first two", []),
    ("one", []),
]


@pytest.mark.parametrize(("text", "expected"), QUANTITIES)
def test_how_many_is_said(text: str, expected: list[tuple[int, str | None, str]]) -> None:
    found = quantities(text)
    assert [(q.count, q.unit, text[q.start : q.end]) for q in found] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", 2),
        ("两", 2),
        ("两件", 2),
        ("三双", 3),
        ("three", 3),
        ("a pair", 1),
        ("a dozen", 12),
        ("3 pairs", 3),
        ("一千件", 1000),
        ("0", None),
        ("1.5", None),
        ("some", None),
        ("9" * 50, None),
    ],
)
def test_an_entity_known_to_be_a_quantity_is_a_number(text: str, expected: int | None) -> None:
    assert resolve_quantity(text) == expected
