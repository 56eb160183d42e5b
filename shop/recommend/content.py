"""Items whose texts mean the same, by vectors of a sentence encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from shop.errors import InvalidValue
from shop.recommend.base import Recommender
from shop.recommend.interactions import Floats, Interactions, Sequences

_WIDTH = 96


class Content(Recommender):
    """Scores by the cosine with the mean of the history, 0 where it is negative.

    It needs no interactions: a new item is known as soon as it has a text.

    Args:
        decay: what each older item of the history counts, against the one after it.
        embeddings: (n_items, width), any length.
    """

    name = "content"
    #: As given, (n_items, width).
    embeddings: Floats
    #: What tells them apart most, of length 1, (n_items, at most 96).
    vectors: Floats

    def __init__(self, *, decay: float = 0.7, embeddings: Floats | None = None) -> None:
        self.decay = decay
        if embeddings is not None:
            self._take(np.asarray(embeddings, np.float32))

    def _take(self, embeddings: Floats) -> None:
        if embeddings.ndim != 2 or not np.isfinite(embeddings).all():
            raise InvalidValue("embeddings are not a table of numbers")
        # Sentence encoders put all texts into a narrow cone; around its middle they spread.
        self.embeddings = embeddings
        self.middle = embeddings.mean(axis=0)
        centred = embeddings - self.middle
        # What most directions of the many tell of goods is noise; the first hundred answer in a
        # quarter of the time.
        _, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
        self.axes = axes[:, ::-1][:, :_WIDTH].astype(np.float32)
        self.vectors = _unit(centred @ self.axes)
        # Once more, by direction: with all items a product takes a third less time this way round.
        self._directions = np.ascontiguousarray(self.vectors.T)
        self.n_items = len(embeddings)

    def settings(self) -> dict[str, Any]:
        return {"decay": self.decay}

    def fit(self, data: Interactions) -> Self:
        if getattr(self, "vectors", None) is None or self.n_items != data.n_items:
            raise InvalidValue("there is not one embedding for each item")
        return self

    def score(self, histories: Sequences, users: npt.NDArray[np.int64] | None = None) -> Floats:
        return np.maximum(self._means(histories) @ self._directions, 0)

    def _means(self, histories: Sequences) -> Floats:
        """The mean of each history, of length 1, (len(histories), width)."""
        means = np.zeros((len(histories), self.vectors.shape[1]), np.float32)
        for k in range(len(histories)):
            items = histories[k]
            weights = np.float32(self.decay) ** np.arange(len(items) - 1, -1, -1)
            means[k] = weights.astype(np.float32) @ self.vectors[items]
        return _unit(means)

    def near(self, query: Floats) -> Floats:
        """Cosines of all items with the vector of a text, (n_items,)."""
        return _unit(((query - self.middle) @ self.axes)[None])[0] @ self._directions

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        # A byte a number: the angle between two texts keeps its first two digits, and of 20,000
        # products they are 8 MB instead of 15.
        scale = np.maximum(np.abs(self.embeddings).max(axis=1, keepdims=True), 1e-9) / 127
        return {
            "embeddings": np.round(self.embeddings / scale).astype(np.int8),
            "scale": scale.astype(np.float32),
        }

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        try:
            self._take(arrays["embeddings"].astype(np.float32) * arrays["scale"])
        except InvalidValue as exc:
            raise ValueError("damaged embeddings") from exc


def _unit(vectors: Floats) -> Floats:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
