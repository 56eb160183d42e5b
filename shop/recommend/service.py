"""What the conversation asks of the recommender, with the shop's rules and true reasons."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from shop.backend import ShopBackend
from shop.catalogue import check
from shop.errors import NotFound
from shop.models import Interaction, Product, ProductQuery, TasteSubject
from shop.recommend import recipients
from shop.recommend.artefact import Artefact, Watched
from shop.recommend.content import Content
from shop.recommend.hybrid import SIGNALS, Candidates, Hybrid
from shop.recommend.interactions import LONGEST_HISTORY, Floats, Sequences
from shop.recommend.links import LinkRecommender
from shop.recommend.popularity import Popularity
from shop.recommend.reasons import Recommendation
from shop.recommend.shelf import POPULAR_DAYS, Mask, Shelf, Shelves

logger = logging.getLogger(__name__)

# Days for which what was bought does not come again; what is used up comes sooner.
_AGAIN_AFTER, _USED_UP_AFTER = 180, 21
# Half of what is shown follows the shopper's own history after so many interactions.
_TRUST_AFTER = 2.0
# How much a reason to look at something counts, in logits of the ranker.
_TEXT, _TASTE, _SEASON, _RECIPIENT = 1.5, 1.5, 0.7, 1.5
# Of the best, so many are looked at for variety, and so much likeness costs.
_POOL, _VARIETY = 60, 1.0
# Listed within these days is new; the best of it gets this place, if it is that like the history.
_FRESH_DAYS, _FRESH_PLACE, _FRESH_LIKENESS = 30, 4, 0.35
# Among so many of the week's most popular of a category something is called popular.
_POPULAR_PLACES = 10
# Sells better than usual by this factor: it is the season.
_IN_SEASON = 1.3
_LINKED: Final = ("next-item", "linear", "item-knn", "two-steps")


class Encoder(Protocol):
    """What turns texts into vectors; `shop.text.encoder.SentenceEncoder` is one."""

    def query(self, texts: Sequence[str]) -> Floats:
        """(texts, width)."""


@dataclass(frozen=True)
class RecommendSettings:
    """Settings of recommendations, from XIAOER_RECOMMEND_…"""

    # Where `python -m shop.recommend train` writes.
    recommend_folder: Path = Path("var/recommend")
    # Older results are not used; what is popular is recommended instead.
    recommend_max_age_days: int = 60


@dataclass(frozen=True)
class Context:
    """What this conversation adds to what the shop knows.

    Attributes:
        viewed: product ids looked at in it, oldest first.
        shown: product ids recommended in it, which do not come again.
        likes, dislikes: what was said in it: subject and value, as in `Taste`.
        gift: it is for somebody else, so the shopper's own history says nothing.
        gender, age: of the recipient, as in `shop.text.recipients`.
    """

    viewed: tuple[int, ...] = ()
    shown: tuple[int, ...] = ()
    likes: tuple[tuple[TasteSubject, str], ...] = ()
    dislikes: tuple[tuple[TasteSubject, str], ...] = ()
    gift: bool = False
    gender: str | None = None
    age: str | None = None


@dataclass(frozen=True)
class _Shopper:
    """What is known of a shopper: ids and how each was touched, oldest first."""

    touched: tuple[tuple[int, str], ...] = ()
    bought: dict[int, datetime] = field(default_factory=dict)
    likes: tuple[tuple[TasteSubject, str], ...] = ()
    dislikes: tuple[tuple[TasteSubject, str], ...] = ()


class _View:
    """The artefact beside the shelf: item rows of the one and product rows of the other."""

    def __init__(self, artefact: Artefact, shelf: Shelf) -> None:
        self.artefact = artefact
        self.shelf = shelf
        found = np.searchsorted(shelf.ids, artefact.item_ids)
        found = np.minimum(found, len(shelf) - 1)
        self.there = shelf.ids[found] == artefact.item_ids
        #: Shelf row of each item; meaningless where the product is gone.
        self.rows = found
        self.item_of = {int(i): k for k, i in enumerate(artefact.item_ids)}
        content = artefact.hybrid.sources.get(Content.name)
        self.content = content if isinstance(content, Content) else None

    def to_items(self, mask: Mask) -> Mask:
        """A mask over products as one over items."""
        return mask[self.rows] & self.there


class Recommendations:
    """Recommends from the newest artefact, or what is popular while there is none.

    Safe to share between threads. Whatever it returns was in stock a moment ago.

    Args:
        shop: the shop.
        folder: of the artefacts.
        encoder: for requests in words; without it, words count as they are written.
        oldest: artefacts made longer ago are not used.
        clock: the time.
    """

    def __init__(
        self,
        shop: ShopBackend,
        folder: Path,
        *,
        encoder: Encoder | None = None,
        oldest: timedelta = timedelta(days=60),
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._shop = shop
        self._encoder = encoder
        self._clock = clock
        self._watched = Watched(folder, oldest=oldest, clock=clock)
        self._shelves = Shelves(shop, clock=clock)
        self._view: _View | None = None

    # --- what may be asked

    def for_request(
        self,
        customer_id: int | None,
        query: ProductQuery = ProductQuery(),  # noqa: B008 (it is frozen)
        context: Context = Context(),
    ) -> tuple[Recommendation, ...]:
        """What suits a customer (None: a visitor), within the conditions of a query.

        Args:
            customer_id: bound to the conversation.
            query: conditions; `limit` and `offset` choose the page, `exclude` and `without` what
                must not come. `sort` is ignored.
            context: of the conversation.

        Raises:
            InvalidValue: a condition makes no sense.
            Unavailable: the shop cannot be reached.
        """
        check(query)
        shelf, view = self._now()
        shopper = self._shopper(customer_id, context)
        allowed = self._allowed(shelf, shopper, query, context)
        if not allowed.any():
            return ()
        if view is None:
            return self._popular(shelf, shopper, query, context, allowed)
        return self._personal(view, shopper, query, context, allowed)

    def similar(
        self,
        product_id: int,
        *,
        cheaper: bool = False,
        limit: int = 10,
        customer_id: int | None = None,
        context: Context = Context(),
    ) -> tuple[Recommendation, ...]:
        """What is like a product, only cheaper if wanted.

        Raises:
            NotFound: there is no such product.
            InvalidValue, Unavailable: as in `for_request`.
        """
        return self._like(
            product_id, "cheaper" if cheaper else "similar", limit, customer_id, context
        )

    def instead_of(
        self,
        product_id: int,
        *,
        limit: int = 3,
        customer_id: int | None = None,
        context: Context = Context(),
    ) -> tuple[Recommendation, ...]:
        """What to offer for a product that is out of stock or being returned: of the same kind
        where there is any. Raises: as `similar`."""
        return self._like(product_id, "instead", limit, customer_id, context)

    def goes_with(
        self,
        product_ids: Sequence[int],
        *,
        limit: int = 10,
        customer_id: int | None = None,
        context: Context = Context(),
    ) -> tuple[Recommendation, ...]:
        """What is bought together with products, not more of the same kind; empty when nobody
        knows. Raises: InvalidValue, Unavailable."""
        check(ProductQuery(limit=limit))
        shelf, view = self._now()
        if view is None or view.artefact.baskets is None:
            return ()
        own = [view.item_of[i] for i in product_ids if i in view.item_of][-LONGEST_HISTORY:]
        if not own:
            return ()
        shopper = self._shopper(customer_id, context)
        allowed = self._allowed(shelf, shopper, ProductQuery(), context)
        allowed[shelf.rows(product_ids)] = False
        allowed &= ~np.isin(shelf.kinds, view.artefact.kinds[own])
        links = view.artefact.baskets.links[own].toarray()
        strength = np.where(view.to_items(allowed), links.sum(axis=0), 0)
        found = []
        for item in np.argsort(-strength, kind="stable")[: 4 * limit]:
            if strength[item] <= 0:
                break
            with_item = own[int(np.argmax(links[:, item]))]
            evidence = {"product": int(view.artefact.item_ids[with_item])}
            found.append(
                Recommendation(
                    int(view.artefact.item_ids[item]), float(strength[item]), "together", evidence
                )
            )
        return self._still_there(found, limit)

    def record_shown(
        self, customer_id: int | None, recommendations: Sequence[Recommendation]
    ) -> None:
        """Remember what was shown. Raises: NotFound, Unavailable."""
        self._shop.record_shown(
            customer_id, [(each.product_id, each.reason) for each in recommendations]
        )

    # --- what is known

    def _now(self) -> tuple[Shelf, _View | None]:
        shelf, artefact = self._shelves.get(), self._watched.get()
        if artefact is None or not len(shelf):
            return shelf, None
        view = self._view
        if view is None or view.artefact is not artefact or view.shelf is not shelf:
            view = self._view = _View(artefact, shelf)
        return shelf, view

    def _shopper(self, customer_id: int | None, context: Context) -> _Shopper:
        touched: list[tuple[int, str]] = []
        bought: dict[int, datetime] = {}
        likes, dislikes = list(context.likes), list(context.dislikes)
        if customer_id is not None:
            said = {*likes, *dislikes}
            for taste in self._shop.tastes(customer_id):
                # What was said in this conversation came later.
                if (taste.subject, taste.value) not in said:
                    (likes if taste.liked else dislikes).append((taste.subject, taste.value))
            history = self._shop.history(customer_id, 2 * LONGEST_HISTORY)
            for act in history:
                if act.kind == "buy":
                    bought[act.product_id] = act.at
            if not context.gift:
                touched = _touched(history)
        touched += [(i, "viewed") for i in context.viewed]
        touched += [(int(v), "liked") for s, v in likes if s == "product" and v.isdigit()]
        return _Shopper(tuple(touched), bought, tuple(likes), tuple(dislikes))

    def _allowed(
        self, shelf: Shelf, shopper: _Shopper, query: ProductQuery, context: Context
    ) -> Mask:
        mask = shelf.meets(query)
        mask[shelf.rows(context.shown)] = False
        now = self._clock()
        for product_id, at in shopper.bought.items():
            rows = shelf.rows([product_id])
            days = _USED_UP_AFTER if len(rows) and shelf.consumable[rows[0]] else _AGAIN_AFTER
            if now - at < timedelta(days=days):
                mask[rows] = False
        for subject, value in shopper.dislikes:
            mask &= ~_about(shelf, subject, value)
        if context.gift and query.category is None:
            out = recipients.unwanted(context.gender, context.age)
            mask &= ~np.isin(shelf.categories, list(out))
        return mask

    # --- choosing

    def _personal(
        self,
        view: _View,
        shopper: _Shopper,
        query: ProductQuery,
        context: Context,
        allowed: Mask,
    ) -> tuple[Recommendation, ...]:
        artefact, hybrid = view.artefact, view.artefact.hybrid
        known = [(view.item_of[i], how) for i, how in shopper.touched if i in view.item_of]
        known = known[-LONGEST_HISTORY:]
        history = [item for item, _ in known]
        free = view.to_items(allowed)
        # What was looked at is remembered; only what gets used up comes again by itself.
        touched = np.unique(history)
        free[touched] &= view.shelf.consumable[view.rows[touched]]
        if not free.any():
            return ()
        near = self._near(view, query, free)
        also = _top(near, free, 100)
        fresh = self._fresh(view, history, free)
        also = np.concatenate([also, _favourites(view, shopper, context, free), fresh])
        found = hybrid.candidates(history, allowed=free, also=also)
        found = _only(found, free)
        if not len(found.items):
            return ()
        trust = len(history) / (len(history) + _TRUST_AFTER)
        scores = trust * hybrid.order(found)
        scores += (1 - trust) * np.log1p(_counts(hybrid)[found.items])
        shelf_rows = view.rows[found.items]
        if query.text:
            scores += _TEXT * _standard(near[found.items]) + 2 * near[found.items]
        season = self._season(artefact)[found.items]
        scores += _SEASON * np.log(season)
        for subject, value in shopper.likes:
            scores += _TASTE * _about(view.shelf, subject, value)[shelf_rows]
        if context.gift:
            suits = list(recipients.wanted(context.gender, context.age))
            scores += _RECIPIENT * np.isin(view.shelf.categories[shelf_rows], suits)
        page = query.offset + query.limit
        chosen = _varied(view, found.items, scores, page + 10)
        if len(fresh) and query.limit > _FRESH_PLACE:
            # A place of its own: nobody has chosen it yet, so no score can bring it up.
            place = int(np.searchsorted(found.items, fresh[0]))
            chosen = [k for k in chosen if k != place]
            chosen.insert(_FRESH_PLACE, place)
        reasons = _Reasons(self, view, known, shopper, query, context, found, season)
        pool = [reasons.of(k, float(scores[k])) for k in chosen]
        return self._still_there(pool, page)[query.offset :]

    def _popular(
        self,
        shelf: Shelf,
        shopper: _Shopper,
        query: ProductQuery,
        context: Context,
        allowed: Mask,
    ) -> tuple[Recommendation, ...]:
        """Without an artefact: this week's most popular, then the most sold."""
        for product_id, _ in shopper.touched:
            rows = shelf.rows([product_id])
            allowed[rows] &= shelf.consumable[rows]
        order = {product_id: place for place, product_id in enumerate(shelf.popular)}
        rows = np.flatnonzero(allowed)
        if query.text:
            mentioned = shelf.mentions(query.text)
            rows = rows[mentioned[rows]] if mentioned[rows].any() else rows
        suits = recipients.wanted(context.gender, context.age) if context.gift else ()
        ranked = sorted(
            (shelf.products[int(shelf.ids[row])] for row in rows),
            key=lambda p: (p.category not in suits, order.get(p.id, 10**9), -p.sold, p.id),
        )
        page = query.offset + query.limit
        found = []
        for place, product in enumerate(ranked[: page + 20]):
            code, evidence = popular_reason(shelf, product)
            if _conditions(query):
                code, evidence = "matches", _conditions(query)
            found.append(Recommendation(product.id, -float(place), code, evidence))
        return self._still_there(found, page)[query.offset :]

    def _like(
        self, product_id: int, code: str, limit: int, customer_id: int | None, context: Context
    ) -> tuple[Recommendation, ...]:
        check(ProductQuery(limit=limit))
        shelf, view = self._now()
        row = shelf.rows([product_id])
        if not len(row):
            raise NotFound(f"product {product_id}")
        it = int(row[0])
        shopper = replace(self._shopper(customer_id, context), bought={})
        allowed = self._allowed(shelf, shopper, ProductQuery(), context)
        allowed[it] = False
        price = shelf.price[it]
        if code == "cheaper":
            allowed &= shelf.price < price
        same_kind = shelf.kinds == shelf.kinds[it]
        likeness = same_kind + 0.3 * (shelf.categories == shelf.categories[it])
        likeness -= 0.3 * np.abs(np.log((shelf.price + 100) / (price + 100)))
        item = view.item_of.get(product_id) if view is not None else None
        if view is not None and item is not None:
            near = np.zeros(len(shelf))
            near[view.rows[view.there]] = _alike(view, item)[view.there]
            likeness += near
        if code == "cheaper" and (allowed & same_kind).any():
            allowed &= same_kind
        # Something of another department is not like it, whoever bought both.
        allowed &= shelf.categories == shelf.categories[it]
        rows = np.flatnonzero(allowed)
        rows = rows[np.argsort(-likeness[rows], kind="stable")][: limit + 20]
        found = []
        for other in rows:
            evidence: dict[str, Any] = {"product": product_id}
            other_id = int(shelf.ids[other])
            if code == "cheaper":
                evidence["saving"] = (
                    shelf.products[product_id].price_min - shelf.products[other_id].price_min
                )
            found.append(Recommendation(other_id, float(likeness[other]), code, evidence))
        return self._still_there(found, limit)

    def _near(self, view: _View, query: ProductQuery, free: Mask) -> Floats:
        """How near every item is to the words of a request, (items,); 0 without words."""
        near = np.zeros(len(view.artefact.item_ids), np.float32)
        if not query.text.strip():
            return near
        if view.content is not None and self._encoder is not None:
            near += view.content.near(self._encoder.query([query.text])[0])
        near += view.to_items(view.shelf.mentions(query.text))
        return np.where(free, near, 0)

    def _season(self, artefact: Artefact) -> Floats:
        month = self._clock().month - 1
        factors = {kind: float(row[month]) for kind, row in artefact.season.items()}
        kinds, places = np.unique(artefact.kinds, return_inverse=True)
        return np.array([factors.get(str(kind), 1.0) for kind in kinds], np.float32)[places]

    def _fresh(self, view: _View, history: list[int], free: Mask) -> npt.NDArray[np.int64]:
        """The row of the newly listed item most like the history, if any is like it."""
        nothing = np.zeros(0, np.int64)
        if view.content is None or not history:
            return nothing
        since = (self._clock() - timedelta(days=_FRESH_DAYS)).timestamp()
        new = np.flatnonzero(free & view.to_items(view.shelf.listed >= since))
        if not len(new):
            return nothing
        like = view.content.score(Sequences.of([history]))[0][new]
        best = int(np.argmax(like))
        return new[best : best + 1] if like[best] >= _FRESH_LIKENESS else nothing

    def _still_there(
        self, found: Sequence[Recommendation], limit: int
    ) -> tuple[Recommendation, ...]:
        """The first that are in stock now."""
        stock = self._shop.availability([each.product_id for each in found])
        there = [r for r in found if r.product_id in stock and stock[r.product_id].stock > 0]
        return tuple(there[:limit])


