"""Days and spans of days: 昨天, 上周五, 过去三个月, 双十一, last Friday, Nov 3, three days ago.

Weeks begin on Monday. 上周五 is the Friday of the week before this one; "last Friday" the latest
one before today. What leaves the year or month open (11月3号, 周五, on the 5th) is the latest such
day, as shoppers mostly speak of what they bought; ask with `future=True` where they speak of what
is to come.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from shop.text.festivals import NAMES, festival
from shop.text.normalize import Normalized, plain
from shop.text.numbers import value_of

Days = tuple[date, date]


@dataclass(frozen=True)
class DateRange:
    """Days from `first` to `last`, both included, in the shop's time zone."""

    first: date
    last: date
    start: int
    end: int

    def bounds(self, zone: str) -> tuple[datetime, datetime]:
        """The same as two moments in UTC, the second one no longer included."""
        local = ZoneInfo(zone)
        begin = datetime.combine(self.first, time(), local)
        end = datetime.combine(self.last + timedelta(days=1), time(), local)
        return begin.astimezone(timezone.utc), end.astimezone(timezone.utc)


def dates(
    text: str | Normalized, *, now: datetime, zone: str = "Asia/Shanghai", future: bool = False
) -> list[DateRange]:
    """The days named in a text, in order; a span between two of them is one range.

    Args:
        text: The message.
        now: The moment to count from, with its time zone (without one: the shop's).
        zone: The shop's time zone.
        future: Whether what leaves it open lies ahead.
    """
    read = plain(text)
    local = now.astimezone(ZoneInfo(zone)) if now.tzinfo else now
    clock = _Clock(local, future)
    found: list[tuple[int, int, Days]] = []
    for match, rule in _first_matches(read.text):
        try:
            days = rule(match, clock)
        except (ValueError, OverflowError):  # 31 June, the year 12000
            continue
        if days is None or days[0] > days[1]:
            continue
        start, end = match.span()
        if found and _JOIN.fullmatch(read.text[found[-1][1] : start]):
            begun, _, earlier = found[-1]
            if joined := _joined(earlier, days, future=future):
                found[-1] = (begun, end, joined)
                continue
        if not future and (more := _SINCE_AFTER.match(read.text, end)) and days[0] <= clock.today:
            days, end = (days[0], clock.today), more.end()
        elif not future and (more := _SINCE_BEFORE.search(read.text, max(0, start - 8), start)):
            days, start = (days[0], max(days[0], clock.today)), more.start()
        found.append((start, end, days))
    return [DateRange(*days, *read.span(start, end)) for start, end, days in found]


def resolve_date(
    text: str, *, now: datetime, zone: str = "Asia/Shanghai", future: bool = False
) -> DateRange | None:
    """The meaning of an entity's text that is known to be a date.

    Here a month, a year and "the 14th" need no other word, and a length of time (三天, two weeks)
    is the days up to today, or from today on if `future`.
    """
    bare = text[:100].strip().removeprefix("the ")
    for form in ("{}", "within {}", "{}内", "in {}", "on {}", "on the {}", "the {}", "{}年"):
        if found := dates(form.format(bare), now=now, zone=zone, future=future):
            return DateRange(found[0].first, found[0].last, 0, len(text))
    return None


_JOIN = re.compile(r"[ ]?(?:到|至|-|~|to|until|till|and|through)[ ]?", re.IGNORECASE)

_SINCE_BEFORE = re.compile(r"(?<![a-z])since[ ]$|自从?$|自打$", re.IGNORECASE)
_SINCE_AFTER = re.compile(r"以来|至今|到现在|[ ](?:until|till|to) now", re.IGNORECASE)


def _joined(first: Days, last: Days, *, future: bool) -> Days | None:
    """From the first to the last; the days of 周一到周五 may come from different weeks."""
    if first[0] > last[1]:
        if first[0] - last[1] >= timedelta(days=7):
            return None
        week = timedelta(days=7)
        return (first[0], last[1] + week) if future else (first[0] - week, last[1])
    return first[0], last[1]


