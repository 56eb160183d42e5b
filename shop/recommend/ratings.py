"""Prediction of ratings: r = mean + user's bias + item's bias + user's vector · item's vector.

Funk's SVD with the settings of the library Surprise, in steps of many ratings at once, so that
NumPy does the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from typing_extensions import Self

from shop.errors import InvalidValue
from shop.recommend.base import Recommender
from shop.recommend.interactions import Floats, Interactions, Sequences


class Ratings(Recommender):
    """A user and an item are a bias and a vector each, learned by gradient descent.

    Args:
        factors: length of the vectors; 0 for biases alone.
        epochs: passes over the ratings.
        rate: step for each rating.
        penalty: what large biases and vectors cost.
        batch: ratings in one step; more is faster and less exact.
        seed: of the random start and order.
    """

    name = "svd"

    def __init__(
        self,
        *,
        factors: int = 100,
        epochs: int = 20,
        rate: float = 0.005,
        penalty: float = 0.02,
        batch: int = 256,
        seed: int = 0,
    ) -> None:
        self.factors = factors
        self.epochs = epochs
        self.rate = rate
        self.penalty = penalty
        self.batch = batch
        self.seed = seed

    def settings(self) -> dict[str, Any]:
        return {
            "factors": self.factors,
            "epochs": self.epochs,
            "rate": self.rate,
            "penalty": self.penalty,
            "batch": self.batch,
            "seed": self.seed,
        }

    def fit(self, data: Interactions) -> Self:
        rated = data.where(np.isfinite(data.ratings))
        if not len(rated):
            raise InvalidValue("no ratings to learn from")
        self.n_items = data.n_items
        rng = np.random.default_rng(self.seed)
        self.mean = float(rated.ratings.mean())
        self.low, self.high = float(rated.ratings.min()), float(rated.ratings.max())
        self.user_factors = self._start(rng, data.n_users)
        self.item_factors = self._start(rng, data.n_items)
        self.user_biases = np.zeros(data.n_users, np.float32)
        self.item_biases = np.zeros(data.n_items, np.float32)
        for _ in range(self.epochs):
            order = rng.permutation(len(rated))
            for begin in range(0, len(order), self.batch):
                some = order[begin : begin + self.batch]
                self._step(rated.users[some], rated.items[some], rated.ratings[some])
        return self

    def _start(self, rng: np.random.Generator, n: int) -> Floats:
        return rng.normal(0, 0.1, (n, self.factors)).astype(np.float32)

    def _step(self, users: Any, items: Any, ratings: Floats) -> None:
        p, q = self.user_factors[users], self.item_factors[items]
        bu, bi = self.user_biases[users], self.item_biases[items]
        error = ratings - (self.mean + bu + bi + np.einsum("nk,nk->n", p, q))
        _add(self.user_factors, users, self.rate * (error[:, None] * q - self.penalty * p))
        _add(self.item_factors, items, self.rate * (error[:, None] * p - self.penalty * q))
        np.add.at(self.user_biases, users, self.rate * (error - self.penalty * bu))
        np.add.at(self.item_biases, items, self.rate * (error - self.penalty * bi))

    def predict(self, users: npt.NDArray[np.integer], items: npt.NDArray[np.integer]) -> Floats:
        """Ratings of pairs, (pairs,), within the range seen; user -1 is a stranger."""
        known = users >= 0
        rows = np.where(known, users, 0)
        product = np.einsum("nk,nk->n", self.user_factors[rows], self.item_factors[items])
        personal = np.where(known, self.user_biases[rows] + product, 0)
        return np.clip(self.mean + self.item_biases[items] + personal, self.low, self.high)

    def score(self, histories: Sequences, users: npt.NDArray[np.int64] | None = None) -> Floats:
        """Predicted ratings; a history without a user says nothing here: what was done is not how
        it was liked."""
        scores = np.tile(self.mean + self.item_biases, (len(histories), 1))
        if users is not None:
            scores += self.user_biases[users, None]
            scores += self.user_factors[users] @ self.item_factors.T
        return scores

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "user_factors": self.user_factors,
            "item_factors": self.item_factors,
            "user_biases": self.user_biases,
            "item_biases": self.item_biases,
            "range": np.array([self.mean, self.low, self.high]),
        }

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.user_factors, self.item_factors = arrays["user_factors"], arrays["item_factors"]
        self.user_biases, self.item_biases = arrays["user_biases"], arrays["item_biases"]
        self.mean, self.low, self.high = (float(v) for v in arrays["range"])
        self.n_items = len(self.item_factors)
        if not all(np.isfinite(array).all() for array in self.arrays().values()):
            raise ValueError("damaged factors")
        if len(self.item_biases) != self.n_items or len(self.user_biases) != len(self.user_factors):
            raise ValueError("biases and factors of different sizes")


def _add(table: Floats, rows: npt.NDArray[np.int32], changes: Floats) -> None:
    """Add each change to its row; a row named twice gets both."""
    named, places = np.unique(rows, return_inverse=True)
    sums = sp.csr_matrix(
        (np.ones(len(rows), np.float32), (places, np.arange(len(rows)))),
        (len(named), len(rows)),
    )
    table[named] += sums @ changes
