"""Ten examples a language are enough for a new intent (on the real encoder, a minute)."""

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

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
NEW = "request_invoice"
OLD = ("check_order", "return_item", "ask_points", "greet", "out_of_scope")
FEW, TRAIN, TEST = 10, 25, 20


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
    groups: dict[tuple[str, str], list[Example]] = {}
    for placed in read_placed(Path("data/nlu")):
        if placed.lang in ("zh", "en"):
            groups.setdefault((placed.example.intent, placed.lang), []).append(placed.example)
    for key in sorted(groups):
        random.Random(0).shuffle(groups[key])
    old, new, old_test, new_test = [], [], [], []
    for lang in ("zh", "en"):
        for intent in OLD:
            old += groups[intent, lang][:TRAIN]
            old_test += groups[intent, lang][TRAIN : TRAIN + TEST]
        new += groups[NEW, lang][:FEW]
        new_test += groups[NEW, lang][FEW : FEW + TEST]
    options = Options(epochs=15, held_out=0.0, noisy_copies=0, batch_size=16)
    before = train(old, options, folder, progress=lambda step: None)
    after = train([*old, *new], options, folder, progress=lambda step: None)
    assert accuracy(after, tmp_path / "new", new_test) >= 0.85
    loss = accuracy(before, tmp_path / "a", old_test) - accuracy(after, tmp_path / "b", old_test)
    # Half a point, and one message of the few that are asked here.
    assert loss <= 0.005 + 1 / len(old_test)