@dataclass(frozen=True)
class _Clock:
    now: datetime
    future: bool

    @property
    def today(self) -> date:
        return self.now.date()

    def day(self, offset: int) -> Days:
        there = self.today + timedelta(days=offset)
        return there, there

    def week(self, offset: int) -> Days:
        monday = self.today + timedelta(days=7 * offset - self.today.weekday())
        return monday, monday + timedelta(days=6)

    def month(self, offset: int) -> Days:
        return _month(*_months_from(self.today, offset))

    def near(self, candidates: Iterator[Days | None]) -> Days | None:
        """Of candidates in order of time the last one begun, or the first one not yet over."""
        known = [days for days in candidates if days is not None]
        if self.future:
            return next((days for days in known if days[1] >= self.today), None)
        return next((days for days in reversed(known) if days[0] <= self.today), None)

    def years(self) -> range:
        return range(self.today.year - 8, self.today.year + 9)


Rule = Callable[[re.Match[str], _Clock], Days | None]
_RULES: list[tuple[re.Pattern[str], Rule]] = []


def _rule(pattern: str) -> Callable[[Rule], Rule]:
    compiled = re.compile(pattern, re.IGNORECASE)

    def register(rule: Rule) -> Rule:
        _RULES.append((compiled, rule))
        return rule

    return register


def _first_matches(text: str) -> Iterator[tuple[re.Match[str], Rule]]:
    """From left to right without overlaps; of those beginning together the longest."""
    matches = [(match, rule) for pattern, rule in _RULES for match in pattern.finditer(text)]
    matches.sort(key=lambda each: (each[0].start(), -each[0].end()))
    done = 0
    for match, rule in matches:
        if match.start() >= done:
            done = match.end()
            yield match, rule


def _number(text: str | None) -> int:
    if not text or text.lower() in ("a", "an", "the"):
        return 1
    if "couple" in text.lower():
        return 2
    value = value_of(text)
    if value is None or value != int(value) or value > 40_000:
        raise ValueError(text)
    return int(value)


def _month(year: int, month: int) -> Days:
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


def _months_from(day: date, offset: int) -> tuple[int, int]:
    year, month = divmod(day.year * 12 + day.month - 1 + offset, 12)
    return year, month + 1


def _shifted(day: date, count: int, unit: str) -> date:
    """The day some units later (earlier: a negative count), in a shorter month its last day."""
    if unit in ("day", "week"):
        return day + timedelta(days=count * (7 if unit == "week" else 1))
    year, month = _months_from(day, count * (12 if unit == "year" else 1))
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _unit(word: str) -> str:
    known = {"天": "day", "日": "day", "周": "week", "星期": "week", "礼拜": "week", "月": "month"}
    return known.get(word) or ("year" if word == "年" else word.lower().rstrip("s"))


# 一, 十五, 二十三: no longer, so that no pattern looks far.
_N = r"(?:\d{1,3}|[一二两三四五六七八九十]{1,3})"
_D = r"(?:[12]\d|3[01]|0?[1-9]|[一二三]?十[一二三四五六七八九]?|[一二三四五六七八九])"
_M = r"(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])"
_UNITS = "天|日|周|星期|礼拜|月|年"
_EN_N = (
    r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty"
    r"|sixty|ninety|(?:an? )?couple(?: of)?)"
)
_EN_UNITS = "day|week|month|year"

# --- days written out


@_rule(r"(?<![\d.])(20\d\d)(?:[-/.]|年)[ ]?(\d{1,2})(?:[-/.]|月)[ ]?(\d{1,2})(?!\d)[日号]?")
def _full(match: re.Match[str], clock: _Clock) -> Days | None:
    day = date(int(match[1]), int(match[2]), int(match[3]))
    return day, day


def _of_year(
    match: re.Match[str], clock: _Clock, days: Callable[[int], Days | None]
) -> Days | None:
    """Days in the year that was named, or in the nearest one in which they exist."""
    groups = match.groupdict()
    if (said := groups.get("rel")) is not None:
        word = said.lower().split("'")[0].strip()
        offset = {"前年": -2, "去年": -1, "上个": -1, "last": -1, "last year": -1}.get(word)
        offset = {"明年": 1, "next": 1, "next year": 1}.get(word, 0) if offset is None else offset
        if word in ("last", "上个") and (past := _of_latest(clock, days)):
            return past
        return days(clock.today.year + offset)
    if (year := groups.get("year")) is not None:
        return days(int(year) + (2000 if len(year) == 2 else 0))

    def candidates() -> Iterator[Days | None]:
        for each in clock.years():
            try:
                yield days(each)
            except ValueError:  # 29 February
                continue

    return clock.near(candidates())


