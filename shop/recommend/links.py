"""Recommenders that are a sparse matrix of links from item to item, and what they share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from typing_extensions import Self

from shop.errors import InvalidValue
from shop.recommend.base import Recommender, require
from shop.recommend.interactions import Floats, Interactions, Sequences


class LinkRecommender(Recommender):
    """Scores an item by the sum of the links that lead to it from the items of the history.

    Write `learn`, which gives the links. What was touched last counts most: each older item of
    the history counts `decay` times as much as the one after it.

    Args:
        decay: from above 0 to 1.
        keep: links kept from each item, the strongest ones.
    """

    #: (n_items, n_items); the row is where a link comes from.
    links: sp.csr_matrix

    def __init__(self, *, decay: float = 0.7, keep: int = 200) -> None:
        if not 0 < decay <= 1:
            raise InvalidValue(f"decay {decay} is not above 0 and at most 1")
        if keep < 1:
            raise InvalidValue(f"keep {keep} is below 1")
        self.decay = decay
        self.keep = keep

    @abstractmethod
    def learn(self, data: Interactions) -> sp.csr_matrix:
        """The links of every item to every other one, (n_items, n_items), none negative."""

    def settings(self) -> dict[str, Any]:
        return {"decay": self.decay, "keep": self.keep}

    def fit(self, data: Interactions) -> Self:
        require(data)
        self.n_items = data.n_items
        self.links = keep_strongest(self.learn(data), self.keep)
        return self

    def score(self, histories: Sequences, users: npt.NDArray[np.int64] | None = None) -> Floats:
        scores = (histories.weighted(self.n_items, decay=self.decay) @ self.links).toarray()
        scores[scores <= 0] = -np.inf
        return scores

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return pack(self.links)

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.links = unpack(arrays)
        self.n_items = self.links.shape[0]


def keep_strongest(links: sp.spmatrix, keep: int, *, first: int = 0) -> sp.csr_matrix:
    """The `keep` greatest positive links from each item, without those to itself.

    Row 0 is of item `first`, where `links` is a piece of a larger matrix.
    """
    rows = sp.csr_matrix(links, dtype=np.float32)
    starts, targets, values = rows.indptr, rows.indices, rows.data
    chosen = []
    for row in range(rows.shape[0]):
        own = slice(starts[row], starts[row + 1])
        places = np.flatnonzero((values[own] > 0) & (targets[own] != row + first))
        if len(places) > keep:
            strength = values[own][places]
            places = places[np.argpartition(strength, len(places) - keep)[len(places) - keep :]]
        chosen.append(places + starts[row])
    lengths = [len(places) for places in chosen]
    kept = np.concatenate(chosen) if chosen else np.zeros(0, np.int64)
    strong = sp.csr_matrix(
        (values[kept], targets[kept], np.concatenate([[0], np.cumsum(lengths)])), shape=rows.shape
    )
    # Only now, since of a product of two matrices most is gone.
    strong.sort_indices()
    return strong


@dataclass(frozen=True)
class Leaving:
    """The links that leave some items, read once out of the matrix for all that is asked of them.

    Far faster than products of sparse matrices, which look at all rows.

    Attributes:
        place: from which of the items each link leaves, counted from 0, (links,).
        targets: the rows it leads to, (links,).
        values: how strong it is, (links,).
        count: of the items.
        n_items: of the catalogue.
    """

    place: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    values: Floats
    count: int
    n_items: int

    @classmethod
    def of(cls, links: sp.csr_matrix, items: npt.NDArray[np.integer]) -> Leaving:
        """The links of the rows `items` of a matrix, (n_items, n_items)."""
        begins = links.indptr[items]
        lengths = links.indptr[items + 1] - begins
        place = np.repeat(np.arange(len(items)), lengths)
        # Where each row begins here, against where it begins in the matrix.
        moved = begins - (np.cumsum(lengths) - lengths)
        taken = np.arange(len(place)) + moved[place]
        targets = links.indices[taken].astype(np.int64)
        return cls(place, targets, links.data[taken], len(items), links.shape[1])

    def spread(self, weights: Floats) -> Floats:
        """What they bring to every item where each of theirs is weighted, (n_items,)."""
        brought = self.values * weights[self.place]
        return np.bincount(self.targets, brought, minlength=self.n_items).astype(np.float32)

    def to(self, items: npt.NDArray[np.integer]) -> Floats:
        """The links to some items, all different, (count, items)."""
        column_of = np.full(self.n_items, -1, np.int32)
        column_of[items] = np.arange(len(items))
        column = column_of[self.targets]
        here = np.flatnonzero(column >= 0)
        table = np.zeros((self.count, len(items)), np.float32)
        table[self.place[here], column[here]] = self.values[here]
        return table


def pack(links: sp.csr_matrix, prefix: str = "") -> dict[str, npt.NDArray[Any]]:
    """A sparse matrix as arrays, two bytes a value: the third digit of a link says nothing."""
    scale = np.float32(max(abs(links.data).max(), 1e-9) if links.nnz else 1.0)
    small = np.uint16 if links.shape[1] <= 2**16 else np.int32
    return {
        f"{prefix}starts": links.indptr.astype(np.int64),
        f"{prefix}targets": links.indices.astype(small),
        # Half precision ends at 6e-8, so values are brought below 1 but not near the end.
        f"{prefix}values": (links.data / scale).astype(np.float16),
        f"{prefix}scale": np.array(scale, np.float32),
        f"{prefix}columns": np.array(links.shape[1], np.int64),
    }


def unpack(arrays: Mapping[str, npt.NDArray[Any]], prefix: str = "") -> sp.csr_matrix:
    """What `pack` packed. Raises: KeyError, ValueError."""
    values = arrays[f"{prefix}values"].astype(np.float32) * arrays[f"{prefix}scale"]
    starts = arrays[f"{prefix}starts"]
    columns = int(arrays[f"{prefix}columns"])
    targets = arrays[f"{prefix}targets"].astype(np.int32)
    if not np.isfinite(values).all() or (len(targets) and int(targets.max()) >= columns):
        raise ValueError("damaged links")
    matrix = sp.csr_matrix((values, targets, starts), shape=(len(starts) - 1, columns))
    matrix.check_format()
    return matrix
