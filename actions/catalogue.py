"""Catalogue: finding goods, narrowing a search down, showing one item."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actions.base import ShopAction, Turn, shop
from actions.choosing import chosen_product
from actions.goods import (
    Search,
    asked_for,
    availability,
    named_product,
    product_values,
    query_of,
    shown_products,
)
from actions.plain import plain
from actions.recommend import LIKE, SHOWN, WITH, hear, offer_instead, recommend, search_for
from actions.visit import Visit
from shop.models import Hit, Product, Variant
from shop.text.gist import names_goods
from shop.text.request import Request


class ActionSearchProduct(ShopAction):
    """Searches for what was asked; without new goods it narrows the last search down, or pages.

    Where the choice was left to us, as of a present, it goes on recommending.
    """

    def work(self, turn: Turn) -> None:
        if turn.intent == "inform" and chosen_product(turn):
            ActionShowProduct().work(turn)
            return
        request = turn.request()
        search = asked_for(turn, request)
        if _left_to_us(search, request):
            request, visit = hear(turn)
            recommend(turn, visit, search_for(turn, visit, request))
        elif search:
            show_results(turn, search)
        else:
            turn.remember(asked="product")
            turn.say("utter_ask_what_to_find")


def _left_to_us(search: Search, request: Request) -> bool:
    """Whether nobody has named goods, but a recipient, or conditions of what we recommended."""
    if names_goods(request) or request.brands:
        return False
    recommended = any(key in search for key in (SHOWN, LIKE, WITH))
    return recommended or (bool(search.get("gift")) and not search.get("text"))


class ActionShowProduct(ShopAction):
    """Shows the item that is meant, with its variants and stock, or asks which one; beside one
    that is sold out, what could take its place."""

    def work(self, turn: Turn) -> None:
        product = named_product(turn)
        if product is None:
            turn.remember(asked="product")
            _ask_which(turn)
            return
        turn.remember(shown={"kind": "products", "ids": [str(product.id)]}, asked="product")
        variants = [
            {**plain(variant), "availability": availability(variant.stock)}
            for variant in asked_variants(product, turn.request())
        ]
        turn.say("utter_product_detail", **product_values(product), variants=variants)
        shop().record_interaction(turn.visitor_id(), product.id, "view")
        visit = Visit.of(turn)
        visit.looked_at(product.id)
        visit.keep(turn)
        if product.stock <= 0:
            offer_instead(turn, product.id)


def asked_variants(product: Product, request: Request) -> list[Variant]:
    """Those in the colours and sizes that were asked about; all where there are none such."""
    fitting = [
        variant
        for variant in product.variants
        if (not request.colours or variant.colour in request.colours)
        and (not request.sizes or variant.size in request.sizes)
    ]
    return fitting or list(product.variants)


def _ask_which(turn: Turn) -> None:
    """Which of the goods on the screen is meant, as buttons; which at all where there are none."""
    shown = shop().products(shown_products(turn))
    if not shown:
        turn.say("utter_which_product")
        return
    choices = [{"code": str(p.id), "name": plain(p.name), "intent": turn.intent} for p in shown]
    turn.say("utter_which_of_these", products=choices)


def show_results(turn: Turn, search: Search) -> None:
    """Searches and shows one page, honest about what only comes close."""
    query = query_of(search)
    found = shop().search_products(query)
    turn.remember(search=search, asked="product")
    if not found.items:
        turn.say("utter_no_more_products" if query.offset else "utter_no_products")
        return
    exact = bool(found.items[0].exact)
    hits = [hit for hit in found.items if hit.exact == exact]
    turn.remember(shown={"kind": "products", "ids": [str(hit.product.id) for hit in hits]})
    turn.say("utter_found_products" if exact else "utter_near_products", products=_cards(hits))


def _cards(hits: Iterable[Hit]) -> list[dict[str, Any]]:
    return [product_values(hit.product, hit.price) for hit in hits]
