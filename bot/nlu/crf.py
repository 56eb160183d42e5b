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
_LEAST = 1e-37


def negative_log_likelihood(
    scores: Tensor, transitions: Tensor, start: Tensor, tags: Tensor, mask: Tensor
) -> Tensor:
    """How unlikely the right tags are, in nats a text: [texts].

    Args:
        scores: [texts, units, tags] of the tagger.
        transitions: [tags, tags] from a tag (row) to the next (column).
        start: [tags] to a text's first tag.
        tags: [texts, units] the right ones; whatever where there is no unit.
        mask: [texts, units] true where there is a unit; a text's units come first.
    """
    tags = tags.clamp(min=0)
    own = scores.gather(2, tags[:, :, None])[:, :, 0]
    steps = transitions[tags[:, :-1], tags[:, 1:]]
    right = start[tags[:, 0]] + (own * mask).sum(1) + (steps * mask[:, 1:]).sum(1)
    follow = torch.exp(transitions)
    forward = start + scores[:, 0]
    for place in range(1, scores.shape[1]):
        # The sum over the tag before, as a product of small matrices: four times faster here than
        # by `logsumexp`.
        most = forward.detach().amax(1, keepdim=True)
        reached = (torch.exp(forward - most) @ follow).clamp(min=_LEAST)
        further = torch.log(reached) + most + scores[:, place]
        forward = torch.where(mask[:, place, None], further, forward)
    log_partition = torch.logsumexp(forward, dim=1)
    return torch.where(mask[:, 0], log_partition - right, 0.0)
