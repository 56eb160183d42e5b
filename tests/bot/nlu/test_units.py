"""Units: where spans can begin and end, in any mixture of scripts."""

from __future__ import annotations

import pytest

from bot.nlu.units import read
from tests.hostile_texts import hostile_texts

SPLIT = [
    ("买2件L码iPhone15壳", ["买", "2", "件", "L", "码", "iPhone", "15", "壳"]),
    ("where's my order", ["where", "'", "s", "my", "order"]),
    ("订单XE20240507119到哪了", ["订", "单", "XE", "20240507119", "到", "哪", "了"]),
    ("under $50", ["under", "$", "50"]),
    ("a@b.co", ["a", "@", "b", ".", "co"]),
    ("ＡＢ１２", ["ＡＢ", "１２"]),
    ("訂單", ["訂", "單"]),
    ("thanks😀!", ["thanks", "😀", "!"]),
    ("½杯", ["½", "杯"]),
    ("  ", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "units"), SPLIT)
def test_text_is_split_into_units(text: str, units: list[str]) -> None:
    assert [text[u.start : u.end] for u in read(text, longest=100).units] == units


@pytest.mark.parametrize(
    ("text", "plain"), [("ＯＲＤＥＲ", "order"), ("訂單", "订单"), ("iPhone", "iphone")]
)
def test_the_model_reads_a_plain_lower_form(text: str, plain: str) -> None:
    assert read(text, longest=100).text == plain


def test_units_never_overlap_and_hold_no_blanks() -> None:
    for text in hostile_texts(300):
        end = 0
        for unit in read(text, longest=512).units:
            assert end <= unit.start < unit.end <= len(text)
            assert text[unit.start : unit.end].strip()
            end = unit.end


def test_what_is_read_can_be_written_as_utf8() -> None:
    for text in hostile_texts(300):
        read(text, longest=512).text.encode("utf-8")


def test_the_rest_of_a_long_text_is_not_looked_at() -> None:
    assert read("退" * 1000, longest=512).units[-1].end == 512
