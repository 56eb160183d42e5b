"""Confidences: as sure as right, and a decision of their own on what is out of scope."""

from __future__ import annotations

import numpy as np
import pytest

from bot.nlu import calibration

INTENTS, WIDTH, OUTSIDE = 4, 8, 3


def toy(count: int, *, seed: int, sharpness: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three clusters of intents and what is far from all of them."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, INTENTS, count)
    sentences = chance.standard_normal((count, WIDTH)) * 0.3
    inside = labels != OUTSIDE
    sentences[inside] += np.eye(WIDTH)[labels[inside]] * 2
    logits = sentences[:, :INTENTS] * sharpness + chance.standard_normal((count, INTENTS))
    logits[:, OUTSIDE] = 0
    return logits.astype(np.float32), sentences.astype(np.float32), labels


@pytest.fixture(params=[0.5, 3.0, 10.0])
def fitted(request: pytest.FixtureRequest) -> tuple[calibration.Calibration, float]:
    sharpness = request.param
    found = calibration.fit(
        seen=toy(2000, seed=1, sharpness=sharpness),
        held_out=toy(500, seed=2, sharpness=sharpness),
        intents=INTENTS,
        outside=OUTSIDE,
    )
    return found, sharpness


def test_confidences_sum_to_one_and_are_as_sure_as_right(fitted) -> None:
    found, sharpness = fitted
    logits, sentences, labels = toy(4000, seed=3, sharpness=sharpness)
    chances = found.probabilities(logits, sentences)
    assert np.allclose(chances.sum(1), 1, atol=1e-5)
    right = (chances.argmax(1) == labels).mean()
    assert abs(chances.max(1).mean() - right) < 0.06


def test_what_is_far_from_all_is_out_of_scope(fitted) -> None:
    found, sharpness = fitted
    logits, sentences, labels = toy(2000, seed=4, sharpness=sharpness)
    outside = found.out_of_scope(logits, sentences)
    assert outside[labels == OUTSIDE].mean() > 0.8
    assert outside[labels != OUTSIDE].mean() < 0.2


def test_without_an_out_of_scope_intent_it_is_a_plain_softmax() -> None:
    logits, sentences, labels = toy(300, seed=5, sharpness=1.0)
    found = calibration.fit(
        seen=(logits, sentences, labels),
        held_out=(logits, sentences, labels),
        intents=INTENTS,
        outside=-1,
    )
    scaled = np.exp(logits / found.temperature)
    wanted = scaled / scaled.sum(1, keepdims=True)
    assert np.allclose(found.probabilities(logits, sentences), wanted, atol=1e-5)
