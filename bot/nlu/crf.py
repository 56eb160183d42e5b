"""A linear-chain conditional random field over the tags of a text, for training.

The tagger scores each unit; learned transitions score each pair of neighbours, so that spans are
learned as wholes and are not split or half of another type. Serving finds the best sequence by
Viterbi (`bot.nlu.tags`). Lample et al., "Neural Architectures for Named Entity Recognition"
(NAACL 2016), section 2.
"""

from __future__ import annotations

import torch
from torch import Tensor


def surprise(scores: Tensor, transitions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
    """How unlikely the right tags are, in nats a text: [texts].

    Args:
        scores: [texts, units, tags] of the tagger.
        transitions: [tags, tags] from a tag (row) to the next (column).
        tags: [texts, units] the right ones; whatever where there is no unit.
        mask: [texts, units] true where there is a unit; a text's units come first.
    """
    tags = tags.clamp(min=0)
    right = scores.gather(2, tags[:, :, None])[:, :, 0]
    right[:, 1:] += transitions[tags[:, :-1], tags[:, 1:]]
    right = (right * mask).sum(1)
    every = scores[:, 0]
    for place in range(1, scores.shape[1]):
        further = torch.logsumexp(every[:, :, None] + transitions, dim=1) + scores[:, place]
        every = torch.where(mask[:, place, None], further, every)
    everything = torch.logsumexp(every, dim=1)
    return torch.where(mask[:, 0], everything - right, 0.0)
