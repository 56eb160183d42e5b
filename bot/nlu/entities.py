"""The one rule by which tagger, patterns and catalogue become entities.

    1. Patterns are law: the units of a match are one entity, of a type that the pattern allows;
       and an e-mail is nothing but what its pattern matches.
    2. The catalogue is advice: a word of it leans its units towards its type by a fixed bonus.
    3. The tagger says the rest, and one Viterbi pass finds the best sequence under all three.

So there is one extractor: spans never overlap, never start or end within a unit, and none is
reported twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.nlu.lookups import Lookup
from bot.nlu.patterns import PATTERN_ONLY, Patterns
from bot.nlu.tags import FORBIDDEN, Span, TagSet
from bot.nlu.units import Read

#: How much more the first type of a pattern weighs than its others, in logits.
FIRST_TYPE = 1.0
#: By whom an entity is signed, as Rasa's extractors sign theirs.
EXTRACTOR = "TransformerNLU"


def find_entities(
    read: Read,
    scores: npt.NDArray[np.float32],
    tagset: TagSet,
    *,
    patterns: Patterns,
    lookup: Lookup,
    bonus: float,
) -> list[dict[str, Any]]:
    """Entities as Rasa wants them.

    Args:
        read: the text.
        scores: [units, tags] of the tagger.
        tagset: the tags.
        patterns, lookup: see above.
        bonus: how much a catalogue word weighs, in logits.
    """
    scores = scores.copy()
    units = read.units[: len(scores)]
    for span in lookup.find(units):
        index = tagset.number(span.entity)
        if index is not None:
            scores[span.first, tagset.begin(index)] += bonus
            scores[span.first + 1 : span.last + 1, tagset.inside(index)] += bonus
    free = np.ones(len(units), bool)
    for match in patterns.find(read.text):
        inside = [
            i
            for i, u in enumerate(units)
            if u.plain_start < match.end and u.plain_end > match.start
        ]
        indices = _numbers(tagset, match.entities)
        if inside and indices:
            _decree(scores, tagset, inside[0], inside[-1], indices)
            free[inside] = False
    for index in _numbers(tagset, PATTERN_ONLY):
        scores[free, tagset.begin(index)] = scores[free, tagset.inside(index)] = FORBIDDEN
    return [_entity(read, span) for span in tagset.decode(scores)]


def _numbers(tagset: TagSet, entities: Iterable[str]) -> list[int]:
    """Those of the types that were trained."""
    return [n for n in map(tagset.number, entities) if n is not None]


def _decree(
    scores: npt.NDArray[np.float32], tagset: TagSet, first: int, last: int, indices: list[int]
) -> None:
    """Leave only the given types for these units, as one span that ends where they end."""
    for place in range(first, last + 1):
        tags = [tagset.begin(i) if place == first else tagset.inside(i) for i in indices]
        kept = scores[place, tags]
        kept[0] += FIRST_TYPE
        scores[place] = FORBIDDEN
        scores[place, tags] = kept
    if last + 1 < len(scores):
        scores[last + 1, [tagset.inside(i) for i in indices]] = FORBIDDEN


def _entity(read: Read, span: Span) -> dict[str, Any]:
    start, end = read.units[span.first].start, read.units[span.last].end
    return {
        "entity": span.entity,
        "start": start,
        "end": end,
        "value": read.original[start:end],
        "confidence_entity": round(span.confidence, 4),
        "extractor": EXTRACTOR,
    }


__all__ = ["EXTRACTOR", "find_entities"]
