"""Options: checked, with the option and its value in one line."""

from __future__ import annotations

import pytest
from rasa.shared.exceptions import InvalidConfigException

from bot.nlu.options import RANGES, Options


def test_defaults_are_allowed() -> None:
    assert Options.checked(Options.defaults()) == Options()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", 0, "epochs: 0 must be a whole number from 1 to 1000"),
        ("epochs", 2.5, "a whole number"),
        ("epochs", True, "epochs: True"),
        ("dropout", "much", "dropout: 'much' must be a number from 0 to 0.9"),
        ("device", "tpu", "device: 'tpu' must be one of auto, cpu, cuda"),
        ("precision", "int4", "one of auto, float32"),
        ("literal_intents", "send_image", "a list of intents"),
        ("lookups", "yes", "true or false"),
        ("random_seed", None, "a whole number"),
        ("encoder", 5, "a text"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: object, message: str) -> None:
    with pytest.raises(InvalidConfigException, match=f"TransformerNLU: .*{message}"):
        Options.checked({name: value})


@pytest.mark.parametrize("name", RANGES)
def test_every_number_has_a_range_that_holds_its_default(name: str) -> None:
    least, most = RANGES[name]
    assert least <= Options.defaults()[name] <= most


def test_a_scaled_number_of_epochs_is_taken() -> None:
    # `rasa train --finetune --epoch-fraction 0.5` writes floats.
    assert Options.checked({"epochs": 5.0}).epochs == 5
