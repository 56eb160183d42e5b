"""A small model that orders candidates by several scores at once; NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from shop.recommend.interactions import Floats

_SMALL = np.float32(0.02)


@dataclass(frozen=True)
class Groups:
    """Candidates of many users, one after another.

    Attributes:
        values: signals of each candidate, none negative, (candidates, signals).
        starts: `values[starts[g]:starts[g + 1]]` are of user g, (users + 1,).
        chosen: which of a user's candidates was chosen, counted within the group, (users,).
    """

    values: Floats
    starts: npt.NDArray[np.int64]
    chosen: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.chosen)


class Ranker:
    """One hidden layer over roots and logarithms of the signals, trained so that the item chosen
    gets the greatest share of the softmax over the user's candidates.

    Args:
        hidden: units of the hidden layer.
        epochs, batch, rate: of Adam; the rate falls to 0 along a cosine.
        seed: of the start and the order of users.
    """

    def __init__(
        self,
        *,
        hidden: int = 32,
        epochs: int = 10,
        batch: int = 64,
        rate: float = 5e-3,
        seed: int = 0,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.seed = seed

    def fit(self, groups: Groups, progress: Callable[[str], None] = lambda _: None) -> Self:
        """Learn from users whose chosen item is known."""
        values = groups.values
        sums = values.sum(axis=0)
        # The mean of what is above 0: a typical value where a source knows the item at all.
        self.scale = (sums / np.maximum((values > 0).sum(axis=0), 1) + 1e-9).astype(np.float32)
        inputs = self._transform(values)
        self.mean, self.spread = inputs.mean(axis=0), inputs.std(axis=0) + np.float32(1e-6)
        inputs -= self.mean
        inputs /= self.spread
        rng = np.random.default_rng(self.seed)
        width = inputs.shape[1]
        bound = 1 / np.sqrt(width)
        self.weights = [
            rng.uniform(-bound, bound, (width, self.hidden)).astype(np.float32),
            np.zeros(self.hidden, np.float32),
            (rng.uniform(-1, 1, self.hidden) / np.sqrt(self.hidden)).astype(np.float32),
        ]
        steps = self.epochs * -(-len(groups) // self.batch)
        first = [np.zeros_like(w) for w in self.weights]
        second = [np.zeros_like(w) for w in self.weights]
        step = 0
        for epoch in range(self.epochs):
            loss = 0.0
            order = rng.permutation(len(groups))
            for begin in range(0, len(order), self.batch):
                some = order[begin : begin + self.batch]
                lengths = groups.starts[some + 1] - groups.starts[some]
                starts = np.concatenate([[0], np.cumsum(lengths)])
                places = np.arange(starts[-1]) + np.repeat(
                    groups.starts[some] - starts[:-1], lengths
                )
                part, gradients = self._gradients(
                    inputs[places], starts[:-1], lengths, starts[:-1] + groups.chosen[some]
                )
                loss += part
                step += 1
                rate = self.rate * 0.5 * (1 + np.cos(np.pi * step / steps))
                for w, g, m, v in zip(self.weights, gradients, first, second, strict=True):
                    m += 0.1 * (g - m)
                    v += 0.001 * (g * g - v)
                    w -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
            progress(f"ranker {epoch + 1}/{self.epochs}: loss {loss / max(len(groups), 1):.3f}")
        return self

    def score(self, values: Floats) -> Floats:
        """Scores of candidates, (candidates,); their differences are logits of being chosen."""
        inputs = (self._transform(values) - self.mean) / self.spread
        layer, bias, out = self.weights
        return np.maximum(inputs @ layer + bias, 0) @ out

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All it has learned."""
        names = ("layer", "bias", "out")
        own = {f"ranker_{n}": w for n, w in zip(names, self.weights, strict=True)}
        about = {"scale": self.scale, "mean": self.mean, "spread": self.spread}
        return {**own, **{f"ranker_{name}": array for name, array in about.items()}}

    @classmethod
    def restored(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """From what `arrays` gave. Raises: KeyError, ValueError."""
        ranker = cls(hidden=len(arrays["ranker_bias"]))
        ranker.weights = [arrays[f"ranker_{name}"] for name in ("layer", "bias", "out")]
        ranker.scale = arrays["ranker_scale"]
        ranker.mean, ranker.spread = arrays["ranker_mean"], arrays["ranker_spread"]
        if not all(np.isfinite(array).all() for array in ranker.arrays().values()):
            raise ValueError("damaged ranker")
        ranker.score(np.zeros((1, len(ranker.scale)), np.float32))
        return ranker

    def _transform(self, values: Floats) -> Floats:
        relative = values / self.scale
        return np.concatenate([np.sqrt(relative), np.log(relative + _SMALL)], axis=1)

    def _gradients(
        self,
        inputs: Floats,
        starts: npt.NDArray[np.int64],
        lengths: npt.NDArray[np.int64],
        chosen: npt.NDArray[np.int64],
    ) -> tuple[float, list[Floats]]:
        """The summed loss of some users and the gradients of its mean."""
        layer, bias, out = self.weights
        hidden = np.maximum(inputs @ layer + bias, 0)
        scores = hidden @ out
        scores -= np.repeat(np.maximum.reduceat(scores, starts), lengths)
        shares = np.exp(scores)
        totals = np.add.reduceat(shares, starts)
        loss = float((np.log(totals) - scores[chosen]).sum())
        shares /= np.repeat(totals, lengths)
        shares[chosen] -= 1
        shares /= len(starts)
        back = shares[:, None] * out
        back[hidden <= 0] = 0
        return loss, [inputs.T @ back, back.sum(axis=0), hidden.T @ shares]
