"""Learning from the shop's own interactions; see `docs/recommend.md` for when to run it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from shop.backend import ShopBackend
from shop.errors import InvalidValue, NotAllowed
from shop.models import Product
from shop.recommend import artefact as storage
from shop.recommend.artefact import About, Artefact
from shop.recommend.baskets import Baskets
from shop.recommend.content import Content
from shop.recommend.evaluate import bootstrap
from shop.recommend.hybrid import Hybrid
from shop.recommend.interactions import Floats, Interactions

Progress = Callable[[str], None]
KINDS: Final = ("view", "cart", "buy", "rate")
_VIEW, _CART, _BUY, _RATE = range(4)
#: How strongly an act speaks for an item.
_WEIGHTS: Final = np.array([1.0, 2.0, 4.0, 3.0], np.float32)
# While less than this share of the interactions is new, the ranker stays as it is.
_FEW_NEW = 0.05
# Losing more than this share of the interactions is a mistake, not a change.
_LOST = 0.1
# Seasons need most of a year, and so many acts of doubt for each kind and month.
_SEASON_DAYS, _SEASON_DOUBT = 300, 30.0
_LOG: Final = ("id", "customer", "product", "kind", "rating", "at")
_AT_ONCE = 64


class Encoder(Protocol):
    """What turns texts into vectors; `shop.text.encoder.SentenceEncoder` is one."""

    def passage(self, texts: Sequence[str]) -> Floats:
        """(texts, width)."""


def train(
    shop: ShopBackend,
    folder: Path,
    *,
    encoder: Encoder | None = None,
    force: bool = False,
    full: bool = False,
    now: datetime | None = None,
    progress: Progress = lambda _: None,
) -> Artefact | None:
    """Learn from all interactions, reading only those since the last run, and write a version.

    Args:
        shop: the shop.
        folder: of the artefacts.
        encoder: for the texts of products; only changed ones are encoded.
        force: replace the current version even if it is better.
        full: read everything again and take nothing over.
        now: the moment it is called after.
        progress: told what is being done.

    Returns:
        What was written; None where nothing is new.

    Raises:
        InvalidValue: there is nothing to learn from.
        NotAllowed: the current version is better (`reason` better_exists).
        Unavailable: the shop cannot be reached.
    """
    before = None if full else _before(folder, progress)
    if before is not None and not _goes_on(shop, before):
        # The sample shop was filled again, or a customer's acts were erased.
        progress("starting anew: these are other interactions")
        before = None
    log = _read_on(shop, before, progress)
    products = sorted(shop.catalogue(), key=lambda p: p.id)
    item_ids = np.array([p.id for p in products], np.int64)
    digests, texts = _texts(products)
    if before is not None and _unchanged(before, log, item_ids, digests, encoder):
        progress("nothing is new")
        return None
    data = interactions(log, item_ids)
    if not len(data):
        raise InvalidValue("the shop has no interactions to learn from")
    progress(f"{len(data)} interactions of {data.n_users} customers with {data.n_items} products")
    embeddings = _embeddings(before, item_ids, digests, texts, encoder, progress)
    hybrid = _fit(before, data, item_ids, embeddings, log, progress)
    about = _about(before, hybrid, data, log, now or datetime.now(timezone.utc))
    made = Artefact(
        about=about,
        hybrid=hybrid,
        baskets=_baskets(log, item_ids),
        item_ids=item_ids,
        kinds=np.array([p.kind for p in products], np.str_),
        season=_season(log, products),
        digests=None if embeddings is None else digests,
        log=log,
    )
    current = _current_about(folder)
    if current is not None and not force:
        _compare(current, about)
    made.name = storage.write(made, folder).name
    progress(f"{made.name}: NDCG@10 {about.ndcg:.4f} (popularity {about.popularity:.4f})")
    return made


def _before(folder: Path, progress: Progress) -> Artefact | None:
    if storage.current(folder) is None:
        return None
    try:
        return storage.read(folder, with_log=True)
    except InvalidValue as exc:
        progress(f"starting anew: {exc}")
        return None


def _current_about(folder: Path) -> About | None:
    version = storage.current(folder)
    if version is None:
        return None
    try:
        return storage.read_about(folder, version)
    except InvalidValue:
        return None


def _goes_on(shop: ShopBackend, before: Artefact) -> bool:
    """Whether the last interaction of the log still stands in the shop."""
    log = before.log
    if not len(log["id"]):
        return True
    last = tuple(int(log[name][-1]) for name in ("id", "customer", "product", "at"))
    act = next(iter(shop.interactions(last[0] - 1)), None)
    if act is None:
        return False
    return (act.id, act.customer_id, act.product_id, int(act.at.timestamp())) == last


def _read_on(
    shop: ShopBackend, before: Artefact | None, progress: Progress
) -> dict[str, npt.NDArray[Any]]:
    """The columns of all interactions of customers, those known and those that came since."""
    since = before.about.read_to if before is not None else 0
    rows = []
    last = since
    for act in shop.interactions(since):
        last = act.id
        if act.customer_id is not None:
            kind, rating = KINDS.index(act.kind), act.rating or 0
            at = int(act.at.timestamp())
            rows.append((act.id, act.customer_id, act.product_id, kind, rating, at))
    progress(f"{len(rows)} interactions since number {since}")
    new = np.array(rows, np.int64).reshape(-1, len(_LOG))
    columns = {name: new[:, k] for k, name in enumerate(_LOG)}
    if before is not None:
        columns = {k: np.concatenate([before.log[k], v]) for k, v in columns.items()}
    # Visitors' acts are read over, not read again.
    columns["read_to"] = np.array([last], np.int64)
    return columns


def _unchanged(
    before: Artefact,
    log: dict[str, npt.NDArray[Any]],
    item_ids: npt.NDArray[np.int64],
    digests: npt.NDArray[np.str_],
    encoder: Encoder | None,
) -> bool:
    texts = before.digests
    return (
        len(log["id"]) == len(before.log["id"])
        and np.array_equal(item_ids, before.item_ids)
        and (encoder is None if texts is None else np.array_equal(texts, digests))
    )


def interactions(log: dict[str, npt.NDArray[Any]], item_ids: npt.NDArray[np.int64]) -> Interactions:
    """One interaction for each customer and product: as new as the newest act, as strong as the
    strongest; none where the last word was one or two stars."""
    order = np.lexsort((log["id"], log["at"]))
    best: dict[tuple[int, int], tuple[int, float, float]] = {}
    there = np.isin(log["product"], item_ids)
    for k in order[there[order]]:
        pair = int(log["customer"][k]), int(log["product"][k])
        kind, stars = int(log["kind"][k]), int(log["rating"][k])
        # Removed first, so that the newest comes last in the dictionary.
        old = best.pop(pair, (0, 0.0, np.nan))
        if kind == _RATE and stars < 3:
            continue
        weight = max(old[1], float(_WEIGHTS[kind]))
        best[pair] = int(log["at"][k]), weight, float(stars) if kind == _RATE else old[2]
    pairs, values = list(best), list(best.values())
    return Interactions.of(
        [user for user, _ in pairs],
        [item for _, item in pairs],
        weights=[weight for _, weight, _ in values],
        ratings=[stars for _, _, stars in values],
        times=[at for at, _, _ in values],
        item_ids=item_ids,
    )


def _texts(products: Sequence[Product]) -> tuple[npt.NDArray[np.str_], list[str]]:
    texts = []
    for product in products:
        facts = [f"{a.value.zh} {a.value.en}" for a in product.attributes]
        parts = [product.name.zh, product.name.en, *facts]
        texts.append(". ".join([*parts, product.description.zh, product.description.en]))
    digests = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
    return np.array(digests, np.str_), texts


def _embeddings(
    before: Artefact | None,
    item_ids: npt.NDArray[np.int64],
    digests: npt.NDArray[np.str_],
    texts: list[str],
    encoder: Encoder | None,
    progress: Progress,
) -> Floats | None:
    """One vector for each product, encoding only texts that were not there before."""
    if encoder is None:
        return None
    known: dict[str, Floats] = {}
    content = before.hybrid.sources.get(Content.name) if before is not None else None
    if before is not None and before.digests is not None and isinstance(content, Content):
        known = dict(zip(before.digests.tolist(), content.embeddings, strict=True))
    missing = [k for k, digest in enumerate(digests.tolist()) if digest not in known]
    for begin in range(0, len(missing), _AT_ONCE):
        some = missing[begin : begin + _AT_ONCE]
        vectors = encoder.passage([texts[k] for k in some])
        known.update({str(digests[k]): v for k, v in zip(some, vectors, strict=True)})
        if begin % (8 * _AT_ONCE) == 0 or begin + len(some) == len(missing):
            progress(f"texts: {begin + len(some)} of {len(missing)} new or changed")
    return np.stack([known[digest] for digest in digests.tolist()])


def _fit(
    before: Artefact | None,
    data: Interactions,
    item_ids: npt.NDArray[np.int64],
    embeddings: Floats | None,
    log: dict[str, npt.NDArray[Any]],
    progress: Progress,
) -> Hybrid:
    same = before is not None and np.array_equal(before.item_ids, item_ids)
    start = before.hybrid if before is not None and same else None
    keep = False
    if before is not None and start is not None and start.ranker is not None:
        new = len(log["id"]) - len(before.log["id"])
        had_texts = Content.name in start.sources
        keep = new < _FEW_NEW * len(log["id"]) and had_texts == (embeddings is not None)
    return Hybrid(embeddings=embeddings, progress=progress, before=start, keep_ranker=keep).fit(
        data
    )


def _about(
    before: Artefact | None,
    hybrid: Hybrid,
    data: Interactions,
    log: dict[str, npt.NDArray[Any]],
    now: datetime,
) -> About:
    ndcg = low = high = popularity = float("nan")
    if hybrid.gains is not None and len(hybrid.gains):
        ndcg, popularity = hybrid.gains.mean(axis=0).tolist()
        low, high = bootstrap(hybrid.gains[:, 0])
    about = About(
        created_at=now.astimezone(timezone.utc).isoformat(timespec="seconds"),
        read_to=int(log["read_to"][0]),
        interactions=len(log["id"]),
        users=data.n_users,
        items=data.n_items,
        ndcg=ndcg,
        low=low,
        high=high,
        popularity=popularity,
    )
    if hybrid.gains is None and before is not None and hybrid.ranker is before.hybrid.ranker:
        was = before.about
        about = replace(about, ndcg=was.ndcg, low=was.low, high=was.high, popularity=was.popularity)
    return about


def _compare(current: About, new: About) -> None:
    """Raises: NotAllowed: the current version is better."""
    if new.interactions < (1 - _LOST) * current.interactions:
        raise NotAllowed(
            "better_exists",
            f"the current version knows {current.interactions} interactions, this one only "
            f"{new.interactions}; --force replaces it",
        )
    # False for nan on either side: what was never measured is no better.
    if new.ndcg < current.low or (np.isnan(new.ndcg) and not np.isnan(current.ndcg)):
        raise NotAllowed(
            "better_exists",
            f"NDCG@10 {new.ndcg:.4f} is below that of the current version, {current.ndcg:.4f} "
            f"({current.low:.4f}-{current.high:.4f}); --force replaces it",
        )


def _baskets(log: dict[str, npt.NDArray[Any]], item_ids: npt.NDArray[np.int64]) -> Baskets | None:
    bought = (log["kind"] == _BUY) & np.isin(log["product"], item_ids)
    if not bought.any():
        return None
    return Baskets().fit(
        Interactions.of(
            log["customer"][bought],
            log["product"][bought],
            times=log["at"][bought],
            item_ids=item_ids,
        )
    )


def _season(log: dict[str, npt.NDArray[Any]], products: Sequence[Product]) -> dict[str, Floats]:
    """By kind, how much more than usual is wanted in each month, (12,)."""
    if not len(log["at"]) or log["at"].max() - log["at"].min() < _SEASON_DAYS * 86_400:
        return {}
    kind_of = {p.id: p.kind for p in products}
    kinds = sorted(set(kind_of.values()))
    row = {kind: k for k, kind in enumerate(kinds)}
    counts = np.zeros((len(kinds), 12))
    months = (log["at"].astype("datetime64[s]").astype("datetime64[M]").astype(int)) % 12
    for product, month in zip(log["product"].tolist(), months.tolist(), strict=True):
        if product in kind_of:
            counts[row[kind_of[product]], month] += 1
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / max(counts.sum(), 1)
    factors = (counts + _SEASON_DOUBT) / (expected + _SEASON_DOUBT)
    return dict(zip(kinds, factors.astype(np.float32), strict=True))
