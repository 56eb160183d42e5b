"""The catalogue as arrays, so that conditions on 20,000 products take a fraction of a millisecond.

A shelf is as old as its last refresh; what is shown at last is checked against the shop itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from shop.backend import ShopBackend
from shop.catalogue import with_shades
from shop.errors import ShopError
from shop.models import Product, ProductQuery, TasteSubject
from shop.recommend.labels import Labels, Mask

logger = logging.getLogger(__name__)

#: Bought, carted or looked at within this many days is popular "this week".
POPULAR_DAYS = 7
_POPULAR = 200
#: Words whose products are remembered, until the next refresh.
_REMEMBERED = 500


@dataclass(frozen=True)
class Shelf:
    """All products at a moment; rows are in the order of `ids`, which ascend.

    Prices are whole hundredths. Variants are those in stock; `variant_rows` says whose each is.
    """

    products: dict[int, Product]
    ids: npt.NDArray[np.int64]
    stock: npt.NDArray[np.int64]
    price: npt.NDArray[np.int64]
    consumable: Mask
    listed: npt.NDArray[np.float64]
    kinds: Labels
    categories: Labels
    #: In both languages.
    brands: Labels
    texts: tuple[str, ...]
    variant_rows: npt.NDArray[np.int64]
    variant_prices: npt.NDArray[np.int64]
    variant_colours: Labels
    variant_sizes: Labels
    #: Product ids, most popular of the last days first.
    popular: tuple[int, ...]
    #: All texts in one, where each begins, what was looked up in them, and `popular_in`.
    blob: str = ""
    begins: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    found: dict[str, Mask] = field(default_factory=dict)
    first: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, product_ids: Iterable[int]) -> npt.NDArray[np.int64]:
        """Rows of the ids that are there."""
        wanted = np.array(sorted(set(product_ids)), np.int64)
        found = np.searchsorted(self.ids, wanted)
        there = found < len(self.ids)
        found, wanted = found[there], wanted[there]
        return found[self.ids[found] == wanted]

    def meets(self, query: ProductQuery) -> Mask:
        """Which products meet the conditions of a query, its text left aside, (products,)."""
        mask = np.ones(len(self), bool)
        if query.category is not None:
            wanted = (query.category,)
            mask &= self.categories.among(wanted) | self.kinds.among(wanted)
        if query.brand is not None:
            mask &= self.about("brand", query.brand)
        if query.colours or query.sizes or (query.price_min, query.price_max) != (None, None):
            mask &= self._has_variant(query)
        else:
            mask &= self.stock > 0
        mask[self.rows(query.exclude)] = False
        for word in query.without:
            mask &= ~self.mentions(word)
        return mask

    def _has_variant(self, query: ProductQuery) -> Mask:
        """Which products have a variant in stock of the colour, size and price asked for."""
        variants = np.ones(len(self.variant_rows), bool)
        if query.colours:
            variants &= self.variant_colours.among(with_shades(query.colours))
        if query.sizes:
            variants &= self.variant_sizes.among(query.sizes)
        if query.price_min is not None:
            variants &= self.variant_prices >= hundredths(query.price_min)
        if query.price_max is not None:
            variants &= self.variant_prices <= hundredths(query.price_max)
        mask = np.zeros(len(self), bool)
        mask[self.variant_rows[np.flatnonzero(variants)]] = True
        return mask

    def popular_in(self, category: str) -> tuple[int, ...]:
        """The products of a category among the most popular of the last days, the first first."""
        if category not in self.first:
            own = [i for i in self.popular if self.products[i].category == category]
            self.first[category] = tuple(own)
        return self.first[category]

    def mentions(self, words: str) -> Mask:
        """Which products have the words in name, brand, kind, category or attributes; English ones
        at the beginning of a word: tea is not in steak."""
        wanted = words.casefold().strip()
        mask = self.found.get(wanted)
        if mask is None:
            mask = np.zeros(len(self), bool)
            place = self.blob.find(wanted) if wanted else -1
            inside = wanted[:1].isascii() and wanted[:1].isalpha()
            while place >= 0:
                before = self.blob[place - 1 : place]
                if inside and before.isascii() and before.isalpha():
                    place = self.blob.find(wanted, place + 1)
                    continue
                row = int(np.searchsorted(self.begins, place, side="right")) - 1
                mask[row] = True
                place = self.blob.find(wanted, int(self.begins[row + 1]))
            if len(self.found) < _REMEMBERED:
                self.found[wanted] = mask
        return mask.copy()

    def about(self, subject: TasteSubject, value: str) -> Mask:
        """The products that a like or dislike is about, (products,)."""
        if subject == "product":
            mask = np.zeros(len(self), bool)
            # No id has more digits, and int() of very many takes long.
            mask[self.rows([int(value)] if value.isdecimal() and len(value) < 10 else [])] = True
            return mask
        if subject == "kind":
            return self.kinds.among((value,))
        if subject == "category":
            return self.categories.among((value,))
        if subject == "brand":
            wanted = value.casefold()
            return self.brands.where(lambda brand: wanted in brand)
        return self.mentions(value)


def hundredths(price: Decimal) -> int:
    """A price as the shelf counts."""
    return int(price * 100)


def make(
    products: dict[int, Product], popular: tuple[int, ...], words: dict[str, tuple[str, ...]]
) -> Shelf:
    """A shelf of products; `words` are those for codes of kinds and categories."""
    ordered = [products[i] for i in sorted(products)]
    texts = tuple(_text(p, words) for p in ordered)
    variants = [(row, v) for row, p in enumerate(ordered) for v in p.variants if v.stock > 0]
    return Shelf(
        products=products,
        ids=np.array([p.id for p in ordered], np.int64),
        stock=np.array([p.stock for p in ordered], np.int64),
        price=np.array([hundredths(p.price_min) for p in ordered], np.int64),
        consumable=np.array([p.consumable for p in ordered], bool),
        listed=np.array([p.listed_at.timestamp() for p in ordered], np.float64),
        kinds=Labels.of(p.kind for p in ordered),
        categories=Labels.of(p.category for p in ordered),
        brands=Labels.of(f"{p.brand.zh}\n{p.brand.en}".casefold() for p in ordered),
        texts=texts,
        variant_rows=np.array([row for row, _ in variants], np.int64),
        variant_prices=np.array([hundredths(v.price) for _, v in variants], np.int64),
        variant_colours=Labels.of(v.colour for _, v in variants),
        variant_sizes=Labels.of(v.size for _, v in variants),
        popular=popular,
        # A character that nobody types, so that nothing is found across two texts.
        blob="\0".join(texts),
        begins=np.cumsum([0, *(len(text) + 1 for text in texts)]),
    )


def _text(product: Product, words: dict[str, tuple[str, ...]]) -> str:
    parts = [product.name.zh, product.name.en, product.brand.zh, product.brand.en]
    parts += [*words.get(product.kind, ()), *words.get(product.category, ())]
    parts += [text for a in product.attributes for text in (a.value.zh, a.value.en)]
    return "\n".join(parts).casefold()


class Shelves:
    """The newest shelf, refreshed beside the requests.

    Args:
        shop: where products come from.
        every: seconds from one refresh to the next.
        clock: the time.
    """

    def __init__(
        self,
        shop: ShopBackend,
        *,
        every: float = 60.0,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._shop = shop
        self._every = every
        self._clock = clock
        self._shelf: Shelf | None = None
        self._made = -float("inf")
        self._making = threading.Lock()

    def get(self) -> Shelf:
        """The newest shelf; only the first caller waits. Raises: Unavailable."""
        shelf = self._shelf
        if shelf is None:
            with self._making:
                if self._shelf is None:
                    self._make()
                shelf = self._shelf
        elif time.monotonic() - self._made > self._every and not self._making.locked():
            threading.Thread(target=self._refresh, daemon=True).start()
        assert shelf is not None
        return shelf

    def _refresh(self) -> None:
        with self._making:
            if time.monotonic() - self._made <= self._every:
                return
            try:
                self._make()
            except ShopError as exc:
                self._made = time.monotonic()
                logger.warning("The recommender's shelf stays as it was: %s", exc)

    def _make(self) -> None:
        now = self._clock()
        # All anew: stock and prices belong to variants, whose changes leave no trace on products.
        products = {product.id: product for product in self._shop.catalogue()}
        week = self._shop.popular_products(
            now - timedelta(days=POPULAR_DAYS), limit=_POPULAR, in_stock=False
        )
        words: dict[str, tuple[str, ...]] = {}
        for word in self._shop.vocabulary():
            if word.entity == "category":
                words[word.code] = (*words.get(word.code, ()), word.text)
        self._shelf = make(products, tuple(p.id for p in week if p.id in products), words)
        self._made = time.monotonic()
