"""Ten examples a language are enough for a new intent (on the project's data, 20 minutes)."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from bot.nlu import store
from bot.nlu.examples import Example
from bot.nlu.files import read_placed
from bot.nlu.options import Options
from bot.nlu.training import Trained, train
from shop.errors import EncoderError
from shop.text import encoder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
NEW, FEW = "request_invoice", 10
#: Of the other intents every tenth example is asked, not learned.
ASKED = 10


def accuracy(trained: Trained, place: Path, given: list[Example]) -> float:
    place.mkdir()
    store.write(place, trained, literals={}, max_characters=512)
    model = store.read_model(place, threads=1)
    right = 0
    for example in given:
        answer = model.answer(example.text)
        assert answer is not None
        right += model.intents[int(np.argmax(answer.probabilities))] == example.intent
    return right / len(given)


def test_a_new_intent_is_learned_and_costs_the_others_nothing(tmp_path: Path) -> None:
    chosen = encoder.settings()
    try:
        folder = encoder.prepare(
            chosen.encoder_source, chosen.encoder_folder, progress=lambda step: None
        )
    except EncoderError as error:
        pytest.skip(str(error))
    options = Options()
    placed = [
        p for p in read_placed(Path("data/nlu")) if p.example.intent not in options.literal_intents
    ]
    random.Random(0).shuffle(placed)
    others = [p.example for p in placed if p.example.intent != NEW]
    asked = others[::ASKED]
    learned = [example for place, example in enumerate(others) if place % ASKED]
    new, new_asked = [], []
    for lang in ("zh", "en"):
        given = [p.example for p in placed if p.example.intent == NEW and p.lang == lang]
        new += given[:FEW]
        new_asked += given[FEW:]
    before = train(learned, options, folder)
    after = train([*learned, *new], options, folder)
    on_new = accuracy(after, tmp_path / "new", new_asked)
    loss = accuracy(before, tmp_path / "before", asked) - accuracy(after, tmp_path / "after", asked)
    print(f"on it {on_new:.3f} of {len(new_asked)}, the others lose {loss:.4f} of {len(asked)}")
    assert on_new >= 0.85
    assert loss <= 0.005
