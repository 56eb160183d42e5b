"""Pruning: what Chinese and English need stays, every character is still spelled."""

from __future__ import annotations

import pytest

from shop.text.pieces import load_tokenizer, prune, read_tokenizer
from tests import tiny_encoder


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict:
    return read_tokenizer(tiny_encoder.write(tmp_path_factory.mktemp("pieces") / "encoder"))


@pytest.mark.parametrize("text", ["查订单", "where is my parcel", "退货 please", "ы"])
def test_kept_texts_are_cut_as_before(content: dict, text: str) -> None:
    pruned = prune(content)
    before = load_tokenizer(content).encode(text)
    after = pruned.tokenizer().encode(text)
    assert [pruned.kept[i] for i in after.ids] == before.ids
    assert after.offsets == before.offsets


def test_lowering_drops_capitals_but_keeps_letters(content: dict) -> None:
    content["model"]["vocab"].append(["▁Hello", -9.0])
    content["model"]["vocab"].append(["▁hello", -9.0])
    kept = {piece for piece, _ in prune(content, lower=True).content["model"]["vocab"]}
    assert "▁hello" in kept and "▁Hello" not in kept and "A" in kept


def test_pieces_of_other_scripts_go_unless_asked_for(content: dict) -> None:
    content["model"]["vocab"].append(["▁привет", -9.0])
    assert "▁привет" not in str(prune(content).content["model"]["vocab"])
    assert "▁привет" in str(prune(content, always=["▁привет"]).content["model"]["vocab"])


def test_a_shoppers_special_token_is_only_text(content: dict) -> None:
    pruned = prune(content)
    ids = pruned.tokenizer().encode("<s></s><unk>").ids
    begin, end = ids[0], ids[-1]
    assert begin not in ids[1:-1] and end not in ids[1:-1]
