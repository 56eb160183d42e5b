"""Whom a present is for, and the occasion."""

from __future__ import annotations

import pytest

from shop.text.recipients import occasions, recipients
from shop.text.words import Words

RECIPIENTS = [
    ("送女朋友", "girlfriend", "female", "adult"),
    ("送給女朋友的", "girlfriend", "female", "adult"),
    ("女朋友生日送什么", "girlfriend", "female", "adult"),
    ("送给我老婆", "wife", "female", "adult"),
    ("给我妈买件衣服", "mother", "female", "adult"),
    ("给孩子买的", "child", None, "child"),
    ("适合老人用的", "elder", None, "elder"),
    ("送老师", "teacher", None, "adult"),
    ("送她", "woman", "female", "adult"),
    ("送 girlfriend 的礼物", "girlfriend", "female", "adult"),
    ("for my dad", "father", "male", "adult"),
    ("for my best friend", "best_friend", None, None),
    ("for her", "woman", "female", "adult"),
    ("for kids", "child", None, "child"),
    ("my girlfriend's birthday", "girlfriend", "female", "adult"),
]


@pytest.mark.parametrize(("text", "code", "gender", "age"), RECIPIENTS)
def test_a_recipient_is_a_code(
    words: Words, text: str, code: str, gender: str | None, age: str | None
) -> None:
    (found,) = recipients(text, words)
    assert (found.code, found.gender, found.age) == (code, gender, age)


@pytest.mark.parametrize(
    ("text", "code", "years", "age"),
    [
        ("给5岁的儿子", "son", 5, "child"),
        ("送三岁女儿", "daughter", 3, "child"),
        ("gift for a 5 year old boy", "son", 5, "child"),
        ("for my 30-year-old brother", "brother", 30, "adult"),
        ("给10个月大的宝宝", "baby", 0, "baby"),
        ("给80岁的奶奶", "grandmother", 80, "elder"),
    ],
)
def test_years_are_understood(words: Words, text: str, code: str, years: int, age: str) -> None:
    (found,) = recipients(text, words)
    assert (found.code, found.years, found.age) == (code, years, age)


@pytest.mark.parametrize(
    "text", ["我女朋友说不好看", "给我看看", "give me", "his mother called", "男朋友", "帮我", ""]
)
def test_who_is_only_spoken_of_gets_nothing(words: Words, text: str) -> None:
    assert recipients(text, words) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("送妈妈生日礼物", "birthday"),
        ("教师节礼物", "teachers_day"),
        ("七夕送什么好", "valentines_day"),
        ("Valentine’s Day gift", "valentines_day"),
        ("for our anniversary", "anniversary"),
        ("搬新家", "housewarming"),
    ],
)
def test_an_occasion_is_a_code(words: Words, text: str, code: str) -> None:
    assert code in [each.code for each in occasions(text, words)]


def test_every_code_has_a_word_in_both_languages(words: Words) -> None:
    for table in ("recipient", "occasion"):
        assert words.codes(table)
        for code in words.codes(table):
            assert words.say(table, code, "zh") != words.say(table, code, "en")
