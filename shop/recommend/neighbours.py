"""Item neighbours: two items are close when the same users chose them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from shop.recommend.interactions import Interactions
from shop.recommend.links import LinkRecommender


class Cosine(LinkRecommender):
    """Cosine of the columns of the matrix users by items.

    Args:
        decay, keep: as in LinkRecommender.
        shrink: added to the product of the norms, so that a single shared user says little.
    """

    name = "item-knn"

    def __init__(self, *, decay: float = 1.0, keep: int = 200, shrink: float = 0.0) -> None:
        super().__init__(decay=decay, keep=keep)
        self.shrink = shrink

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "shrink": self.shrink}

    def learn(self, data: Interactions) -> sp.csr_matrix:
        return _cosine(data.matrix(), self.shrink)


class BM25(LinkRecommender):
    """Cosine after weighing by BM25: a user of many items, and an item of many users, say less.

    Args:
        decay, keep: as in LinkRecommender.
        k1: how soon repeated interactions stop adding.
        b: how much users of many items are discounted, 0 to 1.
    """

    name = "bm25"

    def __init__(
        self, *, decay: float = 1.0, keep: int = 200, k1: float = 100.0, b: float = 0.8
    ) -> None:
        super().__init__(decay=decay, keep=keep)
        self.k1 = k1
        self.b = b

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "k1": self.k1, "b": self.b}

    def learn(self, data: Interactions) -> sp.csr_matrix:
        matrix = data.matrix(binary=False).tocoo()
        length = np.bincount(matrix.row, matrix.data, minlength=matrix.shape[0])
        norm = 1 - self.b + self.b * length / max(length[length > 0].mean(), 1e-9)
        rarity = np.log1p(data.n_users) - np.log1p(np.bincount(matrix.col, minlength=data.n_items))
        values = matrix.data * (self.k1 + 1) / (self.k1 * norm[matrix.row] + matrix.data)
        # An item everybody has would weigh nothing and have no neighbours at all.
        values = values * np.maximum(rarity[matrix.col], 1e-3)
        return _cosine(
            sp.csr_matrix((values.astype(np.float32), (matrix.row, matrix.col)), matrix.shape), 0.0
        )


def _cosine(matrix: sp.csr_matrix, shrink: float) -> sp.csr_matrix:
    common = (matrix.T @ matrix).tocoo()
    norms = np.sqrt(np.asarray(matrix.power(2).sum(axis=0)).ravel())
    values = common.data / np.maximum(norms[common.row] * norms[common.col] + shrink, 1e-9)
    return sp.csr_matrix((values, (common.row, common.col)), common.shape)
