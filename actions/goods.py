"""Goods in conversation: the search that goes on from message to message, and the item meant."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from actions.base import Turn, shop
from actions.choosing import chosen_product
from actions.plain import plain
from shop.catalogue import with_shades
from shop.errors import NotFound
from shop.models import Product, ProductQuery
from shop.text.gist import names_goods
from shop.text.prices import PriceRange
from shop.text.request import Request
from shop.text.words import shop_words

PAGE = 6
FEW_LEFT = 5
# "Cheaper" than what was shown, where no amount is named.
CHEAPER = Decimal("0.8")

# What a search is made of, as it stands in the slot `search` between two messages.
Search = dict[str, Any]


def asked_for(turn: Turn, request: Request) -> Search:
    """The search that is meant: a new one where goods are named, else the last one changed."""
    last: Search = turn.slots.get("search") or {}
    named = names_goods(request)
    search: Search = {} if named or request.brands else dict(last, offset=0)
    if request.paging and last and not named:
        step = {"next": PAGE, "previous": -PAGE, "first": -last.get("offset", 0)}
        search["offset"] = max(0, last.get("offset", 0) + step[request.paging.turn])
    if named:
        search["text"] = " ".join(request.terms)
        search["category"] = next(iter((*request.kinds, *request.categories)), None)
        # A word such as 耳机 is shared by several kinds, any of which will do.
        search["kinds"] = list(request.kinds)
    if request.brands:
        search["brand"] = request.brands[0]
    if request.colours:
        search["colours"] = list(request.colours)
    elif request.excluded.colours:
        refused = with_shades(request.excluded.colours)
        search["colours"] = [c for c in shop_words().codes("colour") if c not in refused]
    if request.sizes:
        search["sizes"] = list(request.sizes)
    if request.price:
        search.update(_bounds(request.price, turn))
    if request.excluded.terms:
        search["without"] = [*search.get("without", []), *request.excluded.terms]
    if request.excluded.shown:
        search["exclude"] = [*search.get("exclude", []), *shown_products(turn)]
    if request.recipient:
        whom = request.recipient
        search["gift"] = {"gender": whom.gender, "age": whom.age} if whom.code != "self" else None
    return search if last or set(search) - {"offset"} else {}


def named_product(turn: Turn) -> Product | None:
    """The product that was pointed at or named, or the only one on the screen."""
    chosen = chosen_product(turn)
    if chosen is None:
        shown = shown_products(turn)
        chosen = str(shown[0]) if len(shown) == 1 else None
    if chosen is None:
        return None
    if chosen.isascii() and chosen.isdecimal():
        try:
            return shop().product(int(chosen))
        except NotFound:
            return None
    found = shop().search_products(ProductQuery(text=chosen, limit=1))
    return found.items[0].product if found.exact else None


def query_of(search: Search) -> ProductQuery:
    """One page of goods in stock that meet a search."""
    return ProductQuery(
        text=search.get("text", ""),
        category=search.get("category"),
        brand=search.get("brand"),
        colours=tuple(search.get("colours", ())),
        sizes=tuple(search.get("sizes", ())),
        price_min=_decimal(search.get("price_min")),
        price_max=_decimal(search.get("price_max")),
        sort=search.get("sort", "relevance"),
        without=tuple(search.get("without", ())),
        exclude=frozenset(search.get("exclude", ())),
        in_stock=True,
        limit=PAGE,
        offset=search.get("offset", 0),
    )


def product_values(product: Product, price: Decimal | None = None) -> dict[str, Any]:
    """A product as responses show it."""
    return {
        "code": str(product.id),
        "name": plain(product.name),
        "description": plain(product.description),
        "brand": plain(product.brand),
        "category": product.category,
        "colours": list(product.colours),
        "price": plain(price or product.price_min),
        "picture": product.picture,
        "availability": availability(product.stock),
    }


def availability(stock: int) -> str:
    """A code of the table `availability`."""
    if stock <= 0:
        return "out_of_stock"
    return "few_left" if stock <= FEW_LEFT else "in_stock"


def _bounds(price: PriceRange, turn: Turn) -> Search:
    """Bounds of a search; a mere wish sorts, "cheaper" means than what was shown."""
    if price.relative == "cheaper" and (shown := shown_products(turn)):
        lowest = min(product.price_min for product in shop().products(shown))
        return {"price_min": None, "price_max": str(lowest * CHEAPER), "sort": "price_asc"}
    if price.relative in ("cheap", "cheaper", "cheapest"):
        return {"sort": "price_asc"}
    if price.relative:
        return {"sort": "price_desc"}
    return {"price_min": plain(price.minimum), "price_max": plain(price.maximum)}


def shown_products(turn: Turn) -> list[int]:
    """Ids of the products on the screen."""
    shown = turn.slots.get("shown") or {}
    return [int(i) for i in shown.get("ids", [])] if shown.get("kind") == "products" else []


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)
