"""Tags of units and back: BIO, and the best allowed sequence by Viterbi."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

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


class TagSet:
    """Tags of the entity types: 0 outside, then B and I of each type in order.

    Args:
        entities: names of the types.
        transitions: [tags, tags] how well a tag (row) goes with the next (column), in logits, as
            was learned; all alike where not given. What means nothing is forbidden in any case.

    Attributes:
        allowed: [tags, tags] nought where a tag may follow another, else `FORBIDDEN`.
    """

    def __init__(self, entities: Sequence[str], transitions: Scores | None = None) -> None:
        """Number the tags."""
        self.entities = tuple(entities)
        self.size = 1 + 2 * len(self.entities)
        self._number = {name: index for index, name in enumerate(self.entities)}
        # allowed[i, j]: may tag j follow tag i?
        allowed = np.zeros((self.size, self.size), np.float32)
        for index in range(len(self.entities)):
            begin, inside = self.begin(index), self.inside(index)
            allowed[:, inside] = FORBIDDEN
            allowed[[begin, inside], inside] = 0
        self.allowed = allowed
        self._transitions = allowed if transitions is None else allowed + transitions
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
        if not len(scores):
            return []
        found = self.spans(self._best(scores))
        shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances = shifted / shifted.sum(axis=1, keepdims=True)

        def confidence(span: Span) -> float:
            """That of its weakest unit, by the unit's own scores and without its neighbours."""
            index = self._number[span.entity]
            own = chances[span.first : span.last + 1, [self.begin(index), self.inside(index)]]
            return float(own.sum(axis=1).min())

        return [replace(span, confidence=confidence(span)) for span in found]

    def spans(self, tags: Sequence[int]) -> list[Span]:
        """The spans of an allowed sequence."""
        found = []
        first = 0
        while first < len(tags):
            last = first
            if tags[first] != OUTSIDE:
                index = (tags[first] - 1) // 2
                while last + 1 < len(tags) and tags[last + 1] == self.inside(index):
                    last += 1
                found.append(Span(self.entities[index], first, last))
            first = last + 1
        return found

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
