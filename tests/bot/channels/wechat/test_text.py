"""Text within WeChat's limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wechat.menus import as_number
from bot.channels.wechat.text import cut, split, unlinked


def test_5_2_13_a_text_is_cut_where_it_hurts_least():
    assert split("第一句。第二句。", 15) == ["第一句。", "第二句。"]
    assert split("one two three", 9) == ["one two", "three"]
    assert split("short", 9) == ["short"]
    assert split("  \n ", 9) == []


def test_a_link_stays_whole():
    link = '<a href="https://shop.example/orders">订单 一</a>'
    parts = split("看这里 " * 5 + link + " 谢谢。", 80)
    assert sum(link in part for part in parts) == 1


def test_what_is_drawn_together_stays_together():
    family = "👨‍👩‍👧"
    for limit in range(len(family.encode()), 60):
        assert all(part.strip(family) == "" for part in split(family * 6, limit))
        assert not any(part.startswith("\u200d") for part in split("a" * 9 + family * 3, limit))


@given(st.text(), st.integers(16, 200))
def test_5_2_13_parts_fit_and_hold_everything(text, limit):
    parts = split(text, limit)
    assert all(0 < len(part.encode("utf-8", "replace")) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(st.text(), st.integers(3, 200))
def test_a_title_fits(text, limit):
    assert len(cut(text, limit).encode()) <= limit


def test_plain_text_holds_no_links():
    assert "<a" not in unlinked('<A href="http://evil">x</a> 3<a').lower()
    assert unlinked("1 < 2") == "1 < 2"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *[(text, 2) for text in ("2", "２", "二", "②", " 2. ", "2、", "02")],
        ("12", 12),
        ("十", 10),
        ("②②", 22),
        ("½", None),
        ("二号", None),
        ("XE2601000042", None),
        ("1234", None),
        ("", None),
        ("好", None),
    ],
)
def test_5_2_14_a_number_is_read_in_any_script(text, number):
    assert as_number(text) == number
