"""Sequence-aware recommenders: what follows what."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from shop.errors import InvalidValue
from shop.recommend.interactions import Interactions
from shop.recommend.links import LinkRecommender, keep_strongest
from shop.recommend.parallel import in_order

#: Items whose chains are made at once: hundreds of thousands of pairs, some 50 MB.
_PIECE = 500


class NextItem(LinkRecommender):
    """How often an item came after another one in the same history, soon after counting most.

    Args:
        decay, keep: as in LinkRecommender.
        reach: how many steps after an item still count.
        fading: what each further step counts, against the one before.
        doubt: added to how often anything followed, so that one observation is no certainty.
    """

    name = "next-item"

    def __init__(
        self,
        *,
        decay: float = 0.7,
        keep: int = 200,
        reach: int = 10,
        fading: float = 0.7,
        doubt: float = 5.0,
    ) -> None:
        super().__init__(decay=decay, keep=keep)
        if reach < 1:
            raise InvalidValue(f"reach {reach} is below 1")
        self.reach = reach
        self.fading = fading
        self.doubt = doubt

    def settings(self) -> dict[str, Any]:
        own = {"reach": self.reach, "fading": self.fading, "doubt": self.doubt}
        return {**super().settings(), **own}

    def learn(self, data: Interactions) -> sp.csr_matrix:
        counts = sp.csr_matrix((data.n_items, data.n_items), dtype=np.float32)
        for step in range(1, self.reach + 1):
            same = data.users[:-step] == data.users[step:]
            before, after = data.items[:-step][same], data.items[step:][same]
            weight = np.full(len(before), self.fading ** (step - 1), np.float32)
            counts = counts + sp.csr_matrix((weight, (before, after)), counts.shape)
        total = np.asarray(counts.sum(axis=1)).ravel() + self.doubt
        return sp.diags((1 / total).astype(np.float32)) @ counts


class TwoSteps(LinkRecommender):
    """Items two links of `NextItem` away: it knows more pairs than were ever seen together."""

    name = "two-steps"

    def learn(self, data: Interactions) -> sp.csr_matrix:
        once = NextItem(keep=self.keep).fit(data).links
        return chain(once, self.keep)


def chain(links: sp.csr_matrix, keep: int) -> sp.csr_matrix:
    """Two links after each other, in pieces, since few of the many pairs are kept."""

    def piece(first: int) -> sp.csr_matrix:
        return keep_strongest(links[first : first + _PIECE] @ links, keep, first=first)

    return sp.csr_matrix(sp.vstack([*in_order(piece, range(0, links.shape[0], _PIECE))]))
