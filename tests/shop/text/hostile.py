"""Texts that no reader of values may choke on."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.shop.text.samples import SAMPLES

# Each is repeated to thousands of characters: what makes a careless pattern run for minutes.
PIECES = (
    *("一", "百", "十万", "1", "1,", "1,111", "1.", "0.", "00", "一.", "a ", "a hundred "),
    *("one ", "one and ", "half a ", "twenty-", " ", "-", "1-", "1 - ", "~", "$", "$1", "¥1-"),
    *("不", "不要", "no ", "not ", "the ", "of ", "第", "第一", "1st ", "上", "上个", "last "),
    *("Nov ", "1月", "1/", "2026-", "11-", "in ", "for ", "for my ", "送", "给", "给我", "身高"),
    *("170/", "5'", "cm", "1米", "x", "X", "XL", "L", "黑", "深", "色", "这个", "那", "都"),
    *("最", "以", "内", "more ", "除了", "under ", "between 1 ", "from 1 to ", "过去", "前"),
    *("周", "🙂", "\u200b", "\ud800", "\x00", "\u0301", "ﷺ", "٣", "²", "½", "、", "，", "和"),
    *("或", "/", "'", '"', "<b>", "'; DROP", "\n"),
)
TEXTS = (
    *("", " ", "\ud83d", "\x00", "\u202e", "/restart", '/inform{"a": 1}', "<script>", "１２", "٣٤"),
    "9" * 10_000,
    "ab" * 5_000,
    "".join(PIECES) * 20,
)


def any_text() -> st.SearchStrategy[str]:
    """Anything at all, and mixtures of what means something to some reader."""
    anything = st.text(st.characters(exclude_categories=()), max_size=60)
    pieces = st.lists(st.sampled_from([*PIECES, *SAMPLES]), max_size=8).map("".join)
    return st.one_of(anything, pieces, st.tuples(anything, pieces, anything).map("".join))
