"""When the days are that shoppers know by name: 双十一, 国庆, Black Friday, 中秋."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

Days = tuple[date, date]

# Days of the Chinese calendar by year, as month * 100 + day, for 2023 to 2040 (package lunardate).
_FIRST_YEAR = 2023
_LUNAR = {
    "spring": (
        *(122, 210, 129, 217, 206, 126, 213, 203, 123),
        *(211, 131, 219, 208, 128, 215, 204, 124, 212),
    ),
    "lantern": (
        *(205, 224, 212, 303, 220, 209, 227, 217, 206),
        *(225, 214, 305, 222, 211, 301, 218, 207, 226),
    ),
    "dragon_boat": (
        *(622, 610, 531, 619, 609, 528, 616, 605, 624),
        *(612, 601, 620, 610, 530, 618, 607, 527, 614),
    ),
    "qixi": (
        *(822, 810, 829, 819, 808, 826, 816, 805, 824),
        *(812, 801, 820, 810, 828, 817, 807, 826, 814),
    ),
    "mid_autumn": (
        *(929, 917, 1006, 925, 915, 1003, 922, 912, 1001),
        *(919, 908, 927, 916, 1004, 924, 913, 1002, 920),
    ),
}


def _fixed(month: int, day: int, length: int = 1) -> Callable[[int], Days | None]:
    def days(year: int) -> Days:
        first = date(year, month, day)
        return first, first + timedelta(days=length - 1)

    return days


def _lunar(name: str, before: int = 0, length: int = 1) -> Callable[[int], Days | None]:
    def days(year: int) -> Days | None:
        if not 0 <= year - _FIRST_YEAR < len(_LUNAR[name]):
            return None
        month, day = divmod(_LUNAR[name][year - _FIRST_YEAR], 100)
        first = date(year, month, day) - timedelta(days=before)
        return first, first + timedelta(days=length - 1)

    return days


def _nth(month: int, weekday: int, nth: int, after: int = 0) -> Callable[[int], Days | None]:
    """The nth weekday (0 is Monday) of a month, and some days after it."""

    def days(year: int) -> Days:
        first = date(year, month, 1)
        ahead = (weekday - first.weekday()) % 7 + 7 * (nth - 1) + after
        day = first + timedelta(days=ahead)
        return day, day

    return days


# Longer names first where one contains another.
_FESTIVALS: tuple[tuple[str, Callable[[int], Days | None]], ...] = (
    (r"双十一|双11|11\.11|singles'? day|double (?:11|eleven)", _fixed(11, 11)),
    (r"双十二|双12|12\.12|double (?:12|twelve)", _fixed(12, 12)),
    (r"618|六一八", _fixed(6, 18)),
    (r"520|五二零", _fixed(5, 20)),
    (r"国庆节?(?:假期)?|十一(?:黄金周|假期|长假)|national day|golden week", _fixed(10, 1, 7)),
    (r"五一(?:劳动节|假期)?|劳动节|may day", _fixed(5, 1, 5)),
    (r"元旦|new year'?s day", _fixed(1, 1)),
    (r"平安夜|christmas eve", _fixed(12, 24)),
    (r"圣诞节?|christmas|xmas", _fixed(12, 25)),
    (r"情人节|valentine'?s?(?: day)?", _fixed(2, 14)),
    (r"三八(?:妇女)?节?|妇女节|女神节|女王节|women'?s day", _fixed(3, 8)),
    (r"儿童节|六一(?:儿童节)?|children'?s day", _fixed(6, 1)),
    (r"教师节|teachers'? day|teacher'?s day", _fixed(9, 10)),
    (r"万圣节|halloween", _fixed(10, 31)),
    (r"母亲节|mother'?s'? day", _nth(5, 6, 2)),
    (r"父亲节|father'?s'? day", _nth(6, 6, 3)),
    (r"感恩节|thanksgiving", _nth(11, 3, 4)),
    (r"黑五|黑色星期五|black friday", _nth(11, 3, 4, after=1)),
    (r"网络星期一|cyber monday", _nth(11, 3, 4, after=4)),
    (r"年货节", _lunar("spring", before=25, length=20)),
    (r"除夕|年三十|大年三十|chinese new year'?s eve", _lunar("spring", before=1)),
    (
        r"春节|过年|大年初一|农历新年|chinese new year|lunar new year|spring festival",
        _lunar("spring", before=1, length=8),
    ),
    (r"元宵节?|lantern festival", _lunar("lantern")),
    (r"端午节?|dragon boat(?: festival)?", _lunar("dragon_boat")),
    (r"七夕节?|qixi", _lunar("qixi")),
    (r"中秋节?|mid-autumn(?: festival)?|moon festival", _lunar("mid_autumn")),
)
NAMES = "|".join(sorted((f"(?:{names})" for names, _ in _FESTIVALS), key=lambda each: -len(each)))


def festival(name: str, year: int) -> Days | None:
    """First and last day of a festival in a year; None for an unknown name or too far a year."""
    for names, days in _FESTIVALS:
        if re.fullmatch(names, name, re.IGNORECASE):
            return days(year)
    return None