class _Reasons:
    """Finds, for one answer, what spoke for each product."""

    def __init__(
        self,
        service: Recommendations,
        view: _View,
        known: Sequence[tuple[int, str]],
        shopper: _Shopper,
        query: ProductQuery,
        context: Context,
        found: Candidates,
        season: Floats,
    ) -> None:
        self._service = service
        self._view = view
        self._known = known
        self._shopper = shopper
        self._query = query
        self._found = found
        self._season = season

    def of(self, place: int, score: float) -> Recommendation:
        """The reason for one candidate, strongest first: what was asked for, what the shopper said
        or did, then what others do."""
        item = int(self._found.items[place])
        product = self._view.shelf.products[int(self._view.artefact.item_ids[item])]
        code, evidence = self._reason(place, item, product)
        return Recommendation(product.id, score, code, evidence)

    def _reason(self, place: int, item: int, product: Product) -> tuple[str, dict[str, Any]]:
        asked = _conditions(self._query)
        if asked and self._mentioned(product):
            return "matches", asked
        row = self._view.rows[item]
        for subject, value in self._shopper.likes:
            if subject != "product" and _about(self._view.shelf, subject, value)[row]:
                return "taste", {"subject": subject, "value": value}
        led = self._led_here(place, item)
        if led is not None:
            return led
        age = self._service._clock() - product.listed_at
        popular = popular_reason(self._view.shelf, product)
        if popular[0] == "popular":
            return popular
        if self._season[place] >= _IN_SEASON:
            return "season", {"month": self._service._clock().month}
        if age <= timedelta(days=_FRESH_DAYS):
            return "fresh", {"days": max(age.days, 0)}
        return popular

    def _mentioned(self, product: Product) -> bool:
        if not self._query.text:
            return True
        row = self._view.shelf.rows([product.id])[0]
        return bool(self._view.shelf.mentions(self._query.text)[row])

    def _led_here(self, place: int, item: int) -> tuple[str, dict[str, Any]] | None:
        """The thing of the history from which most of the score came, by the links that gave it."""
        if not self._known:
            return None
        hybrid = self._view.artefact.hybrid
        shares = np.zeros(len(self._known))
        order = hybrid.order(self._found_row(place))[0]
        for name in _LINKED:
            source = hybrid.sources.get(name)
            if not isinstance(source, LinkRecommender):
                continue
            links = np.array([source.links[h, item] for h, _ in self._known])
            if not links.any():
                continue
            # What the score loses without this source is what the source gave.
            without = self._found_row(place)
            columns = [k for k, signal in enumerate(SIGNALS) if signal.source == name]
            without.values[:, columns] = 0
            gain = max(float(order - hybrid.order(without)[0]), 1e-3)
            decay = source.decay ** np.arange(len(links) - 1, -1, -1)
            weighted = links * decay
            shares += gain * weighted / weighted.sum()
        if not shares.any():
            return None
        thing, how = self._known[int(np.argmax(shares))]
        return how, {"product": int(self._view.artefact.item_ids[thing])}

    def _found_row(self, place: int) -> Candidates:
        return Candidates(
            self._found.items[place : place + 1], self._found.values[place : place + 1].copy()
        )


