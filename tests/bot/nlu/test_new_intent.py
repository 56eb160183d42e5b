"""Ten examples a language are enough for a new intent (on the project's data, 15 minutes)."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from bot.nlu import store
from bot.nlu.evaluate import read_rows
from bot.nlu.examples import Example
from bot.nlu.files import read_placed
from bot.nlu.measures import Row
from bot.nlu.options import Options
from bot.nlu.training import Trained, train
from shop.errors import EncoderError
from shop.text import encoder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
#: Four, so that there are messages enough to ask.
NEW = ("ask_points", "manage_notifications", "request_invoice", "request_repair")
FEW = 10


def accuracy(trained: Trained, place: Path, asked: list[Row]) -> float:
    store.write(place, trained, literals={}, max_characters=512)
    model = store.read_model(place, threads=1)
    right = 0
    for row in asked:
        answer = model.answer(row.text)
        assert answer is not None
        right += model.intents[int(np.argmax(answer.probabilities))] in row.intents
    return right / len(asked)


def test_a_new_intent_is_learned_and_costs_the_others_nothing(tmp_path: Path) -> None:
    chosen = encoder.settings()
    try:
        folder = encoder.prepare(
            chosen.encoder_source, chosen.encoder_folder, progress=lambda step: None
        )
    except EncoderError as error:
        pytest.skip(str(error))
    options = Options()
    old: list[Example] = []
    given: dict[tuple[str, str], list[Example]] = {}
    for placed in read_placed(Path("data/nlu")):
        example = placed.example
        if example.intent in NEW:
            given.setdefault((example.intent, placed.lang), []).append(example)
        elif example.intent not in options.literal_intents:
            old.append(example)
    new = [
        e
        for key in given
        if key[1] in ("zh", "en")
        for e in random.Random(0).sample(given[key], FEW)
    ]
    assert len(new) == 2 * FEW * len(NEW)
    asked = read_rows(Path("bench/data/sealed.jsonl"))
    of_new = [row for row in asked if row.intents[0] in NEW]
    of_old = [row for row in asked if row.intents[0] not in NEW]

    before = train(old, options, folder)
    after = train([*old, *new], options, folder)

    on_new = accuracy(after, tmp_path, of_new)
    loss = accuracy(before, tmp_path, of_old) - accuracy(after, tmp_path, of_old)
    print(f"right {on_new:.3f} of {len(of_new)}; the others lose {loss:.4f} of {len(of_old)}")
    assert on_new >= 0.85
    assert loss <= 0.005
