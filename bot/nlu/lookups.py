"""The catalogue's words, found in a text: brands, products, categories, colours and sizes.

They are advice: a match leans the tagger towards its type (see `bot.nlu.entities`). They are read
from the shop when the model loads and again every few minutes, in a thread of their own, so that a
product listed after training is known; without the shop the tagger does without.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from bot.nlu.tags import Span
from bot.nlu.units import Unit, read

logger = logging.getLogger(__name__)

#: (entity, text) of each word.
Words = Iterable[tuple[str, str]]


class Lookup:
    """Finds words by their units; the longest match at a place wins.

    Words of one sign, one Chinese character or only digits are left out: 红 is also in 红包, and 42
    is not always a size.
    """

    def __init__(self, words: Words = ()) -> None:
        """Build the tree of units."""
        self._root: dict[str, Any] = {}
        self.size = 0
        for entity, text in words:
            units = [unit.text for unit in read(text, longest=100).units]
            joined = "".join(units)
            if len(joined) < 2 or joined.isdigit():
                continue
            node = self._root
            for unit in units:
                node = node.setdefault(unit, {})
            # The first word of a form keeps it, as kinds of goods come before products.
            node.setdefault("", entity)
            self.size += 1

    def find(self, units: Sequence[Unit]) -> Iterator[Span]:
        """Spans of the catalogue's words; none overlaps another."""
        first = 0
        while first < len(units):
            node = self._root
            found: Span | None = None
            for last in range(first, len(units)):
                if units[last].text not in node:
                    break
                node = node[units[last].text]
                if "" in node:
                    found = Span(node[""], first, last)
            if found is not None:
                yield found
                first = found.last
            first += 1


class Catalogue:
    """A lookup that is read again while the model serves.

    Args:
        source: gives the words; may raise anything, which only leaves the words as they were.
        every: seconds between two readings.
    """

    def __init__(self, source: Callable[[], Words], *, every: float) -> None:
        """Read once, now."""
        self._source = source
        self._every = every
        self._due = 0.0
        self._lookup = Lookup()
        self._lock = threading.Lock()
        self._complained = False
        self.refresh()

    @property
    def lookup(self) -> Lookup:
        """The words as last read; starts another reading when it is time."""
        if time.monotonic() >= self._due and self._lock.acquire(blocking=False):
            try:
                # Moved on before the thread runs, so that one reading starts, not one a message.
                self._due = time.monotonic() + self._every
                threading.Thread(target=self.refresh, name="catalogue-words", daemon=True).start()
            finally:
                self._lock.release()
        return self._lookup

    def refresh(self) -> None:
        """Read the words now."""
        self._due = time.monotonic() + self._every
        try:
            self._lookup = Lookup(self._source())
            self._complained = False
        except Exception as error:  # the shop may fail in any way; understanding must not
            if not self._complained:
                logger.warning("catalogue words could not be read: %s", error)
            self._complained = True


def shop_words() -> Words:
    """The words of the shop that the settings name."""
    from shop.settings import ShopSettings
    from shop.settings import read as read_settings
    from shop.sql import open_shop

    shop = open_shop(read_settings(ShopSettings))
    return [(word.entity, word.text) for word in shop.vocabulary()]
