"""The words of a wish that describe goods."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from shop.text.gist import gist, names_goods
from shop.text.request import understand
from shop.text.words import shop_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("推荐点防水的东西", "防水"),
        ("recommend something waterproof for hiking", "waterproof hiking"),
        ("推荐点 waterproof 的好物", "waterproof"),
        ("推荐防水的徒步鞋", "防水 徒步鞋"),
        ("给我推荐点东西吧", ""),
        ("what would you recommend?", ""),
        ("recommend something please", ""),
        ("换一批", ""),
        ("", ""),
    ],
)
def test_what_describes_goods(text, words):
    assert gist(text, (), shop_words()) == words


def test_what_is_understood_otherwise_is_left_out():
    text = "something warm for my girlfriend"
    start = text.index("my girlfriend")
    assert gist(text, [(start, len(text))], shop_words()) == "warm"


@pytest.mark.parametrize(
    ("value", "goods"), [("礼物", False), ("gift", False), ("小东西", False), ("望远镜", True)]
)
def test_a_present_is_no_kind_of_goods(value, goods):
    entity = {"entity": "category", "value": value, "start": 2, "end": 2 + len(value)}
    now = datetime.now(timezone.utc)
    request = understand(f"推荐{value}", [entity], now=now, words=shop_words())
    assert names_goods(request) is goods