def popular_reason(shelf: Shelf, product: Product) -> tuple[str, dict[str, Any]]:
    """popular, where it is among the week's first of its category; else how many were sold."""
    same = [i for i in shelf.popular if shelf.products[i].category == product.category]
    if product.id in same[:_POPULAR_PLACES]:
        return "popular", {"days": POPULAR_DAYS, "category": product.category}
    return "chosen", {"sold": product.sold}


def _touched(history: Sequence[Interaction]) -> list[tuple[int, str]]:
    """What a history speaks for: ids once each, by their newest act, and how they were touched;
    what got one or two stars speaks for nothing."""
    strongest = {"view": "viewed", "cart": "carted", "buy": "bought", "rate": "liked"}
    rank = {"viewed": 0, "carted": 1, "bought": 2, "liked": 3}
    how: dict[int, str] = {}
    for act in history:
        if act.kind == "rate" and (act.rating or 0) < 4:
            if (act.rating or 0) < 3:
                how.pop(act.product_id, None)
            continue
        code = strongest[act.kind]
        before = how.pop(act.product_id, code)
        how[act.product_id] = max(before, code, key=rank.__getitem__)
    return list(how.items())


def _about(shelf: Shelf, subject: TasteSubject, value: str) -> Mask:
    """The products that a like or dislike is about."""
    if subject == "product":
        mask = np.zeros(len(shelf), bool)
        mask[shelf.rows([int(value)] if value.isdigit() else [])] = True
        return mask
    if subject == "kind":
        return shelf.kinds == value
    if subject == "category":
        return shelf.categories == value
    if subject == "brand":
        return np.char.find(shelf.brands, value.casefold()) >= 0
    return shelf.mentions(value)


