"""The rules of shipping."""

from __future__ import annotations

import pytest

from shop.errors import NotFound
from shop.shipping import STATE_AFTER, STATES, clean_tracking_number
from tests.shop.conftest import WORDS


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("SF1234567890123", "SF1234567890123"),
        (" sf 1234-5678-90123 ", "SF1234567890123"),
        ("ＹＴ１２３４５６７８９０１２３", "YT1234567890123"),
        ("1Z999AA10123456784", "1Z999AA10123456784"),
    ],
)
def test_a_number_is_read_as_it_is_stored(typed: str, number: str) -> None:
    assert clean_tracking_number(typed) == number


@pytest.mark.parametrize("typed", ["", " - ", "1" * 41, "SF123;DROP", "单号", "SF\x001"])
def test_what_can_be_no_number_is_not_found(typed: str) -> None:
    with pytest.raises(NotFound):
        clean_tracking_number(typed)


def test_events_leave_a_parcel_in_a_known_state() -> None:
    assert set(STATE_AFTER.values()) == set(STATES)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_state_and_event_has_words(language: str) -> None:
    assert all(WORDS.synonyms("parcel_state", state, language) for state in STATES)
    assert all(WORDS.synonyms("parcel_event", event, language) for event in STATE_AFTER)
