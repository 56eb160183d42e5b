"""What the conversation asks of the recommender, with the shop's rules and true reasons."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from shop.backend import ShopBackend
from shop.catalogue import check
from shop.errors import EncoderError, NotFound
from shop.models import Interaction, ProductQuery, TasteSubject
from shop.recommend import recipients
from shop.recommend.artefact import Watched
from shop.recommend.content import Content
from shop.recommend.hybrid import Hybrid
from shop.recommend.interactions import LONGEST_HISTORY, Floats
from shop.recommend.labels import Mask
from shop.recommend.links import LinkRecommender
from shop.recommend.popularity import Popularity
from shop.recommend.reasons import (
    Recommendation,
    conditions,
    matched_words,
    popular_reason,
    reasons,
)
from shop.recommend.shelf import Shelf, Shelves
from shop.recommend.signals import Rows, Signals, strongest
from shop.recommend.view import Shopper, View

logger = logging.getLogger(__name__)

# Days for which what was bought does not come again; what is used up comes sooner.
_AGAIN_AFTER, _USED_UP_AFTER = 180, 21
# Nobody buys more in that time.
_PURCHASES = 2000
# Half of what is shown follows the shopper's own history after so many interactions.
_TRUST_AFTER = 2.0
# How much a reason to look at something counts, in logits of the ranker.
_TEXT, _TASTE, _SEASON, _RECIPIENT = 1.5, 4.0, 0.7, 1.5
# Of the best, so many are looked at for variety, and so much likeness costs.
_POOL, _VARIETY = 60, 1.0
# Listed within these days is new; the best of it gets this place, if it is that like the history.
_FRESH_DAYS, _FRESH_PLACE, _FRESH_LIKENESS = 30, 4, 0.35
# So many items nearest to the words of a request are looked at.
_NEAREST = 150


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
        kinds: codes of table `kind`, any of which will do; empty for all.
        gift: it is for somebody else, so the shopper's own history says nothing.
        gender, age: of the recipient, as in `shop.text.recipients`.
    """

    viewed: tuple[int, ...] = ()
    shown: tuple[int, ...] = ()
    likes: tuple[tuple[TasteSubject, str], ...] = ()
    dislikes: tuple[tuple[TasteSubject, str], ...] = ()
    kinds: tuple[str, ...] = ()
    gift: bool = False
    gender: str | None = None
    age: str | None = None


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
        self._view: View | None = None

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
        query: ProductQuery = ProductQuery(),  # noqa: B008 (it is frozen)
        customer_id: int | None = None,
        context: Context = Context(),
    ) -> tuple[Recommendation, ...]:
        """What is like a product and meets the conditions of a query, only cheaper if wanted.

        Raises:
            NotFound: there is no such product.
            InvalidValue, Unavailable: as in `for_request`.
        """
        return self._like(
            product_id, "cheaper" if cheaper else "similar", query, customer_id, context
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
        return self._like(product_id, "instead", ProductQuery(limit=limit), customer_id, context)

    def goes_with(
        self,
        product_ids: Sequence[int],
        *,
        query: ProductQuery = ProductQuery(),  # noqa: B008 (it is frozen)
        customer_id: int | None = None,
        context: Context = Context(),
    ) -> tuple[Recommendation, ...]:
        """What is bought together with products and meets the conditions of a query, not more of
        the same kind; after that what is bought with other products of their kinds, which is known
        of new ones too. Empty when nobody knows. Raises: InvalidValue, Unavailable."""
        check(query)
        shelf, view = self._now()
        if view is None:
            return ()
        own = [view.item_of[i] for i in product_ids if i in view.item_of][-LONGEST_HISTORY:]
        kinds = {shelf.products[i].kind for i in product_ids if i in shelf.products}
        kinds.update(view.artefact.kinds[own].tolist())
        shopper = self._shopper(customer_id, context)
        allowed = self._allowed(shelf, shopper, query, context)
        allowed[shelf.rows(product_ids)] = False
        allowed &= ~shelf.kinds.among(kinds)
        found = _bought_along(view, own, kinds, view.to_items(allowed), 4 * query.limit)
        return self._still_there(found, query.limit)

    def mentioned(self, words: str) -> bool:
        """Whether any product has these words in its texts. Raises: Unavailable."""
        return bool(self._shelves.get().mentions(words).any())

    def record_shown(
        self, customer_id: int | None, recommendations: Sequence[Recommendation]
    ) -> None:
        """Remember what was shown. Raises: NotFound, Unavailable."""
        self._shop.record_shown(
            customer_id, [(each.product_id, each.reason) for each in recommendations]
        )

    # --- what is known

    def _now(self) -> tuple[Shelf, View | None]:
        shelf, artefact = self._shelves.get(), self._watched.get()
        if artefact is None or not len(shelf):
            return shelf, None
        view = self._view
        if view is None or view.artefact is not artefact or view.shelf is not shelf:
            view = self._view = View(artefact, shelf)
        return shelf, view

    def _shopper(self, customer_id: int | None, context: Context) -> Shopper:
        touched: list[tuple[int, str]] = []
        bought: dict[int, datetime] = {}
        likes, dislikes = list(context.likes), list(context.dislikes)
        if customer_id is not None:
            tastes, acts = self._shop.tastes_and_history(customer_id, 2 * LONGEST_HISTORY)
            said = {*likes, *dislikes}
            for taste in tastes:
                # What was said in this conversation came later.
                if (taste.subject, taste.value) not in said:
                    (likes if taste.liked else dislikes).append((taste.subject, taste.value))
            since = self._clock() - timedelta(days=_AGAIN_AFTER)
            buys = [act for act in acts if act.kind == "buy" and act.at >= since]
            if len(acts) == 2 * LONGEST_HISTORY and acts[0].at >= since:
                # There may be older purchases that count.
                buys = list(self._shop.history(customer_id, _PURCHASES, kind="buy", since=since))
            bought = {act.product_id: act.at for act in buys}
            if not context.gift:
                touched = _touched(acts)
        touched += [(i, "viewed") for i in context.viewed]
        # No id has more digits.
        numbers = [v for s, v in likes if s == "product" and v.isdecimal() and len(v) < 10]
        touched += [(int(number), "liked") for number in numbers]
        return Shopper(tuple(touched), bought, tuple(likes), tuple(dislikes))

    def _allowed(
        self, shelf: Shelf, shopper: Shopper, query: ProductQuery, context: Context
    ) -> Mask:
        mask = shelf.meets(query)
        mask[shelf.rows(context.shown)] = False
        if context.kinds:
            mask &= shelf.kinds.among(context.kinds)
        now = self._clock()
        ages = {product_id: now - at for product_id, at in shopper.bought.items()}
        lately = shelf.rows(i for i, age in ages.items() if age < timedelta(days=_USED_UP_AFTER))
        mask[lately] = False
        before = shelf.rows(i for i, age in ages.items() if age < timedelta(days=_AGAIN_AFTER))
        mask[before] &= shelf.consumable[before]
        for subject, value in shopper.dislikes:
            mask &= ~shelf.about(subject, value)
        if context.gift:
            out = shelf.categories.among(recipients.unwanted(context.gender, context.age))
            if query.category is None:
                mask &= ~out
                if context.age in recipients.CHILDREN:
                    mask &= shelf.categories.among(recipients.FOR_CHILDREN)
            for word in recipients.made_for_others(context.gender):
                # What is left of an unsuitable department was asked for by name.
                mask &= out | ~shelf.mentions(word)
        return mask

    # --- choosing

    def _personal(
        self,
        view: View,
        shopper: Shopper,
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
        touched = np.array(history, np.int64)
        free[touched] &= view.shelf.consumable[view.rows[touched]]
        if not free.any():
            return ()
        signals = hybrid.signals(history)
        near = self._near(view, query, free)
        fresh = self._fresh(view, signals, free)
        also = [_favourites(view, shopper, context, free), fresh]
        if near is not None:
            also.append(strongest(near, free, _NEAREST))
        chosen = signals.choose(free, hybrid.per_source, np.concatenate(also))
        if not len(chosen):
            return ()
        found = signals.of(chosen)
        trust = len(history) / (len(history) + _TRUST_AFTER)
        scores = trust * hybrid.order(found)
        scores += (1 - trust) * np.log1p(_counts(hybrid)[found.items])
        shelf_rows = view.rows[found.items]
        if near is not None:
            scores += _TEXT * _standard(near[found.items])
        season = view.season(self._clock().month, found.items)
        scores += _SEASON * np.log(season)
        for subject, value in shopper.likes:
            scores += _TASTE * view.shelf.about(subject, value)[shelf_rows]
        if context.gift:
            suits = recipients.wanted(context.gender, context.age)
            scores += _RECIPIENT * view.shelf.categories.among(suits)[shelf_rows]
        page = query.offset + query.limit
        places = _varied(view, found.items, scores, page + 10)
        if len(fresh) and query.limit > _FRESH_PLACE:
            # A place of its own: nobody has chosen it yet, so no score can bring it up.
            place = int(np.searchsorted(found.items, fresh[0]))
            places = [k for k in places if k != place]
            places.insert(_FRESH_PLACE, place)
        ids = artefact.item_ids[found.items].tolist()
        there = set(self._in_stock([ids[k] for k in places]))
        places = [k for k in places if ids[k] in there][query.offset : page]
        some = found.take(places)
        why = reasons(view, known, shopper, query, some, season[places], self._clock())
        return tuple(
            Recommendation(ids[k], float(scores[k]), code, evidence)
            for k, (code, evidence) in zip(places, why, strict=True)
        )

    def _popular(
        self,
        shelf: Shelf,
        shopper: Shopper,
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
            if code != "popular" and conditions(query):
                code, evidence = "matches", conditions(query)
            found.append(Recommendation(product.id, -float(place), code, evidence))
        return self._still_there(found, page)[query.offset :]

    def _like(
        self,
        product_id: int,
        code: str,
        query: ProductQuery,
        customer_id: int | None,
        context: Context,
    ) -> tuple[Recommendation, ...]:
        check(query)
        shelf, view = self._now()
        row = shelf.rows([product_id])
        if not len(row):
            raise NotFound(f"product {product_id}")
        it = int(row[0])
        shopper = self._shopper(customer_id, context)
        allowed = self._allowed(shelf, shopper, query, context)
        allowed[it] = False
        price = shelf.price[it]
        if code == "cheaper":
            allowed &= shelf.price < price
        same_kind, same_category = shelf.kinds.like(it), shelf.categories.like(it)
        likeness = same_kind + 0.3 * same_category
        likeness -= 0.3 * np.abs(np.log((shelf.price + 100) / (price + 100)))
        item = view.item_of.get(product_id) if view is not None else None
        if view is not None and item is not None:
            near = np.zeros(len(shelf))
            near[view.rows[view.there]] = _alike(view, item)[view.there]
            likeness += near
        if code == "cheaper" and (allowed & same_kind).any():
            allowed &= same_kind
        # Something of another department is not like it, whoever bought both.
        allowed &= same_category
        rows = np.flatnonzero(allowed)
        rows = rows[np.argsort(-likeness[rows], kind="stable")][: query.limit + 20]
        found = []
        for other in rows:
            evidence: dict[str, Any] = {"product": product_id}
            other_id = int(shelf.ids[other])
            if code == "cheaper":
                evidence["saving"] = (
                    shelf.products[product_id].price_min - shelf.products[other_id].price_min
                )
            found.append(Recommendation(other_id, float(likeness[other]), code, evidence))
        return self._still_there(found, query.limit)

    def _near(self, view: View, query: ProductQuery, free: Mask) -> Floats | None:
        """How near every item is to the words of a request, (items,); None without words."""
        text = query.text.strip()
        if not text:
            return None
        vector = self._vector(text, view)
        if view.content is None or vector is None:
            near = np.zeros(len(view.artefact.item_ids), np.float32)
            for piece in _pieces(text):
                near += view.to_items(view.shelf.mentions(piece)) * len(piece) / len(text)
            return near
        near = np.maximum(view.content.near(vector), 0)
        # Words found in its texts say more than nearness, but are looked for in a few only.
        some = strongest(near, free, _NEAREST)
        texts = [view.shelf.texts[row] for row in view.rows[some].tolist()]
        for_words = [sum(map(len, words)) for words in matched_words(text, texts)]
        near[some] += np.array(for_words, np.float32) / len(text)
        return near

    def _vector(self, text: str, view: View) -> Floats | None:
        """The text as a vector; None without the encoder of the products' texts, which is
        reported once."""
        if self._encoder is None or view.content is None:
            return None
        try:
            vector: Floats = self._encoder.query([text])[0]
            if vector.shape != view.content.middle.shape:
                raise EncoderError("the products' texts were encoded by another one: train again")
        except EncoderError as exc:
            logger.warning("Words of requests count as they are written: %s", exc)
            self._encoder = None
            return None
        return vector

    def _fresh(self, view: View, signals: Signals, free: Mask) -> Rows:
        """The row of the newly listed item most like the history, if any is like it."""
        like = signals.strengths.get(Content.name)
        since = (self._clock() - timedelta(days=_FRESH_DAYS)).timestamp()
        new = np.flatnonzero(free & (view.listed >= since))
        if like is None or not len(new):
            return new[:0]
        best = int(np.argmax(like[new]))
        return new[best : best + 1] if like[new[best]] >= _FRESH_LIKENESS else new[:0]

    def _still_there(
        self, found: Sequence[Recommendation], limit: int
    ) -> tuple[Recommendation, ...]:
        """The first that are in stock now."""
        there = set(self._in_stock([each.product_id for each in found]))
        return tuple([r for r in found if r.product_id in there][:limit])

    def _in_stock(self, product_ids: Sequence[int]) -> list[int]:
        found = self._shop.availability(product_ids)
        return [i for i in product_ids if i in found and found[i].stock > 0]


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


def _pieces(text: str) -> list[str]:
    """Words of a text; of Chinese, which has no spaces, every two characters."""
    pieces: list[str] = []
    for run in re.findall(r"[\u3400-\u9fff]+|[^\W\u3400-\u9fff]+", text.casefold()):
        chinese = "\u3400" <= run[0] <= "\u9fff"
        pieces += [run[k : k + 2] for k in range(len(run) - 1)] if chinese else [run]
    return pieces


def _alike(view: View, item: int) -> Floats:
    """Likeness of all items to one: of their texts and of those who chose both, (items,)."""
    alike = np.zeros(len(view.artefact.item_ids), np.float32)
    if view.content is not None:
        alike += view.content.vectors @ view.content.vectors[item]
    knn = view.artefact.hybrid.sources.get("item-knn")
    if isinstance(knn, LinkRecommender):
        alike += knn.links[item].toarray()[0]
    return alike


def _bought_along(
    view: View, own: Sequence[int], kinds: Collection[str], free: Mask, n: int
) -> list[Recommendation]:
    """The free items that were bought most with `own` ones, then those bought with the `kinds`."""
    artefact = view.artefact
    names = artefact.labels.names
    of_kinds = [k for k, name in enumerate(names) if name in kinds]
    with_own, with_kinds = artefact.together[own].toarray(), artefact.companions[of_kinds].toarray()
    by_own, by_kinds = with_own.sum(axis=0), with_kinds.sum(axis=0)
    strength = np.where(by_own > 0, by_own + by_kinds.max(), by_kinds) * free
    found = []
    for item in np.argsort(-strength, kind="stable")[:n]:
        if strength[item] <= 0:
            break
        why: tuple[str, dict[str, Any]]
        if by_own[item] > 0:
            with_item = own[int(np.argmax(with_own[:, item]))]
            why = "together", {"product": int(artefact.item_ids[with_item])}
        else:
            why = "companion", {"kind": names[of_kinds[int(np.argmax(with_kinds[:, item]))]]}
        score = float(strength[item])
        found.append(Recommendation(int(artefact.item_ids[item]), score, *why))
    return found


def _varied(view: View, items: Rows, scores: Floats, n: int) -> list[int]:
    """Places of the best, each new one as little like those before as its score allows (MMR)."""
    pool = np.argsort(-scores, kind="stable")[: max(_POOL, 2 * n)]
    costs = _VARIETY * _likeness(view, items[pool])
    left = scores[pool].astype(np.float64)
    worst = np.zeros(len(pool))
    chosen: list[int] = []
    for _ in range(min(n, len(pool))):
        k = int((left - worst).argmax())
        chosen.append(k)
        left[k] = -np.inf
        np.maximum(worst, costs[k], out=worst)
    return pool[chosen].tolist()


def _likeness(view: View, items: Rows) -> npt.NDArray[np.float64]:
    """Likeness of items to each other, (items, items), 0 to 1 and a half."""
    kinds = view.artefact.labels.codes[items]
    likeness = 0.5 * (kinds[:, None] == kinds[None, :])
    if view.content is not None:
        vectors = view.content.vectors[items]
        likeness = likeness + np.maximum(vectors @ vectors.T, 0)
    return likeness


def _favourites(view: View, shopper: Shopper, context: Context, free: Mask) -> Rows:
    """Items to be looked at because of what was said, the most popular."""
    if not shopper.likes and not context.gift:
        return np.zeros(0, np.int64)
    mask = np.zeros(len(view.shelf), bool)
    for subject, value in shopper.likes:
        mask |= view.shelf.about(subject, value)
    if context.gift:
        mask |= view.shelf.categories.among(recipients.wanted(context.gender, context.age))
    return strongest(_counts(view.artefact.hybrid), free & view.to_items(mask), 100)


def _counts(hybrid: Hybrid) -> Floats:
    popularity = hybrid.sources[Popularity.name]
    assert isinstance(popularity, Popularity)
    return popularity.counts


def _standard(values: Floats) -> Floats:
    return (values - values.mean()) / (values.std() + 1e-6)
