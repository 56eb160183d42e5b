"""Wishes to see more of a list: 下一页, 还有吗, more, previous page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from shop.text.normalize import Normalized, plain

Turn = Literal["next", "previous", "first"]


@dataclass(frozen=True)
class Paging:
    """Which way to turn the pages of what was shown."""

    turn: Turn
    start: int
    end: int


_WORDS: tuple[tuple[Turn, str], ...] = (
    (
        "next",
        r"[下后]一?[页批]|再(?:来|看|推荐|给我|发)?(?:几|一?些|点|更多)[个款些儿]?|多(?:来"
        r"|看|推荐|发)?(?:几[个款]|一?点|一?些)"
        r"|还有(?:没有)?(?:吗|嘛|么|别的|其[他它]|更多|(?:什么|哪些)(?=$|推荐|款"
        r"|[ ?吗呢])(?!款式))(?!货)"
        r"|还有没有了?(?![\u4e00-\u9fff])|(?:看|显示|加载)?更多"
        r"|继续(?:看|翻|推荐)?|接着[看来]|往[下后]翻|翻页|有没有(?:别的|其[他它])的?(?:款|了"
        r"|吗)?"
        r"|(?<![a-z])(?:next page|(?:show|see|load|view|give)(?: me)?(?: some| a few)? more"
        r"|(?:any|some|a few) more(?! (?:expensive|info|details|questions|than))|what else"
        r"|anything else|any others?|more (?:options|choices|results|products|items|please"
        r"|like (?:this|these))"
        r"|keep going|next (?:ones?|please|\d+))(?![a-z])",
    ),
    (
        "previous",
        r"[上前]一?[页批]|往[上前]翻|返回上|(?<![a-z])(?:previous page|page back|go back"
        r"|back a page)(?![a-z])",
    ),
    (
        "first",
        r"第一页|首页|从头|(?<![a-z])(?:first page|back to the (?:top|start|beginning)"
        r"|from the start)(?![a-z])",
    ),
)
_PATTERNS = [(turn, re.compile(words, re.IGNORECASE)) for turn, words in _WORDS]
# What says it only when it is all that is said.
_WHOLE: tuple[tuple[Turn, re.Pattern[str]], ...] = (
    ("next", re.compile(r"\W*(?:more|next|others?|还有|继续|下一个|再来|接着)\W*", re.IGNORECASE)),
    ("previous", re.compile(r"\W*(?:back|previous|prev|返回|上一个)\W*", re.IGNORECASE)),
)


def paging(text: str | Normalized) -> Paging | None:
    """Which way to turn pages, if that was asked."""
    read = plain(text)
    for turn, pattern in _PATTERNS:
        if match := pattern.search(read.text):
            return Paging(turn, *read.span(*match.span()))
    for turn, pattern in _WHOLE:
        if len(read.text) <= 30 and pattern.fullmatch(read.text):
            return Paging(turn, *read.span(0, len(read.text)))
    return None
