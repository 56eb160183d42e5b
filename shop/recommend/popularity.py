"""What most people choose, the newest choices counting most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from shop.errors import InvalidValue
from shop.recommend.base import Recommender, require
from shop.recommend.interactions import Floats, Interactions, Sequences

DAY_S = 86_400


class Popularity(Recommender):
    """The same for everybody: weights of interactions, halved every `half_life` days.

    Without times all count alike. Age counts from the newest interaction.
    """

    name = "popularity"
    #: (n_items,), sums of decayed weights.
    counts: Floats

    def __init__(self, *, half_life: float = 30.0) -> None:
        if not half_life > 0:
            raise InvalidValue(f"half_life {half_life} is not above 0 days")
        self.half_life = half_life

    def settings(self) -> dict[str, Any]:
        return {"half_life": self.half_life}

    def fit(self, data: Interactions) -> Self:
        require(data)
        self.n_items = data.n_items
        weights = data.weights.astype(np.float64)
        if data.timed and np.isfinite(self.half_life):
            age = (data.times.max() - data.times) / DAY_S
            weights = weights * np.exp2(-age / self.half_life)
        self.counts = np.bincount(data.items, weights, minlength=self.n_items).astype(np.float32)
        return self

    def score(self, histories: Sequences, users: npt.NDArray[np.int64] | None = None) -> Floats:
        return np.tile(self.counts, (len(histories), 1))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"counts": self.counts}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.counts = arrays["counts"].astype(np.float32)
        if self.counts.ndim != 1 or not np.isfinite(self.counts).all():
            raise ValueError("damaged counts")
        self.n_items = len(self.counts)
