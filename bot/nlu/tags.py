"""Tags of units and back: BIO, and the best allowed sequence by Viterbi."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
OUTSIDE = 0
FORBIDDEN = np.float32(-1e4)


@dataclass(frozen=True)
class Span:
    """Units `first` to `last` (inclusive) are an entity of this type."""

    entity: str
    first: int
    last: int
    confidence: float = 1.0


def touching(texts: Iterable[Sequence[Span]]) -> set[str]:
    """Types of which two spans stand side by side in one of the texts."""
    found = set()
    for spans in texts:
        ends = {(span.entity, span.last + 1) for span in spans}
        found |= {span.entity for span in spans if (span.entity, span.first) in ends}
    return found


class TagSet:
    """Tags of the entity types: 0 outside, then B and I of each type in order.

    Args:
        entities: names of the types.
        touching: those of which two may stand side by side with nothing between (瓜子花生), as
            examples show. Of the others what touches is one: "EOS R50" is no two products.
    """

    def __init__(self, entities: Sequence[str], touching: Collection[str] = ()) -> None:
        """Number the tags."""
        self.entities = tuple(entities)
        self.touching = tuple(sorted(touching))
        self.size = 1 + 2 * len(self.entities)
        self._number = {name: index for index, name in enumerate(self.entities)}
        # allowed[i, j]: may tag j follow tag i?
        allowed = np.zeros((self.size, self.size), np.float32)
        for index, name in enumerate(self.entities):
            begin, inside = self.begin(index), self.inside(index)
            allowed[:, inside] = FORBIDDEN
            allowed[[begin, inside], inside] = 0
            if name not in touching:
                allowed[[begin, inside], begin] = FORBIDDEN
        self._transitions = allowed
        self._start = allowed[OUTSIDE]

    @staticmethod
    def begin(index: int) -> int:
        """Tag of an entity's first unit."""
        return 1 + 2 * index

    @staticmethod
    def inside(index: int) -> int:
        """Tag of an entity's further units."""
        return 2 + 2 * index

    def number(self, entity: str) -> int | None:
        """Which type it is; None for one that was not trained."""
        return self._number.get(entity)

    def encode(self, spans: Iterable[Span], units: int) -> list[int]:
        """Tags of all units for these spans."""
        tags = [OUTSIDE] * units
        for span in spans:
            index = self._number[span.entity]
            tags[span.first] = self.begin(index)
            for place in range(span.first + 1, span.last + 1):
                tags[place] = self.inside(index)
        return tags

    def decode(self, scores: Scores) -> list[Span]:
        """The spans of the best allowed sequence.

        Args:
            scores: [units, tags] logits.
        """
        if not len(scores) or not scores.argmax(axis=1).any():
            return []
        tags = self._best(scores)
        shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances = shifted / shifted.sum(axis=1, keepdims=True)
        spans = []
        first = 0
        while first < len(tags):
            tag = tags[first]
            last = first
            if tag != OUTSIDE:
                index = (tag - 1) // 2
                while last + 1 < len(tags) and tags[last + 1] == self.inside(index):
                    last += 1
                # Its weakest unit says how sure the span is.
                sure = min(
                    float(chances[place, [self.begin(index), self.inside(index)]].sum())
                    for place in range(first, last + 1)
                )
                spans.append(Span(self.entities[index], first, last, sure))
            first = last + 1
        return spans

    def _best(self, scores: Scores) -> list[int]:
        best = scores[0] + self._start
        back = np.zeros(scores.shape, np.int64)
        for place in range(1, len(scores)):
            candidates = best[:, None] + self._transitions
            back[place] = candidates.argmax(axis=0)
            best = candidates.max(axis=0) + scores[place]
        tags = [int(best.argmax())]
        for place in range(len(scores) - 1, 0, -1):
            tags.append(int(back[place, tags[-1]]))
        return tags[::-1]
