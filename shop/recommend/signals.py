"""What the sources of the hybrid say of one history: the signals that its ranker sees.

Only one signal of every source is worked out for all items: the one that chooses candidates. All
others are worked out for the candidates alone, a few hundred of perhaps 20,000 items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from shop.recommend.base import Recommender
from shop.recommend.interactions import LONGEST_HISTORY, Floats, Ints, Sequences
from shop.recommend.links import Leaving, LinkRecommender
from shop.recommend.popularity import Popularity

#: Items of which only the greatest is looked at first, see `strongest`.
_GROUP = 16

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Signal:
    """One column of what the ranker sees: the links of `source` from some places of the history.

    The newest item weighs 1, each older one `decay` times the one after it; only places newest ≤
    place < oldest count, counted back from 0. Sources without links see the whole history.
    """

    source: str
    decay: float = 1.0
    newest: int = 0
    oldest: int = LONGEST_HISTORY

    def weights(self) -> Floats:
        """Of the places of a history, the newest first, (LONGEST_HISTORY,)."""
        place = np.arange(LONGEST_HISTORY)
        counts = (place >= self.newest) & (place < self.oldest)
        return np.where(counts, np.float32(self.decay) ** place, 0).astype(np.float32)


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
#: The columns of every source; the first of them chooses candidates.
COLUMNS = {
    source: [k for k, signal in enumerate(SIGNALS) if signal.source == source]
    for source in dict.fromkeys(signal.source for signal in SIGNALS)
}
CHOOSERS = [columns[0] for columns in COLUMNS.values()]
_WEIGHTS = {
    source: np.stack([SIGNALS[k].weights() for k in columns]) for source, columns in COLUMNS.items()
}


@dataclass(frozen=True)
class Candidates:
    """Candidates for one history.

    Attributes:
        items: rows, (candidates,).
        values: their signals, and the length of the history, (candidates, signals + 1).
        links: by source, the links to them from each item of the history, (history, candidates).
    """

    items: Rows
    values: Floats
    links: Mapping[str, Floats]

    def take(self, places: list[int]) -> Candidates:
        """Those at `places`, in that order."""
        links = {source: table[:, places] for source, table in self.links.items()}
        return Candidates(self.items[places], self.values[places], links)


class Signals:
    """One history as the sources see it.

    Args:
        links: of the sources that are links, by their names.
        scores: how well every item suits the history, by the names of the other sources.
        history: item rows, oldest first, at most LONGEST_HISTORY.

    Attributes:
        strengths: by source, the signal that chooses candidates, of all items, (n_items,); what is
            negative counts as 0. Without the sources that have nothing to say.
    """

    def __init__(
        self,
        links: Mapping[str, sp.csr_matrix],
        scores: Mapping[str, Floats],
        history: Ints,
    ) -> None:
        self._history = history
        self._leaving = {name: Leaving.of(matrix, history) for name, matrix in links.items()}
        self.strengths = {
            name: leaving.spread(self._weights(name)[0]) for name, leaving in self._leaving.items()
        }
        self.strengths.update(scores)

    @classmethod
    def of_many(cls, sources: Mapping[str, Recommender], histories: Sequences) -> list[Signals]:
        """What sources, by their names, say of each history; a few hundred at once at most, since
        each takes several numbers an item."""
        if not len(histories.items):
            # Without any history there is nothing to say but what everybody likes.
            sources = {n: s for n, s in sources.items() if isinstance(s, Popularity)}
        links = {n: s.links for n, s in sources.items() if isinstance(s, LinkRecommender)}
        scores = {n: s.score(histories) for n, s in sources.items() if n not in links}
        return [
            cls(links, {n: each[k] for n, each in scores.items()}, histories[k])
            for k in range(len(histories))
        ]

    def _weights(self, source: str) -> Floats:
        """Of the items of the history in every signal of a source, (signals, history)."""
        # They begin with the newest item, a history with the oldest.
        return _WEIGHTS[source][:, : len(self._history)][:, ::-1]

    def choose(self, free: Mask, per_source: int, also: Rows | None = None) -> Rows:
        """Rows of candidates, ascending: of every source the strongest of those that are free, and
        what is named besides."""
        chosen = np.zeros(len(free), bool)
        if also is not None:
            chosen[also] = True
        for strength in self.strengths.values():
            chosen[strongest(strength, free, per_source)] = True
        return np.flatnonzero(chosen)

    def of(self, items: Rows) -> Candidates:
        """All signals of some items, all different."""
        values = np.zeros((len(items), len(SIGNALS) + 1), np.float32)
        links = {name: leaving.to(items) for name, leaving in self._leaving.items()}
        for name, strength in self.strengths.items():
            if name in links:
                values[:, COLUMNS[name]] = (self._weights(name) @ links[name]).T
            else:
                values[:, COLUMNS[name][0]] = np.maximum(strength[items], 0)
        values[:, -1] = len(self._history)
        return Candidates(items, values, links)


def strongest(values: Floats, free: Mask, n: int) -> Rows:
    """Rows of the `n` greatest values above 0 among the free ones, in no order.

    Args:
        values, free: (n_items,).
        n: at least 1.
    """
    values = values * free
    low = np.float32(0)
    groups = len(values) // _GROUP
    if groups >= n:
        # Ordering thousands takes long. The n-th greatest of the groups' greatest is no greater
        # than the n-th of all: what is less need not be ordered.
        greatest = values[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
        low = np.partition(greatest, groups - n)[groups - n]
    rows = np.flatnonzero(values >= low if low > 0 else values > 0)
    if len(rows) > n:
        rows = rows[np.argpartition(values[rows], len(rows) - n)[len(rows) - n :]]
    return rows