def _of_latest(clock: _Clock, days: Callable[[int], Days | None]) -> Days | None:
    known = [found for year in clock.years() if (found := days(year))]
    return next((found for found in reversed(known) if found[1] < clock.today), None)


@_rule(
    rf"(?:(?P<year>20\d\d)年|(?P<rel>去年|今年|前年|明年)的?)?(?<![\d个])(?P<month>{_M})月"
    rf"(?:份?的?(?P<day>{_D})[日号]|(?P<bare>\d{{1,2}})(?![\d天个周年元块]))"
)
@_rule(
    r"(?<![\d/.-])(?P<month>\d{1,2})/(?P<day>\d{1,2})(?:/(?P<year>20\d\d"
    r"|\d\d))?(?P<bare>(?!))?(?![\d/-])"
)
def _month_day(match: re.Match[str], clock: _Clock) -> Days | None:
    month, day = _number(match["month"]), _number(match["day"] or match["bare"])
    if match["bare"] is None and match["year"] is None and (month, day) in _NO_DAYS:
        return None
    if month > 12:  # 25/12
        month, day = day, month

    def days(year: int) -> Days:
        there = date(year, month, day)
        return there, there

    return _of_year(match, clock, days)


# A half price and support around the clock.
_NO_DAYS = {(1, 2), (1, 3), (2, 3), (1, 4), (3, 4), (24, 7)}
_MONTHS = {name.lower(): index for index, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name.lower(): index for index, name in enumerate(calendar.month_abbr) if name}
_MONTHS["sept"] = 9
_MONTH_NAMES = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = r"(?:,?[ ](?P<year>20\d\d)(?!\d))?"


@_rule(
    rf"(?<![a-z])(?P<name>{_MONTH_NAMES})\.?[ ](?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd"
    rf"|th)?(?![\d%a-z]){_YEAR}"
)
@_rule(
    rf"(?<![\w.])(?P<day>\d{{1,2}})(?:st|nd|rd"
    rf"|th)?[ ](?:of )?(?P<name>{_MONTH_NAMES})(?![a-z]){_YEAR}"
)
def _named_month_day(match: re.Match[str], clock: _Clock) -> Days | None:
    month, day = _MONTHS[match["name"].lower()], int(match["day"])

    def days(year: int) -> Days:
        there = date(year, month, day)
        return there, there

    return _of_year(match, clock, days)


@_rule(
    rf"(?:(?P<year>20\d\d)年|(?P<rel>去年|今年|前年"
    rf"|明年)的?)?(?<![\d个])(?P<month>{_M})月份?(?!\d|饼|嫂|经|季)"
)
def _month_alone(match: re.Match[str], clock: _Clock) -> Days | None:
    month = _number(match["month"])
    return _of_year(match, clock, lambda year: _month(year, month))


@_rule(
    rf"(?<![a-z])(?:(?:in|since|during|from|until|early|late|mid|of|back in) |(?P<rel>last|next"
    rf"|this) )"
    rf"(?P<name>{_MONTH_NAMES})(?![a-z']|[ ]\d{{1,2}}(?!\d)){_YEAR}"
)
@_rule(rf"(?<![a-z])(?P<name>{_MONTH_NAMES})[ ](?P<year>20\d\d)(?!\d)")
def _named_month(match: re.Match[str], clock: _Clock) -> Days | None:
    month = _MONTHS[match["name"].lower()]
    return _of_year(match, clock, lambda year: _month(year, month))


@_rule(
    rf"(?P<which>上上|上|这|本|下)个?月的?(?P<day>{_D})[日号]"
    rf"|(?<![\d.选第月a-z个大小路街道弄巷村一二三十])(?P<bare>{_D})[号日](?!线|楼|店|码|机|电池"
    rf"|门|院|用|元|色|球"
    rf"|的?那[个款双件])"
)
@_rule(
    r"(?<![a-z])(?:on|by|since|from|until|till|before|after) the (?P<bare>\d{1,2})(?:st|nd|rd"
    r"|th)(?![a-z])"
    r"(?! (?:one|item|option|floor|day|order|product|picture|pair|try|time|of))"
)
def _day_of_month(match: re.Match[str], clock: _Clock) -> Days | None:
    groups = match.groupdict()
    if which := groups.get("which"):
        offset = {"上上": -2, "上": -1, "下": 1}.get(which, 0)
        first, _ = clock.month(offset)
        day = first.replace(day=_number(groups["day"]))
        return day, day
    number = _number(groups["bare"])

    def candidates() -> Iterator[Days]:
        for offset in range(-3, 4):
            first, last = clock.month(offset)
            if number <= last.day:
                day = first.replace(day=number)
                yield day, day

    return clock.near(candidates())


