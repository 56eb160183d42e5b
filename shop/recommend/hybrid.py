"""The hybrid: candidates from several recommenders, ordered by a small learned model.

The strongest items of every source are candidates, and each source says one or more numbers of
them, its signals (`shop.recommend.signals`), by which `Ranker` orders them. It learns its weights
from what each user did last, seen by sources that were fitted without that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from shop.errors import InvalidValue
from shop.recommend.base import Recommender, require
from shop.recommend.content import Content
from shop.recommend.factors import ALS
from shop.recommend.interactions import Floats, Interactions, Sequences
from shop.recommend.linear import Linear
from shop.recommend.neighbours import Cosine
from shop.recommend.parallel import in_order
from shop.recommend.popularity import Popularity
from shop.recommend.ranker import Groups, Ranker
from shop.recommend.sequence import NextItem, TwoSteps, chain
from shop.recommend.signals import CHOOSERS, Candidates, Rows, Signals
from shop.recommend.split import Tasks, leave_out

Progress = Callable[[str], None]
#: How many users are looked at at once: what is known of their items fills 50 MB.
_BLOCK = 100
#: Fewer users cannot teach the ranker.
_FEWEST = 20


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
        looks = self._look(tasks.histories.take(pupils))
        for task, (signals, items) in zip(pupils.tolist(), looks, strict=True):
            wanted = np.isin(items, tasks.wanted[task])
            if wanted.any():
                some = rng.permutation(np.flatnonzero(~wanted))[: self.against]
                rows = np.concatenate([np.flatnonzero(wanted)[:1], some])
                values.append(signals.of(items[rows]).values)
                starts.append(starts[-1] + len(rows))
                chosen.append(0)
        self._progress(f"{len(chosen)} of {len(pupils)} users teach the ranker")
        if len(chosen) < _FEWEST:
            return None
        groups = Groups(np.concatenate(values), np.array(starts), np.array(chosen))
        self.ranker = Ranker(seed=self.seed).fit(groups, self._progress)
        self.gains = self._gains(tasks, users[len(pupils) :])
        return self.ranker

    def _gains(self, tasks: Tasks, which: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """NDCG@10 of tasks: of the hybrid and of popularity, (tasks, 2)."""
        counts = self.sources[Popularity.name].score(Sequences.of([[]]))[0]
        gains = []
        looks = self._look(tasks.histories.take(which))
        for task, (signals, items) in zip(which.tolist(), looks, strict=True):
            wanted = int(tasks.wanted[task][0])
            scores = np.full(self.n_items, -np.inf, np.float32)
            scores[items] = self.order(signals.of(items))
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
        for k, (signals, items) in enumerate(self._look(histories)):
            scores[k, items] = self.order(signals.of(items))
        return scores

    def order(self, found: Candidates) -> Floats:
        """Scores of candidates, (candidates,)."""
        if self.ranker is not None:
            return self.ranker.score(found.values)
        # Nobody has taught us: places in the lists of the sources, added up.
        places = np.argsort(np.argsort(-found.values[:, CHOOSERS], axis=0), axis=0)
        known = found.values[:, CHOOSERS] > 0
        return np.where(known, 1 / (10.0 + places), 0).sum(axis=1).astype(np.float32)

    def signals(self, history: list[int]) -> Signals:
        """What the sources say of a history of item rows, oldest first."""
        return Signals.of_many(self.sources, Sequences.of([history]))[0]

    def _look(self, histories: Sequences) -> Iterator[tuple[Signals, Rows]]:
        """What the sources say of each history, and candidates that are not in it."""

        def block(first: int) -> list[tuple[Signals, Rows]]:
            some = histories.take(np.arange(first, min(first + _BLOCK, len(histories))))
            found = []
            for k, signals in enumerate(Signals.of_many(self.sources, some)):
                free = np.ones(self.n_items, bool)
                free[some[k]] = False
                found.append((signals, signals.choose(free, self.per_source)))
            return found

        for found in in_order(block, range(0, len(histories), _BLOCK)):
            yield from found

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
