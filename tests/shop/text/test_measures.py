"""Measures of a body, in centimetres and kilograms."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shop.text.measures import measures

BODIES = [
    ("170/65kg", "170", "65"),
    ("170/65", "170", "65"),
    ("１７０／６５", "170", "65"),
    ("170 65", "170", "65"),
    ("170-65 穿多大", "170", "65"),
    ("我170 120斤穿什么码", "170", "60"),
    ("身高170体重120斤", "170", "60"),
    ("身高170，体重120", "170", "60"),
    ("身高170体重65", "170", "65"),
    ("180cm 75kg", "180", "75"),
    ("1米75 65公斤", "175", "65"),
    ("1米7", "170", None),
    ("一米七五", "175", None),
    ("身高一米六", "160", None),
    ("1.75m", "175", None),
    ("175cm", "175", None),
    ("170穿什么码", "170", None),
    ("I'm 175, what size", "175", None),
    ("5'7 150lb", "170.2", "68.0"),
    ("5'7\" 150 lbs", "170.2", "68.0"),
    ("5 ft 7", "170.2", None),
    ("I am 6'1 and 180 pounds", "185.4", "81.6"),
    ("130斤", None, "65"),
    ("一百二十斤", None, "60"),
    ("I weigh 60kg", None, "60"),
]


@pytest.mark.parametrize(("text", "height", "weight"), BODIES)
def test_height_and_weight(text: str, height: str | None, weight: str | None) -> None:
    found = measures(text)
    assert found is not None
    assert found.height == (Decimal(height) if height else None)
    assert found.weight == (Decimal(weight) if weight else None)


@pytest.mark.parametrize(
    ("text", "part", "value"),
    [
        ("脚长24.5cm", "foot", "24.5"),
        ("脚长245", "foot", "24.5"),
        ("腰围80", "waist", "80"),
        ("waist 32 inches", "waist", "81.3"),
        ("胸围90", "bust", "90"),
        ("hips 95 cm", "hips", "95"),
    ],
)
def test_other_measures(text: str, part: str, value: str) -> None:
    assert getattr(measures(text), part) == Decimal(value)


NO_BODIES = [
    *("5斤苹果", "1kg nuts", "20cm的锅", "1.8米的床", "170-175", "500g", "iPhone 15", "300块"),
    *("订单20231105001", "170", "2米长的线", "150ml", ""),
]


@pytest.mark.parametrize("text", NO_BODIES)
def test_measures_of_goods_are_none_of_a_body(text: str) -> None:
    assert measures(text) is None


def test_the_span_holds_all_of_it() -> None:
    text = "我身高170，体重120斤，穿什么"
    found = measures(text)
    assert found is not None
    assert text[found.start : found.end] == "身高170，体重120斤"
