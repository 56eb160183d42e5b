"""The rules of orders."""

from __future__ import annotations

import itertools
import random
import re

import pytest

from shop.errors import NotFound
from shop.orders import NEXT, STATES, clean_number, new_number
from shop.settings import ShopSettings
from tests.shop.conftest import WORDS


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("XE0123456789", "XE0123456789"),
        (" xe0123456789\n", "XE0123456789"),
        ("# XE0123456789", "XE0123456789"),
        ("ｘｅ０１２３４５６７８９", "XE0123456789"),
        ("A-1024", "A-1024"),
    ],
)
def test_a_number_is_read_as_it_is_stored(typed: str, number: str) -> None:
    assert clean_number(typed) == number


@pytest.mark.parametrize("typed", ["", "#", "   ", "x" * 41, "XE\x00", "XE\ud800", "XE\u200b1"])
def test_what_can_be_no_number_is_not_found(typed: str) -> None:
    with pytest.raises(NotFound):
        clean_number(typed)


def test_new_numbers_fit_the_pattern_of_the_settings() -> None:
    chance = random.Random(1)

    assert all(re.fullmatch(ShopSettings().order_pattern, new_number(chance)) for _ in range(200))


def test_a_number_says_nothing_about_the_next() -> None:
    chance = random.Random(1)
    numbers = [int(new_number(chance)[2:]) for _ in range(200)]

    assert sorted(numbers) != numbers
    # Ten thousand million possible ones: neighbours are far apart.
    assert min(abs(a - b) for a, b in itertools.pairwise(numbers)) > 1000


def test_states_lead_only_to_states() -> None:
    assert {after for following in NEXT.values() for after in following} <= set(STATES)
    assert NEXT["refunded"] == ()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_state_has_words(language: str) -> None:
    assert all(WORDS.synonyms("order_state", state, language) for state in STATES)
    assert WORDS.codes("order_state") == STATES
