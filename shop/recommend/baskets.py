"""What is bought together."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from shop.recommend.interactions import Interactions
from shop.recommend.links import LinkRecommender


class Baskets(LinkRecommender):
    """How often two items were in one basket, against how often each was in any (cosine).

    A basket is what a user bought without a pause; where there are no times, all of it. Give it
    purchases only.

    Args:
        decay, keep: as in LinkRecommender.
        pause: seconds that end a basket.
        doubt: added to the norms, so that a single basket is no rule.
    """

    name = "baskets"

    def __init__(
        self, *, decay: float = 1.0, keep: int = 50, pause: float = 3600.0, doubt: float = 1.0
    ) -> None:
        super().__init__(decay=decay, keep=keep)
        self.pause = pause
        self.doubt = doubt

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "pause": self.pause, "doubt": self.doubt}

    def learn(self, data: Interactions) -> sp.csr_matrix:
        new = np.ones(len(data), bool)
        new[1:] = data.users[1:] != data.users[:-1]
        if data.timed:
            new[1:] |= np.diff(data.times) > self.pause
        basket = np.cumsum(new) - 1
        matrix = sp.csr_matrix(
            (np.ones(len(data), np.float32), (basket, data.items)),
            (int(basket[-1]) + 1, data.n_items),
        )
        matrix.sum_duplicates()
        matrix.data[:] = 1
        together = (matrix.T @ matrix).tocoo()
        norms = np.sqrt(np.asarray(matrix.sum(axis=0)).ravel())
        values = together.data / (norms[together.row] * norms[together.col] + self.doubt)
        return sp.csr_matrix((values, (together.row, together.col)), together.shape)
