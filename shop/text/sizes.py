"""Sizes as codes of the catalogue (table `size`): M码, 中号, 42, size 8; relative ones: 大一码."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shop.text.normalize import Normalized, plain
from shop.text.spans import Taken
from shop.text.words import Words


@dataclass(frozen=True)
class Size:
    """A size that was named.

    Attributes:
        code: Of table `size`, or what was said in the same form (XXXL, 8); None for a relative one.
        system: eu, us or uk where it was said with a number.
        step: For a relative one how many sizes larger, or smaller below zero.
        start, end: The span in the original text.
    """

    code: str | None
    system: str | None
    step: int | None
    start: int
    end: int


_LETTERS = r"(?:[2-6]xl|[2-3]xs|x{1,5}l|x{1,3}s|[sml])"
_LETTER = re.compile(
    rf"(?<![a-z0-9'&.])(?:(?P<named>size[ ]|尺码[是:]?[ ]?)?(?P<letter>{_LETTERS}))"
    r"(?P<unit>[ ]?[码号]|[ ]size)?(?![a-z0-9'&]|[.]\d|-shape)",
    re.IGNORECASE,
)
_SYSTEMS = {"欧码": "eu", "eu": "eu", "美码": "us", "us": "us", "英码": "uk", "uk": "uk"}
_SHOE = r"(?:[1-5]\d|[1-9])(?:\.5)?"
_NUMBER = re.compile(
    rf"(?<![a-z])(?P<system>欧码|美码|英码|eur?|us|uk)[ ]?(?:size[ ])?(?P<a>{_SHOE})"
    r"(?!\d|[.]\d|[$%])"
    rf"|(?<![a-z])(?:sizes?|尺码|码数|鞋码|穿)[ :是]{{0,2}}(?P<b>{_SHOE})(?:[ ]?码)?"
    r"(?!\d|[.]\d|[ ]?(?:cm|斤|%))"
    rf"|(?<![\d.])(?P<c>(?:[2-5]\d|[6-9]0|1[0-7][05])(?:\.5)?)[ ]?(?:码|(?<=[3-5]\d)号(?!线|楼)"
    rf"|欧码)",
    re.IGNORECASE,
)
# 160/84A of clothes, 75B, 128GB and 8+256 of devices.
_SPECIAL = re.compile(
    r"(?<![\d.])(?:1[3-9]\d/\d{2,3}[ABCY]|(?:[67]\d|[89][05]|3[0-8])[A-F](?![A-Za-z])"
    r"|(?:16|32|64|128|256|512|1024)GB?(?![A-Za-z])|[1248]TB?(?![A-Za-z])"
    r"|(?:4|6|8|12|16|24)\+(?:64|128|256|512|1024|1T)G?B?)(?!\d)"
)
_STEP = re.compile(
    r"(?P<more>大|小)(?P<count>一|两|半|1|2)?个?[码号](?!店)"
    r"|(?<![a-z])(?:(?:(?P<n>one|a|two|half a) sizes?|size) (?P<way>up|down|bigger|larger|smaller)"
    r"|(?:the )?next size (?P<way2>up|down)"
    r"|(?P<way3>bigger|larger|smaller) (?:size|one)s?)(?![a-z])",
    re.IGNORECASE,
)
# Words of the table that mean a size only where one is asked for or nothing else is said.
_LOOSE = re.compile(r"small|medium|large|standards?|标准|for \d|\d{2}|[sml]", re.IGNORECASE)
_BEFORE_LOOSE = re.compile(
    r"(?:(?<![a-z])(?:size|in|in a|a|the|my|to|get|want|take)|,"
    r"|换|要|拿|来|尺码)[ ]?$",
    re.I,
)
_AFTER_LOOSE = re.compile(
    r"[ ]?(?:(?:size|ones?|please|for|or|and|in|fit|before|instead)(?![a-z])|的|吧|[,.!?]|$)",
    re.IGNORECASE,
)
_PERSONS = re.compile(r"[ ]?(?:people|persons?|of us|$)", re.IGNORECASE)
# 30号 of a street is a house.
_STREETS = "路街道弄巷"
_BARE_NUMBER = re.compile(r"[ ]*(3[4-9]|4[0-9])(\.5)?[ ]*")


def sizes(text: str | Normalized, words: Words) -> list[Size]:
    """The sizes in a text, in order."""
    read = plain(text)
    found: list[tuple[int, int, Size]] = []
    taken = Taken(len(read.text))

    def add(
        start: int, end: int, code: str | None, system: str | None = None, step: int = 0
    ) -> None:
        house = read.text[end - 1 : end] == "号" and read.text[start - 1 : start] in [*_STREETS]
        if not house and taken.take(start, end):
            size = Size(code, system, step or None, *read.span(start, end))
            found.append((start, end, size))

    for match in _STEP.finditer(read.text):
        # 大码 alone is a size of its own.
        if step := _step_of(match):
            add(*match.span(), None, step=step)
    known = set(words.codes("size"))
    for match in _LETTER.finditer(read.text):
        letter = match["letter"]
        told = match["named"] or match["unit"] or len(letter) > 1 or letter.isupper()
        if told or match[0] == read.text.strip():
            add(*match.span(), _letter_code(letter, known))
    for match in _SPECIAL.finditer(read.text):
        add(*match.span(), match[0])
    for match in _NUMBER.finditer(read.text):
        system = _SYSTEMS.get((match["system"] or "").lower()[:2])
        if system is None and ("欧码" in match[0] or match["c"]):
            system = "eu"
        add(*match.span(), match["a"] or match["b"] or match["c"], system)
    for code, start, end in words.find("size", plain(read.text)):
        if not _LOOSE.fullmatch(read.text, start, end) or _asked(read.text, start, end):
            add(start, end, code)
    if bare := _BARE_NUMBER.fullmatch(read.text):
        add(*bare.span(), bare[1] + (bare[2] or ""))
    return [size for _, _, size in sorted(found, key=lambda each: each[0])]


def resolve_size(text: str, words: Words) -> Size | None:
    """The meaning of an entity's text that is known to be a size: here 8 and m are ones."""
    if found := sizes(text, words):
        return found[0]
    read = plain(text)
    known = set(words.codes("size"))
    if match := re.search(rf"(?<![\d.])(?P<number>{_SHOE}|\d{{3}})(?![\d.])", read.text[:60]):
        return Size(match["number"], None, None, *read.span(*match.span()))
    if match := re.search(rf"(?<![a-z]){_LETTERS}(?![a-z])", read.text[:60], re.IGNORECASE):
        return Size(_letter_code(match[0], known), None, None, *read.span(*match.span()))
    return next((Size(code, None, None, a, b) for code, a, b in words.find("size", read)), None)


def _asked(text: str, start: int, end: int) -> bool:
    """Whether a loose word is a size here: "the small one", but not "a small bag"."""
    if text[start:end].isdigit():
        return False
    if text[start:end].lower().startswith("for "):
        return bool(_PERSONS.match(text, end))
    before = not text[:start].strip() or _BEFORE_LOOSE.search(text, max(0, start - 8), start)
    return bool(before and _AFTER_LOOSE.match(text, end))


def _letter_code(letter: str, known: set[str]) -> str:
    upper = letter.upper()
    if upper[0].isdigit():
        upper = "X" * int(upper[0]) + upper[-1]
    short = f"{len(upper) - 1}X{upper[-1]}"
    return short if short in known and upper not in known else upper


def _step_of(match: re.Match[str]) -> int:
    if more := match["more"]:
        count = {"一": 1, "1": 1, "半": 1, "两": 2, "2": 2}.get(match["count"] or "", 0)
        return count if more == "大" else -count
    way = (match["way"] or match["way2"] or match["way3"]).lower()
    count = 2 if (match["n"] or "").lower() == "two" else 1
    return -count if way in ("down", "smaller") else count
