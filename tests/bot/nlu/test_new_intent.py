"""Ten examples a language are enough for a new intent (on the real encoder, four minutes)."""

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
FEW, TRAIN, TEST = 10, 25, 100
#: One training more or less moves a hundred messages by a point or two either way.
TIMES = 4


def accuracy(trained: Trained, place: Path, given: list[Example]) -> float:
    place.mkdir(parents=True)
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
    on_new, losses = [], []
    for time in range(TIMES):
        chance = random.Random(time)
        mixed = {key: chance.sample(groups[key], len(groups[key])) for key in sorted(groups)}
        old, new, old_test, new_test = [], [], [], []
        for lang in ("zh", "en"):
            for intent in OLD:
                old += mixed[intent, lang][:TRAIN]
                old_test += mixed[intent, lang][TRAIN : TRAIN + TEST]
            new += mixed[NEW, lang][:FEW]
            new_test += mixed[NEW, lang][FEW : FEW + TEST]
        options = Options(epochs=15, held_out=0.0, noisy_copies=0, batch_size=16)
        before = train(old, options, folder, progress=lambda step: None)
        after = train([*old, *new], options, folder, progress=lambda step: None)
        place = tmp_path / str(time)
        on_new.append(accuracy(after, place / "new", new_test))
        losses.append(
            accuracy(before, place / "a", old_test) - accuracy(after, place / "b", old_test)
        )
    print(f"on it {np.mean(on_new):.3f}, the others lose {np.mean(losses):.4f}: {losses}")
    assert np.mean(on_new) >= 0.85
    assert np.mean(losses) <= 0.005
