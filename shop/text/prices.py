"""What a shopper wants to pay: 三百以内, 200到300, 300左右, under $50, 便宜点的, the cheapest.

A number counts as money when a currency stands by it, or a word of bounds (以内, under, 预算) and
no other unit. Bounds are meant to be included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from shop.text.normalize import Normalized, plain
from shop.text.numbers import NUMBER, value_of
from shop.text.spans import Taken

Relative = Literal["cheap", "cheaper", "cheapest", "dearer", "dearest"]

# "About 300" is 240 to 360.
TOLERANCE = Decimal("0.2")
_ONE = Decimal(1)


@dataclass(frozen=True)
class PriceRange:
    """A price or bounds of it.

    Attributes:
        minimum, maximum: Both included; None is no bound; equal for an exact price.
        approximate: The bounds were derived from something like "about 300".
        currency: ISO code if one was named: CNY, USD, EUR, GBP, HKD, TWD, JPY.
        relative: What was wanted without any amount.
        start, end: The span in the original text.
    """

    minimum: Decimal | None
    maximum: Decimal | None
    approximate: bool
    currency: str | None
    relative: Relative | None
    start: int
    end: int

    @property
    def exact(self) -> bool:
        """One amount, no range."""
        return self.minimum is not None and self.minimum == self.maximum

    def around(self) -> PriceRange:
        """An exact price as an approximate one, for those who look for goods of that price."""
        if self.minimum is None or not self.exact:
            return self
        low, high = self.minimum * (1 - TOLERANCE), self.minimum * (1 + TOLERANCE)
        return replace(self, minimum=low, maximum=high, approximate=True)


_BEFORE_SIGNS = {
    "CNY": r"¥|rmb|cny|人民币",
    "HKD": r"hk\$|hkd|港币",
    "TWD": r"nt\$|twd|新?台币",
    "USD": r"us\$|\$|usd|美[元金]",
    "EUR": r"€|eur",
    "GBP": r"£|gbp",
}
# Watches and cakes are counted in 块 as well.
_GOODS_IN_BLOCKS = "手?表|肥皂|香皂|蛋糕|地毯|面料|屏|硬盘|电池|毛巾|板"
_AFTER_SIGNS = {
    "CNY": rf"块钱?(?!儿)(?!\w{{0,4}}(?:{_GOODS_IN_BLOCKS}))|元钱?(?![旦宝素气一二三])|圆|rmb"
    r"|cny|yuan|kuai|人民币|¥|大洋",
    "USD": r"美[元金]|刀|\$|usd|us[ ]dollars?|dollars?|bucks?",
    "EUR": r"欧元|euros?|eur|€",
    "GBP": r"英镑|镑|£|gbp|quid",
    "HKD": r"港[币元]|hkd",
    "TWD": r"新?台币|twd",
    "JPY": r"日[元币]|jpy|円",
}


def _signs(by_currency: dict[str, str]) -> str:
    return "|".join(f"(?:{signs})" for signs in by_currency.values())


_AMOUNT = re.compile(
    rf"(?:(?<![a-z])(?P<before>{_signs(_BEFORE_SIGNS)})[ ]?)?"
    rf"(?:(?P<low>[一二两三四五六七八])(?P<high>[二两三四五六七八九])(?P<scale>[十百千万])"
    rf"|[几数](?P<some>[十百千万])|(?P<number>{NUMBER}))(?P<more>多|来|把|出头)?"
    rf"(?:[ ]?(?P<after>{_signs(_AFTER_SIGNS)})(?![a-z]))?(?P<odd>多|出头)?",
    re.IGNORECASE,
)
_SCALES = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
_JOIN = re.compile(r"[ ]?(?:-|~|到|至|或者?|和|to|and|or)[ ]?", re.IGNORECASE)
# Units of what is no money; a bare number before one of them is none.
_OTHER_UNIT = re.compile(
    r"[ -]?(?:[天日号月年周岁码件双条只款次人度瓦帧折分星级层斤克升米寸个位张本台部点]|公斤|千克"
    r"|毫升|厘米|毫米|英寸|公里|小时|分钟|毫安|积分|(?:g|kg|lbs?|pounds?|oz|ml|l|cm|mm|km|m|in|inch"
    r"|inches|ft|feet|w|watts?|mah|gb|tb|mb|hz|days?|weeks?|months?|years?|hours?|hrs?|minutes?"
    r"|mins?|stars?|items?|pieces?|pairs?|people|percent|times|degrees?|grams?|points?|th|st|nd"
    r"|rd)(?![a-z])|[%°\"'/:]|[.-]\d)",
    re.IGNORECASE,
)
_BODY = re.compile(
    r"(?:身高|体重|腰围|胸围|尺码|码数|size|height|weight)[ ]?(?:is[ ]|是|在)?$", re.IGNORECASE
)
_NAME = re.compile(r"[a-z][a-z-]{0,30}[ ]?$", re.IGNORECASE)


def _before(chinese: str, english: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{chinese}|(?<![a-z])(?:{english}))[ :]?$", re.IGNORECASE)


def _after(chinese: str, english: str) -> re.Pattern[str]:
    return re.compile(rf"[ ]?(?:{chinese}|(?:{english})(?![a-z]))", re.IGNORECASE)


_BETWEEN = _before(
    "(?:预算|价格|价位)[在是为]?|介于|从", "between|from|ranging from|budget(?: of)?|range|price"
)
_MAX_BEFORE = _before(
    r"不(?:要|能|可以|想)?超[过出]|别超[过出]?|没超过|不[高多大]于|(?<!不)(?:低于|[少小]于)|不到"
    r"|不足|未满"
    r"|[最至顶]多|最[高贵]|上限[是为]?|控制在|<=?|≤",
    r"(?<!not )(?:under|below)|beneath|(?<!no )(?<!not )less than|lower than"
    r"|cheaper than|at most|(?:no|not) more than|not (?:over|above)|max(?:imum)?(?: of)?"
    r"|up to|within|(?:don't |do not |not |without )"
    r"(?:exceed|exceeding|go over|going over)",
)
_MAX_AFTER = _after(
    r"(?:左右|上下)?(?:[以之已]内|以里|[以之]下|内(?![存衣裤容置部胆外])|封顶|不到|为?上限)",
    r"(?:or|and) (?:less|under|below|cheaper)|max(?:imum)?|tops|at (?:the )?most",
)
_MIN_BEFORE = _before(
    r"超[过出]|[高大多]于|不[低少小]于|[至最]少|最低|起码|>=?|≥",
    r"over|above|more than|higher than|at least|(?:no|not) less than|not (?:under|below)"
    r"|min(?:imum)?(?: of)?|starting (?:at|from)|from|upwards? of",
)
_MIN_AFTER = _after(
    r"[以之]上|往上|起步?(?![来码订送])|开外|\+(?!\d)",
    r"(?:or|and) (?:more|above|over|up|higher)|plus|minimum",
)
_ABOUT_BEFORE = _before(
    r"大概|大约|约|差不多|价位在?|~",
    r"around|about|approx(?:imately|\.)?|roughly|circa|near|close to|like",
)
_ABOUT_AFTER = _after(
    r"左右|上下|附近|前后|的?样子|的?价位|这个价|档", r"-?ish|or so|or thereabouts|give or take"
)
# What one can spend is a bound above, unless it is said to be about that much.
_BUDGET_BEFORE = _before(
    r"预算(?:只?[在是为有]|就|不多)?",
    r"budget(?: is| of|'s)?(?: only| just)?|i have(?: only)?|can spend|to spend",
)
_BUDGET_AFTER = _after("的?预算", "budget")
_BOUNDS = (
    ("max", _MAX_BEFORE, _MAX_AFTER),
    ("min", _MIN_BEFORE, _MIN_AFTER),
    ("about", _ABOUT_BEFORE, _ABOUT_AFTER),
    ("max", _BUDGET_BEFORE, _BUDGET_AFTER),
)
# A bare range is one of prices only where a sentence can end or goods are named by it.
_RANGE_ENDS = re.compile(r"[ ]?(?:$|[的之间,.;!?。吧吗就都]|please|range|budget)", re.IGNORECASE)


def _wish(chinese: str, english: str) -> re.Pattern[str]:
    return re.compile(rf"{chinese}|(?<![a-z])(?:{english})(?![a-z])", re.IGNORECASE)


# The first that matches a place counts.
_RELATIVE: tuple[tuple[Relative, re.Pattern[str]], ...] = (
    (
        "cheapest",
        _wish(
            "最便宜|最低价|最实惠|价格最低",
            "cheapest|lowest[ -]price[ds]?|least expensive",
        ),
    ),
    ("dearest", _wish("最贵|价格最高", "most expensive|priciest")),
    (
        "cheap",
        _wish(
            "(?:不要|别|不能|不用|不想)(?:太|那么|这么)贵|不(?:太|要)贵",
            "(?:not|n't be) (?:too|so|very|that) (?:expensive|pricey|dear)",
        ),
    ),
    (
        "cheaper",
        _wish(
            "更?便宜一?[点些]儿?|更便宜|再便宜|更?实惠一?[点些]|价格低一?[点些]"
            "|(?:太|有点|好|这么|挺|有些)贵了?",
            r"cheaper(?! than [$¥€£\d])|less expensive|lower[ -]price[ds]?|more affordable"
            r"|(?:too|so|a bit|kinda|rather) (?:expensive|pricey)|costs? too much",
        ),
    ),
    (
        "dearer",
        _wish(
            "[更再]?贵一?[点些]|更贵|(?:高端|高档|上档次)一?[点些]|更高[端档]",
            "more expensive|pricier|higher[ -]end|more premium|more upscale",
        ),
    ),
    (
        "cheap",
        _wish(
            "便宜|平价|低价|实惠",
            "cheap|inexpensive|affordable|budget[ -]friendly|low[ -](?:priced|cost)|low budget",
        ),
    ),
)


@dataclass(frozen=True)
class _Amount:
    low: Decimal
    high: Decimal
    currency: str | None
    vague: bool
    start: int
    end: int


def prices(text: str | Normalized) -> list[PriceRange]:
    """The prices, bounds and wishes about price in a text, in order."""
    read = plain(text)
    found = list(_merged(_bounded(read.text)))
    taken = Taken(len(read.text))
    for price in found:
        taken.take(price.start, price.end)
    for kind, pattern in _RELATIVE:
        for match in pattern.finditer(read.text):
            start, end = match.span()
            if taken.take(start, end):
                found.append(PriceRange(None, None, False, None, kind, start, end))
    found.sort(key=lambda price: price.start)
    spans = [read.span(price.start, price.end) for price in found]
    return [replace(p, start=a, end=b) for p, (a, b) in zip(found, spans, strict=True)]


def resolve_price(text: str) -> PriceRange | None:
    """The meaning of an entity's text that is known to be a price: here a bare number is one."""
    if found := prices(text):
        return found[0]
    read = plain(text)
    amounts = list(_amounts(read.text))
    if not amounts:
        return None
    first, last = amounts[0], amounts[-1]
    joined = len(amounts) == 2 and _JOIN.fullmatch(read.text[first.end : last.start])
    amount = _range(first, last) if joined else first
    price = _price(amount, amount.low, amount.high, approximate=amount.vague)
    start, end = read.span(amount.start, amount.end)
    return replace(price, start=start, end=end)


