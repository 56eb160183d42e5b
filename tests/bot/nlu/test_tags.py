"""Tags: spans there and back, and only sequences that mean something."""

from __future__ import annotations

import numpy as np
import pytest

from bot.nlu.tags import Span, TagSet

TAGS = TagSet(["color", "size"])
B_COLOR, I_COLOR, B_SIZE, I_SIZE = 1, 2, 3, 4


def scores(*tags: int) -> np.ndarray:
    """Scores that clearly want these tags."""
    return np.eye(TAGS.size, dtype=np.float32)[list(tags)] * 10


@pytest.mark.parametrize(
    "spans",
    [
        [],
        [("color", 0, 0)],
        [("color", 1, 2), ("color", 3, 4)],
        [("size", 0, 1), ("color", 2, 2), ("size", 4, 5)],
    ],
)
def test_spans_come_back_from_their_tags(spans: list[tuple[str, int, int]]) -> None:
    wanted = [Span(*span) for span in spans]
    found = TAGS.decode(scores(*TAGS.encode(wanted, 6)))
    assert [(s.entity, s.first, s.last) for s in found] == spans


def test_an_inside_without_a_beginning_is_not_allowed() -> None:
    wishes = scores(0, I_COLOR, 0)
    wishes[1, B_COLOR] = 9
    assert [(s.entity, s.first, s.last) for s in TAGS.decode(wishes)] == [("color", 1, 1)]


def test_a_span_does_not_change_its_type() -> None:
    wishes = scores(B_COLOR, I_SIZE)
    wishes[1, I_COLOR] = 9
    assert [(s.entity, s.first, s.last) for s in TAGS.decode(wishes)] == [("color", 0, 1)]


def test_learned_transitions_decide_where_the_scores_are_near() -> None:
    wishes = scores(B_SIZE, B_SIZE)
    wishes[1, I_SIZE] = 9
    assert len(TAGS.decode(wishes)) == 2
    learned = np.zeros((TAGS.size, TAGS.size), np.float32)
    learned[B_SIZE, B_SIZE] = -2
    (span,) = TagSet(TAGS.entities, learned).decode(wishes)
    assert (span.entity, span.first, span.last) == ("size", 0, 1)


def test_no_units_no_spans() -> None:
    assert TAGS.decode(np.zeros((0, TAGS.size), np.float32)) == []


def test_a_span_is_as_sure_as_its_weakest_unit() -> None:
    wishes = scores(B_COLOR, I_COLOR)
    wishes[1] /= 5
    (span,) = TAGS.decode(wishes)
    assert 0.3 < span.confidence < 0.9
