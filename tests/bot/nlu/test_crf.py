"""The conditional random field against a sum over every sequence there is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

import pytest
import torch

from bot.nlu.crf import surprise

TAGS = 3


@pytest.mark.parametrize("units", [1, 2, 4])
def test_it_is_the_logarithm_of_the_right_sequences_share_of_all(units: int) -> None:
    chance = torch.Generator().manual_seed(units)
    scores = torch.randn(units, TAGS, generator=chance)
    transitions = torch.randn(TAGS, TAGS, generator=chance)

    def score(tags: Sequence[int]) -> torch.Tensor:
        parts = [scores[place, tag] for place, tag in enumerate(tags)]
        return torch.stack(parts + [transitions[a, b] for a, b in pairwise(tags)]).sum()

    every = list(product(range(TAGS), repeat=units))
    total = torch.logsumexp(torch.stack([score(tags) for tags in every]), 0)
    for right in every:
        found = surprise(
            scores[None], transitions, torch.tensor([right]), torch.ones(1, units, dtype=torch.bool)
        )
        assert torch.allclose(found, (total - score(right))[None], atol=1e-5)


def test_what_stands_beyond_a_text_counts_for_nothing() -> None:
    scores, transitions = torch.randn(3, 5, TAGS), torch.randn(TAGS, TAGS)
    tags = torch.tensor([[0, 1, 2, 0, 1], [1, 2, -100, -100, -100], [-100] * 5])
    mask = tags >= 0
    together = surprise(scores, transitions, tags, mask)
    alone = surprise(scores[1:2, :2], transitions, tags[1:2, :2], mask[1:2, :2])
    assert torch.allclose(together[1], alone[0], atol=1e-5)
    assert together[2] == 0


def test_it_teaches_a_transition_that_the_scores_cannot_tell() -> None:
    scores = torch.zeros(1, 6, 2)
    tags = torch.tensor([[0, 1, 0, 1, 0, 1]])
    transitions = torch.zeros(2, 2, requires_grad=True)
    surprise(scores, transitions, tags, tags >= 0).sum().backward()
    assert transitions.grad is not None
    assert transitions.grad[0, 1] < 0 < transitions.grad[0, 0]
