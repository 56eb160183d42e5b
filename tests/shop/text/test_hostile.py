"""No text makes a reader of values raise, or work long."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given

from shop.text.colours import colours
from shop.text.dates import dates, resolve_date
from shop.text.language import detect
from shop.text.measures import measures
from shop.text.negation import exclusions
from shop.text.normalize import plain
from shop.text.numbers import quantities, resolve_quantity, value_of
from shop.text.ordinals import pointers
from shop.text.paging import paging
from shop.text.prices import prices, resolve_price
from shop.text.recipients import occasions, recipients
from shop.text.request import understand
from shop.text.sizes import resolve_size, sizes
from shop.text.words import shop_words
from tests.shop.text.hostile import PIECES, TEXTS, any_text

NOW = datetime(2026, 11, 18, 4, 0, tzinfo=timezone.utc)
WORDS = shop_words()
READERS: dict[str, Callable[[str], Any]] = {
    "detect": detect,
    "plain": plain,
    "correct": WORDS.read,
    "value_of": value_of,
    "quantities": quantities,
    "resolve_quantity": resolve_quantity,
    "prices": prices,
    "resolve_price": resolve_price,
    "dates": lambda text: dates(text, now=NOW),
    "dates ahead": lambda text: dates(text, now=NOW, future=True),
    "resolve_date": lambda text: resolve_date(text, now=NOW),
    "colours": lambda text: colours(text, WORDS),
    "sizes": lambda text: sizes(text, WORDS),
    "resolve_size": lambda text: resolve_size(text, WORDS),
    "pointers": pointers,
    "paging": paging,
    "exclusions": exclusions,
    "measures": measures,
    "recipients": lambda text: recipients(text, WORDS),
    "occasions": lambda text: occasions(text, WORDS),
}
# A careless pattern takes seconds; the bound leaves room for a busy machine.
SECONDS = 0.1


@pytest.mark.parametrize("reader", READERS)
@given(text=any_text())
def test_any_text_is_read_and_spans_lie_inside_it(reader: str, text: str) -> None:
    found = READERS[reader](text)
    for each in found if isinstance(found, list) else [found]:
        if hasattr(each, "start") and isinstance(each.start, int):
            assert 0 <= each.start < each.end <= len(text)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:12]))
@pytest.mark.parametrize("reader", READERS)
def test_known_monsters_are_read(reader: str, text: str) -> None:
    READERS[reader](text)


@pytest.mark.parametrize("reader", READERS)
def test_two_thousand_characters_of_anything_take_no_time(reader: str) -> None:
    read = READERS[reader]
    read("")  # tables are loaded once
    slow = []
    for piece in PIECES:
        text = (piece * 2_000)[:2_000]
        took = min(_seconds(read, text) for _ in range(2))
        if took > SECONDS:
            slow.append((piece, took))
    assert slow == []


@given(text=any_text())
def test_a_request_is_understood_whatever_is_written(text: str) -> None:
    request = understand(text, now=NOW, words=WORDS)
    assert request.quantity is None or request.quantity > 0
    low, high = (request.price.minimum, request.price.maximum) if request.price else (None, None)
    assert low is None or high is None or low <= high


def _seconds(read: Callable[[str], Any], text: str) -> float:
    plain.__globals__["_plain"].cache_clear()
    begun = time.process_time()
    read(text)
    return time.process_time() - begun
