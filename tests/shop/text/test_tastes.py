"""Likings and wishes to forget them."""

from __future__ import annotations

import pytest

from shop.text.tastes import forgets_tastes, praises, tastes
from shop.text.words import shop_words

HEADPHONES = [("kind", kind, False) for kind in ("earbuds", "headphones", "sports_earphones")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我喜欢绿茶", [("kind", "green_tea", True)]),
        ("我特别喜欢喝绿茶，推荐点", [("kind", "green_tea", True)]),
        ("我爱喝 green tea", [("kind", "green_tea", True)]),
        ("I love green tea, recommend something", [("kind", "green_tea", True)]),
        ("she's really into yoga mats", [("kind", "yoga_mat", True)]),
        ("I'm a big fan of chocolate because it is sweet", [("kind", "chocolate", True)]),
        ("我喜欢户外用品", [("category", "outdoor", True)]),
        ("我喜欢露营", [("word", "露营", True)]),
        ("I like gardening", [("word", "gardening", True)]),
        ("不要耳机", HEADPHONES),
        ("我不喜欢耳机", HEADPHONES),
        ("no earphones please", HEADPHONES),
        ("我喜欢绿茶，不喜欢巧克力", [("kind", "green_tea", True), ("kind", "chocolate", False)]),
        ("我不太喜欢绿茶", []),
        ("我喜欢红色", []),
        ("I don't like red", []),
        ("我喜欢这个", []),
        ("我喜欢第一个", []),
        ("I like it", []),
        ("I love you guys", []),
        ("I'd like a tent", []),
        ("I would like to buy a tent", []),
        ("something like this", []),
        ("你们喜欢什么", []),
        ("有没有她喜欢的", []),
        ("I don't like the second one", []),
        ("", []),
    ],
)
def test_what_is_said_to_be_liked(text, expected):
    found = [(each.subject, each.value, each.liked) for each in tastes(text, shop_words())]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "forgets"),
    [
        ("忘掉我的喜好", True),
        ("把我的喜好都删掉", True),
        ("forget what I like", True),
        ("please delete my preferences", True),
        ("forget 我的喜好", True),
        ("把我的个人信息删掉", False),
        ("delete all my data", False),
        ("never mind, forget it", False),
        ("我喜欢绿茶", False),
    ],
)
def test_wishes_to_forget(text, forgets):
    assert forgets_tastes(text) is forgets


@pytest.mark.parametrize(
    ("text", "likes"),
    [
        ("第一个不错，我喜欢", True),
        ("I like the first one", True),
        ("不喜欢第一个", False),
        ("I don't like the first one", False),
        ("第一个多少钱", False),
    ],
)
def test_praise(text, likes):
    assert praises(text) is likes
