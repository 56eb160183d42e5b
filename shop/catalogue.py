"""The rules of the catalogue: what may be asked, which colours are shades of which, and what is
dropped when nothing fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import chain

from shop.errors import InvalidValue
from shop.models import ProductQuery

LARGEST_PAGE = 50
# No price of ours comes near it; larger numbers do not fit the database.
LARGEST_PRICE = Decimal(10**12)

# A shopper who asks for blue takes navy too, but not the other way round.
SHADES = {
    "blue": ("navy", "sky_blue", "denim"),
    "red": ("burgundy", "coral"),
    "green": ("olive", "mint"),
    "brown": ("camel", "coffee"),
    "white": ("ivory", "cream"),
    "grey": ("charcoal", "silver"),
    "pink": ("rose", "coral"),
    "purple": ("lavender",),
    "yellow": ("mustard", "gold"),
    "black": ("charcoal",),
    "beige": ("khaki", "cream", "ivory"),
}

# What people give up most easily comes first; size last, since nobody fits into another.
_RELAXABLE = ("colour", "price", "brand", "stock", "size")


def check(query: ProductQuery) -> ProductQuery:
    """The query, if it makes sense, with bounds in whole cents. Raises: InvalidValue."""
    for bound in (query.price_min, query.price_max):
        if bound is not None and not (bound.is_finite() and 0 <= bound <= LARGEST_PRICE):
            raise InvalidValue(f"price {bound}")
    if (
        query.price_min is not None
        and query.price_max is not None
        and query.price_min > query.price_max
    ):
        raise InvalidValue(f"prices from {query.price_min} to {query.price_max}")
    if not 1 <= query.limit <= LARGEST_PAGE:
        raise InvalidValue(f"limit {query.limit}")
    if query.offset < 0:
        raise InvalidValue(f"offset {query.offset}")
    return replace(
        query,
        price_min=_cents(query.price_min, ROUND_CEILING),
        price_max=_cents(query.price_max, ROUND_FLOOR),
    )


def _cents(bound: Decimal | None, rounding: str) -> Decimal | None:
    return None if bound is None else bound.quantize(Decimal("0.01"), rounding)


def with_shades(colours: tuple[str, ...]) -> tuple[str, ...]:
    """The colours and their shades."""
    return tuple(dict.fromkeys(chain(colours, *(SHADES.get(c, ()) for c in colours))))


def relaxations(query: ProductQuery) -> Iterator[tuple[ProductQuery, tuple[str, ...]]]:
    """The query with one condition dropped, each in turn, then with all of them dropped."""
    given = {
        "colour": bool(query.colours),
        "price": query.price_min is not None or query.price_max is not None,
        "brand": query.brand is not None,
        "stock": query.in_stock,
        "size": bool(query.sizes),
    }
    dropped = tuple(name for name in _RELAXABLE if given[name])
    for name in dropped:
        yield _without(query, (name,)), (name,)
    if len(dropped) > 1:
        yield _without(query, dropped), dropped


def _without(query: ProductQuery, names: tuple[str, ...]) -> ProductQuery:
    if "colour" in names:
        query = replace(query, colours=())
    if "price" in names:
        # Whoever named a bound wants what comes closest to it.
        nearest = "price_asc" if query.price_max is not None else "price_desc"
        sort = nearest if query.sort == "relevance" else query.sort
        query = replace(query, price_min=None, price_max=None, sort=sort)  # type: ignore[arg-type]
    if "brand" in names:
        query = replace(query, brand=None)
    if "stock" in names:
        query = replace(query, in_stock=False)
    if "size" in names:
        query = replace(query, sizes=())
    return query
