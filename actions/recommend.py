"""Recommend: what to buy, and what is like something else."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from actions.base import ShopAction, Turn, shop
from actions.catalogue import PAGE, named_product, product_values, show_results

POPULAR_WITHIN = timedelta(days=30)


class ActionRecommendProduct(ShopAction):
    """What is popular and in stock; with a kind of goods or a price it is a search."""

    def work(self, turn: Turn) -> None:
        request = turn.request()
        if request.names_goods or request.price or request.colours:
            bounds = request.price
            show_results(
                turn,
                {
                    "text": " ".join(request.terms),
                    "category": next(iter((*request.kinds, *request.categories)), None),
                    "colours": list(request.colours),
                    "price_min": str(bounds.minimum) if bounds and bounds.minimum else None,
                    "price_max": str(bounds.maximum) if bounds and bounds.maximum else None,
                    "sort": "popular",
                },
            )
            return
        since = datetime.now(timezone.utc) - POPULAR_WITHIN
        products = shop().popular_products(since, PAGE)
        turn.remember(
            shown={"kind": "products", "ids": [str(product.id) for product in products]},
            search={},
            asked="product",
        )
        if products:
            turn.say("utter_popular_products", products=[product_values(p) for p in products])
        else:
            turn.say("utter_no_products")


class ActionFindSimilar(ShopAction):
    """Other goods of the same kind as the one that is meant."""

    def work(self, turn: Turn) -> None:
        product = named_product(turn)
        if product is None:
            turn.remember(asked="product")
            turn.say("utter_which_product")
            return
        request = turn.request()
        search = {"category": product.kind, "exclude": [product.id], "sort": "popular"}
        if request.price and request.price.relative in ("cheap", "cheaper", "cheapest"):
            search["price_max"] = str(product.price_min)
        show_results(turn, search)