def _conditions(query: ProductQuery) -> dict[str, Any]:
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


def _alike(view: _View, item: int) -> Floats:
    """Likeness of all items to one: of their texts and of those who chose both, (items,)."""
    alike = np.zeros(len(view.artefact.item_ids), np.float32)
    if view.content is not None:
        alike += view.content.vectors @ view.content.vectors[item]
    knn = view.artefact.hybrid.sources.get("item-knn")
    if isinstance(knn, LinkRecommender):
        alike += knn.links[item].toarray()[0]
    return alike


def _varied(view: _View, items: npt.NDArray[np.int64], scores: Floats, n: int) -> list[int]:
    """Places of the best, each new one as little like those before as its score allows (MMR)."""
    pool = np.argsort(-scores, kind="stable")[: max(_POOL, 2 * n)]
    likeness = _likeness(view, items[pool])
    left = scores[pool].astype(np.float64)
    worst = np.zeros(len(pool))
    chosen: list[int] = []
    for _ in range(min(n, len(pool))):
        k = int(np.argmax(left - _VARIETY * worst))
        chosen.append(int(pool[k]))
        left[k] = -np.inf
        worst = np.maximum(worst, likeness[k])
    return chosen


def _likeness(view: _View, items: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Likeness of items to each other, (items, items), 0 to 1 and a half."""
    kinds = view.artefact.kinds[items]
    likeness = 0.5 * (kinds[:, None] == kinds[None, :])
    if view.content is not None:
        vectors = view.content.vectors[items]
        likeness = likeness + np.maximum(vectors @ vectors.T, 0)
    return likeness


def _favourites(
    view: _View, shopper: _Shopper, context: Context, free: Mask
) -> npt.NDArray[np.int64]:
    """Items to be looked at because of what was said, most popular first."""
    mask = np.zeros(len(view.shelf), bool)
    for subject, value in shopper.likes:
        mask |= _about(view.shelf, subject, value)
    if context.gift:
        suits = list(recipients.wanted(context.gender, context.age))
        mask |= np.isin(view.shelf.categories, suits)
    counts = _counts(view.artefact.hybrid)
    return _top(counts, free & view.to_items(mask), 100)


def _counts(hybrid: Hybrid) -> Floats:
    popularity = hybrid.sources[Popularity.name]
    assert isinstance(popularity, Popularity)
    return popularity.counts


def _top(values: Floats, free: Mask, n: int) -> npt.NDArray[np.int64]:
    rows = np.flatnonzero(free & (values > 0))
    return rows[np.argsort(-values[rows], kind="stable")[:n]]


def _only(found: Candidates, free: Mask) -> Candidates:
    keep = free[found.items]
    return Candidates(found.items[keep], found.values[keep])


def _standard(values: Floats) -> Floats:
    return (values - values.mean()) / (values.std() + 1e-6)
