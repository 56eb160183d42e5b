"""Recommenders that are a sparse matrix of links from item to item, and what they share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
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
    rows.sum_duplicates()
    starts, targets, values = rows.indptr, rows.indices, rows.data
    chosen = []
    for row in range(rows.shape[0]):
        places = np.arange(starts[row], starts[row + 1])
        places = places[(values[places] > 0) & (targets[places] != row + first)]
        if len(places) > keep:
            places = np.sort(places[np.argpartition(-values[places], keep - 1)[:keep]])
        chosen.append(places)
    lengths = [len(places) for places in chosen]
    kept = np.concatenate(chosen) if chosen else np.zeros(0, np.int64)
    return sp.csr_matrix(
        (values[kept], targets[kept], np.concatenate([[0], np.cumsum(lengths)])), shape=rows.shape
    )


def spread(links: sp.csr_matrix, items: npt.NDArray[np.int32], weights: Floats) -> Floats:
    """What links bring from a few items, weighted in several ways: weights @ links[items].

    Args:
        links: (n, n).
        items: rows, (m,).
        weights: (ways, m).

    Returns:
        (ways, n). Far faster than the product of sparse matrices, which looks at all n rows.
    """
    place, taken = _entries(links, items)
    targets, values = links.indices[taken], links.data[taken]
    n = links.shape[1]
    return np.stack(
        [np.bincount(targets, values * way[place], minlength=n) for way in weights]
    ).astype(np.float32)


def between(
    links: sp.csr_matrix, rows: npt.NDArray[np.integer], columns: npt.NDArray[np.integer]
) -> Floats:
    """The links from some items to some others, (rows, columns): links[rows][:, columns]."""
    place, taken = _entries(links, rows)
    where = np.full(links.shape[1], -1)
    where[columns] = np.arange(len(columns))
    column = where[links.indices[taken]]
    table = np.zeros((len(rows), len(columns)), np.float32)
    table[place[column >= 0], column[column >= 0]] = links.data[taken][column >= 0]
    return table


def _entries(
    links: sp.csr_matrix, rows: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where the links of some rows stand in the data, and of which of the rows each is."""
    lengths = links.indptr[rows + 1] - links.indptr[rows]
    place = np.repeat(np.arange(len(rows)), lengths)
    first = np.cumsum(lengths) - lengths
    return place, np.arange(len(place)) + np.repeat(links.indptr[rows] - first, lengths)


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