@_rule(
    rf"(?:(?P<rel>前年|去年|今年|明年|上个|last year'?s?|last|this year'?s?|this|next)的?[ ]?)?"
    rf"(?<![a-z\d.$¥€£])(?P<festival>{NAMES})(?![a-z\d元块.]|左右|以|[ ]?(?:bucks|yuan|rmb"
    rf"|points))(?:[ ](?P<year>20\d\d)(?!\d))?"
)
def _festival(match: re.Match[str], clock: _Clock) -> Days | None:
    return _of_year(match, clock, lambda year: festival(match["festival"], year))


# --- days by their distance

_DAYS = {
    "大前天": -3,
    "前天": -2,
    "前日": -2,
    "昨": -1,
    "今": 0,
    "明": 1,
    "后天": 2,
    "大后天": 3,
    "today": 0,
    "tonight": 0,
    "yesterday": -1,
    "tomorrow": 1,
    "the day before yesterday": -2,
    "day before yesterday": -2,
    "last night": -1,
    "the day after tomorrow": 2,
    "day after tomorrow": 2,
}


@_rule(
    r"(?P<day>大前天|前[天日](?!内|后)|大后天|(?<![之以])后天"
    r"|(?<![a-z])(?:the )?day (?:before yesterday|after tomorrow)"
    r"|(?<![a-z])(?:yesterday|today|tonight|tomorrow|last night))(?![a-z])"
    r"(?:[早中下上傍]?[午晨晚上]{1,2}|[ ](?:morning|afternoon|evening|night))?"
    r"|(?P<short>[昨今明])(?:[天日晚早晨夜儿](?:[早中下上傍][午晨晚上]|晚上?)?)(?!气)"
    r"|(?<![a-z])this (?P<this>morning|afternoon|evening)"
)
def _near_day(match: re.Match[str], clock: _Clock) -> Days | None:
    word = match["short"] or ("today" if match["this"] else match["day"].lower())
    return clock.day(_DAYS[word])


@_rule(
    r"(?<!以)前(?:两|几|些)天|(?<![a-z])(?:the other day|a few days (?:ago|back)|several days ago)"
)
def _some_days_ago(match: re.Match[str], clock: _Clock) -> Days | None:
    return clock.day(-7)[0], clock.day(-2)[0]


@_rule(
    r"(?:这|最近|近|过去)的?(?:几|两)天|(?<![a-z])(?:the )?(?:last|past) (?:few|couple of"
    r"|several) days"
)
def _these_days(match: re.Match[str], clock: _Clock) -> Days | None:
    return clock.day(-6)[0], clock.today


# --- weeks, months, years

