"""Fills values into a sentence: `{total:money}`, `{placed_at:date}`, `{state:order_state}`.

A value is named by its path (`{order.number}`). A value written in both languages (a mapping with
the keys zh and en) is said in the language of the sentence, a list one after the other. After the
colon stands a filter:

    money             a decimal number, 129.00 -> ¥129
    date, datetime    an ISO time in UTC -> 11月3日, 3 Nov, in the shop's time zone
    upper             as it is in capitals
    a table's name    a code of `data/words/<table>.yml` -> its word; a mapping with a `code` -> the
                      code's word, whose own places are filled from the mapping
"""

from __future__ import annotations

import logging
import string
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

logger = logging.getLogger(__name__)

CURRENCY_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "HKD": "HK$"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

BETWEEN = {"zh": "、", "en": ", "}

Word = Callable[[str, str, str], "str | None"]


class Filling(string.Formatter):
    """Fills sentences in one language."""

    def __init__(self, *, lang: str, word: Word, timezone: str, currency: str) -> None:
        """Args:
        lang: `zh` or `en`.
        word: (table, code, lang) -> the word, None when the table or the code is unknown.
        timezone: IANA name of the shop's time zone.
        currency: ISO 4217 code of the shop's money.
        """
        self._lang = lang
        self._word = word
        self._zone = ZoneInfo(timezone)
        self._currency = currency

    def fill(self, template: Any, values: Mapping[str, Any]) -> Any:
        """The template (a string, or lists and mappings of strings) with all values filled in.

        A value that is missing leaves an empty place and one warning: a shopper gets the rest of
        the sentence.
        """
        if isinstance(template, str):
            return self.vformat(template, (), values)
        if isinstance(template, Mapping):
            return {key: self.fill(inner, values) for key, inner in template.items()}
        if isinstance(template, list):
            return [self.fill(inner, values) for inner in template]
        return template

    def get_field(self, field_name: str, args: Any, kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        """The value at a dotted path; mappings only, so a template reaches no attribute."""
        value: Any = kwargs
        for key in field_name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is None:
            logger.warning("A response names {%s}, which has no value.", field_name)
            value = ""
        return value, field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        """One value in words."""
        if isinstance(value, Mapping) and self._lang in value:
            value = value[self._lang]
        if isinstance(value, Mapping) and "code" in value:
            # A code whose word has places of its own, filled from what stands beside the code.
            word = self._word(format_spec, str(value["code"]), self._lang)
            return self.vformat(word or str(value["code"]), (), value)
        if isinstance(value, list):
            return BETWEEN[self._lang].join(self.format_field(one, format_spec) for one in value)
        if value == "" or not format_spec:
            return str(value)
        if format_spec == "money":
            return self._money(value)
        if format_spec in ("date", "datetime"):
            return self._time(str(value), with_clock=format_spec == "datetime")
        if format_spec == "upper":
            return str(value).upper()
        word = self._word(format_spec, str(value), self._lang)
        if word is None:
            logger.warning("data/words/ has no word for '%s' in '%s'.", value, format_spec)
            return str(value)
        return word

    def _money(self, amount: Any) -> str:
        shown = f"{Decimal(str(amount)):,.2f}".removesuffix(".00")
        return f"{CURRENCY_SIGNS.get(self._currency, self._currency + ' ')}{shown}"

    def _time(self, iso: str, *, with_clock: bool) -> str:
        moment = datetime.fromisoformat(iso).astimezone(self._zone)
        year_shown = moment.year != datetime.now(self._zone).year
        if self._lang == "zh":
            day = f"{moment.month}月{moment.day}日"
            day = f"{moment.year}年{day}" if year_shown else day
        else:
            day = f"{moment.day} {MONTHS[moment.month - 1]}"
            day = f"{day} {moment.year}" if year_shown else day
        return f"{day} {moment:%H:%M}" if with_clock else day
