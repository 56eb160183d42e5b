"""Why something is recommended: a code, and the evidence that makes it true.

The words stand in `data/words/recommend_reason.yml`; what is in braces there are values made from
the evidence.

    code       evidence                       true because
    bought     product                        the customer bought it, and it led here
    carted     product                        it is in the cart, and led here
    viewed     product                        the customer looked at it, and it led here
    liked      product                        four or five stars or a like in chat, and it led here
    taste      subject, value                 the customer said to like this kind, brand …
    together   product                        both were in one purchase
    companion  kind                           it was bought with several products of this kind
    similar    product                        their descriptions or their buyers are alike
    cheaper    product, saving                alike, and costs that much less
    instead    product                        alike, and the other cannot be had
    matches    what was asked for             it meets all of it
    popular    days, category or None         among the first of the last days (in its category)
    season     month                          sells better than usual in this month
    fresh      days                           listed that many days ago, and like what they look at
    chosen     sold                           that many were sold
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from shop.models import Product, ProductQuery
from shop.recommend.hybrid import Hybrid
from shop.recommend.interactions import Floats
from shop.recommend.links import LinkRecommender
from shop.recommend.shelf import POPULAR_DAYS, Shelf
from shop.recommend.signals import COLUMNS, Candidates
from shop.recommend.view import Shopper, View

CODES: Final = (
    "bought", "carted", "viewed", "liked", "taste", "together", "companion", "similar", "cheaper",
    "instead", "matches", "popular", "season", "fresh", "chosen",
)  # fmt: skip

#: Among so many of the week's most popular of a category something is called popular.
POPULAR_PLACES: Final = 10
#: Sells better than usual by this factor: it is the season.
IN_SEASON: Final = 1.3
#: Listed within these days is new.
FRESH_DAYS: Final = 30
_LINKED: Final = ("next-item", "linear", "item-knn", "two-steps")
_RUN = re.compile(r"[a-z0-9]{3,}|[\u3400-\u9fff]{2,}")
# Words of a request that say nothing of the goods, though texts may hold them.
_EMPTY = {
    *("and", "any", "are", "can", "for", "from", "get", "have", "like", "need", "please", "show"),
    *("some", "something", "that", "the", "this", "under", "want", "with", "you", "your"),
    *("想要", "我想", "有没", "没有", "什么", "推荐", "适合", "一个", "可以", "便宜"),
}


@dataclass(frozen=True)
class Recommendation:
    """A product and why.

    Attributes:
        product_id: of the shop.
        score: compares within one answer only.
        reason: a code, see above.
        evidence: plain values: `product` is a product id, `saving` a Decimal.
    """

    product_id: int
    score: float
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)


def reasons(
    view: View,
    known: Sequence[tuple[int, str]],
    shopper: Shopper,
    query: ProductQuery,
    found: Candidates,
    season: Floats,
    now: datetime,
) -> list[tuple[str, dict[str, Any]]]:
    """A code and its evidence for each candidate: what was asked for in words, then what the
    shopper said or did, then what others do.

    Args:
        view: the artefact and the shelf.
        known: item rows of the history and how each was touched, oldest first.
        shopper: whose likes count.
        query: what was asked for.
        found: the candidates that are shown.
        season: of each of them, how much better than usual it sells now.
        now: the moment.
    """
    # Who asks in words is answered in words; what was done before is no reason then.
    led = [None] * len(found.items) if query.text else led_here(view, known, found)
    asked = conditions(query)
    rows = view.rows[found.items].tolist()
    words = matched_words(query.text, [view.shelf.texts[row] for row in rows])
    likes = [
        ({"subject": subject, "value": value}, view.shelf.about(subject, value))
        for subject, value in shopper.likes
        if subject != "product"
    ]
    why: list[tuple[str, dict[str, Any]]] = []
    for place, row in enumerate(rows):
        liked = next((like for like, about in likes if about[row]), None)
        origin = led[place]
        if words[place]:
            why.append(("matches", {**asked, "text": " ".join(words[place])}))
        elif liked is not None:
            why.append(("taste", liked))
        elif origin is not None:
            thing, how = known[origin]
            why.append((how, {"product": int(view.artefact.item_ids[thing])}))
        else:
            product = view.shelf.products[int(view.shelf.ids[row])]
            why.append(_of_others(view.shelf, product, float(season[place]), asked, now))
    return why


def _of_others(
    shelf: Shelf, product: Product, season: float, asked: dict[str, Any], now: datetime
) -> tuple[str, dict[str, Any]]:
    popular = popular_reason(shelf, product)
    age = now - product.listed_at
    if popular[0] == "popular":
        return popular
    if season >= IN_SEASON:
        return "season", {"month": now.month}
    if age <= timedelta(days=FRESH_DAYS):
        return "fresh", {"days": max(age.days, 0)}
    asked = {name: value for name, value in asked.items() if name != "text"}
    return ("matches", asked) if asked else popular


def led_here(view: View, known: Sequence[tuple[int, str]], found: Candidates) -> list[int | None]:
    """For each candidate the place in `known` from which most of its score came, by the links
    that gave it; None where popularity gave more than all of them."""
    hybrid = view.artefact.hybrid
    if not known or not len(found.items):
        return [None] * len(found.items)
    gains = _gains(hybrid, found, (*_LINKED, "popularity"))
    shares = np.zeros((len(known), len(found.items)))
    total = np.zeros(len(found.items))
    for name in _LINKED:
        source = hybrid.sources.get(name)
        if isinstance(source, LinkRecommender):
            links = found.links[name].astype(np.float64)
            links *= (source.decay ** np.arange(len(known) - 1, -1, -1))[:, None]
            sums = links.sum(axis=0)
            # A link that counted for nothing still is one.
            gain = np.where(sums > 0, np.maximum(gains[name], 1e-3), 0)
            shares += gain * links / np.where(sums > 0, sums, 1)
            total += gain
    by_crowd = np.maximum(gains["popularity"], 0) > total
    return [
        None if by_crowd[k] or not shares[:, k].any() else int(np.argmax(shares[:, k]))
        for k in range(len(found.items))
    ]


def _gains(
    hybrid: Hybrid, found: Candidates, sources: Sequence[str]
) -> dict[str, npt.NDArray[np.float64]]:
    """What the score of each candidate loses without the signals of each source."""
    if hybrid.ranker is None:
        nothing = np.zeros(len(found.items))
        return {name: nothing if name == "popularity" else nothing + 1 for name in sources}
    # All in one call, since there are few candidates: first as they are, then without each source.
    tables = np.tile(found.values, (1 + len(sources), 1, 1))
    for table, name in zip(tables[1:], sources, strict=True):
        table[:, COLUMNS[name]] = 0
    scores = hybrid.ranker.score(tables.reshape(-1, tables.shape[-1])).reshape(len(tables), -1)
    return dict(zip(sources, (scores[0] - scores[1:]).astype(np.float64), strict=True))


def matched_words(text: str, of_products: Sequence[str]) -> list[list[str]]:
    """For the texts of each product the words of a request that stand in them: English words where
    a word begins with them, and the longest pieces of Chinese of at least two characters."""
    runs = dict.fromkeys(_RUN.findall(text.casefold()))
    begins = {run: re.compile(rf"(?<![a-z]){run}") for run in runs if run.isascii()}
    found: list[list[str]] = []
    for of_product in of_products:
        own: list[str] = []
        for run in runs:
            # Most texts do not have it at all, which is found out first and fastest.
            if run in of_product:
                if run not in _EMPTY and (run not in begins or begins[run].search(of_product)):
                    own.append(run)
            elif run not in begins and len(run) > 2:
                own += _pieces_in(run, of_product)
        found.append(list(dict.fromkeys(own)))
    return found


def _pieces_in(run: str, of_product: str) -> list[str]:
    """The longest pieces of Chinese without spaces that stand in a text, from the left."""
    pieces = []
    start = 0
    while start < len(run) - 1:
        end = next((e for e in range(len(run), start + 1, -1) if run[start:e] in of_product), None)
        piece = run[start:end] if end is not None else ""
        if piece and piece not in _EMPTY:
            pieces.append(piece)
        start = end if end is not None else start + 1
    return pieces


def popular_reason(shelf: Shelf, product: Product) -> tuple[str, dict[str, Any]]:
    """popular, where it is among the week's first of its category; else how many were sold."""
    if product.id in shelf.popular_in(product.category)[:POPULAR_PLACES]:
        return "popular", {"days": POPULAR_DAYS, "category": product.category}
    return "chosen", {"sold": product.sold}


def conditions(query: ProductQuery) -> dict[str, Any]:
    """What was asked for, as evidence; empty when nothing was."""
    given = {
        "text": query.text or None,
        "category": query.category,
        "brand": query.brand,
        "colours": list(query.colours) or None,
        "sizes": list(query.sizes) or None,
        "price_min": query.price_min,
        "price_max": query.price_max,
    }
    return {name: value for name, value in given.items() if value is not None}
