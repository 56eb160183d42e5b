"""The hybrid: candidates from several recommenders, ordered by a small learned model.

Each source gives one or more signals, numbers for every item. The strongest items of every source
are candidates; `Ranker` orders them by their signals. It learns its weights from what each user
did last, seen by sources that were fitted without that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from typing_extensions import Self

from shop.errors import InvalidValue
from shop.recommend.base import Recommender, require
from shop.recommend.content import Content
from shop.recommend.factors import ALS
from shop.recommend.interactions import LONGEST_HISTORY, Floats, Interactions, Sequences
from shop.recommend.linear import Linear
from shop.recommend.links import LinkRecommender, spread
from shop.recommend.neighbours import Cosine
from shop.recommend.popularity import Popularity
from shop.recommend.ranker import Groups, Ranker
from shop.recommend.sequence import NextItem, TwoSteps, chain
from shop.recommend.split import Tasks, leave_out

Progress = Callable[[str], None]
#: How many users are scored at once: their signals fill 100 to 300 MB.
BLOCK = 200
#: Fewer users cannot teach the ranker.
_FEWEST = 20


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
    #: NDCG@10 of this and of popularity for users who did not teach the ranker, (users, 2); None
    #: where there is no ranker, or it was taken over.
    gains: npt.NDArray[np.float64] | None = None

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
        rng = np.random.default_rng(self.seed)
        users = rng.permutation(len(tasks.users))[: self.learn_from]
        if len(users) < _FEWEST or not len(known):
            return None
        self._fit_sources(known, "all but the last")
        # The others show how well it works.
        pupils = users[: len(users) - len(users) // 10]
        values, starts, chosen = [], [0], []
        for task, found in self._tasks(tasks, pupils):
            wanted = np.isin(found.items, tasks.wanted[task])
            if wanted.any():
                some = rng.permutation(np.flatnonzero(~wanted))[: self.against]
                rows = np.concatenate([np.flatnonzero(wanted)[:1], some])
                values.append(found.values[rows])
                starts.append(starts[-1] + len(rows))
                chosen.append(0)
        self._progress(f"{len(chosen)} of {len(pupils)} users teach the ranker")
        if len(chosen) < _FEWEST:
            return None
        groups = Groups(np.concatenate(values), np.array(starts), np.array(chosen))
        self.ranker = Ranker(seed=self.seed).fit(groups, self._progress)
        self.gains = self._gains(tasks, users[len(pupils) :])
        return self.ranker

    def _tasks(
        self, tasks: Tasks, which: npt.NDArray[np.int64]
    ) -> Iterator[tuple[int, Candidates]]:
        for begin in range(0, len(which), BLOCK):
            block = which[begin : begin + BLOCK]
            found = self._candidates(tasks.histories.take(block))
            yield from zip(block.tolist(), found, strict=True)

    def _gains(self, tasks: Tasks, which: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """NDCG@10 of tasks: of the hybrid and of popularity, (tasks, 2)."""
        counts = self.sources[Popularity.name].score(Sequences.of([[]]))[0]
        gains = []
        for task, found in self._tasks(tasks, which):
            wanted = int(tasks.wanted[task][0])
            scores = np.full(self.n_items, -np.inf)
            scores[found.items] = self.order(found)
            popular = counts.copy()
            popular[tasks.seen[task]] = -np.inf
            places = [np.count_nonzero(each > each[wanted]) for each in (scores, popular)]
            found_it = [np.isfinite(scores[wanted]), True]
            gains.append(
                [
                    1 / np.log2(place + 2) if place < 10 and found_it[k] else 0.0
                    for k, place in enumerate(places)
                ]
            )
        return np.array(gains).reshape(-1, 2)

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
        self,
        history: list[int],
        *,
        allowed: npt.NDArray[np.bool_] | None = None,
        also: npt.NDArray[np.integer] | None = None,
    ) -> Candidates:
        """Candidates for one history.

        Args:
            history: item rows, oldest first.
            allowed: (n_items,), where only these may come, even of the history; else all that are
                not in the history.
            also: rows that are candidates whatever the sources say.
        """
        histories = Sequences.of([history])
        free = _others(self.n_items, histories[0]) if allowed is None else allowed
        return self._choose(self._signals_of_one(histories), histories[0], free, also)

    def _candidates(self, histories: Sequences) -> list[Candidates]:
        signals = self._signals(histories)
        return [
            self._choose(
                [s if s is None else s[k] for s in signals],
                histories[k],
                _others(self.n_items, histories[k]),
            )
            for k in range(len(histories))
        ]

    def _choose(
        self,
        signals: list[Floats | None],
        history: npt.NDArray[np.int32],
        free: npt.NDArray[np.bool_],
        also: npt.NDArray[np.integer] | None = None,
    ) -> Candidates:
        chosen = np.zeros(self.n_items, bool)
        if also is not None:
            chosen[also] = True
        for column in _CHOOSERS:
            values = signals[column]
            if values is not None:
                chosen[strongest(values, free, self.per_source)] = True
        items = np.flatnonzero(chosen)
        table = np.zeros((len(items), len(SIGNALS) + 1), np.float32)
        for column, values in enumerate(signals):
            if values is not None:
                table[:, column] = values[items]
        table[:, -1] = len(history)
        return Candidates(items, table)

    def _signals_of_one(self, histories: Sequences) -> list[Floats | None]:
        """`_signals` of a single history, (n_items,) each, several times faster."""
        items = histories[0]
        place = np.arange(len(items) - 1, -1, -1)
        signals: list[Floats | None] = [None] * len(SIGNALS)
        for name, source in self.sources.items():
            columns = [k for k, signal in enumerate(SIGNALS) if signal.source == name]
            if isinstance(source, LinkRecommender):
                ways = [
                    np.where(
                        (place >= s.newest) & (place < s.oldest), np.float32(s.decay) ** place, 0
                    )
                    for s in (SIGNALS[k] for k in columns)
                ]
                parts = spread(source.links, items, np.array(ways, np.float32))
            else:
                parts = np.maximum(source.score(histories), 0)
            for k, part in zip(columns, parts, strict=True):
                signals[k] = part
        return signals

    def _signals(self, histories: Sequences) -> list[Floats | None]:
        """A (len(histories), n_items) for every signal whose source is there, none negative."""
        signals: list[Floats | None] = [None] * len(SIGNALS)
        for name, source in self.sources.items():
            columns = [k for k, signal in enumerate(SIGNALS) if signal.source == name]
            if isinstance(source, LinkRecommender):
                # One product for all signals of a source: for a single shopper it is the number
                # of products that takes the time.
                weights = [
                    histories.weighted(
                        self.n_items, decay=s.decay, newest=s.newest, oldest=s.oldest
                    )
                    for s in (SIGNALS[k] for k in columns)
                ]
                stacked = (sp.vstack(weights, format="csr") @ source.links).toarray()
                parts = stacked.reshape(len(columns), len(histories), self.n_items)
            else:
                parts = np.maximum(source.score(histories), 0)[None]
            for k, part in zip(columns, parts, strict=True):
                signals[k] = part
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


def _others(n_items: int, history: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """All items but those of the history."""
    free = np.ones(n_items, bool)
    free[history] = False
    return free


def strongest(values: Floats, free: npt.NDArray[np.bool_], n: int) -> npt.NDArray[np.int64]:
    """Rows of the `n` greatest values above 0 among the free ones, in no order."""
    # Most signals are 0 for most items, and finding what is not is faster than any ordering.
    rows = np.flatnonzero((values > 0) & free)
    if len(rows) > n:
        kept = values[rows]
        rows = rows[np.argpartition(kept, len(rows) - n)[len(rows) - n :]]
    return rows
