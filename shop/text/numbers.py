"""Numbers as people write them: 三百五, 两千, 1.5万, 1,200, a hundred and fifty, half, and amounts.

`NUMBER` is the pattern of one number for the patterns of other modules; `value_of` reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from shop.text.normalize import Normalized, plain
from shop.text.spans import Taken

_DIGITS = {
    **{sign: value for value, sign in enumerate("零一二三四五六七八九")},
    **{sign: value for value, sign in enumerate("零壹贰叁肆伍陆柒捌玖")},
    "〇": 0,
    "两": 2,
    "俩": 2,
    "仨": 3,
}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1_000, "仟": 1_000}
_MYRIADS = {"万": 10_000, "亿": 100_000_000}
_CHINESE_SIGNS = {*_DIGITS, *_UNITS, *_MYRIADS}
_SHORT = {"k": 1_000, "K": 1_000, "w": 10_000, "W": 10_000, "千": 1_000, "百": 100, **_MYRIADS}

_SMALL = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ENGLISH = {
    **{word: value for value, word in enumerate(_SMALL)},
    **{word: 10 * value for value, word in enumerate(_TENS, start=2)},
    "a": 1,
    "an": 1,
    "fourty": 40,
}
_ENGLISH_UNITS = {"hundred": 100, "thousand": 1_000, "grand": 1_000, "million": 1_000_000}

_CHINESE_NUMBER = "[零〇一二两俩仨三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟]"
_CHINESE = rf"{_CHINESE_NUMBER}{{1,24}}"
_ARABIC = (
    r"(?<![\d.])(?:\d{1,3}(?:,\d{3}){1,4}|\d{1,15})(?:\.\d{1,6})?(?!\d)"
    r"(?:[ ]?[千百万亿]{1,2}(?![a-z])|[kKwW](?![a-zA-Z]))?"
)
_WORDS = "|".join(sorted([*_ENGLISH, *_ENGLISH_UNITS], key=len, reverse=True))
# An article alone is no number: "a" needs a hundred after it.
_ENGLISH_NUMBER = (
    rf"(?<![a-zA-Z])(?:(?:an?[ ]|half[ ]an?[ ])(?=hundred|thousand|grand|million)|(?!an?\b))"
    rf"(?:{_WORDS})(?:(?:[ ]|-|[ ]and[ ](?:an?[ ]half[ ])?)(?:{_WORDS})){{0,8}}(?![a-zA-Z])"
)
NUMBER = rf"(?:{_ARABIC}|{_CHINESE}|{_ENGLISH_NUMBER})"


@dataclass(frozen=True)
class Quantity:
    """How many: `unit` is piece, pair, box, bottle, bag, set, roll or None when none was said."""

    count: int
    unit: str | None
    start: int
    end: int


def value_of(text: str) -> Decimal | None:
    """The value of a text that is one number and nothing else, or None."""
    text = plain(text).text.strip()
    if len(text) > 60:
        return None
    if not text or text[0] in "0123456789":
        return _arabic(text)
    if text[0].isascii():
        return _english(text.lower())
    return _chinese(text)


def _arabic(text: str) -> Decimal | None:
    found = re.fullmatch(r"([\d,]+(?:\.\d+)?) ?([kKwW百千万亿]{0,2})", text, re.ASCII)
    if not found:
        return None
    try:
        value = Decimal(found[1].replace(",", ""))
    except InvalidOperation:
        return None
    for unit in found[2]:
        value *= _SHORT[unit]
    return value


def _chinese(text: str) -> Decimal | None:
    """Reads 三百五 (350), 一百二 (120), 两千零五 (2005), 一万五 (15000), 二〇二六 (2026), 半."""
    if text == "半":
        return Decimal("0.5")
    if text == "几" or any(
        s not in _DIGITS and s not in _UNITS and s not in _MYRIADS for s in text
    ):
        return None
    if all(sign in _DIGITS for sign in text):
        if len(text) == 2 and "零" not in text and "〇" not in text:
            return None  # 两三, 三五: two or three
        # Spelled out digit by digit, as years are; 一 is just one.
        return Decimal("".join(str(_DIGITS[sign]) for sign in text))
    total = section = 0
    digit: int | None = None
    last_unit, zero = 1, False
    for sign in text:
        if sign in _DIGITS:
            if digit:
                return None
            digit = _DIGITS[sign]
            zero = zero or digit == 0
        elif sign in _UNITS:
            section += (1 if digit is None else digit) * _UNITS[sign]
            digit, last_unit, zero = None, _UNITS[sign], False
        else:
            total = (total + section + (digit or 0) or 1) * _MYRIADS[sign]
            section, digit, last_unit, zero = 0, None, _MYRIADS[sign], False
    if digit:
        # A digit after a unit counts tenths of it, unless a zero stands between or it is ten.
        section += digit * (last_unit // 10 if last_unit > 10 and not zero else 1)
    return Decimal(total + section)


def _english(text: str) -> Decimal | None:
    """Reads "two hundred and fifty", "a hundred", "one and a half thousand", "half a million"."""
    if text in ("half", "a", "an"):
        return Decimal("0.5") if text == "half" else None
    half = Decimal(0)
    if text.startswith("half a"):
        text = re.sub("^half an? ", "", text)
        half = Decimal("-0.5")
    total = section = Decimal(0)
    seen = False
    if " and a half" in text:
        text, half = text.replace(" and a half", ""), Decimal("0.5")
    for word in text.replace("-", " ").split():
        if word == "and" and seen:
            continue
        if word in _ENGLISH_UNITS:
            factor = _ENGLISH_UNITS[word]
            section = ((section if seen else 1) + half) * factor
            half = Decimal(0)
            if factor > 100:
                total, section = total + section, Decimal(0)
        elif word in _ENGLISH:
            section += _ENGLISH[word]
        else:
            return None
        seen = True
    return total + section + half if seen else None


_CLASSIFIERS = {
    "件个只条台部款张本把顶枚支枝根片粒颗份样架辆床副": "piece",
    "双对": "pair",
    "盒箱": "box",
    "瓶罐": "bottle",
    "包袋": "bag",
    "套组": "set",
    "卷": "roll",
}
_UNIT_OF = {sign: unit for signs, unit in _CLASSIFIERS.items() for sign in signs}
_ENGLISH_CLASSIFIERS = {
    **dict.fromkeys(("piece", "pc", "item", "unit"), "piece"),
    **dict.fromkeys(("box", "boxe", "carton"), "box"),
    **dict.fromkeys(("bottle", "can"), "bottle"),
    **dict.fromkeys(("bag", "pack", "packet"), "bag"),
    **{unit: unit for unit in ("pair", "set", "roll")},
}
_ONE_OF = "".join(_UNIT_OF)
_CHINESE_QUANTITY = re.compile(
    rf"(?<![第这那哪每另上下前后整几\d零一二两三四五六七八九十百千])(?P<number>\d{{1,5}}"
    rf"|{_CHINESE}|半)[ ]?"
    rf"(?P<unit>打(?!几?折|[几八七六五]|开|不)|(?<!三)包(?!邮)|[{_ONE_OF.replace('包', '')}])"
    r"(?!以[内下上]|左右|持|松鼠|[月钱半人字点套]|小时|星期|礼拜|工作日|部分|问题)"
)
_ENGLISH_QUANTITY = re.compile(
    r"(?<![\w$€£.,-])(?P<number>(?:an?|half[ ]an?)[ ]dozen|dozen|an?[ ]couple(?:[ ]of)?"
    rf"|couple(?:[ ]of)?|\d{{1,5}}|(?:an?(?=[ ]pair))|{_ENGLISH_NUMBER})(?![\d.,]\d)"
    r"(?:[ ]?(?P<unit>piece|pc|item|unit|pair|boxe?|carton|bottle|bag|packet|pack|set|roll)s?"
    r"(?![a-zA-Z])(?:[ ]of(?![a-zA-Z]))?)?",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"(?:(?<![\w])[x*×][ ]?(?P<after>\d{1,3})|(?<![\w.])(?P<before>\d{1,3})[x×])(?![\w])",
)
# Of 一个 and "one" as articles nothing is to be told; neither of "an item".
_ARTICLE = re.compile(r"[一1][个款样]|ones?", re.IGNORECASE)
# What follows a bare number when it counts no goods.
_NO_GOODS = re.compile(
    r"[ -]?(?:%|percent|bucks?|dollars?|yuan|rmb|usd|cny|euros?|pounds?|eur|gbp|days?|weeks?"
    r"|months?|years?|hours?|hrs?|minutes?|mins?|cm|mm|kg|lbs?|inch(?:es)?|feet|ft|stars?|ways?"
    r"|points?"
    r"|times|people|persons?|th|st|nd|rd|o'?clock|am|pm|more|less|or|to|and|off|size|point|i?phone"
    r"|pro|max|g|mah|w|v|gb|tb|ml|l|m)(?![a-z])",
    re.IGNORECASE,
)
_NOUN = re.compile(
    r"[ ](?:(?!and|or)[a-z-]{2,15}[ ]){0,2}(?!days|weeks|months|years|hours)[a-z-]{2,20}s(?![a-z])"
    r"|[ ]of[ ]",
    re.IGNORECASE,
)
# A bare number belongs to a name (iPhone 15 cases, size 8 shoes) unless it follows one of these.
_BEFORE_COUNT = re.compile(
    r"(?:^|[^a-z0-9 ][ ]?|(?<![a-z])(?:buy|bought|want|need|get|got|order|ordered|take|have|with"
    r"|for|me|and|add|send|give|only|just|to|of|the|these|those|received|sent|are|us|quantity|qty"
    r"|like)[ ])$",
    re.IGNORECASE,
)
_ASKED_FOR = re.compile(
    r"(?:order to|quantity(?: is| to)?|qty|i'll take|i want|i need|give me|only|just) $",
    re.IGNORECASE,
)
_END = re.compile(r"[ ]?(?:please|instead|[.,!?]|$)", re.IGNORECASE)


def quantities(text: str | Normalized) -> list[Quantity]:
    """How many of something: 两件, 来三双, 3 pairs, a dozen, two shirts, x2, 一打.

    一个 and "one" as articles, prices, days, sizes and ordinals are none.
    """
    read = plain(text)
    found: list[Quantity] = []
    taken = Taken(len(read.text))

    def add(match: re.Match[str], count: Decimal | None, unit: str | None) -> None:
        if count is None or count != int(count) or not 0 < count < 100_000:
            return
        if taken.take(*match.span()):
            found.append(Quantity(int(count), unit, *read.span(*match.span())))

    for match in _CHINESE_QUANTITY.finditer(read.text):
        if not _ARTICLE.fullmatch(match[0]) or match[0] == read.text.strip():
            dozens = match["unit"] == "打"
            count = value_of(match["number"])
            if count is not None and dozens:
                count *= 12
            add(match, count, None if dozens else _UNIT_OF[match["unit"]])
    for match in _TIMES.finditer(read.text):
        add(match, Decimal(match["after"] or match["before"]), None)
    for match in _ENGLISH_QUANTITY.finditer(read.text):
        unit, after = match["unit"], read.text[match.end() : match.end() + 40]
        dozen = "dozen" in match["number"].lower()
        if not unit and not dozen and "couple" not in match["number"].lower():
            before = read.text[max(0, match.start() - 20) : match.start()]
            asked_for = _ASKED_FOR.search(before) and _END.match(after)
            of_goods = _BEFORE_COUNT.search(before) and _NOUN.match(after)
            article = _ARTICLE.fullmatch(match[0])
            if not asked_for and (article or not of_goods or _NO_GOODS.match(after)):
                continue
        elif not unit and _NO_GOODS.match(after):
            continue
        add(
            match,
            _english_count(match["number"].lower()),
            unit and _ENGLISH_CLASSIFIERS[unit.lower()],
        )
    return sorted(found, key=lambda each: each.start)


def resolve_quantity(text: str) -> int | None:
    """The number in an entity's text that is known to be a quantity: 2, 两件, three, a pair."""
    stated = quantities(text)
    if stated:
        return stated[0].count
    match = re.search(NUMBER, plain(text).text[:100], re.IGNORECASE)
    value = value_of(match[0]) if match else None
    return int(value) if value is not None and value == int(value) and 0 < value < 100_000 else None


def _english_count(number: str) -> Decimal | None:
    if "dozen" in number:
        return Decimal(6 if number.startswith("half") else 12)
    if "couple" in number:
        return Decimal(2)
    return Decimal(1) if number in ("a", "an") else value_of(number)
