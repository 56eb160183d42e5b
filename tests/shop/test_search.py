"""Search by words, on an index of a few documents."""

from __future__ import annotations

import time

import pytest

from shop.search import (
    ATTRIBUTE,
    BRAND,
    DESCRIPTION,
    KIND,
    NAME,
    Document,
    Index,
    Matches,
    fold,
    stem,
)


def document(number: int, *texts: tuple[float, str], sold: int = 0) -> Document:
    return Document(number, "category", "kind", ("云雀", "Skylark"), sold, texts)


INDEX = Index(
    [
        document(1, (NAME, "云雀无线耳机"), (KIND, "earphones"), (ATTRIBUTE, "红色"), sold=10),
        document(2, (NAME, "头戴式降噪耳机"), (KIND, "over-ear headphones"), (ATTRIBUTE, "black")),
        document(3, (NAME, "power bank 20W"), (KIND, "充电宝"), (DESCRIPTION, "给耳机充电")),
        document(4, (NAME, "red T-shirt"), (KIND, "T恤"), (DESCRIPTION, "for summer parties")),
        document(5, (NAME, "保温杯"), (BRAND, "Acme"), (DESCRIPTION, "not for babies")),
    ]
)


def exact(text: str) -> list[int]:
    return INDEX.ids[INDEX.match(text).exact].tolist()


def near(text: str) -> list[int]:
    return INDEX.ids[INDEX.match(text).near].tolist()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("耳机", [1, 2]),
        ("无线耳机", [1]),
        ("耳机 降噪", [2]),
        ("耳机降噪", [2]),
        ("红色耳机", [1]),
        ("红耳机", [1]),  # 红 is a word by itself
        ("earphone", [1]),
        ("Ear Phones", [1]),
        ("earpones", [1]),  # one letter missing
        ("eraphones", [1]),  # changed places
        ("earpphones", [1]),  # one too many
        ("powerbank", [3]),
        ("power-bank", [3]),
        ("ＰＯＷＥＲ　ＢＡＮＫ", [3]),
        ("tshirt", [4]),
        ("t shirts", [4]),
        ("summer T-shirt", [4]),
        ("请问有没有耳机呢", [1, 2]),
        ("do you have a power bank?", [3]),
        ("acme", [5]),
        ("杯", [5]),
        ("杯子", []),
        ("babies", []),  # a description alone proves nothing
        ("summer", []),
        ("耳机 充电宝", []),  # the power bank only mentions earphones
    ],
)
def test_all_words_have_to_be_found(text: str, found: list[int]) -> None:
    assert exact(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("索尼耳机", [1, 2]),
        ("green t-shirt", [4]),
        ("power bank 50W", [3]),
        ("headset 20", []),
        ("banana", []),
        ("babies", []),
    ],
)
def test_near_ones_match_what_the_thing_is(text: str, found: list[int]) -> None:
    assert near(text) == found


def best(matches: Matches) -> int:
    return int(INDEX.ids[matches.score.argmax()])


def test_names_weigh_more_than_descriptions() -> None:
    matches = INDEX.match("耳机")

    assert matches.score[2] < matches.score[1] < matches.score[0]


def test_of_equals_the_better_sold_comes_first() -> None:
    assert best(INDEX.match("耳机")) == 1


@pytest.mark.parametrize("text", ["", "please", "的", "！？", "😀"])
def test_without_words_everything_matches(text: str) -> None:
    assert exact(text) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("word", "stemmed"),
    [
        ("shoes", "shoe"),
        ("watches", "watch"),
        ("boxes", "box"),
        ("batteries", "battery"),
        ("dresses", "dress"),
        ("dress", "dress"),
        ("bus", "bus"),
        ("xs", "xs"),
    ],
)
def test_plurals_are_found_by_singulars(word: str, stemmed: str) -> None:
    assert stem(word) == stemmed


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Women's", "women"), ("ＷＯＭＥＮ’Ｓ", "women"), ("藍牙", "蓝牙"), ("T恤", "t恤")],
)
def test_widths_scripts_and_cases_are_one(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_categories_kinds_and_brands_narrow() -> None:
    assert INDEX.within(category="category").all()
    assert INDEX.within(category="kind").all()
    assert INDEX.within(brand="SKYLARK").all()
    assert not INDEX.within(category="shoes").any()
    assert not INDEX.within(brand="lark").any()


def test_an_empty_catalogue_can_be_searched() -> None:
    empty = Index([])

    assert len(empty) == 0
    assert empty.match("耳机").exact.tolist() == []


@pytest.mark.parametrize("text", ["a" * 100_000, "耳" * 100_000, "红" * 500, "a b " * 50_000])
def test_long_texts_take_no_time(text: str) -> None:
    start = time.process_time()
    INDEX.match(text)

    assert time.process_time() - start < 0.2
