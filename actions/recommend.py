"""Recommend: what to buy, what is like something else, what goes with it, each with its reason."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from actions.base import ShopAction, Turn, shop
from actions.goods import (
    PAGE,
    Search,
    asked_for,
    named_product,
    product_values,
    query_of,
    shown_products,
)
from actions.plain import plain
from actions.visit import Said, Visit
from shop.errors import ShopError
from shop.models import Localized, ProductQuery
from shop.recommend.reasons import Recommendation
from shop.recommend.service import Recommendations, RecommendSettings
from shop.settings import read
from shop.text.encoder import SentenceEncoder
from shop.text.encoder import settings as encoder_settings
from shop.text.gist import gist, names_goods
from shop.text.negation import exclusions
from shop.text.pairing import Pairing, pairing
from shop.text.request import LONGEST, Request
from shop.text.tastes import tastes
from shop.text.words import shop_words

logger = logging.getLogger(__name__)

# Slot `search` keeps under these keys what was recommended, so that it does not come again; the
# words of the wish; and what the goods shall be like or go with, so that "others" are so, too.
SHOWN, WISH, LIKE, WITH = "recommended", "wish", "like", "with"
# Purchases among which "the dress I bought" is looked for.
PURCHASES = 200
# What is offered in place of something that cannot be had.
INSTEAD = 3


class ActionRecommendProduct(ShopAction):
    """What suits the shopper and what was asked for; "others, please" brings others."""

    def work(self, turn: Turn) -> None:
        request, visit = hear(turn)
        if number := turn.entity("order_id"):
            order = shop().order(turn.customer_id(), number)
            recommend_with(turn, visit, [line.product_id for line in order.lines], {})
        elif wish := pairing(turn.text):
            recommend_with_named(turn, visit, request, wish)
        else:
            recommend(turn, visit, search_for(turn, visit, request))


class ActionFindSimilar(ShopAction):
    """Other goods like the one that is meant, cheaper ones if wanted."""

    def work(self, turn: Turn) -> None:
        request, visit = hear(turn)
        if wish := pairing(turn.text):
            recommend_with_named(turn, visit, request, wish)
            return
        search = asked_for(turn, request)
        product = named_product(turn)
        if request.excluded.shown and LIKE in search:
            product = shop().product(search[LIKE])
        if product is not None:
            price = request.price
            cheaper = price is not None and price.relative in ("cheap", "cheaper", "cheapest")
            conditions = {} if cheaper or price is None else _price_of(search)
            conditions.update({k: search[k] for k in ("colours", "sizes") if _said(request, k)})
            recommend_like(turn, visit, product.id, conditions, cheaper=cheaper)
        elif names_goods(request):
            recommend(turn, visit, search_for(turn, visit, request))
        else:
            turn.remember(asked="product")
            turn.say("utter_which_product")


class ActionDeny(ShopAction):
    """A no while goods are on the screen: others, where it was the goods that were refused."""

    def work(self, turn: Turn) -> None:
        request, visit = hear(turn)
        if request.excluded.shown or request.excluded.pointers:
            recommend(turn, visit, search_for(turn, visit, request))
        else:
            turn.say("utter_deny")


def hear(turn: Turn) -> tuple[Request, Visit]:
    """What a message asks for; what it says of likings and refuses holds from now on."""
    request, visit = turn.request(), Visit.of(turn)
    shown = shown_products(turn)
    if request.excluded.shown:
        visit.refuse(shown)
    pointed = [i for each in request.excluded.pointers for i in each.pick(shown)]
    refused: list[Said] = []
    if pointed and not request.excluded.shown:
        refused = [("product", str(i), False) for i in pointed]
    # What somebody else likes counts for their present only.
    given = request.recipient is not None and request.recipient.code != "self"
    heard = said_tastes(turn)
    visit.said(turn, [*refused, *(each for each in heard if not (given and each[2]))])
    visit.keep(turn)
    if given and heard:
        turn.slots["search"] = {**(turn.slots.get("search") or {}), "likes": _liked(heard)}
    return request, visit


def said_tastes(turn: Turn) -> list[Said]:
    """Tastes in the message that say something of our goods."""
    found: list[Said] = []
    for each in tastes(turn.text, shop_words()):
        if each.subject != "word":
            found.append((each.subject, each.value, each.liked))
            continue
        # "Camping gear" stands nowhere, "camping" does.
        pieces = (each.value, *gist(each.value, (), shop_words()).split())
        known = [piece for piece in pieces if recommendations().mentioned(piece)]
        if known:
            found.append(("word", known[0], each.liked))
    return found


def search_for(turn: Turn, visit: Visit, request: Request) -> Search:
    """The search of `asked_for`, for advice: liking something is not asking for nothing else."""
    liked = {value for _, value, is_liked in visit.tastes if is_liked}
    liked |= {value for _, value in (turn.slots.get("search") or {}).get("likes", [])}
    kinds = tuple(code for code in request.kinds if code not in liked)
    categories = tuple(code for code in request.categories if code not in liked)
    if (kinds, categories) != (request.kinds, request.categories):
        terms = request.terms if kinds or categories else ()
        request = replace(request, kinds=kinds, categories=categories, terms=terms)
    before = turn.slots.get("search") or {}
    search = asked_for(turn, request)
    search["offset"] = 0
    # Whoever names goods starts anew; what was said of the recipient holds.
    if names_goods(request) or wish_of(turn, request):
        search.pop(LIKE, None)
        search.pop(WITH, None)
        search[WISH] = wish_of(turn, request)
    for key in ("gift", "likes"):
        if key in before:
            search.setdefault(key, before[key])
    return search


def wish_of(turn: Turn, request: Request) -> str:
    """The words that describe what is wanted."""
    known = (request.price, request.recipient, request.occasion, *exclusions(turn.text))
    out = [(each.start, each.end) for each in known if each is not None]
    # A price that the tagger found counts from the start of its entity.
    out += [(e["start"], e["end"]) for e in turn.entities if e.get("entity") == "price"]
    said = gist(turn.text[:LONGEST], out, shop_words())
    return "" if said_tastes(turn) and not names_goods(request) else said


def recommend(turn: Turn, visit: Visit, search: Search) -> None:
    """What suits the shopper within a search."""
    if LIKE in search:
        recommend_like(turn, visit, search[LIKE], {}, search=search)
        return
    if WITH in search:
        recommend_with(turn, visit, search[WITH], search)
        return
    gift = search.get("gift")
    kinds = tuple(search.get("kinds", ()))
    query = query_of(search)
    query = replace(
        query,
        text=search.get(WISH) or query.text,
        category=None if len(kinds) > 1 else query.category,
        limit=PAGE,
        offset=0,
    )
    context = visit.context(
        shown=tuple(search.get(SHOWN, ())),
        likes=tuple((subject, value) for subject, value in search.get("likes", [])),
        kinds=kinds if len(kinds) > 1 else (),
        gift=gift is not None,
        gender=gift["gender"] if gift else None,
        age=gift["age"] if gift else None,
    )
    found = recommendations().for_request(turn.visitor_id(), query, context)
    if not found and search.get(SHOWN):
        turn.say("utter_no_more_products")
        return
    show(turn, found, "utter_recommended_products", search)


def recommend_like(
    turn: Turn,
    visit: Visit,
    product_id: int,
    conditions: Search,
    *,
    cheaper: bool = False,
    search: Search | None = None,
) -> None:
    """What is like a product; instead of it where it is sold out."""
    (product,) = shop().products([product_id]) or (None,)
    if product is None:
        turn.say("utter_no_products")
        return
    before = search or {}
    shown = tuple(before.get(SHOWN, ())) if before.get(LIKE) == product_id else ()
    customer_id, context = turn.visitor_id(), visit.context(shown=shown)
    if product.stock <= 0 and not cheaper and not conditions:
        found = recommendations().instead_of(
            product_id, limit=PAGE, customer_id=customer_id, context=context
        )
        response = "utter_instead_products"
    else:
        query = replace(query_of(conditions), limit=PAGE)
        found = recommendations().similar(
            product_id, cheaper=cheaper, query=query, customer_id=customer_id, context=context
        )
        response = "utter_cheaper_products" if cheaper else "utter_similar_products"
    if not found and (shown or cheaper):
        turn.remember(asked="product")
        turn.say("utter_no_more_products" if shown else "utter_nothing_cheaper")
        return
    show(turn, found, response, {LIKE: product_id, SHOWN: list(shown)})


def recommend_with_named(turn: Turn, visit: Visit, request: Request, wish: Pairing) -> None:
    """What goes with the goods that a message names: those bought, pointed at, or of a kind."""
    text = turn.text[:LONGEST]
    named = [
        (table, code, wish.names(start, end))
        for table in ("kind", "category")
        for code, start, end in shop_words().find(table, text)
    ]
    base = {code for _, code, with_it in named if with_it}
    wanted = [(table, code) for table, code, with_it in named if not with_it and code not in base]
    kinds = [code for table, code in wanted if table == "kind"]
    search: Search = {} if request.price is None else _price_of(asked_for(turn, request))
    if kinds:
        search["kinds"] = kinds
    elif wanted:
        search["category"] = wanted[0][1]
    product = named_product(turn) if not wish.bought else None
    if wish.bought:
        ids = bought(turn.customer_id(), base)
        if not ids:
            turn.remember(asked="product")
            turn.say("utter_not_bought")
            return
    elif product is not None:
        ids = [product.id]
    elif base:
        query = ProductQuery(category=min(base), sort="popular", limit=INSTEAD)
        ids = [hit.product.id for hit in shop().search_products(query).items]
    else:
        turn.remember(asked="product")
        turn.say("utter_which_product")
        return
    recommend_with(turn, visit, ids, search)


def bought(customer_id: int, codes: set[str]) -> list[int]:
    """What a customer bought last of some kinds or departments; without any, what they bought
    last of all. Newest first, at most as many as make one order."""
    acts = shop().history(customer_id, PURCHASES, kind="buy")
    products = {p.id: p for p in shop().products({act.product_id for act in acts})}
    ids: list[int] = []
    for act in reversed(acts):
        product = products.get(act.product_id)
        fits = product is not None and (not codes or {product.kind, product.category} & codes)
        if fits and act.product_id not in ids:
            ids.append(act.product_id)
    return ids[:INSTEAD]


def recommend_with(turn: Turn, visit: Visit, product_ids: Sequence[int], search: Search) -> None:
    """What is bought together with products; after a delivery, those of the order."""
    kinds = tuple(search.get("kinds", ()))
    shown = tuple(search.get(SHOWN, ())) if search.get(WITH) == list(product_ids) else ()
    context = visit.context(shown=shown, kinds=kinds)
    found = recommendations().goes_with(
        product_ids,
        query=replace(query_of(search), limit=PAGE),
        customer_id=turn.visitor_id(),
        context=context,
    )
    search = {**search, WITH: list(product_ids), SHOWN: list(shown)}
    if found:
        show(turn, found, "utter_products_that_go_with", search)
        return
    # Nobody knows what goes with it: what suits the shopper, called so.
    search.pop(WITH)
    query = replace(query_of(search), limit=PAGE, exclude=frozenset(product_ids))
    found = recommendations().for_request(turn.visitor_id(), query, context)
    if found or not shown:
        show(turn, found, "utter_nothing_goes_with", search)
    else:
        turn.say("utter_no_more_products")


def offer_instead(turn: Turn, product_id: int) -> None:
    """Beside something that is sold out or goes back: what could take its place, if anything. It
    says nothing where the recommender fails, since the errand itself went well."""
    try:
        found = recommendations().instead_of(
            product_id,
            limit=INSTEAD,
            customer_id=turn.visitor_id(),
            context=Visit.of(turn).context(),
        )
        cards = cards_of(found)
        if cards:
            recommendations().record_shown(turn.visitor_id(), found)
    except ShopError as error:
        logger.error("Nothing to offer instead of %d: %s", product_id, error)
        return
    if cards:
        turn.say("utter_instead_products", products=cards)


def show(turn: Turn, found: Iterable[Recommendation], response: str, search: Search) -> None:
    """Cards with reasons; what was shown is kept, for quality and for not coming again."""
    found = tuple(found)
    cards = cards_of(found)
    turn.remember(asked="product")
    if not cards:
        turn.say("utter_no_products")
        return
    ids = [each.product_id for each in found]
    turn.remember(
        shown={"kind": "products", "ids": [card["code"] for card in cards]},
        search={**search, SHOWN: [*search.get(SHOWN, []), *ids]},
    )
    recommendations().record_shown(turn.visitor_id(), found)
    turn.say(response, products=cards)


def cards_of(found: Sequence[Recommendation]) -> list[dict[str, Any]]:
    """Products with their reasons, as responses show them."""
    products = {product.id: product for product in shop().products([f.product_id for f in found])}
    return [
        {**product_values(products[each.product_id]), "reason": reason_values(each)}
        for each in found
        if each.product_id in products
    ]


def reason_values(recommendation: Recommendation) -> dict[str, Any]:
    """Code and evidence of a reason, as the words of `recommend_reason` fill them in."""
    evidence = dict(recommendation.evidence)
    if "product" in evidence:
        (because,) = shop().products([int(evidence["product"])]) or (None,)
        evidence["product"] = because.name if because else Localized("", "")
    if recommendation.reason == "matches":
        evidence = {"wish": wishes(evidence)}
    if "value" in evidence:
        evidence["value"] = said(str(evidence["subject"]), str(evidence["value"]))
    return {"code": recommendation.reason, **plain(evidence)}


# So many colours are not a wish for any of them, but against another.
_COLOURS_SAID = 3


def wishes(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """What was asked for and is met, as the words of `recommend_wish` fill them in."""
    parts = []
    for name, value in asked.items():
        if name == "category":
            name = "kind" if value in shop_words().codes("kind") else "category"
        elif name == "colours" and len(value) > _COLOURS_SAID:
            continue
        code = {"price_min": "from", "price_max": "up_to"}.get(name, name)
        parts.append({"code": code, name: value})
    return parts


def said(subject: str, value: str) -> dict[str, str]:
    """What was liked, in both languages: a code of a table, a product's number, or a name."""
    if subject == "product":
        (product,) = shop().products([int(value)]) or (None,)
        name = product.name if product else Localized("", "")
        return {"zh": name.zh, "en": name.en}
    return {lang: shop_words().say(subject, value, lang) or value for lang in ("zh", "en")}


