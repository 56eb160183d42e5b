"""The conditional random field against a sum over every sequence there is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

import pytest
import torch

from bot.nlu.crf import negative_log_likelihood

TAGS = 3


@pytest.mark.parametrize("spread", [1, 60])
@pytest.mark.parametrize("units", [1, 2, 4])
def test_it_is_the_logarithm_of_the_right_sequences_share_of_all(units: int, spread: float) -> None:
    chance = torch.Generator().manual_seed(units)
    scores = spread * torch.randn(units, TAGS, generator=chance)
    transitions = torch.randn(TAGS, TAGS, generator=chance)
    start = torch.randn(TAGS, generator=chance)

    def score(tags: Sequence[int]) -> torch.Tensor:
        parts = [scores[place, tag] for place, tag in enumerate(tags)]
        parts += [transitions[a, b] for a, b in pairwise(tags)]
        return torch.stack([start[tags[0]], *parts]).sum()

    every = list(product(range(TAGS), repeat=units))
    total = torch.logsumexp(torch.stack([score(tags) for tags in every]), 0)
    mask = torch.ones(1, units, dtype=torch.bool)
    for right in every:
        tags = torch.tensor([right])
        found = negative_log_likelihood(scores[None], transitions, start, tags, mask)
        assert torch.allclose(found, (total - score(right))[None], atol=1e-5 * spread)


def test_what_stands_beyond_a_text_counts_for_nothing() -> None:
    scores, transitions, start = torch.randn(3, 5, TAGS), torch.randn(TAGS, TAGS), torch.randn(TAGS)
    tags = torch.tensor([[0, 1, 2, 0, 1], [1, 2, -100, -100, -100], [-100] * 5])
    mask = tags >= 0
    together = negative_log_likelihood(scores, transitions, start, tags, mask)
    alone = negative_log_likelihood(
        scores[1:2, :2], transitions, start, tags[1:2, :2], mask[1:2, :2]
    )
    assert torch.allclose(together[1], alone[0], atol=1e-5)
    assert together[2] == 0


def test_it_teaches_a_transition_that_the_scores_cannot_tell() -> None:
    scores, start = torch.zeros(1, 6, 2), torch.zeros(2)
    tags = torch.tensor([[0, 1, 0, 1, 0, 1]])
    transitions = torch.zeros(2, 2, requires_grad=True)
    negative_log_likelihood(scores, transitions, start, tags, tags >= 0).sum().backward()
    assert transitions.grad is not None
    assert transitions.grad[0, 1] < 0 < transitions.grad[0, 0]


def test_scores_that_lie_far_apart_still_teach() -> None:
    scores = torch.tensor([[[0.0, 200.0], [200.0, 0.0], [0.0, 200.0]]], requires_grad=True)
    tags, mask = torch.tensor([[0, 1, 0]]), torch.ones(1, 3, dtype=torch.bool)
    nothing = torch.zeros(2, 2)
    loss = negative_log_likelihood(scores, nothing, nothing[0], tags, mask).sum()
    loss.backward()
    assert loss.item() == pytest.approx(600)
    assert scores.grad is not None and scores.grad.isfinite().all()