_WHICH = {"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}
_WEEKDAYS = {sign: index for index, sign in enumerate("一二三四五六日")} | {"天": 6}
_NAMES = {name.lower(): index for index, name in enumerate(calendar.day_name)}
_SHORT_NAMES = {
    "mon": 0,
    "tue": 1,
    "tues": 1,
    "wed": 2,
    "thu": 3,
    "thur": 3,
    "thurs": 3,
    "fri": 4,
    "sat": 5,
    "sun": 6,
}
_WEEK = "(?:周|星期|礼拜)"
_NO_COUNT = r"(?<![一二两三四五六七八九十\d每半整几个隔])"


@_rule(
    rf"(?:(?P<which>上上|上|这|本|下下|下)(?:一?个)?"
    rf"|{_NO_COUNT}){_WEEK}(?P<day>[一二三四五六日天末])(?![次折])"
)
def _weekday(match: re.Match[str], clock: _Clock) -> Days | None:
    if match["day"] == "末":
        monday, sunday = clock.week(_WHICH.get(match["which"] or "这", 0))
        if not match["which"] and not clock.future and monday + timedelta(days=5) > clock.today:
            sunday -= timedelta(days=7)
        return sunday - timedelta(days=1), sunday
    day = _WEEKDAYS[match["day"]]
    if match["which"]:
        there = clock.week(_WHICH[match["which"]])[0] + timedelta(days=day)
        return there, there
    return clock.near(_same_weekday(clock, day))


def _same_weekday(clock: _Clock, weekday: int) -> Iterator[Days]:
    for offset in (-1, 0, 1):
        there = clock.week(offset)[0] + timedelta(days=weekday)
        yield there, there


_LONG = "|".join(_NAMES)
_SHORT = "|".join(_SHORT_NAMES)


@_rule(
    rf"(?<![a-z])(?:(?P<which>last|this|next|past|previous|coming|this past) |on )?"
    rf"(?P<name>{_LONG})"
    r"s?(?![a-z])"
    r"|(?<![a-z])(?:(?P<which2>last|this|next|past|previous|coming) |on )"
    rf"(?P<name2>{_SHORT})(?![a-z])"
)
def _named_weekday(match: re.Match[str], clock: _Clock) -> Days | None:
    name = (match["name"] or match["name2"]).lower()
    day = _NAMES.get(name, _SHORT_NAMES.get(name, 0))
    which = (match["which"] or match["which2"] or "").lower()
    if which in ("last", "past", "previous", "this past"):
        back = (clock.today.weekday() - day) % 7 or 7
        return clock.day(-back)
    if which in ("next", "this"):
        there = clock.week(1 if which == "next" else 0)[0] + timedelta(days=day)
        return there, there
    if which == "coming":
        return clock.day((day - clock.today.weekday()) % 7 or 7)
    return clock.near(_same_weekday(clock, day))


@_rule(rf"(?P<which>上上|上|这|本|下下|下)(?:一?个)?{_WEEK}(?![一二三四五六日天末年])")
def _whole_week(match: re.Match[str], clock: _Clock) -> Days | None:
    return clock.week(_WHICH[match["which"]])


@_rule(
    r"(?P<which>上上|上|这|本|下下|下)个?月(?:的?(?P<part>初|中旬?|底|末|上旬|下旬))?(?!\d)"
    r"|(?<![个岁])月(?P<bare>初|底|末)"
)
def _whole_month(match: re.Match[str], clock: _Clock) -> Days | None:
    first, last = clock.month(_WHICH.get(match["which"] or "本", 0))
    part = match["part"] or match["bare"]
    if part and not match["which"] and not clock.future:
        first, last = clock.month(0 if part == "初" or clock.today.day > 20 else -1)
    if part in ("初", "上旬"):
        return first, first.replace(day=10)
    if part in ("中", "中旬"):
        return first.replace(day=11), first.replace(day=20)
    return (first.replace(day=21), last) if part else (first, last)


@_rule(
    r"(?P<rel>去年|前年|今年|明年)(?:的?(?P<half>[上下])半年)?|(?<!\d)(?P<year>20\d\d)年"
    r"|(?P<open>[上下])半年"
)
def _year(match: re.Match[str], clock: _Clock) -> Days | None:
    half = match["half"] or match["open"]

    def days(year: int) -> Days:
        return date(year, 7 if half == "下" else 1, 1), (
            date(year, 6, 30) if half == "上" else date(year, 12, 31)
        )

    return _of_year(match, clock, days)


@_rule(
    r"(?<![a-z])(?:(?P<which>last|this|next|previous)|the) (?P<unit>weekend|(?<!the )(?:week"
    r"|month|year))(?![a-z'])"
)
def _whole(match: re.Match[str], clock: _Clock) -> Days | None:
    unit = match["unit"].lower()
    if match["which"] is None:  # the weekend
        last = clock.week(0 if clock.future or clock.today.weekday() == 6 else -1)[1]
        return last - timedelta(days=1), last
    offset = {"last": -1, "previous": -1, "next": 1}.get(match["which"].lower(), 0)
    if unit == "month":
        return clock.month(offset)
    if unit == "year":
        year = clock.today.year + offset
        return date(year, 1, 1), date(year, 12, 31)
    monday, sunday = clock.week(offset)
    return (sunday - timedelta(days=1) if unit == "weekend" else monday), sunday


# --- spans counted from today


@_rule(
    rf"(?:(?P<half>半)(?:个)?|(?P<count>{_N})(?:个(?P<and_half>半)?)?)(?P<unit>{_UNITS}|小时"
    rf"|分钟)[之以]?(?P<where>前|后)"
    r"(?!天|面)"
)
def _ago(match: re.Match[str], clock: _Clock) -> Days | None:
    sign = -1 if match["where"] == "前" else 1
    unit = match["unit"]
    if unit in ("小时", "分钟"):
        minutes = (60 if unit == "小时" else 1) * (
            0.5 if match["half"] else _number(match["count"])
        )
        there = (clock.now + timedelta(minutes=sign * minutes)).date()
        return there, there
    unit = _unit(unit)
    if match["half"]:
        if unit in ("day", "week"):
            return None if unit == "week" else clock.day(0)
        there = (
            _shifted(clock.today, sign * 6, "month") if unit == "year" else clock.day(sign * 15)[0]
        )
        return _as_long_as(there, "month" if unit == "year" else "week")
    there = _shifted(clock.today, sign * _number(match["count"]), unit)
    if match["and_half"] and unit == "month":
        there += timedelta(days=sign * 15)
    return _as_long_as(there, unit)


@_rule(
    rf"(?<![a-z\d])(?:(?P<half>half an? )|(?P<count>{_EN_N}) )(?P<unit>hour|minute|{_EN_UNITS})s?"
    r" (?P<where>ago|back|earlier|from now|from today|later)(?![a-z])"
)
def _english_ago(match: re.Match[str], clock: _Clock) -> Days | None:
    sign = 1 if match["where"].lower() in ("from now", "from today", "later") else -1
    unit = match["unit"].lower()
    if unit in ("hour", "minute"):
        minutes = (60 if unit == "hour" else 1) * _number(match["count"])
        there = (clock.now + timedelta(minutes=sign * minutes)).date()
        return there, there
    if match["half"]:
        return (
            _as_long_as(_shifted(clock.today, sign * 6, "month"), "month")
            if unit == "year"
            else None
        )
    return _as_long_as(_shifted(clock.today, sign * _number(match["count"]), unit), unit)


def _as_long_as(day: date, unit: str) -> Days:
    """As exact as it was said: two weeks ago is some day of that week."""
    if unit == "day":
        return day, day
    if unit == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    if unit == "month":
        return _month(day.year, day.month)
    return date(day.year, 1, 1), date(day.year, 12, 31)


@_rule(
    rf"(?P<way>过去|最近|近|这|前|之前|未来|接下来|今后)的?(?:(?P<half>半)个?"
    rf"|(?P<count>{_N})个?)(?P<unit>{_UNITS})(?![前后])[之以]?[内里]?"
    rf"|(?:(?P<half2>半)个?|(?P<count2>{_N})个?)(?P<unit2>{_UNITS})[之以]?内(?!存|衣)"
)
def _span(match: re.Match[str], clock: _Clock) -> Days | None:
    unit = _unit(match["unit"] or match["unit2"])
    ahead = match["way"] in ("未来", "接下来", "今后") or (not match["way"] and clock.future)
    if match["half"] or match["half2"]:
        if unit not in ("month", "year"):
            return None
        count, unit = (6, "month") if unit == "year" else (15, "day")
    else:
        count = _number(match["count"] or match["count2"])
    return _from_today(clock, count, unit, ahead=ahead)


@_rule(
    rf"(?<![a-z])(?:(?:in|within|over|during|for) )?(?:the )?(?P<way>last|past|previous|next"
    rf"|coming) (?:(?P<count>{_EN_N}) )"
    rf"(?P<unit>{_EN_UNITS})s?(?![a-z])"
    rf"|(?<![a-z])(?:the )?past (?P<one>{_EN_UNITS})(?![a-z])|(?<![a-z])(?P<way2>within"
    rf"|in) (?P<count2>{_EN_N}) (?P<unit2>{_EN_UNITS})s?(?![a-z])"
)
def _english_span(match: re.Match[str], clock: _Clock) -> Days | None:
    unit = (match["unit"] or match["one"] or match["unit2"]).lower()
    way = (match["way"] or match["way2"] or "past").lower()
    count = _number(match["count"] or match["count2"])
    if way == "in":  # in three days
        return _as_long_as(_shifted(clock.today, count, unit), unit)
    ahead = way in ("next", "coming") or (way == "within" and clock.future)
    return _from_today(clock, count, unit, ahead=ahead)


def _from_today(clock: _Clock, count: int, unit: str, *, ahead: bool) -> Days:
    there = _shifted(clock.today, count if ahead else -count, unit)
    return (clock.today, there) if ahead else (there, clock.today)