def _liked(heard: Iterable[Said]) -> list[list[str]]:
    return [[subject, value] for subject, value, liked in heard if liked]


def _price_of(search: Search) -> Search:
    return {k: search[k] for k in ("price_min", "price_max") if k in search}


def _said(request: Request, condition: str) -> bool:
    said_now = {
        "colours": request.colours or request.excluded.colours,
        "sizes": request.sizes,
    }
    return bool(said_now[condition])


class LazyEncoder:
    """The encoder of the NLU, loaded when a first request has words; most have none.

    Raises:
        EncoderError: when asked, if its folder is missing or damaged.
    """

    def __init__(self) -> None:
        self._loaded: SentenceEncoder | None = None

    def query(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors [texts, width]."""
        if self._loaded is None:
            self._loaded = SentenceEncoder(encoder_settings().encoder_folder, threads=1)
        return self._loaded.query(texts)


@lru_cache(maxsize=1)
def recommendations() -> Recommendations:
    """The recommender of this process; it takes up a new artefact by itself."""
    settings = read(RecommendSettings)
    return Recommendations(
        shop(),
        settings.recommend_folder,
        encoder=LazyEncoder(),
        oldest=timedelta(days=settings.recommend_max_age_days),
    )


def warm_up() -> None:
    """Reads shelf, artefact and encoder, so that the first shopper need not wait. Raises:
    Unavailable."""
    recommendations().for_request(None, ProductQuery(text="小二", limit=1))