def _amounts(text: str) -> Iterator[_Amount]:
    for match in _AMOUNT.finditer(text):
        currency = _currency(match["before"], _BEFORE_SIGNS)
        currency = currency or _currency(match["after"], _AFTER_SIGNS)
        vague = True
        if match["scale"]:
            low, high = (value_of(match[side]) or _ONE for side in ("low", "high"))
            low, high = (side * _SCALES[match["scale"]] for side in (low, high))
            if low >= high:
                continue
        elif match["some"]:
            low = Decimal(_SCALES[match["some"]])
            high = low * 10
        else:
            value = value_of(match["number"])
            if value is None or value > 10**9:
                continue
            low = high = value
            if more := match["more"] or match["odd"]:
                # 300多 is up to 400, 百来块 about a hundred.
                step = Decimal(10) ** (len(str(int(value))) - len(str(int(value)).rstrip("0")))
                low, high = (value, value + step) if more in "多出头" else _about(value)
            else:
                vague = False
        yield _Amount(low, high, currency, vague, match.start(), match.end())


def _bounded(text: str) -> Iterator[PriceRange]:
    """Amounts with the bounds that stand before and after them."""
    amounts = list(_amounts(text))
    index = 0
    while index < len(amounts):
        amount, is_range = amounts[index], False
        index += 1
        if index < len(amounts) and _JOIN.fullmatch(text[amount.end : amounts[index].start]):
            joined = _range(amount, amounts[index])
            if joined.low < joined.high:
                amount, is_range = joined, True
                index += 1
        if price := _bound(text, amount, is_range=is_range):
            yield price


