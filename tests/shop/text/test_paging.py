"""Turning the pages of what is shown."""

from __future__ import annotations

import pytest

from shop.text.paging import paging

TURNS = [
    ("下一页", "next"),
    ("下一頁", "next"),
    ("还有吗", "next"),
    ("还有别的吗", "next"),
    ("还有没有", "next"),
    ("有没有别的款", "next"),
    ("再来几个", "next"),
    ("多推荐几款", "next"),
    ("更多", "next"),
    ("继续", "next"),
    ("next page", "next"),
    ("next", "next"),
    ("more", "next"),
    ("More!", "next"),
    ("show me more", "next"),
    ("any more?", "next"),
    ("what else", "next"),
    ("还有 more 吗", None),
    ("上一页", "previous"),
    ("返回", "previous"),
    ("previous page", "previous"),
    ("back", "previous"),
    ("第一页", "first"),
    ("back to the top", "first"),
    # no pages
    ("还有货吗", None),
    ("还有没有货", None),
    ("还有黑色的吗", None),
    ("除了黑色还有什么颜色", None),
    ("more expensive", None),
    ("more info please", None),
    ("not more than 50", None),
    ("next week", None),
    ("money back", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "turn"), TURNS)
def test_pages_are_turned(text: str, turn: str | None) -> None:
    found = paging(text)
    assert (found.turn if found else None) == turn
