"""Sizes as codes of the catalogue."""

from __future__ import annotations

import pytest

from shop.text.sizes import resolve_size, sizes
from shop.text.words import Words

SIZES = [
    ("M码", "M", "M码"),
    ("有 s号 吗", "S", "s号"),
    ("ＸＬ碼", "XL", "ＸＬ碼"),
    ("XL", "XL", "XL"),
    ("m", "M", "m"),
    ("size m please", "M", "size m"),
    ("L size", "L", "L size"),
    ("2XL", "XXL", "2XL"),
    ("xxl", "XXL", "xxl"),
    ("3XL", "XXXL", "3XL"),
    ("中号", "M", "中号"),
    ("加大", "XL", "加大"),
    ("大码女装", "L", "大码"),
    ("均码的吗", "one", "均码"),
    ("one size?", "one", "one size"),
    ("the small one", "S", "small"),
    ("medium please", "M", "medium"),
    ("white, medium", "M", "medium"),
    ("to SMALL before shipping", "S", "SMALL"),
    ("110码童装", "110", "110码"),
    ("160/84A是什么码", "160/84A", "160/84A"),
    ("75B的", "75B", "75B"),
    ("128GB 的", "128GB", "128GB"),
    ("8+256有必要吗", "8+256", "8+256"),
    ("适合 2 个人 for 2 people", "2p", "for 2"),
    ("42码", "42", "42码"),
    ("欧码42", "42", "欧码42"),
    ("EU 42", "42", "EU 42"),
    ("42", "42", "42"),
    ("38.5码", "38.5", "38.5码"),
    ("35号", "35", "35号"),
    ("我穿42", "42", "穿42"),
    ("size 8", "8", "size 8"),
    ("US 8.5", "8.5", "US 8.5"),
    ("24cm平底锅", "24cm", "24cm"),
    ("500ml的杯子", "500ml", "500ml"),
]


@pytest.mark.parametrize(("text", "code", "span"), SIZES)
def test_a_size_is_a_code(words: Words, text: str, code: str, span: str) -> None:
    (size,) = sizes(text, words)
    assert (size.code, text[size.start : size.end]) == (code, span)


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("换大一码", 1),
        ("小一号", -1),
        ("大两码", 2),
        ("one size up", 1),
        ("a size down", -1),
        ("two sizes bigger", 2),
        ("can I get a bigger size", 1),
    ],
)
def test_a_relative_size_is_a_step(words: Words, text: str, step: int) -> None:
    assert [(each.code, each.step) for each in sizes(text, words)] == [(None, step)]


@pytest.mark.parametrize(
    ("text", "system"),
    [("EU 42", "eu"), ("42码", "eu"), ("US 8", "us"), ("uk 7", "uk"), ("size 8", None)],
)
def test_a_number_may_have_a_system(words: Words, text: str, system: str | None) -> None:
    assert sizes(text, words)[0].system == system


NO_SIZES = [
    *("it's", "I'm 170", "H&M", "a small bag", "42块", "5号", "170穿什么码", "iPhone 14 Pro Max"),
    *(
        "size",
        "三件",
        "第42个",
        "a large order",
        "中山北路30号",
        "for 3 days",
        "L-shape",
        "trading standards office",
        "m & m's",
        "订单42011",
    ),
]


@pytest.mark.parametrize("text", NO_SIZES)
def test_what_is_no_size_is_none(words: Words, text: str) -> None:
    assert sizes(text, words) == []


@pytest.mark.parametrize(
    ("text", "code"), [("8", "8"), ("m", "M"), ("42", "42"), ("均码", "one"), ("大号", "L")]
)
def test_an_entity_known_to_be_a_size_needs_no_sign(words: Words, text: str, code: str) -> None:
    size = resolve_size(text, words)
    assert size is not None
    assert size.code == code
