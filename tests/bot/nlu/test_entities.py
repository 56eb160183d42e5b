"""The one rule: patterns are law, the catalogue is advice, the tagger says the rest."""

from __future__ import annotations

import time

import numpy as np
import pytest

from bot.nlu.entities import find_entities
from bot.nlu.lookups import Catalogue, Lookup
from bot.nlu.patterns import Patterns
from bot.nlu.tags import TagSet
from bot.nlu.units import read

PATTERNS = Patterns(r"XE\d{10}")
TYPES = ("brand", "category", "color", "email", "order_id", "phone", "tracking_number")
TAGS = TagSet(TYPES)


def entities(
    text: str,
    wishes: dict[str, str] | None = None,
    *,
    lookup: Lookup | None = None,
    bonus: float = 2.5,
) -> list[tuple[str, str]]:
    """Entities where the tagger says nothing but the wishes (word -> type)."""
    found = read(text, longest=512)
    scores = np.zeros((len(found.units), TAGS.size), np.float32)
    scores[:, 0] = 2
    for index, unit in enumerate(found.units):
        for word, entity in (wishes or {}).items():
            start = text.index(word)
            if start <= unit.start and unit.end <= start + len(word):
                number = TYPES.index(entity)
                tag = TAGS.begin(number) if unit.start == start else TAGS.inside(number)
                scores[index, tag] = 6
    answer = find_entities(
        found,
        scores,
        TAGS,
        patterns=PATTERNS,
        lookup=lookup or Lookup(),
        bonus=bonus,
    )
    for entity in answer:
        assert text[entity["start"] : entity["end"]] == entity["value"]
    return [(entity["entity"], entity["value"]) for entity in answer]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("订单XE1234567890到哪了", [("order_id", "XE1234567890")]),
        ("where is xe1234567890?", [("order_id", "xe1234567890")]),
        ("我的邮箱是a.b+c@shop.example.com谢谢", [("email", "a.b+c@shop.example.com")]),
        ("mail JOE@X.CO please", [("email", "JOE@X.CO")]),
        ("打13800138000给我", [("phone", "13800138000")]),
        ("138 0013 8000", [("phone", "138 0013 8000")]),
        ("call +44 20 7946 0958", [("phone", "+44 20 7946 0958")]),
        ("SF1234567890123到了吗", [("tracking_number", "SF1234567890123")]),
        ("1Z999AA10123456784", [("tracking_number", "1Z999AA10123456784")]),
        ("RR123456785CN 和 a@b.co", [("tracking_number", "RR123456785CN"), ("email", "a@b.co")]),
        ("ＳＦ１２３４５６７８９０", [("tracking_number", "ＳＦ１２３４５６７８９０")]),
        ("买2件", []),
        ("2024年", []),
        ("12345", []),
        ("XE12345678901", []),
    ],
)
def test_forms_are_law(text: str, expected: list[tuple[str, str]]) -> None:
    assert entities(text) == expected


def test_a_form_overrules_the_tagger() -> None:
    assert entities("XE1234567890", {"XE1234567890": "phone"}) == [("order_id", "XE1234567890")]


@pytest.mark.parametrize("entity", ["phone", "order_id"])
def test_where_a_form_allows_two_types_the_tagger_chooses(entity: str) -> None:
    number = "13800138000"
    assert entities(number, {number: entity}) == [(entity, number)]


@pytest.mark.parametrize("text", ["CA 94610", "e-发票", "mail: joe"])
def test_an_email_without_its_form_is_none(text: str) -> None:
    assert entities(text, {text: "email"}) == []


def test_of_an_email_and_what_was_tagged_around_it_the_form_is_left() -> None:
    assert entities("e-发票给a@b.co吧", {"e-发票给a@b.co吧": "email"}) == [("email", "a@b.co")]


def test_a_tagged_span_that_a_form_cuts_is_not_reported_twice() -> None:
    found = entities("XE1234567890黑色", {"XE1234567890黑色": "color"})
    assert found[0] == ("order_id", "XE1234567890")
    assert all("XE" not in value for _, value in found[1:])


CATALOGUE = Lookup(
    [("brand", "Zorblax"), ("category", "蓝牙耳机"), ("category", "耳机"), ("color", "navy blue")]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("有zorblax的吗", [("brand", "zorblax")]),
        ("想买蓝牙耳机", [("category", "蓝牙耳机")]),
        ("耳机", [("category", "耳机")]),
        ("a navy blue one", [("color", "navy blue")]),
        ("zorblaxes", []),
    ],
)
def test_the_catalogue_leans_the_tagger(text: str, expected: list[tuple[str, str]]) -> None:
    assert entities(text, lookup=CATALOGUE) == expected


def test_the_tagger_overrules_the_catalogue_where_it_is_sure() -> None:
    assert entities("Zorblax", {"Zorblax": "color"}, lookup=CATALOGUE) == [("color", "Zorblax")]


def test_without_a_bonus_the_catalogue_says_nothing() -> None:
    assert entities("耳机", lookup=CATALOGUE, bonus=0) == []


def test_words_that_mean_too_much_are_left_out() -> None:
    assert Lookup([("color", "红"), ("size", "42"), ("size", "M"), ("size", "XL")]).size == 1


def test_the_catalogue_is_read_again_and_survives_a_broken_shop() -> None:
    words = [("brand", "Zorblax")]

    def source() -> list[tuple[str, str]]:
        if not words:
            raise OSError("the shop is closed")
        return list(words)

    catalogue = Catalogue(source, every=0.0)
    assert catalogue.lookup.size == 1
    words.append(("brand", "Quux"))
    _until(lambda: catalogue.lookup.size == 2)
    words.clear()
    for _ in range(3):
        assert catalogue.lookup.size == 2


def test_a_shop_that_was_never_there_leaves_the_tagger_alone() -> None:
    def source() -> list[tuple[str, str]]:
        raise OSError("no shop")

    assert Catalogue(source, every=300).lookup.size == 0


def _until(condition) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("text", ["1" * 512, "a" * 512, "a@" * 256, "+1 " * 170, "1 3" * 170])
def test_forms_take_no_longer_on_hostile_texts(text: str) -> None:
    began = time.perf_counter()
    list(PATTERNS.find(text))
    assert time.perf_counter() - began < 0.2
