"""Recommend: what to buy, and what is like something else, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from typing import Any

from actions.base import ShopAction, Turn, shop
from actions.catalogue import PAGE, asked_for, named_product, product_values, query_of
from actions.plain import plain
from shop.models import Localized
from shop.recommend.reasons import Recommendation
from shop.recommend.service import Context, Recommendations, RecommendSettings
from shop.settings import read
from shop.text.request import Request
from shop.text.words import shop_words

# Slot `search` keeps under this key what was recommended, so that it does not come again.
SHOWN = "recommended"


class ActionRecommendProduct(ShopAction):
    """What suits the shopper and what was asked for; "others, please" brings others."""

    def work(self, turn: Turn) -> None:
        request = turn.request()
        customer_id = turn.visitor_id()
        if customer_id is not None:
            remember_dislikes(customer_id, request)
        search = asked_for(turn, request)
        search["offset"] = 0
        context = Context(
            shown=tuple(search.get(SHOWN, ())),
            gift=request.recipient is not None,
            gender=request.recipient.gender if request.recipient else None,
            age=request.recipient.age if request.recipient else None,
        )
        found = recommendations().for_request(customer_id, query_of(search), context)
        if not found and search.get(SHOWN):
            turn.say("utter_no_more_products")
            return
        show(turn, found[:PAGE], "utter_recommended_products", search)


class ActionFindSimilar(ShopAction):
    """Other goods like the one that is meant, cheaper ones if wanted."""

    def work(self, turn: Turn) -> None:
        product = named_product(turn)
        if product is None:
            turn.remember(asked="product")
            turn.say("utter_which_product")
            return
        price = turn.request().price
        cheaper = price is not None and price.relative in ("cheap", "cheaper", "cheapest")
        found = recommendations().similar(
            product.id, cheaper=cheaper, limit=PAGE, customer_id=turn.visitor_id()
        )
        show(turn, found, "utter_similar_products", {})


def show(
    turn: Turn, found: Iterable[Recommendation], response: str, search: dict[str, Any]
) -> None:
    """Cards with reasons; what was shown is kept, for quality and for not coming again."""
    found = tuple(found)
    products = {product.id: product for product in shop().products([f.product_id for f in found])}
    found = tuple(each for each in found if each.product_id in products)
    turn.remember(asked="product")
    if not found:
        turn.say("utter_no_products")
        return
    ids = [each.product_id for each in found]
    turn.remember(
        shown={"kind": "products", "ids": [str(product_id) for product_id in ids]},
        search={**search, SHOWN: [*search.get(SHOWN, []), *ids]},
    )
    recommendations().record_shown(turn.visitor_id(), found)
    cards = [
        {**product_values(products[each.product_id]), "reason": reason_values(each)}
        for each in found
    ]
    turn.say(response, products=cards)


def reason_values(recommendation: Recommendation) -> dict[str, Any]:
    """Code and evidence of a reason, as the words of `recommend_reason` fill them in."""
    evidence = dict(recommendation.evidence)
    if "product" in evidence:
        (because,) = shop().products([int(evidence["product"])]) or (None,)
        evidence["product"] = because.name if because else Localized("", "")
    if "value" in evidence:
        # What was liked is a code of a table, or a name.
        table, value = str(evidence["subject"]), str(evidence["value"])
        said = {lang: shop_words().say(table, value, lang) or value for lang in ("zh", "en")}
        evidence["value"] = said
    return {"code": recommendation.reason, **plain(evidence)}


def remember_dislikes(customer_id: int, request: Request) -> None:
    """What was refused ("no earphones") holds for later recommendations too."""
    for kind in request.excluded.kinds:
        shop().remember_taste(customer_id, "kind", kind, liked=False)


@lru_cache(maxsize=1)
def recommendations() -> Recommendations:
    """The recommender of this process; it takes up a new artefact by itself."""
    settings = read(RecommendSettings)
    return Recommendations(
        shop(),
        settings.recommend_folder,
        oldest=timedelta(days=settings.recommend_max_age_days),
    )
