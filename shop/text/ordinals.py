"""Which of the things on the screen is meant: 第二个, the last one, 上面那个, 这个, both.

A `Pointer` holds positions where they were told, else a kind that the conversation resolves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from shop.text.normalize import Normalized, plain
from shop.text.numbers import value_of
from shop.text.spans import Taken

T = TypeVar("T")
Kind = Literal["index", "this", "that", "these", "other", "both", "all"]


@dataclass(frozen=True)
class Pointer:
    """What was pointed at.

    Attributes:
        kind: `index` has positions; `this` is what is spoken of now, `that` what was before,
            `these` what is shown, `other` the one of two not spoken of.
        indexes: Positions from 1, or from -1 at the end, of kind `index`.
        start, end: The span in the original text.
    """

    kind: Kind
    indexes: tuple[int, ...]
    start: int
    end: int

    def pick(self, shown: Sequence[T]) -> list[T]:
        """The things of a list that are pointed at by position, `both` or `all`; else none."""
        if self.kind == "both":
            return list(shown) if len(shown) == 2 else []
        if self.kind in ("all", "these"):
            return list(shown)
        size = len(shown)
        return [
            shown[index - 1 if index > 0 else size + index]
            for index in self.indexes
            if 0 < abs(index) <= size
        ]


_CLASSIFIER = "[个款件双条种张项单笔套本只台部副顶支瓶盒包样家组排]"
_CN = r"(?:\d{1,3}|[一二两三四五六七八九十]{1,3})"
_NTH = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"
_NTH_OF = {word: index for index, word in enumerate(_NTH.split("|"), start=1)}
_COUNT = "two|three|four|five|six|2|3|4|5|6"
_COUNT_OF = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_THING = (
    "(?:one|item|product|option|choice|result|pair|picture|link|card|model|style|parcel|order)s?"
)

_INDEX = re.compile(
    # 第二个, 第一和第三款, 第二、三个
    rf"第(?P<cn>{_CN})(?P<more>(?:[ ]?[、和跟与,及或][ ]?第?{_CN}(?={_CLASSIFIER}"
    rf"|[、和跟与,及或]|号)){{1,5}})?"
    rf"(?!次|时间|方|天|名|代|季|步|页|周|年|期|期间)(?P<unit>{_CLASSIFIER})?"
    rf"|倒数第?(?P<from_end>{_CN}){_CLASSIFIER}?"
    rf"|(?P<last>最后(?:面)?(?:一|那)?(?:一)?{_CLASSIFIER})"
    rf"|(?P<front>最?前)(?P<front_count>[两二三四五六2-6]){_CLASSIFIER}"
    rf"|(?:最?后|最后)(?P<back_count>[两二三四五六2-6]){_CLASSIFIER}"
    rf"|(?<![a-z])(?:the )?(?:(?P<edge>first|last|top|bottom) (?P<edge_count>{_COUNT})"
    r"(?! (?:days|weeks|months|years|hours|times))"
    rf"|(?P<en_last>(?:very )?last|bottom)(?: {_THING})"
    rf"|(?P<top>top) (?:one|item|result))(?![a-z])"
    rf"|(?<![a-z])(?:(?P<the>the|my) )?(?:(?P<word>{_NTH})|(?P<digits>\d{{1,2}})(?:st|nd|rd|th))"
    rf"(?: (?P<thing>{_THING}))?(?![a-z])"
    r"|(?<![a-z\d])(?:number|no\.?|option|item|product|#)[ ]?(?P<number>\d{1,2}|one|two|three"
    r"|four|five)"
    r"(?![\w-]|[.]\d)",
    re.IGNORECASE,
)
# Behind "second": what makes it no place in a list.
_NO_PLACE = re.compile(
    r"[ -]?(?:hand|time|of all|class|name|day|week|month|year|aid|thing)", re.IGNORECASE
)
_WHOLE = re.compile(
    r"[ ]*(?:(?:我?[选要买看]|就|那就|来|查|点)[ ]?)?(?:#[ ]?)?(?P<number>\d{1,2}"
    r"|[一二三四五六七八九十])(?:[ ]?[号吧的]{1,2})?[ .。,!！)]*"
    r"|[ ]*(?:(?:i(?:'ll| will)? (?:take|want|choose|pick)|give me|let's go with) )?(?:number )?"
    r"(?P<word>one|two|three|four|five|six|seven|eight|nine|ten)(?: please)?[ .!]*",
    re.IGNORECASE,
)
_DEICTIC_WORDS: tuple[tuple[Kind, str], ...] = (
    (
        "both",
        rf"[这那上面]{{1,3}}[两俩2]{_CLASSIFIER}?|[两俩2]{_CLASSIFIER}?都"
        rf"|(?<![a-z])(?:both|(?:these|those) two|the two)(?![a-z])",
    ),
    (
        "all",
        r"全部|都要|全都|所有的?|(?<![a-z])(?:all of (?:them|these|those)|all (?:three|four|five)"
        r"|everything)(?![a-z])",
    ),
    (
        "other",
        rf"另外?(?:一|那)?(?:一)?{_CLASSIFIER}|(?<![a-z])(?:the other (?:one|pair|item)"
        rf"|the other(?= |$))",
    ),
    (
        "that",
        rf"(?:上面|前面|刚才|刚刚|之前|上次|方才)(?:说|看|发|推荐"
        rf"|提)?的?[到过了]?的?那?(?:一)?{_CLASSIFIER}|上一{_CLASSIFIER}"
        rf"|那一?{_CLASSIFIER}|(?<![a-z])(?:that(?: {_THING})?(?= |$|[?.!,])"
        rf"|the previous one|the one (?:above|before)|the above)",
    ),
    ("these", r"[这那]些|(?<![a-z])(?:these|those)(?![a-z])"),
    (
        "this",
        rf"[这该]一?{_CLASSIFIER}|(?<![a-z])this(?: {_THING})?(?! (?:week|month|year|morning"
        rf"|time))(?![a-z])",
    ),
    ("this", r"(?<![其吉])[它牠](?!们)|(?<![a-z])it(?![a-z'])"),
)
_DEICTIC = [(kind, re.compile(words, re.IGNORECASE)) for kind, words in _DEICTIC_WORDS]


def pointers(text: str | Normalized) -> list[Pointer]:
    """What a text points at, in order. A message that is only a number points at a place."""
    read = plain(text)
    if match := _WHOLE.fullmatch(read.text[:60]):
        value = value_of(match["number"] or match["word"])
        if value:
            return [Pointer("index", (int(value),), *read.span(*match.span(match.lastgroup or 0)))]
    found: list[tuple[int, int, Kind, tuple[int, ...]]] = []
    taken = Taken(len(read.text))

    def add(start: int, end: int, kind: Kind, indexes: tuple[int, ...] = ()) -> None:
        if taken.take(start, end):
            found.append((start, end, kind, indexes))

    for match in _INDEX.finditer(read.text):
        if indexes := _indexes(match, read.text):
            add(*match.span(), "index", indexes)
    for kind, pattern in _DEICTIC:
        for match in pattern.finditer(read.text):
            add(*match.span(), kind)
    return [Pointer(kind, indexes, *read.span(a, b)) for a, b, kind, indexes in sorted(found)]


def _indexes(match: re.Match[str], text: str) -> tuple[int, ...]:
    """The positions of one match; none when it is no place in a list."""
    groups = match.groupdict()
    if groups["cn"]:
        numbers = [groups["cn"], *re.findall(_CN, groups["more"] or "")]
        return tuple(int(value) for each in numbers if (value := value_of(each)))
    if groups["from_end"]:
        return (-_small(groups["from_end"]),)
    if groups["last"] or groups["en_last"]:
        return (-1,)
    if groups["top"]:
        return (1,)
    if count := groups["front_count"] or groups["back_count"] or groups["edge_count"]:
        number = _small(count)
        from_end = groups["back_count"] or (groups["edge"] or "").lower() in ("last", "bottom")
        return tuple(range(-number, 0)) if from_end else tuple(range(1, number + 1))
    if groups["number"]:
        return (_small(groups["number"]),)
    if _NO_PLACE.match(text, match.end()) or not (groups["the"] or groups["thing"]):
        # "First, …" and "second" alone say nothing, but "2nd" does when nothing else is said.
        return (int(groups["digits"]),) if groups["digits"] and match[0] == text.strip() else ()
    if groups["the"] and not groups["thing"] and groups["digits"] and int(groups["digits"]) > 12:
        return ()  # the 23rd is a day
    return (_NTH_OF[groups["word"].lower()] if groups["word"] else int(groups["digits"]),)


def _small(text: str) -> int:
    return int(_COUNT_OF.get(text.lower(), 0) or value_of(text) or 1)
