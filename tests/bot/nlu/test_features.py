"""Features: every unit knows its pieces, also where one piece holds several units."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.nlu.features import Featurizer
from bot.nlu.units import read
from shop.text.pieces import prune, read_tokenizer
from tests.hostile_texts import hostile_texts


@pytest.fixture(scope="module")
def featurizer(tiny_folder: Path) -> Featurizer:
    return Featurizer(prune(read_tokenizer(tiny_folder), lower=True).tokenizer(), longest=64)


def test_two_characters_of_one_piece_are_told_apart(featurizer: Featurizer) -> None:
    # The pieces are ▁查订 and 单.
    features = featurizer.features(read("查订单", longest=100))
    assert features.first.tolist() == [1, 1, 2]
    assert features.places.tolist() == [0, 1 + 4, 0 + 4]
    assert len(set(features.unit_ids.tolist())) == 3


def test_a_word_of_several_pieces_is_one_unit(featurizer: Featurizer) -> None:
    # "orders" is ▁order and s.
    features = featurizer.features(read("orders 我", longest=100))
    assert (features.first[0], features.last[0]) == (1, 2)


def test_units_beyond_the_cut_are_left_out(featurizer: Featurizer) -> None:
    features = featurizer.features(read("退 " * 200, longest=512))
    assert len(features.ids) == 64
    assert 0 < len(features.first) <= 62


def test_any_text_has_features_that_fit(featurizer: Featurizer) -> None:
    for text in hostile_texts(300):
        found = read(text, longest=512)
        features = featurizer.features(found)
        assert len(features.first) <= len(found.units)
        assert (features.first <= features.last).all()
        assert not len(features.last) or features.last.max() < len(features.ids) - 1
