"""The plain form of what people type, and the way back."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.text.lexicon import Lexicon
from shop.text.normalize import corrected, normalize, plain

PLAIN = [
    ("我要退货", "我要退货"),
    ("我要退貨，還有發票嗎", "我要退货,还有发票吗"),  # traditional
    ("ＸＬ碼　１２０元", "XL码 120元"),  # full-width
    ("￥３００", "¥300"),
    ("①号和㎏", "1号和kg"),
    ("2️⃣", "2"),  # a keycap
    ("I don’t “know”", 'I don\'t "know"'),
    ("200〜300", "200~300"),
    ("50–100", "50-100"),
    ("½", "1/2"),
    ("耳\u200b机", "耳机"),  # zero width
    ("\u202eabc\u202c", "abc"),  # right to left
    ("a\x00b\tc\n", "a b c "),
    ("cafe\u0301", "caf\u00e9"),
    ("\ud83d", " "),  # half an emoji
    ("Order", "Order"),  # case stays
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), PLAIN)
def test_what_is_typed_has_a_plain_form(text: str, expected: str) -> None:
    assert normalize(text) == expected


WAY_BACK = [
    ("要\u200b藍\u200b牙的", "蓝牙", "藍\u200b牙"),
    ("重㎏吗", "kg", "㎏"),
    ("重㎏吗", "k", "㎏"),
    ("ＸＬ", "XL", "ＸＬ"),
    ("a e\u0301 b", "\u00e9", "e\u0301"),
]


@pytest.mark.parametrize(("text", "found", "typed"), WAY_BACK)
def test_a_span_leads_back_to_what_was_typed(text: str, found: str, typed: str) -> None:
    read = plain(text)
    at = read.text.index(found)
    start, end = read.span(at, at + len(found))
    assert text[start:end] == typed


def test_an_empty_span_stays_empty() -> None:
    assert plain("abc").span(3, 3) == (3, 3)
    assert plain("").span(0, 0) == (0, 0)


def test_misspellings_are_corrected_and_lead_back() -> None:
    typos = Lexicon([("耳几", "耳机"), ("recieve", "receive"), ("plz", "please")])
    read = corrected("ｐｌｚ 我的耳几 Recieve it", typos)
    assert read.text == "please 我的耳机 receive it"
    spans = {
        "please": "ｐｌｚ",
        "le": "ｐｌｚ",
        "机": "几",
        "receive": "Recieve",
        "ei": "ie",
        "it": "it",
    }
    for found, typed in spans.items():
        at = read.text.index(found) if found != "ei" else read.text.index("receive") + 3
        start, end = read.span(at, at + len(found))
        assert read.original[start:end] == typed


def test_a_misspelling_inside_another_word_is_none() -> None:
    assert corrected("border", Lexicon([("order", "ordre")])).text == "border"


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_spans_of_any_text_are_in_order_and_inside(text: str) -> None:
    read = plain(text)
    assert len(read.text) == len(read.starts) == len(read.ends)
    assert list(read.starts) == sorted(read.starts)
    assert all(0 <= a < b <= len(text) for a, b in zip(read.starts, read.ends, strict=True))


@given(st.text(st.characters(exclude_categories=()), max_size=100))
def test_the_plain_form_is_plain(text: str) -> None:
    assert "\x00" not in normalize(text)
    assert normalize(text).isprintable() or any(ord(sign) > 0x2FF for sign in normalize(text))


@pytest.mark.parametrize("piece", ["a\u0301\u0323\u0301", "\u0301\u0323", "ﷺ", "\x00", "藍芽"])
def test_ten_thousand_characters_take_no_time(piece: str) -> None:
    begun = time.process_time()
    normalize((piece * 10_000)[:10_000])
    assert time.process_time() - begun < 0.1
