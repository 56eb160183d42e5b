"""Values in sentences, zh and en side by side."""

import logging

import pytest

from bot.filling import Filling

WORDS = {
    "order_state": {"shipped": {"zh": "已发货", "en": "on its way"}},
    "reason": {"cheaper": {"zh": "便宜{saving:money}", "en": "{saving:money} cheaper"}},
}


def filling(lang: str) -> Filling:
    def word(table: str, code: str, lang: str) -> str | None:
        return WORDS.get(table, {}).get(code, {}).get(lang)

    return Filling(lang=lang, word=word, timezone="Asia/Shanghai", currency="CNY")


@pytest.mark.parametrize(
    ("template", "values", "zh", "en"),
    [
        ("{number}", {"number": "XE1"}, "XE1", "XE1"),
        ("{order.number}", {"order": {"number": "XE1"}}, "XE1", "XE1"),
        ("{name}", {"name": {"zh": "耳机", "en": "headphones"}}, "耳机", "headphones"),
        ("{total:money}", {"total": "129.00"}, "¥129", "¥129"),
        ("{total:money}", {"total": "1299.50"}, "¥1,299.50", "¥1,299.50"),
        ("{state:order_state}", {"state": "shipped"}, "已发货", "on its way"),
        (
            "{states:order_state}",
            {"states": ["shipped"] * 2},
            "已发货、已发货",
            "on its way, on its way",
        ),
        (
            "{why:reason}",
            {"why": {"code": "cheaper", "saving": "9.90"}},
            "便宜¥9.90",
            "¥9.90 cheaper",
        ),
        ("{code:upper}", {"code": "m"}, "M", "M"),
        ("{at:date}", {"at": "2020-11-02T20:30:00+00:00"}, "2020年11月3日", "3 Nov 2020"),
        (
            "{at:datetime}",
            {"at": "2020-11-02T20:30:00+00:00"},
            "2020年11月3日 04:30",
            "3 Nov 2020 04:30",
        ),
    ],
)
def test_a_value_is_said_in_the_language_of_the_sentence(template, values, zh, en):
    assert filling("zh").fill(template, values) == zh
    assert filling("en").fill(template, values) == en


def test_lists_and_mappings_are_filled_through():
    template = [{"title": "{n}"}, {"title": "还有", "more": ["{n}"]}]
    assert filling("zh").fill(template, {"n": 1}) == [
        {"title": "1"},
        {"title": "还有", "more": ["1"]},
    ]


def test_a_missing_value_leaves_an_empty_place_and_one_warning(caplog):
    with caplog.at_level(logging.WARNING):
        assert filling("en").fill("Order {number} is here", {}) == "Order  is here"
    assert caplog.messages == ["A response names {number}, which has no value."]


def test_an_unknown_word_shows_its_code_and_warns_which_table_lacks_it(caplog):
    with caplog.at_level(logging.WARNING):
        assert filling("zh").fill("{s:order_state}", {"s": "lost"}) == "lost"
    assert "'lost' in 'order_state'" in caplog.text


def test_what_a_shopper_wrote_is_never_taken_for_a_placeholder():
    assert filling("en").fill("{said}", {"said": "{secret.__class__}"}) == "{secret.__class__}"


def test_a_placeholder_reaches_no_attribute():
    assert filling("en").fill("{said.__class__}", {"said": "x"}) == ""
