"""Explanations: the parts add up, and the telling word tells most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.nlu import store
from bot.nlu.attribution import Explainer
from bot.nlu.examples import Example
from bot.nlu.explain import as_html, as_text
from bot.nlu.options import Options
from bot.nlu.training import train

EXAMPLES = [Example(f"{a}{b}", "return") for a in ("我要", "请帮我", "my ") for b in ("退货", "退")]
EXAMPLES += [Example(f"{a}{b}", "find") for a in ("我要", "请帮我", "my ") for b in ("买鞋", "鞋")]


@pytest.fixture(scope="module", params=[2, 1], ids=["all layers", "the lower layer"])
def folder(
    request: pytest.FixtureRequest, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    options = Options(
        epochs=40, layers=request.param, trained_layers=1, held_out=0.0, noisy_copies=0,
        least_examples=0, head_learning_rate=1e-2, learning_rate=3e-3, batch_size=4,
        precision="float32",
    )  # fmt: skip
    place = tmp_path_factory.mktemp("model")
    trained = train(EXAMPLES, options, tiny_folder, progress=lambda step: None)
    store.write(place, trained, literals={}, max_characters=512)
    return place


def test_the_telling_word_tells_most(folder: Path, tiny_folder: Path) -> None:
    found = Explainer(folder, tiny_folder).explain("请帮我退货", "return")
    assert found is not None
    words = [unit.text for unit in found.read.units]
    assert words[int(np.argmax(found.parts))] in ("退", "货")
    assert found.gap < 0.05


def test_the_float_network_is_the_served_one(folder: Path, tiny_folder: Path) -> None:
    explainer = Explainer(folder, tiny_folder)
    model = store.read_model(folder, threads=1)
    for example in EXAMPLES:
        answer = model.answer(example.text)
        assert answer is not None
        logits = explainer.logits(example.text)
        assert np.abs(answer.logits - logits).max() < 0.35
        assert answer.logits.argmax() == logits.argmax()


def test_nothing_to_read_is_nothing_to_explain(folder: Path, tiny_folder: Path) -> None:
    assert Explainer(folder, tiny_folder).explain("  ", "return") is None


def test_both_views_show_ranking_entities_and_words(folder: Path, tiny_folder: Path) -> None:
    found = Explainer(folder, tiny_folder).explain("退<b>", "return")
    parsed = {
        "text": "退<b>",
        "intent_ranking": [{"name": "return", "confidence": 0.9}],
        "entities": [{"entity": "color", "value": "<b>", "start": 1, "end": 4}],
    }
    text = as_text(parsed, found, colour=False)
    assert "return" in text and "integrated gradients" in text and "color" in text
    html = as_html(parsed, found)
    assert "<b>" not in html and "&lt;" in html and "arXiv:1703.01365" in html
