"""What a shopper does not want."""

from __future__ import annotations

import pytest

from shop.text.negation import exclusions

SHOWN = [
    *("换一批", "換一批", "换一组看看", "换别的", "换个别的", "换一个", "不要这些", "这些都不喜欢"),
    *("都不合适", "不要这个", "没有喜欢的", "还有别的吗", "not these", "no, not that"),
    *("none of these", "I don't like them", "something else", "show me other options"),
]


@pytest.mark.parametrize("text", SHOWN)
def test_what_was_shown_is_not_wanted(text: str) -> None:
    assert [each.kind for each in exclusions(text)] == ["shown"]


THINGS = [
    ("不要耳机", ["耳机"]),
    ("不要耳機", ["耳機"]),
    ("别推荐耳机了", ["耳机"]),
    ("不想要入耳式的耳机", ["入耳式的耳机"]),
    ("不喜欢红色的", ["红色"]),
    ("不是黑色的", ["黑色"]),
    ("除了黑色都行", ["黑色"]),
    ("除了黑色之外", ["黑色"]),
    ("除了耳机还有什么", ["耳机"]),
    ("不要耳机和手表，要音箱", ["耳机和手表"]),
    ("不要黑色要白色", ["黑色"]),
    ("有没有不带帽子的卫衣", ["帽子"]),
    ("不含酒精的", ["酒精"]),
    ("能不能不要黑色", ["黑色"]),
    ("no earphones please", ["earphones"]),
    ("no shoes and no bags", ["shoes", "bags"]),
    ("anything but black", ["black"]),
    ("other than black", ["black"]),
    ("everything except shoes", ["shoes"]),
    ("without sugar", ["sugar"]),
    ("don't want black or red", ["black or red"]),
    ("I hate pink", ["pink"]),
    ("don’t show me earphones again", ["earphones"]),
    ("not black", ["black"]),
    ("推荐礼物 but no earphones", ["earphones"]),
]


@pytest.mark.parametrize(("text", "whats"), THINGS)
def test_a_thing_is_not_wanted(text: str, whats: list[str]) -> None:
    found = exclusions(text)
    assert [each.what for each in found] == whats
    assert [text[each.start : each.end] for each in found] == whats


NOTHING = [
    *("不要太贵", "不要超过300", "不要了", "不要钱吗", "不是吗", "换货", "换大一码", "换个颜色"),
    *("没有", "别的颜色", "no problem", "no thanks", "no", "not sure", "not working"),
    *("no more than 50", "have not received it", "not yet", "why not", "cannot pay"),
]


@pytest.mark.parametrize("text", NOTHING)
def test_not_every_no_refuses_a_thing(text: str) -> None:
    assert exclusions(text) == []
