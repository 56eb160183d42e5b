"""Wishes for what goes with something."""

from __future__ import annotations

import pytest

from shop.text.pairing import pairing


@pytest.mark.parametrize(
    ("text", "bought", "with_it"),
    [
        ("跟我买的裙子搭配的有什么", True, "裙子"),
        ("搭配一下我买的连衣裙", True, "连衣裙"),
        ("我上次买的裙子配什么鞋", True, "裙子"),
        ("what shoes go with the dress I bought", True, "dress"),
        ("accessories for the tent I ordered", True, "tent"),
        ("有什么能搭 the dress 我买的", True, "dress"),
        ("裙子配什么鞋好看", False, "裙子"),
        ("what goes well with white jeans", False, "jeans"),
        ("shirts to match these trousers", False, "trousers"),
        ("买帐篷的人一起买什么", False, "帐篷"),
    ],
)
def test_what_it_goes_with(text, bought, with_it):
    wish = pairing(text)
    assert wish is not None
    assert wish.bought is bought
    start = text.index(with_it)
    assert wish.names(start, start + len(with_it))


def test_what_is_wanted_is_not_what_it_goes_with():
    for text, wanted in (("what shoes go with this dress", "shoes"), ("裙子配什么鞋好看", "鞋")):
        wish = pairing(text)
        start = text.index(wanted)
        assert wish is not None and not wish.names(start, start + len(wanted))


@pytest.mark.parametrize(
    "text",
    [
        "给我推荐点东西",
        "有没有类似的",
        "what would you recommend",
        "I bought a dress, where is it",
        "配送要多久",
        "送货到付款",
        "",
    ],
)
def test_other_wishes(text):
    assert pairing(text) is None
