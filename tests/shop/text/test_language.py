"""Which language a message is in, and which one to answer in."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.text.language import Turn, detect, of_conversation

CHINESE = [
    "在吗",
    "退貨",  # traditional
    "請問還有貨嗎",
    "OK 好的",
    "我要买 iPhone 15 Pro",
    "有没有 Sony 的耳机",
    "包邮吗？",
    "🙂你好",
    "nihao",
    "zai ma",
    "jiqiren?",
    "quxiao dingdan",
    "ni neng gan ma",
    "suanle",
]
ENGLISH = [
    "hi",
    "Hello",
    "Thanks!",
    "where's my order?",
    "ARE YOU THERE",
    "ok thanks",
    "Sony WH-1000XM5 in black",
    "return",
    "ｗｈｅｒｅ ｉｓ ｉｔ",  # full-width
    "I don’t want it",
]
MIXED = [
    ("我的 order 到哪了", "zh"),
    ("帮我 check 一下 order status please", "zh"),
    ("refund 什么时候到账", "zh"),
    ("这个 is good", "zh"),
    ("please 退货", "zh"),
    ("给我 the blue one", "zh"),
    ("蓝牙耳机 under 300", "zh"),
    ("where is my 包裹", "en"),
    ("I want 蓝牙耳机", "en"),
    ("do you have 蓝色的 shoes", "en"),
    ("the 裙子 is too 小", "en"),
    ("what is 七天无理由", "en"),
]
TELLS_NOTHING = [
    "",
    "   ",
    "20231105001",
    "#A-1024",
    "SF1234567890123",
    "ok",
    "OK",
    "😀👍",
    "?",
    "iPhone 15",
    "Nike",
    "Mate 60 Pro",
    "XL",
    "42",
    "https://shop.example/where/is/it",
    "wang.li@shop.example",
    "/restart",
    "/check_order{}",
    "hhhh",
    "これはいくらですか",
    "\ud800\x00",
    "\u200b\u202e",
]


@pytest.mark.parametrize("text", CHINESE)
def test_chinese_is_told(text: str) -> None:
    assert detect(text) == "zh"


@pytest.mark.parametrize("text", ENGLISH)
def test_english_is_told(text: str) -> None:
    assert detect(text) == "en"


@pytest.mark.parametrize(("text", "expected"), MIXED)
def test_the_grammar_of_a_mixed_sentence_decides(text: str, expected: str) -> None:
    assert detect(text) == expected


@pytest.mark.parametrize("text", TELLS_NOTHING)
def test_numbers_names_and_signs_tell_nothing(text: str) -> None:
    assert detect(text) is None


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_any_text_gets_an_answer(text: str) -> None:
    assert detect(text) in ("zh", "en", None)


@pytest.mark.parametrize("piece", ["a", "1a", "a-", "@a.", "www.a", "的 ", "'a", "我", " /a"])
def test_ten_thousand_characters_are_decided_at_once(piece: str) -> None:
    begun = time.process_time()
    detect((piece * 10_000)[:10_000])
    assert time.process_time() - begun < 0.05


CONVERSATIONS = [
    ([], "zh", "zh"),
    ([], "en", "en"),
    ([Turn("你好"), Turn("where is my order")], "zh", "en"),
    ([Turn("where is my order"), Turn("20231105001")], "zh", "en"),
    ([Turn("where is my order"), Turn(None)], "zh", "en"),
    ([Turn("ok")], "en", "en"),
    # The text beats the switch,
    ([Turn("我的包裹呢", "en")], "en", "zh"),
    # also when a number follows,
    ([Turn("我的包裹呢", "en"), Turn("123", "en")], "en", "zh"),
    # a switch speaks for one who has not written yet,
    ([Turn(None, "en")], "zh", "en"),
    ([Turn(None, "zh"), Turn("123", "en")], "zh", "en"),
    ([Turn(None, "en"), Turn("123")], "zh", "en"),
    # and one that was moved since is the newer wish.
    ([Turn("我的包裹呢", "zh"), Turn(None, "en")], "zh", "en"),
    ([Turn("我的包裹呢", "zh"), Turn(None, "en"), Turn(None, "zh")], "en", "zh"),
    ([Turn("我的包裹呢", "zh"), Turn(None, "en"), Turn("退货", "en")], "en", "zh"),
    # A client in a third language is no switch.
    ([Turn("123", "fr")], "en", "en"),
]


@pytest.mark.parametrize(("turns", "default", "expected"), CONVERSATIONS)
def test_the_conversation_has_a_language(turns: list[Turn], default: str, expected: str) -> None:
    assert of_conversation(turns, default) == expected


def test_turns_may_come_from_a_generator() -> None:
    assert of_conversation((Turn(text) for text in ["hello there", "42"]), "zh") == "en"
