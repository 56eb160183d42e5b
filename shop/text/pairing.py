"""Wishes for what goes with something: 跟我买的裙子搭配的, shoes to go with the dress I bought."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shop.text.normalize import Normalized, plain


@dataclass(frozen=True)
class Pairing:
    """A wish for what goes with something.

    Attributes:
        bought: It shall go with something that was bought.
        with_start, with_end: Where that something is named, in the original text.
    """

    bought: bool
    with_start: int
    with_end: int

    def names(self, start: int, end: int) -> bool:
        """Whether a span names what it shall go with; other goods named are those wanted."""
        return self.with_start <= start and end <= self.with_end


_CHINESE = re.compile(
    r"搭配|配套|配什么|配(?=[我这它条件双个一什啥哪])|(?<![百])搭(?=[什啥我这它的得一哪个条件双]|$)|能搭"
    r"|(?:一起|一块儿?)(?:买|用|穿|带)"
)
_POLITE = re.compile("推荐|帮我?|给我?|一下|有没有|有什么|什么|请|能|可以|想|点")
_ENGLISH = re.compile(
    r"(?<![a-z])(?:(?:go(?:es)?|going|works?|looks?) (?:well |nicely |good |great )?with"
    r"|match(?:es|ing)?(?: with)?|pairs?(?: well)? with|(?:to )?wear with|together with"
    r"|accessor(?:y|ies) (?:for|to)|complements?)(?![a-z])",
    re.IGNORECASE,
)
_BOUGHT = re.compile(
    r"(?:我|上次|刚|之前|昨天|最近|前几天|已经|上回|以前)[^,.!?。]{0,4}"
    r"(?:买|下单|订|拍|入手|收到)(?!点|些|什)"
    r"|买过的|买的那"
    r"|(?<![a-z])(?:i|i've|we)(?: (?:just|recently|already|have|had|once))*"
    r" (?:bought|ordered|purchased|got)(?![a-z])"
    r"|(?<![a-z])my (?:last |latest |recent |previous |new )*(?:orders?|purchases?)(?![a-z])",
    re.IGNORECASE,
)


def pairing(text: str | Normalized) -> Pairing | None:
    """The wish for something that goes with something else, if that is asked."""
    read = plain(text)
    sign = _CHINESE.search(read.text)
    if sign is not None:
        # 裙子配什么鞋: what stands before is there already, unless nothing stands before.
        before = re.search(r"\w", _POLITE.sub("", read.text[: sign.start()]))
        place = (0, sign.start()) if before else (sign.end(), len(read.text))
    elif (sign := _ENGLISH.search(read.text)) is not None:
        place = (sign.end(), len(read.text))
    else:
        return None
    return Pairing(bool(_BOUGHT.search(read.text)), *read.span(*place))
