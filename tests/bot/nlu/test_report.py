"""The designers' page finds a mislabelled example and says where it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bot.nlu.examples import Example
from bot.nlu.files import Placed
from bot.nlu.report import examine, page


def test_a_mislabelled_example_is_the_most_suspicious() -> None:
    chance = np.random.default_rng(0)
    placed, vectors = [], []
    for number, intent in enumerate(("return_item", "check_order", "greet")):
        for line in range(30):
            placed.append(Placed(Example(f"{intent} {line} <b>", intent), Path("a.zh.yml"), line))
            vectors.append(np.eye(12)[number] * 3 + chance.standard_normal(12) * 0.3)
    placed[5] = Placed(Example("wrong", "greet"), Path("b.en.yml"), 77)
    findings = examine(placed, np.array(vectors))
    own = findings.chances[np.arange(len(placed)), findings.labels]
    assert own.argmin() == 5
    assert findings.intents[findings.chances[5].argmax()] == "return_item"
    text = page(findings)
    assert "wrong <small>b.en.yml:77</small>" in text
    assert "<b>" not in text and "&lt;b&gt;" in text
