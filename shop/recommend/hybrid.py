"""The hybrid: candidates from several recommenders, ordered by a small learned model.

Each source gives one or more signals, numbers for every item. The strongest items of every source
are candidates; `Ranker` orders them by their signals. It learns its weights from what each user
did last, seen by sources that were fitted without that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from shop.errors import InvalidValue
from shop.recommend.base import Recommender, require
from shop.recommend.content import Content
from shop.recommend.factors import ALS
from shop.recommend.interactions import LONGEST_HISTORY, Floats, Interactions, Sequences
from shop.recommend.linear import Linear
from shop.recommend.links import LinkRecommender
from shop.recommend.neighbours import Cosine
from shop.recommend.popularity import Popularity
from shop.recommend.ranker import Groups, Ranker
from shop.recommend.sequence import NextItem, TwoSteps, chain
from shop.recommend.split import leave_out

Progress = Callable[[str], None]
#: How many users are scored at once: their signals fill 100 to 300 MB.
BLOCK = 200


@dataclass(frozen=True)
class Signal:
    """One column of what the ranker sees: the links of `source` from some places of the history.

    `decay`, `newest` and `oldest` as in `Sequences.weighted`; sources without links ignore them.
    """

    source: str
    decay: float = 1.0
    newest: int = 0
    oldest: int = LONGEST_HISTORY


#: What the ranker sees, in this order, and last of all the length of the history.
SIGNALS = (
    Signal("next-item", decay=0.7),
    Signal("next-item", decay=0.3),
    Signal("next-item", oldest=1),
    Signal("next-item", newest=1, oldest=2),
    Signal("next-item", newest=2, oldest=4),
    Signal("next-item", newest=4),
    Signal("linear", decay=0.7),
    Signal("linear"),
    Signal("linear", oldest=1),
    Signal("item-knn", decay=0.7),
    Signal("item-knn", oldest=1),
    Signal("two-steps", decay=0.7),
    Signal("als"),
    Signal("content"),
    Signal("popularity"),
)
#: The first signal of every source chooses candidates.
_CHOOSERS = tuple(
    k for k, s in enumerate(SIGNALS) if s.source not in {t.source for t in SIGNALS[:k]}
)


@dataclass(frozen=True)
class Candidates:
    """Candidates for one history: item rows and their signals, (candidates, signals)."""

    items: npt.NDArray[np.int64]
    values: Floats


class Hybrid(Recommender):
    """All sources together.

    Args:
        ridge: of `Linear`.
        shrink: of `Cosine`.
        reach, doubt: of `NextItem`.
        factors: of `ALS`.
        per_source: candidates taken from each source.
        learn_from: at most so many users teach the ranker.
        against: candidates that were not chosen, taken at random, for each that was.
        seed: of all that is random.
        embeddings: texts of the items as vectors, (n_items, width), where there are any.
        progress: told what is being done.
        before: an earlier hybrid on the same items; its factors are the start of the new ones.
        keep_ranker: take the ranker of `before` as it is, which saves half of the work.
    """

    name = "hybrid"
    #: By their names.
    sources: dict[str, Recommender]
    #: None where nobody could teach it.
    ranker: Ranker | None

    def __init__(
        self,
        *,
        ridge: float = 100.0,
        shrink: float = 0.0,
        reach: int = 10,
        doubt: float = 5.0,
        factors: int = 64,
        per_source: int = 100,
        learn_from: int = 12_000,
        against: int = 100,
        seed: int = 0,
        embeddings: Floats | None = None,
        progress: Progress = lambda _: None,
        before: Hybrid | None = None,
        keep_ranker: bool = False,
    ) -> None:
        if per_source < 1:
            raise InvalidValue(f"per_source {per_source} is below 1")
        self.ridge = ridge
        self.shrink = shrink
        self.reach = reach
        self.doubt = doubt
        self.factors = factors
        self.per_source = per_source
        self.learn_from = learn_from
        self.against = against
        self.seed = seed
        self._embeddings = embeddings
        self._progress = progress
        self._before = before
        self._keep_ranker = keep_ranker

    def settings(self) -> dict[str, Any]:
        return {
            "ridge": self.ridge,
            "shrink": self.shrink,
            "reach": self.reach,
            "doubt": self.doubt,
            "factors": self.factors,
            "per_source": self.per_source,
            "learn_from": self.learn_from,
            "against": self.against,
            "seed": self.seed,
        }

    # --- learning

    def fit(self, data: Interactions) -> Self:
        require(data)
        self.n_items = data.n_items
        if self._keep_ranker and self._before is not None:
            self.ranker = self._before.ranker
        else:
            self.ranker = self._learn_ranker(data)
        self._fit_sources(data, "all")
        # What is only needed for learning would keep its memory.
        self._before = self._embeddings = None
        return self

    def _fit_sources(self, data: Interactions, which: str) -> None:
        start = None
        if self._before is not None and self._before.n_items == self.n_items:
            als = self._before.sources.get("als")
            start = als.item_factors if isinstance(als, ALS) else None
        once = NextItem(reach=self.reach, doubt=self.doubt)
        sources: dict[str, Recommender] = {}
        begin = time.monotonic()
        for source in (
            once,
            Linear(ridge=self.ridge),
            Cosine(shrink=self.shrink),
            ALS(
                factors=min(self.factors, max(2, data.n_items // 2)),
                iterations=15 if start is None else 5,
                seed=self.seed,
                start=start,
            ),
            Popularity(),
        ):
            sources[source.name] = source.fit(data)
            self._progress(f"{source.name} on {which}: {time.monotonic() - begin:.0f} s")
        two = TwoSteps()
        two.n_items = self.n_items
        two.links = chain(once.links, two.keep)
        sources[two.name] = two
        if self._embeddings is not None:
            sources[Content.name] = Content(embeddings=self._embeddings).fit(data)
        self.sources = sources

    def _learn_ranker(self, data: Interactions) -> Ranker | None:
        """Fit sources without what each user did last, and learn to find that; None where too few
        users did enough."""
        known, tasks = leave_out(data)
        users = np.random.default_rng(self.seed).permutation(len(tasks.users))[: self.learn_from]
        if len(users) < 20 or not len(known):
            return None
        self._fit_sources(known, "all but the last")
        rng = np.random.default_rng(self.seed)
        values, starts, chosen = [], [0], []
        for begin in range(0, len(users), BLOCK):
            block = users[begin : begin + BLOCK]
            for k, found in enumerate(self._candidates(tasks.histories.take(block))):
                wanted = np.isin(found.items, tasks.wanted[int(block[k])])
                if wanted.any():
                    others = np.flatnonzero(~wanted)
                    some = rng.permutation(others)[: self.against]
                    rows = np.concatenate([np.flatnonzero(wanted)[:1], some])
                    values.append(found.values[rows])
                    starts.append(starts[-1] + len(rows))
                    chosen.append(0)
        self._progress(f"{len(chosen)} of {len(users)} users teach the ranker")
        if len(chosen) < 20:
            return None
        groups = Groups(np.concatenate(values), np.array(starts), np.array(chosen))
        return Ranker(seed=self.seed).fit(groups, self._progress)

    # --- answering

    def score(self, histories: Sequences, users: npt.NDArray[np.int64] | None = None) -> Floats:
        scores = np.full((len(histories), self.n_items), -np.inf, np.float32)
        for begin in range(0, len(histories), BLOCK):
            block = histories.take(np.arange(begin, min(begin + BLOCK, len(histories))))
            for k, found in enumerate(self._candidates(block)):
                scores[begin + k, found.items] = self.order(found)
        return scores

    def order(self, found: Candidates) -> Floats:
        """Scores of candidates, (candidates,)."""
        if self.ranker is not None:
            return self.ranker.score(found.values)
        # Nobody has taught us: places in the lists of the sources, added up.
        places = np.argsort(np.argsort(-found.values[:, list(_CHOOSERS)], axis=0), axis=0)
        known = found.values[:, list(_CHOOSERS)] > 0
        return np.where(known, 1 / (10.0 + places), 0).sum(axis=1).astype(np.float32)

    def candidates(
        self, history: list[int], *, allowed: npt.NDArray[np.bool_] | None = None
    ) -> Candidates:
        """Candidates for one history among the items allowed, without those of the history."""
        return next(iter(self._candidates(Sequences.of([history]), allowed)))

    def _candidates(
        self, histories: Sequences, allowed: npt.NDArray[np.bool_] | None = None
    ) -> list[Candidates]:
        signals = self._signals(histories)
        found = []
        for k in range(len(histories)):
            free = np.ones(self.n_items, bool) if allowed is None else allowed.copy()
            free[histories[k]] = False
            chosen = np.zeros(self.n_items, bool)
            for column in _CHOOSERS:
                values = signals[column]
                if values is not None:
                    chosen[strongest(values[k], free, self.per_source)] = True
            items = np.flatnonzero(chosen)
            table = np.zeros((len(items), len(SIGNALS) + 1), np.float32)
            for column, values in enumerate(signals):
                if values is not None:
                    table[:, column] = values[k, items]
            table[:, -1] = len(histories[k])
            found.append(Candidates(items, table))
        return found

    def _signals(self, histories: Sequences) -> list[Floats | None]:
        """A (len(histories), n_items) for every signal whose source is there, none negative."""
        signals: list[Floats | None] = []
        for signal in SIGNALS:
            source = self.sources.get(signal.source)
            if isinstance(source, LinkRecommender):
                weights = histories.weighted(
                    self.n_items, decay=signal.decay, newest=signal.newest, oldest=signal.oldest
                )
                signals.append((weights @ source.links).toarray())
            elif source is None:
                signals.append(None)
            else:
                signals.append(np.maximum(source.score(histories), 0))
        return signals

    # --- saving

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        own = self.ranker.arrays() if self.ranker is not None else {}
        for name, source in self.sources.items():
            own.update({f"{name}/{key}": array for key, array in source.arrays().items()})
        return own

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.sources = {}
        for kind in (NextItem, Linear, Cosine, TwoSteps, ALS, Content, Popularity):
            own = {
                key.removeprefix(f"{kind.name}/"): array
                for key, array in arrays.items()
                if key.startswith(f"{kind.name}/")
            }
            if own or kind is Popularity:
                source = kind()
                source.restore(own)
                self.sources[kind.name] = source
        self.n_items = self.sources[Popularity.name].n_items
        if any(source.n_items != self.n_items for source in self.sources.values()):
            raise ValueError("sources of different catalogues")
        self.ranker = Ranker.restored(arrays) if "ranker_layer" in arrays else None


def strongest(values: Floats, free: npt.NDArray[np.bool_], n: int) -> npt.NDArray[np.int64]:
    """Rows of the `n` greatest values above 0 among the free ones, in no order."""
    # Most signals are 0 for most items, and finding what is not is faster than any ordering.
    rows = np.flatnonzero((values > 0) & free)
    if len(rows) > n:
        kept = values[rows]
        rows = rows[np.argpartition(kept, len(rows) - n)[len(rows) - n :]]
    return rows
