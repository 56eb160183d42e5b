"""Days and spans of days, on a Wednesday in November."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from shop.text.dates import DateRange, dates, resolve_date
from shop.text.festivals import festival

# 18 November 2026, noon in Shanghai.
NOW = datetime(2026, 11, 18, 4, 0, tzinfo=timezone.utc)


def brief(found: DateRange) -> str:
    first, last = found.first.isoformat(), found.last.isoformat()
    return first if first == last else f"{first}..{last}"


DAYS = [
    ("今天下的单", "2026-11-18", "今天"),
    ("昨天", "2026-11-17", "昨天"),
    ("昨晚买的", "2026-11-17", "昨晚"),
    ("前天", "2026-11-16", "前天"),
    ("大前天", "2026-11-15", "大前天"),
    ("明天能到吗", "2026-11-19", "明天"),
    ("上周五", "2026-11-13", "上周五"),
    ("上個禮拜五", "2026-11-13", "上個禮拜五"),
    ("上上周五", "2026-11-06", "上上周五"),
    ("周五下的单", "2026-11-13", "周五"),
    ("本周五", "2026-11-20", "本周五"),
    ("下周一", "2026-11-23", "下周一"),
    ("上周末", "2026-11-14..2026-11-15", "上周末"),
    ("上周", "2026-11-09..2026-11-15", "上周"),
    ("上个月", "2026-10-01..2026-10-31", "上个月"),
    ("上个月5号", "2026-10-05", "上个月5号"),
    ("上个月底", "2026-10-21..2026-10-31", "上个月底"),
    ("5号买的", "2026-11-05", "5号"),
    ("20号买的", "2026-10-20", "20号"),
    ("11月3号", "2026-11-03", "11月3号"),
    ("１１月３日", "2026-11-03", "１１月３日"),
    ("十一月三号", "2026-11-03", "十一月三号"),
    ("12月25号", "2025-12-25", "12月25号"),
    ("2026年11月3日", "2026-11-03", "2026年11月3日"),
    ("2026-11-03", "2026-11-03", "2026-11-03"),
    ("2月29号", "2024-02-29", "2月29号"),
    ("3月份", "2026-03-01..2026-03-31", "3月份"),
    ("去年3月", "2025-03-01..2025-03-31", "去年3月"),
    ("去年", "2025-01-01..2025-12-31", "去年"),
    ("上半年", "2026-01-01..2026-06-30", "上半年"),
    ("三天前", "2026-11-15", "三天前"),
    ("14小时前", "2026-11-17", "14小时前"),
    ("两周前", "2026-11-02..2026-11-08", "两周前"),
    ("一个月前", "2026-10-01..2026-10-31", "一个月前"),
    ("半年前", "2026-05-01..2026-05-31", "半年前"),
    ("前几天", "2026-11-11..2026-11-16", "前几天"),
    ("过去三个月", "2026-08-18..2026-11-18", "过去三个月"),
    ("最近一周的订单", "2026-11-11..2026-11-18", "最近一周"),
    ("近半年", "2026-05-18..2026-11-18", "近半年"),
    ("30天内", "2026-10-19..2026-11-18", "30天内"),
    ("双十一", "2026-11-11", "双十一"),
    ("去年双11买的", "2025-11-11", "去年双11"),
    ("国庆", "2026-10-01..2026-10-07", "国庆"),
    ("618", "2026-06-18", "618"),
    ("中秋", "2026-09-25", "中秋"),
    ("昨天到今天", "2026-11-17..2026-11-18", "昨天到今天"),
    ("11月1号到11月5号", "2026-11-01..2026-11-05", "11月1号到11月5号"),
    ("周一到周五", "2026-11-09..2026-11-13", "周一到周五"),
    ("上个月以来", "2026-10-01..2026-11-18", "上个月以来"),
    ("this morning", "2026-11-18", "this morning"),
    ("yesterday evening", "2026-11-17", "yesterday evening"),
    ("the day before yesterday", "2026-11-16", "the day before yesterday"),
    ("last Friday", "2026-11-13", "last Friday"),
    ("last Wednesday", "2026-11-11", "last Wednesday"),
    ("on Friday", "2026-11-13", "on Friday"),
    ("this Friday", "2026-11-20", "this Friday"),
    ("next Friday", "2026-11-27", "next Friday"),
    ("last weekend", "2026-11-14..2026-11-15", "last weekend"),
    ("last week", "2026-11-09..2026-11-15", "last week"),
    ("last month", "2026-10-01..2026-10-31", "last month"),
    ("past 3 months", "2026-08-18..2026-11-18", "past 3 months"),
    ("the last thirty days", "2026-10-19..2026-11-18", "the last thirty days"),
    ("three days ago", "2026-11-15", "three days ago"),
    ("a couple of days ago", "2026-11-16", "a couple of days ago"),
    ("two months ago", "2026-09-01..2026-09-30", "two months ago"),
    ("it came on the 5th", "2026-11-05", "on the 5th"),
    ("Nov 3", "2026-11-03", "Nov 3"),
    ("november 3rd, 2025", "2025-11-03", "november 3rd, 2025"),
    ("3rd of November", "2026-11-03", "3rd of November"),
    ("in October", "2026-10-01..2026-10-31", "in October"),
    ("in May", "2026-05-01..2026-05-31", "in May"),
    ("11/3", "2026-11-03", "11/3"),
    ("25/12", "2025-12-25", "25/12"),
    ("Black Friday", "2025-11-28", "Black Friday"),
    ("last Christmas", "2025-12-25", "last Christmas"),
    ("from Nov 1 to Nov 5", "2026-11-01..2026-11-05", "Nov 1 to Nov 5"),
    ("since Monday", "2026-11-16..2026-11-18", "since Monday"),
    ("我 last Friday 买的", "2026-11-13", "last Friday"),
]


@pytest.mark.parametrize(("text", "expected", "span"), DAYS)
def test_a_day_is_understood(text: str, expected: str, span: str) -> None:
    (found,) = dates(text, now=NOW)
    assert (brief(found), text[found.start : found.end]) == (expected, span)


NO_DAYS = [
    *(
        "三个月",
        "七天无理由",
        "一周三次",
        "每周五",
        "5号电池",
        "42码",
        "35号",
        "明天气",
        "最近",
        "之前",
    ),
    *(
        "2月30号",
        "2026-13-01",
        "24/7",
        "1/2",
        "170/65",
        "20261103",
        "选3号",
        "一号店",
        "XE2026110312",
    ),
    *("may I", "sun hat", "the 2nd one", "the 5th item", "99999 days ago", "march on", "$11.11"),
]


@pytest.mark.parametrize("text", NO_DAYS)
def test_what_is_no_day_is_none(text: str) -> None:
    assert dates(text, now=NOW) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("周五能到吗", "2026-11-20"),
        ("12月25号前要", "2026-12-25"),
        ("5号要用", "2026-12-05"),
        ("双十一", "2027-11-11"),
        ("三天内", "2026-11-18..2026-11-21"),
        ("on Friday", "2026-11-20"),
        ("Dec 3", "2026-12-03"),
    ],
)
def test_what_is_to_come_lies_ahead(text: str, expected: str) -> None:
    (found,) = dates(text, now=NOW, future=True)
    assert brief(found) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("昨天", "2026-11-17"),
        ("January", "2026-01-01..2026-01-31"),
        ("2022", "2022-01-01..2022-12-31"),
        ("the 14th", "2026-11-14"),
        ("weekend", "2026-11-14..2026-11-15"),
        ("Sat", "2026-11-14"),
        ("三天", "2026-11-15..2026-11-18"),
        ("半年", "2026-05-18..2026-11-18"),
        ("two weeks", "2026-11-04..2026-11-18"),
        ("14 day", "2026-11-04..2026-11-18"),
    ],
)
def test_an_entity_known_to_be_a_date_needs_no_sign(text: str, expected: str) -> None:
    found = resolve_date(text, now=NOW)
    assert found is not None
    assert brief(found) == expected
    assert (found.start, found.end) == (0, len(text))


def test_a_length_of_time_may_lie_ahead() -> None:
    found = resolve_date("3 days", now=NOW, future=True)
    assert found is not None
    assert brief(found) == "2026-11-18..2026-11-21"


@pytest.mark.parametrize("text", ["", "soon", "abc"])
def test_an_entity_without_day_is_no_date(text: str) -> None:
    assert resolve_date(text, now=NOW) is None


def test_several_days_stand_in_order() -> None:
    found = dates("昨天下单，说今天发货", now=NOW)
    assert [brief(each) for each in found] == ["2026-11-17", "2026-11-18"]


def test_days_are_those_of_the_shop() -> None:
    # Late in London it is tomorrow in Shanghai.
    late = datetime(2026, 11, 17, 20, 0, tzinfo=timezone.utc)
    assert brief(dates("今天", now=late)[0]) == "2026-11-18"
    assert brief(dates("今天", now=late, zone="Europe/London")[0]) == "2026-11-17"


def test_a_range_has_bounds_in_utc() -> None:
    (found,) = dates("昨天", now=NOW)
    begin, end = found.bounds("Asia/Shanghai")
    assert begin == datetime(2026, 11, 16, 16, 0, tzinfo=timezone.utc)
    assert end == datetime(2026, 11, 17, 16, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("name", "year", "first"),
    [
        ("春节", 2026, date(2026, 2, 16)),
        ("中秋节", 2025, date(2025, 10, 6)),
        ("端午", 2040, date(2040, 6, 14)),
        ("Thanksgiving", 2026, date(2026, 11, 26)),
        ("mother's day", 2026, date(2026, 5, 10)),
    ],
)
def test_festivals_have_their_days(name: str, year: int, first: date) -> None:
    days = festival(name, year)
    assert days is not None
    assert days[0] == first


def test_a_festival_of_a_year_out_of_the_table_is_unknown() -> None:
    assert festival("春节", 2100) is None
    assert festival("Towel Day", 2026) is None
