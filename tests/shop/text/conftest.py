"""The project's own words, as designers wrote them."""

from __future__ import annotations

import pytest

from shop.text.words import Words, shop_words


@pytest.fixture(scope="session")
def words() -> Words:
    return shop_words()
