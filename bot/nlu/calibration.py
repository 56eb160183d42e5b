"""From logits to confidences: a temperature, and how likely a message is out of scope.

The temperature is fitted on held-out examples (Guo et al. 2017, https://arxiv.org/abs/1706.04599).

Whether a message is out of scope is a decision of its own: a small logistic regression, fitted on
the same examples, over four signs: the margin of the out-of-scope logit over the best other one,
the energy of the others (Liu et al. 2020, https://arxiv.org/abs/2010.03759), the cosine to the
nearest intent's mean, and how much nearer the closest out-of-scope examples are. An intent's
confidence is then P(in scope) x P(intent | in scope), so that the ranking sums to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """Fitted numbers.

    Attributes:
        outside: index of the out-of-scope intent, -1 where there is none.
        temperature: what logits are divided by.
        means: [intents in scope, width] unit vectors, the mean sentence of each.
        examples: [n, width] unit vectors of out-of-scope examples.
        centre: [width] mean of all sentences, subtracted first.
        weights, bias: of the logistic regression, over standardized signs.
    """

    outside: int
    temperature: float
    means: Floats
    examples: Floats
    centre: Floats
    weights: Floats
    bias: float

    def probabilities(self, logits: Floats, sentence: Floats) -> Floats:
        """Confidences [n, intents] for logits [n, intents] and sentences [n, width]."""
        scaled = logits / self.temperature
        if self.outside < 0:
            return _softmax(scaled)
        inside = scaled.copy()
        inside[:, self.outside] = -np.inf
        chances = _softmax(inside)
        outside = self.out_of_scope(logits, sentence)
        chances *= (1 - outside)[:, None]
        chances[:, self.outside] = outside
        return chances

    def out_of_scope(self, logits: Floats, sentence: Floats) -> Floats:
        """How likely each text is out of scope: [n]."""
        z = self.signs(logits, sentence) @ self.weights + self.bias
        result: Floats = (1 / (1 + np.exp(-np.clip(z, -30, 30)))).astype(np.float32)
        return result

    def signs(self, logits: Floats, sentence: Floats) -> Floats:
        """The four signs: [n, 4]."""
        return _signs(logits, sentence, self.outside, self.means, self.examples, self.centre)


def _softmax(logits: Floats) -> Floats:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return result


def _unit(vectors: Floats) -> Floats:
    result: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return result


def _signs(
    logits: Floats, sentence: Floats, outside: int, means: Floats, examples: Floats, centre: Floats
) -> Floats:
    others = np.delete(logits, outside, axis=1)
    top = others.max(axis=1)
    energy = top + np.log(np.exp(others - top[:, None]).sum(axis=1))
    vectors = _unit(sentence - centre)
    near = (vectors @ means.T).max(axis=1)
    if len(examples):
        closest = -min(3, len(examples))
        cosines = np.partition(vectors @ examples.T, closest, axis=1)[:, closest:].mean(axis=1)
    else:
        cosines = np.zeros(len(vectors), np.float32)
    return np.stack([logits[:, outside] - top, energy, near, cosines - near], axis=1)


def fit(
    *,
    seen: tuple[Floats, Floats, npt.NDArray[Any]],
    held_out: tuple[Floats, Floats, npt.NDArray[Any]],
    intents: int,
    outside: int,
) -> Calibration:
    """Fit on what the model says of the training examples and of those kept aside.

    Args:
        seen, held_out: logits, sentences and the true intents' numbers of each.
        intents: how many there are.
        outside: the number of the out-of-scope intent, -1 for none.
    """
    _, sentences, labels = seen
    centre = sentences.mean(axis=0)
    vectors = _unit(sentences - centre)
    means = np.zeros((intents, vectors.shape[1]), np.float32)
    np.add.at(means, labels, vectors)
    means = _unit(means if outside < 0 else np.delete(means, outside, axis=0))
    examples = vectors[labels == outside][:1500]
    logits, sentences, labels = held_out
    temperature = _temperature(logits, labels, outside) if len(labels) else 1.0
    weights, bias = np.array([1, 0, 0, 0], np.float32), 0.0
    if outside >= 0 and (labels == outside).any() and (labels != outside).any():
        signs = _signs(logits, sentences, outside, means, examples, centre)
        weights, bias = _logistic(signs, (labels == outside).astype(np.float32))
    return Calibration(
        outside=outside,
        temperature=temperature,
        means=means,
        examples=examples,
        centre=centre,
        weights=weights,
        bias=bias,
    )


def _temperature(logits: Floats, labels: npt.NDArray[Any], outside: int) -> float:
    """Fitted on what is in scope, and among the intents that are."""
    from scipy.optimize import minimize_scalar

    if outside >= 0:
        logits, labels = logits[labels != outside].copy(), labels[labels != outside]
        logits[:, outside] = -1e9

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        top = scaled.max(axis=1)
        norm = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float((norm - scaled[np.arange(len(labels)), labels]).mean())

    found = minimize_scalar(loss, bounds=(-3, 3), method="bounded")
    return float(np.exp(found.x))


def _logistic(signs: Floats, target: Floats) -> tuple[Floats, float]:
    from scipy.optimize import minimize

    centre, spread = signs.mean(axis=0), signs.std(axis=0) + 1e-6
    x = (signs - centre) / spread

    def loss(w: npt.NDArray[Any]) -> float:
        z = x @ w[:-1] + w[-1]
        # A little ridge: there are few held-out examples, and they are easily told apart.
        return float(np.mean(np.logaddexp(0, z) - target * z) + 0.001 * (w[:-1] ** 2).sum())

    found = minimize(loss, np.zeros(x.shape[1] + 1), method="L-BFGS-B").x
    weights = found[:-1] / spread
    return weights.astype(np.float32), float(found[-1] - (weights * centre).sum())
