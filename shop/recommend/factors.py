"""Matrix factorization of implicit feedback, by the library `implicit`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits
from typing_extensions import Self

from shop.recommend.base import Recommender, require
from shop.recommend.interactions import Floats, Interactions, Sequences


class _Factors(Recommender):
    """A user and an item are short vectors; their product is the score.

    Args:
        factors: length of the vectors.
        regularization: what long vectors cost.
        iterations: passes over the data.
        seed: of the random start.
    """

    item_factors: Floats
    #: (n_users, factors) of the data fitted on; not saved, since histories do as well.
    user_factors: Floats

    def __init__(
        self,
        *,
        factors: int = 64,
        regularization: float = 0.05,
        iterations: int = 15,
        seed: int = 0,
    ) -> None:
        self.factors = factors
        self.regularization = regularization
        self.iterations = iterations
        self.seed = seed

    def settings(self) -> dict[str, Any]:
        return {
            "factors": self.factors,
            "regularization": self.regularization,
            "iterations": self.iterations,
            "seed": self.seed,
        }

    def score(self, histories: Sequences, users: npt.NDArray[np.int64] | None = None) -> Floats:
        vectors = self.vectors(histories) if users is None else self.user_factors[users]
        return vectors @ self.item_factors.T

    def vectors(self, histories: Sequences) -> Floats:
        """Vectors for users who were not known when it was fitted, (len(histories), factors)."""
        raise NotImplementedError

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"item_factors": self.item_factors.astype(np.float16)}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.item_factors = arrays["item_factors"].astype(np.float32)
        if self.item_factors.ndim != 2 or not np.isfinite(self.item_factors).all():
            raise ValueError("damaged factors")
        self.n_items = len(self.item_factors)


class ALS(_Factors):
    """Alternating least squares (Hu, Koren, Volinsky 2008).

    Args:
        factors, regularization, iterations, seed: as in `implicit`.
        alpha: how much an interaction counts against no interaction.
        start: item vectors to begin with, (n_items, factors), so that few iterations suffice.
    """

    name = "als"

    def __init__(self, *, alpha: float = 10.0, start: Floats | None = None, **settings: Any):
        super().__init__(**settings)
        self.alpha = alpha
        self._start = start

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "alpha": self.alpha}

    def fit(self, data: Interactions) -> Self:
        from implicit.cpu.als import AlternatingLeastSquares

        require(data)
        self.n_items = data.n_items
        with _one_blas_thread():
            model = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.regularization,
                alpha=self.alpha,
                iterations=self.iterations,
                random_state=self.seed,
            )
            if self._start is not None:
                model.item_factors = self._start.astype(np.float32).copy()
            model.fit(data.matrix(), show_progress=False)
        self._learned(np.asarray(model.item_factors), np.asarray(model.user_factors))
        return self

    def _learned(self, items: Floats, users: Floats) -> None:
        self.user_factors = users
        self._take(items)

    def _take(self, items: Floats) -> None:
        self.item_factors = items
        self.n_items = len(items)
        gram = items.T.astype(np.float64) @ items
        self._gram = gram + self.regularization * np.eye(gram.shape[0])

    def vectors(self, histories: Sequences) -> Floats:
        vectors = np.zeros((len(histories), self.item_factors.shape[1]), np.float32)
        for row in range(len(histories)):
            items = self.item_factors[np.unique(histories[row])].astype(np.float64)
            if len(items):
                # The step of ALS for one user: an interaction has confidence 1 + alpha times 1,
                # which `implicit` writes as alpha alone, in both sums.
                left = self._gram + (self.alpha - 1) * (items.T @ items)
                vectors[row] = np.linalg.solve(left, self.alpha * items.sum(axis=0))
        return vectors

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        super().restore(arrays)
        self._take(self.item_factors)


class BPR(_Factors):
    """Bayesian personalized ranking (Rendle et al. 2009).

    Args:
        factors, regularization, iterations, seed: as in `implicit`.
        learning_rate: step of its gradient descent.
    """

    name = "bpr"

    def __init__(self, *, learning_rate: float = 0.05, **settings: Any) -> None:
        super().__init__(**{"regularization": 0.01, "iterations": 100, **settings})
        self.learning_rate = learning_rate

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "learning_rate": self.learning_rate}

    def fit(self, data: Interactions) -> Self:
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        require(data)
        self.n_items = data.n_items
        with _one_blas_thread():
            model = BayesianPersonalizedRanking(
                factors=self.factors,
                learning_rate=self.learning_rate,
                regularization=self.regularization,
                iterations=self.iterations,
                random_state=self.seed,
                # Its threads write to the same vectors without locks; one gives equal results.
                num_threads=1,
            )
            model.fit(data.matrix(), show_progress=False)
        self.item_factors = np.asarray(model.item_factors)
        self.user_factors = np.asarray(model.user_factors)
        return self

    def vectors(self, histories: Sequences) -> Floats:
        means = histories.weighted(self.n_items)
        length = np.maximum(np.asarray(means.sum(axis=1)), 1)
        vectors = np.asarray(means @ self.item_factors) / length
        # The last factor of a user is 1: it brings in how popular the item is.
        vectors[:, -1] = 1
        return vectors.astype(np.float32)


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """`implicit` works in threads of its own; BLAS threads inside them make it slower, and it says
    so in a warning."""
    with threadpool_limits(1, "blas"):
        yield
