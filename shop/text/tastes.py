"""Likings that a message tells of: 我喜欢露营, I love green tea, 不喜欢耳机, forget what I like.

What is not wanted is read by `shop.text.negation`; here both come together as tastes, resolved to
what the shop has: kinds and departments, else the words themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shop.models import TasteSubject
from shop.text.colours import colours
from shop.text.negation import exclusions
from shop.text.normalize import Normalized, plain
from shop.text.ordinals import pointers
from shop.text.words import Words


@dataclass(frozen=True)
class SaidTaste:
    """Something said to be liked, or not.

    Attributes:
        subject, value: As in `shop.models.Taste`; never a product, which is pointed at.
        liked: Or disliked.
    """

    subject: TasteSubject
    value: str
    liked: bool


#: Longer pieces of a sentence are no name of anything.
_LONGEST = 30
_CN_ENDS = (
    r"[,.;:!?。、\n]|\s(?![a-z])|(?<![a-z])\s|的?(?:东西|商品|产品|款|那种|这种|类)|[都就但我你您有可想还]|推荐|求|谢|请"
    r"|[了吗吧呢啊呀哦]|什么|多一点|一点|为主|给"
)
_CHINESE = re.compile(
    r"(?<![不没])(?<!不[太怎大])(?<!不是很)(?<!你们)(?<!大家)"
    r"(?:喜欢|喜爱|偏爱|热爱|钟爱|爱(?=[喝吃用穿玩看逛])|迷上了?|沉迷)"
    r"(?:[喝吃用穿玩看逛买做](?!具))?[ ]?"
    rf"(?!的|[这那它他她]|第|什|哪|吗|不|买|上[个款面])(?P<what>(?:(?!{_CN_ENDS}).){{1,24}})",
    re.IGNORECASE,
)
_ENGLISH = re.compile(
    r"(?<![a-z])(?:i|we|she|he|they)(?:'m|'re|'s|'ve| am| are| is| have)?"
    r"(?: (?:really|also|absolutely|just|do|always|very much|totally|usually|both))*"
    r" (?:likes?|loves?|loved|enjoys?|adores?|prefers?|into|fans? of|a (?:big |huge )?fan of"
    r"|crazy about|keen on|fond of)"
    r" (?!(?:it|you|your|me|us|this|that|these|those|them|how|what|when"
    r"|the (?:first|second|third|last))(?![a-z]))"
    r"(?:to |the |a |an |my |all |some |drinking |eating |wearing |doing |going )*"
    r"(?P<what>[^,.;:!?\n]{2,30}?)"
    r"(?=$|[,.;:!?\n]| (?:so|but|and (?:i|she|he|we)|because|please|recommend|what|very|a lot|most"
    r"|best|more|too|better|any|can|could|do|stuff|things|though)(?![a-z]))",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"(?<![不没])(?<!不[太怎])(?:喜欢|中意|爱了|种草|很?不错|好看|满意)"
    r"|(?<![a-z])(?<!don't )(?<!not )(?:like|love|fancy|prefer)(?![a-z])",
    re.IGNORECASE,
)
_FORGET_SIGN = (
    r"忘[掉记了]?|清[空除]|删[掉除]?|抹掉|重置|别再?记|不要再?记|取消"
    r"|(?<![a-z])(?:forget|erase|delete|clear|remove|reset|wipe)(?![a-z])"
)
_TASTE_WORD = (
    r"喜好|偏好|喜欢的?|口味|爱好|兴趣|(?<![a-z])(?:likes?|dislikes?|tastes?|preferences?)(?![a-z])"
)
_FORGET = re.compile(
    f"(?:{_FORGET_SIGN}).{{0,24}}(?:{_TASTE_WORD})|(?:{_TASTE_WORD}).{{0,8}}(?:{_FORGET_SIGN})",
    re.IGNORECASE,
)


def tastes(text: str | Normalized, words: Words) -> tuple[SaidTaste, ...]:
    """What a message says to like or not to like, each once, likings first.

    Colours are none: whoever wants nothing red today may want it tomorrow.
    """
    read = words.read(text)
    found = [
        *_about(((what, True) for what in _likings(read)), words),
        *_about(
            (
                (each.what, False)
                for each in exclusions(read)
                if each.kind == "thing" and not pointers(each.what)
            ),
            words,
        ),
    ]
    return tuple(dict.fromkeys(found))


def forgets_tastes(text: str | Normalized) -> bool:
    """Whether what was said to be liked shall be forgotten."""
    return bool(_FORGET.search(plain(text).text))


def praises(text: str | Normalized) -> bool:
    """Whether what it points at is liked."""
    return bool(_PRAISE.search(plain(text).text))


def _likings(read: Normalized) -> Iterator[str]:
    for pattern in (_CHINESE, _ENGLISH):
        for match in pattern.finditer(read.text):
            yield match["what"].strip()


def _about(said: Iterator[tuple[str, bool]], words: Words) -> Iterator[SaidTaste]:
    for what, liked in said:
        kinds = [code for code, _, _ in words.find("kind", what)]
        categories = [code for code, _, _ in words.find("category", what)]
        if kinds:
            yield from (SaidTaste("kind", code, liked) for code in kinds)
        elif categories:
            yield from (SaidTaste("category", code, liked) for code in categories)
        elif 1 < len(what) <= _LONGEST and not colours(what, words):
            yield SaidTaste("word", what, liked)
