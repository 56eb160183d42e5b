"""What one message asks of a search or a recommendation."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from shop.text.gist import names_goods
from shop.text.request import LONGEST, Request, understand
from shop.text.words import Words

NOW = datetime(2026, 11, 18, 4, 0, tzinfo=timezone.utc)
KINDS = """
words:
  category:
    audio: {zh: 影音, en: audio}
    shoes: {zh: [鞋, 鞋子], en: shoes}
  kind:
    earbuds: {zh: [蓝牙耳机, 耳机], en: [earbuds, earphones]}
    headphones: {zh: [头戴耳机, 耳机], en: [headphones, earphones]}
    speaker: {zh: 音箱, en: speaker}
    running_shoes: {zh: 跑鞋, en: running shoes}
    t_shirt: {zh: T恤, en: T-shirt}
  colour:
    black: {zh: [黑色, 黑], en: black}
    white: {zh: 白色, en: white}
  size:
    M: {zh: M码, en: M}
    "42": {zh: 42码, en: size 42}
  recipient:
    girlfriend: {zh: 女朋友, en: girlfriend}
  occasion:
    birthday: {zh: 生日, en: birthday}
typos:
  兰牙: 蓝牙
"""


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Words:
    folder = tmp_path_factory.mktemp("words")
    (folder / "all.yml").write_text(KINDS, encoding="utf-8")
    return Words.load(folder)


def read(few: Words, text: str, **entities: str) -> Request:
    found: list[dict[str, Any]] = []
    for entity, value in entities.items():
        start = text.index(value)
        span = {"start": start, "end": start + len(value)}
        found.append({"entity": entity, "value": value, **span})
    return understand(text, found, now=NOW, words=few)


def test_a_search_in_chinese(few: Words) -> None:
    request = read(few, "有没有三百以内的黑色蓝牙耳机")
    assert request.kinds == ("earbuds",)
    assert request.terms == ("蓝牙耳机",)
    assert request.colours == ("black",)
    assert request.price is not None
    assert (request.price.minimum, request.price.maximum) == (None, Decimal(300))
    assert names_goods(request)


def test_a_search_in_english(few: Words) -> None:
    request = read(few, "running shoes under $80, size 42, not black")
    assert (request.kinds, request.categories) == (("running_shoes",), ())
    assert request.sizes == ("42",)
    assert request.colours == ()
    assert request.excluded.colours == ("black",)
    assert request.excluded.terms == ()
    assert request.price is not None
    assert request.price.currency == "USD"


def test_a_mixed_search(few: Words) -> None:
    request = read(few, "两件 white 的 T恤，M码，under 100")
    assert (request.kinds, request.colours, request.sizes) == (("t_shirt",), ("white",), ("M",))
    assert request.quantity == 2
    assert request.price is not None
    assert request.price.maximum == 100


def test_a_present(few: Words) -> None:
    request = read(few, "送女朋友的生日礼物，300左右，不要耳机")
    assert request.recipient is not None
    assert request.recipient.code == "girlfriend"
    assert request.occasion is not None
    assert request.occasion.code == "birthday"
    assert request.price is not None
    assert request.price.approximate
    assert request.kinds == ()
    assert request.excluded.kinds == ("earbuds", "headphones")
    assert request.excluded.terms == ("耳机",)
    assert not names_goods(request)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("no earphones or speakers please", ("earphones", "speakers")),
        ("不要耳机和音箱", ("耳机", "音箱")),
        ("不要带帽子的", ("带帽子",)),
    ],
)
def test_things_not_wanted_are_words_one_by_one(
    few: Words, text: str, terms: tuple[str, ...]
) -> None:
    assert read(few, text).excluded.terms == terms


def test_of_goods_in_a_colour_that_is_not_wanted_the_goods_are(few: Words) -> None:
    request = read(few, "don't want black shoes", category="shoes")
    assert request.categories == ("shoes",)
    assert request.excluded.colours == ("black",)
    assert request.excluded.categories == ()


def test_the_others_of_what_was_shown(few: Words) -> None:
    request = read(few, "换一批便宜点的")
    assert request.excluded.shown
    assert request.price is not None
    assert request.price.relative == "cheaper"


def test_one_of_what_was_shown(few: Words) -> None:
    request = read(few, "第二个来两件")
    assert [each.indexes for each in request.pointers] == [(2,)]
    assert request.quantity == 2


def test_one_of_what_was_shown_is_not_wanted(few: Words) -> None:
    request = read(few, "不要第二个")
    assert request.pointers == ()
    assert [each.indexes for each in request.excluded.pointers] == [(2,)]


def test_names_come_from_the_tagger(few: Words) -> None:
    text = "Sony WH-1000XM5 有货吗"
    request = read(few, text, brand="Sony", product="WH-1000XM5")
    assert request.brands == ("Sony",)
    assert request.terms == ("WH-1000XM5",)


def test_a_bare_number_is_what_the_tagger_took_it_for(few: Words) -> None:
    text = "耳机300的"
    assert read(few, text).price is None
    price = read(few, text, price="300").price
    assert price is not None
    assert (price.minimum, price.maximum) == (Decimal(240), Decimal(360))
    assert read(few, "要8的", size="8").sizes == ("8",)
    assert read(few, "就要3", quantity="3").quantity == 3


def test_one_number_is_one_thing(few: Words) -> None:
    request = read(few, "身高170体重120斤穿什么码")
    assert request.measures is not None
    assert (request.sizes, request.price, request.quantity) == ((), None, None)
    request = read(few, "it came on the 5th")
    assert [each.first for each in request.dates] == [date(2026, 11, 5)]
    assert all(each.kind != "index" for each in request.pointers)


def test_misspelled_goods_are_found_and_spelled_right(few: Words) -> None:
    request = read(few, "兰牙耳机 300以内")
    assert request.kinds == ("earbuds",)
    assert request.terms == ("蓝牙耳机",)


def test_the_last_of_several_prices_is_the_second_thought(few: Words) -> None:
    price = read(few, "100元的，算了，200以内都行").price
    assert price is not None
    assert price.maximum == 200


def test_a_message_that_asks_for_nothing_is_empty(few: Words) -> None:
    assert read(few, "谢谢") == Request()


def test_of_a_book_only_the_beginning_is_read(few: Words) -> None:
    request = read(few, "a" * LONGEST + " 耳机")
    assert request == Request()


def test_odd_entities_do_no_harm(few: Words) -> None:
    odd: list[dict[str, Any]] = [
        {},
        {"entity": "price", "value": None},
        {"entity": "size", "value": 8, "start": 900, "end": 1000},
        {"entity": "colour"},
    ]
    assert understand("你好", odd, now=NOW, words=few).sizes == ("8",)