def _bound(text: str, amount: _Amount, *, is_range: bool) -> PriceRange | None:
    before = text[max(0, amount.start - 24) : amount.start]
    after = text[amount.end : amount.end + 24]
    if amount.currency is None:
        if amount.high < 10 or _OTHER_UNIT.match(after) or _BODY.search(before):
            return None
        if re.search(r"\w[-/.:#]$", before):
            return None
    if is_range:
        left = next(
            (m for p in (_BETWEEN, _ABOUT_BEFORE, _MAX_BEFORE) if (m := p.search(before))), None
        )
        right = _ABOUT_AFTER.match(after) or _MAX_AFTER.match(after)
        bare = amount.low >= 5 and _RANGE_ENDS.match(after) and not _NAME.search(before)
        # 2025-2026 is a time; "between 38 and 39" sizes.
        bare = bare and not 1900 <= amount.low <= 2100
        if amount.currency is None and amount.high - amount.low < 5:
            return None
        if amount.currency is None and not (left or right or bare):
            return None
        return _widened(amount, amount.low, amount.high, left, right, approximate=amount.vague)
    named = amount.currency is None and amount.high < 100 and _NAME.search(before)
    hundreds = amount.vague and amount.low >= 100 and _RANGE_ENDS.match(after)
    for kind, pattern_before, pattern_after in _BOUNDS:
        left, right = pattern_before.search(before), pattern_after.match(after)
        if left and amount.currency is None and left[0].lower().strip() == "from":
            left = None  # a place, a year
        # Android 10以上 is a version.
        if left or (right and not named):
            low, high = amount.low, amount.high
            if kind == "about" and not amount.vague:
                low, high = _about(low)
            return _widened(
                amount,
                None if kind == "max" else low,
                None if kind == "min" else high,
                left,
                right,
                approximate=kind == "about" or amount.vague,
            )
    # 两三百的, 两千出头 need no sign.
    if amount.currency is None and not hundreds:
        return None
    return _price(amount, amount.low, amount.high, approximate=amount.vague)


