"""A linear-chain conditional random field over the tags of a text, for training.

The tagger scores each unit; learned transitions score each pair of neighbours, so that spans are
learned as wholes and are not split or half of another type. Serving finds the best sequence by
Viterbi (`bot.nlu.tags`). Lample et al., "Neural Architectures for Named Entity Recognition"
(NAACL 2016), section 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: No sum is less, which keeps its logarithm finite.
_LEAST = 1e-30


def surprise(scores: Tensor, transitions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
    """How unlikely the right tags are, in nats a text: [texts].

    Args:
        scores: [texts, units, tags] of the tagger.
        transitions: [tags, tags] from a tag (row) to the next (column).
        tags: [texts, units] the right ones; whatever where there is no unit.
        mask: [texts, units] true where there is a unit; a text's units come first.
    """
    tags = tags.clamp(min=0)
    own = scores.gather(2, tags[:, :, None])[:, :, 0]
    steps = transitions[tags[:, :-1], tags[:, 1:]]
    right = (own * mask).sum(1) + (steps * mask[:, 1:]).sum(1)
    # Over all sequences, place by place, as chances that are made to sum to one: a product of small
    # matrices is six times faster here than sums of logarithms.
    most = scores.detach().amax(2)
    weights = torch.exp(scores - most[:, :, None])
    follow = torch.exp(transitions)
    chances, sums = weights[:, 0], []
    for place in range(scores.shape[1]):
        if place:
            further = (chances @ follow) * weights[:, place]
            chances = torch.where(mask[:, place, None], further, chances)
        sums.append(chances.sum(1).clamp(min=_LEAST))
        chances = chances / sums[-1][:, None]
    every = (torch.log(torch.stack(sums, 1)) + most * mask).sum(1)
    return torch.where(mask[:, 0], every - right, 0.0)
