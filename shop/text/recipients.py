"""Whom goods are for, and the occasion: 送女朋友, 给5岁的儿子, for my dad, 生日."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from shop.text.normalize import Normalized, plain
from shop.text.numbers import value_of
from shop.text.words import Words

Gender = Literal["female", "male"]
Age = Literal["baby", "child", "adult", "elder"]


@dataclass(frozen=True)
class Recipient:
    """Whom goods are for.

    Attributes:
        code: Of table `recipient`.
        gender, age: What the code tells of them, None where it tells nothing.
        years: The age in years where it was said.
        start, end: The span in the original text.
    """

    code: str
    gender: Gender | None
    age: Age | None
    years: int | None
    start: int
    end: int


@dataclass(frozen=True)
class Occasion:
    """The occasion of a present; `code` stands in table `occasion`."""

    code: str
    start: int
    end: int


_FEMALE = {"girlfriend", "wife", "mother", "grandmother", "daughter", "sister", "woman"}
_MALE = {"boyfriend", "husband", "father", "grandfather", "son", "brother", "man"}
_AGES: dict[str, Age] = {
    **dict.fromkeys(("baby",), "baby"),
    **dict.fromkeys(("child", "son", "daughter"), "child"),
    **dict.fromkeys(("grandmother", "grandfather", "elder"), "elder"),
    **dict.fromkeys(("girlfriend", "boyfriend", "wife", "husband", "mother", "father"), "adult"),
    **dict.fromkeys(("parents", "colleague", "teacher", "woman", "man"), "adult"),
}
_YEARS = (
    r"(?P<years>\d{1,2}|[一二两三四五六七八九十]{1,3})(?P<months>个月)?[ ]?"
    r"(?:周?岁|多岁|[ -]?(?:years?|yrs?|yo)(?:[ -]old)?|大)(?:半|多)?的?"
)
# What stands before those whom something is for.
_BEFORE = re.compile(
    rf"(?:(?:送给?|买给|赠给?|给|帮|为|替|适合|孝敬|寄给|准备给|选给)[ ]?(?:我们?|咱们?|俺|自己"
    rf"|你|他|她)?(?:家里?|的|[一]?[个位名]|那|这|小|老){{0,3}}[ ]?"
    r"|(?<![a-z])(?:for|gift to|to|get|surprise|give|buy)[ ](?:(?:my|an?|the|our|his|her|your"
    r"|some)[ ])?(?:(?:dear|old|little|young|new|best|elderly|teenage|lovely)[ ]){0,2})"
    rf"(?:{_YEARS}[ ]?)?(?:(?:little|young)[ ])?$",
    re.IGNORECASE,
)
_PRONOUN = re.compile("(?:送给?|买给)(?P<who>(?P<she>她)|他)(?!们|的)")
# What stands behind them: 女朋友生日, a girlfriend's birthday gift, 妈妈用的.
_AFTER = re.compile(
    r"[ ]?(?:的|过|要过|快)?(?:生日|礼物|寿|当礼物)|(?:[穿用戴喝吃玩])(?:的|$)"
    r"|(?:'?s)?[ ](?:birthday|bday|gift|present)",
    re.IGNORECASE,
)


def recipients(text: str | Normalized, words: Words) -> list[Recipient]:
    """Whom goods are for, in order; those who are only spoken of are none."""
    read = plain(text)
    found = []
    gender: Gender | None
    for match in _PRONOUN.finditer(read.text):
        gender = "female" if match["she"] else "male"
        code = "woman" if match["she"] else "man"
        found.append(Recipient(code, gender, "adult", None, *read.span(*match.span("who"))))
    for code, start, end in words.find("recipient", plain(read.text)):
        before = _BEFORE.search(read.text, max(0, start - 40), start)
        # "For me" is a present to nobody; "to me", "give him" are ways of speaking.
        spoken = before and before[0].lower().strip() in (
            "to",
            "get",
            "give",
            "buy",
            "为",
            "替",
            "帮",
        )
        if code in ("self", "woman", "man") and spoken:
            continue
        if not before and not _AFTER.match(read.text, end):
            continue
        years = _years(before)
        gender = "female" if code in _FEMALE else "male" if code in _MALE else None
        age = _AGES.get(code)
        if years is not None:
            age = (
                "baby"
                if years < 2
                else "child"
                if years < 14
                else "elder"
                if years >= 60
                else "adult"
            )
        found.append(Recipient(code, gender, age, years, *read.span(start, end)))
    return found


def occasions(text: str | Normalized, words: Words) -> list[Occasion]:
    """The occasions named in a text, in order."""
    return [Occasion(*each) for each in words.find("occasion", text)]


def _years(before: re.Match[str] | None) -> int | None:
    if before is None or before["years"] is None:
        return None
    value = value_of(before["years"])
    if value is None:
        return None
    return 0 if before["months"] else int(value)