def _widened(
    amount: _Amount,
    low: Decimal | None,
    high: Decimal | None,
    before: re.Match[str] | None,
    after: re.Match[str] | None,
    *,
    approximate: bool,
) -> PriceRange:
    """The price with the words of its bounds in the span."""
    price = _price(amount, low, high, approximate=approximate)
    start = amount.start - len(before[0]) if before else amount.start
    return replace(price, start=start, end=amount.end + (after.end() if after else 0))


def _price(
    amount: _Amount, low: Decimal | None, high: Decimal | None, *, approximate: bool
) -> PriceRange:
    return PriceRange(low, high, approximate, amount.currency, None, amount.start, amount.end)


def _range(first: _Amount, last: _Amount) -> _Amount:
    """From one amount to the other; 2-300块, 一到两百 count the first in the last's unit."""
    low, high = first.low, last.high
    scale = Decimal(10) ** (len(str(int(high))) - 1)
    currency = first.currency or last.currency
    if low < 10 and high >= 100 and low < high / scale and first.currency is None:
        low *= scale
    vague = first.vague or last.vague
    return _Amount(low, high, currency, vague, first.start, last.end)


def _merged(found: Iterator[PriceRange]) -> Iterator[PriceRange]:
    """200以上500以下 is one range."""
    held: PriceRange | None = None
    for price in found:
        if held is not None:
            if price.start - held.end <= 12 and (both := _both(held, price)):
                held = both
                continue
            yield held
        held = price
    if held is not None:
        yield held


def _both(one: PriceRange, other: PriceRange) -> PriceRange | None:
    low = one.minimum if one.maximum is None else other.minimum if other.maximum is None else None
    high = one.maximum if one.minimum is None else other.maximum if other.minimum is None else None
    if low is None or high is None or low > high:
        return None
    return replace(
        one, minimum=low, maximum=high, currency=one.currency or other.currency, end=other.end
    )


def _about(value: Decimal) -> tuple[Decimal, Decimal]:
    return value * (1 - TOLERANCE), value * (1 + TOLERANCE)


def _currency(sign: str | None, by_currency: dict[str, str]) -> str | None:
    if not sign:
        return None
    known = by_currency.items()
    return next(code for code, signs in known if re.match(signs, sign, re.IGNORECASE))
