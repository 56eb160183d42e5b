"""Measures of a body: 170/65kg, 身高170体重120斤, 1米75, 5'7 150lb, 脚长24.5cm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from shop.text.normalize import Normalized, plain
from shop.text.numbers import value_of

_INCH, _POUND = Decimal("2.54"), Decimal("0.45359237")
# Without a unit, a weight of so much and more was said in 斤 (half kilograms).
_JIN_FROM = 85


@dataclass(frozen=True)
class Measures:
    """What a body measures: centimetres and kilograms, to a tenth; None for what was not said."""

    height: Decimal | None
    weight: Decimal | None
    foot: Decimal | None
    bust: Decimal | None
    waist: Decimal | None
    hips: Decimal | None
    start: int
    end: int


_CM = r"(?:厘米|公分|cms?(?![a-z])|centimet(?:er|re)s?)"
_KG = r"(?:公斤|千克|kgs?(?![a-z])|kilos?(?![a-z])|kilograms?)"
_LB = r"(?:磅|lbs?(?![a-z])|pounds?(?![a-z]))"
_N = r"(?<![\d.])\d{2,3}(?:\.\d)?(?!\d)"
_TALL = r"1\d\d|2[0-3]\d"

_HEIGHT = re.compile(
    rf"(?:身高|个子|height)[ ]?(?:is |是|有|大概|约|:)?[ ]?(?P<named>{_N})(?:[ ]?{_CM})?"
    rf"|(?<![\d.])(?P<cm>(?:{_TALL})(?:\.\d)?)[ ]?{_CM}"
    r"|(?<![\d.])(?P<m>[12])(?:[ ]?(?:米|m)[ ]?(?P<m_rest>\d{1,2})(?!\d|m|cm|米|元|块)"
    r"|\.(?P<m_part>\d{1,2})[ ]?(?:米(?!的?床)|m(?![a-z]| bed)))"
    r"|(?P<cn>[一二])米(?P<cn_rest>[零一二三四五六七八九]{1,2})(?![十])"
    r"|(?<![\d.])(?P<feet>[4-7])[ ]?(?:'|ft\.?|feet"
    r"|foot)[ ]?(?:(?P<inches>\d{1,2})(?!\d)(?:[ ]?(?:''|\"|in(?:ch(?:es)?)?))?)?"
    rf"|(?<![a-z])i(?:'m| am)(?: about)? (?P<am>{_TALL})(?!\d|[.]\d|[ ]?(?:{_KG}|{_LB}|斤))"
    rf"|(?:^|[我高 ,])(?P<wear>{_TALL})(?=(?:的?(?:身高|个子))?(?:[ ,]{{0,2}}\d{{2,3}}斤?)?(?:的"
    rf"|该|要)?(?:穿|适合穿|选什么码|拍什么码|应该穿))",
    re.IGNORECASE,
)
_WEIGHT = re.compile(
    rf"(?:体重|weight|weigh)[ ]?(?:is |about |是|有|大概|约"
    rf"|:)?[ ]?(?P<named>{_N})[ ]?(?P<named_unit>{_KG}|{_LB}|斤)?"
    rf"|(?P<number>{_N})[ ]?(?P<unit>{_KG}|{_LB}|斤)"
    r"|(?P<cn>[一二]百[零一二三四五六七八九十]{0,3}"
    r"|[五六七八九]十[一二三四五六七八九]?)(?P<cn_unit>斤|公斤)",
    re.IGNORECASE,
)
# Height and weight side by side: 170/65, 170 120斤, 170-65kg.
_PAIR = re.compile(
    rf"(?<![\d./-])(?P<height>{_TALL})(?:[ ]?{_CM})?[ ]?(?P<join>[/,、 -])[ ]?"
    rf"(?P<weight>\d{{2,3}}(?:\.\d)?)(?!\d|[.]\d)[ ]?(?P<unit>{_KG}|{_LB}|斤)?",
    re.IGNORECASE,
)
_ASKS_SIZE = re.compile(r"穿|码|身高|体重|高|size|wear|fit|tall|weigh", re.IGNORECASE)
_PARTS = {
    "foot": "脚长|脚|foot(?: length)?",
    "bust": "胸围|bust|chest",
    "waist": "腰围|waist",
    "hips": "臀围|hips?",
}
_PART = {
    part: re.compile(
        rf"(?:{names})[ ]?(?:is |是|大概|约|长"
        rf"|:)?[ ]?(?P<number>(?<![\d.])\d{{2,3}}(?:\.\d)?)(?!\d)"
        rf"[ ]?(?P<unit>{_CM}|mm|毫米|inch(?:es)?|in(?![a-z])|寸|\")?",
        re.IGNORECASE,
    )
    for part, names in _PARTS.items()
}


def measures(text: str | Normalized) -> Measures | None:
    """The measures of a body in a text, or None."""
    read = plain(text)
    found: dict[str, Decimal] = {}
    spans: list[tuple[int, int]] = []

    def add(part: str, value: Decimal | None, match: re.Match[str], low: int, high: int) -> None:
        if value is not None and low <= value <= high and part not in found:
            found[part] = value.quantize(Decimal("0.1") if value % 1 else Decimal(1))
            spans.append(match.span())

    for match in _PAIR.finditer(read.text):
        told = match["unit"] or match["join"] == "/" or match[0] == read.text.strip()
        # 170-175 is a span of heights.
        spread = match["join"] == "-" and not match["unit"] and Decimal(match["weight"]) >= 140
        if (told or _ASKS_SIZE.search(read.text)) and not spread:
            add("weight", _weight(match["weight"], match["unit"]), match, 25, 200)
            if "weight" in found:
                add("height", Decimal(match["height"]), match, 50, 240)
    for match in _HEIGHT.finditer(read.text):
        add("height", _height(match), match, 50, 240)
    for match in _WEIGHT.finditer(read.text):
        number = match["named"] or match["number"] or match["cn"]
        unit = match["named_unit"] or match["unit"] or match["cn_unit"]
        # A kilogram of nuts is no shopper: without the word a weight is one of 30 kg and more.
        add("weight", _weight(number, unit), match, 3 if match["named"] else 30, 200)
    for part, pattern in _PART.items():
        if match_part := pattern.search(read.text):
            value = _length(match_part["number"], match_part["unit"], foot=part == "foot")
            add(part, value, match_part, 8 if part == "foot" else 40, 32 if part == "foot" else 200)
    if not found:
        return None
    start, end = read.span(min(a for a, _ in spans), max(b for _, b in spans))
    return Measures(
        height=found.get("height"),
        weight=found.get("weight"),
        foot=found.get("foot"),
        bust=found.get("bust"),
        waist=found.get("waist"),
        hips=found.get("hips"),
        start=start,
        end=end,
    )


def _height(match: re.Match[str]) -> Decimal | None:
    if feet := match["feet"]:
        return (12 * int(feet) + int(match["inches"] or 0)) * _INCH
    if metres := match["m"]:
        return 100 * int(metres) + Decimal((match["m_rest"] or match["m_part"]).ljust(2, "0"))
    if metres := match["cn"]:
        rest = "".join(str(value_of(sign)) for sign in match["cn_rest"])
        return 100 * Decimal(value_of(metres) or 1) + Decimal(rest.ljust(2, "0"))
    return Decimal(match["named"] or match["cm"] or match["am"] or match["wear"])


def _weight(number: str, unit: str | None) -> Decimal | None:
    value = value_of(number)
    if value is None:
        return None
    unit = (unit or "").lower()
    if unit.startswith(("lb", "pound", "磅")):
        return value * _POUND
    if unit == "斤" or (not unit and value >= _JIN_FROM):
        return value / 2
    return value


def _length(number: str, unit: str | None, *, foot: bool) -> Decimal:
    value = Decimal(number)
    unit = (unit or "").lower()
    if unit in ("mm", "毫米") or (foot and not unit and value >= 200):
        return value / 10
    if unit.startswith(("in", '"')) or (not foot and not unit and value < 50):
        return value * _INCH
    return value
