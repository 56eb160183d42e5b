"""The rules of asking for a person."""

from __future__ import annotations

import pytest

from shop.errors import InvalidValue
from shop.service import REASONS, STATES, check_reason
from tests.shop.conftest import WORDS


def test_known_reasons_pass_and_others_do_not() -> None:
    assert [check_reason(reason) for reason in REASONS] == list(REASONS)
    with pytest.raises(InvalidValue, match="boredom"):
        check_reason("boredom")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_reason_and_state_has_words(language: str) -> None:
    assert all(WORDS.synonyms("handover_reason", reason, language) for reason in REASONS)
    assert all(WORDS.synonyms("handover_state", state, language) for state in STATES)
