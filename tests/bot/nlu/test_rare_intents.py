"""An intent with few examples is not lost beside one with many."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch

from bot.nlu.examples import Example
from bot.nlu.options import Options
from bot.nlu.training import _log_shares, _Training

MANY = [Example(f"{a}{b}", "find") for a in ("我要", "帮我", "my ", "") for b in "鞋裙包伞灯锅"]
FEW = [Example(text, "return") for text in ("退货", "退")]


def training(folder: Path, **options: object) -> _Training:
    given = Options.checked({"held_out": 0.0, "noisy_copies": 2, **options})
    return _Training([*MANY, *FEW], given, folder, lambda step: None)


@pytest.mark.parametrize(("least", "rare"), [(0, 2), (3, 4), (20, 20)])
def test_few_examples_are_met_again_in_an_epoch(tiny_folder: Path, least: int, rare: int) -> None:
    one = training(tiny_folder, least_examples=least)
    met = Counter(one.intents[item.intent] for item in one._epoch())
    assert met == {"find": len(MANY), "return": rare}


def test_an_example_that_comes_again_comes_in_other_forms(tiny_folder: Path) -> None:
    one = training(tiny_folder, least_examples=20)
    assert [len(copies) for copies in one.copies] == [2] * len(MANY) + [20] * len(FEW)


def test_logits_need_not_say_how_many_examples_an_intent_has() -> None:
    shares = _log_shares([*MANY, *FEW], ("find", "return"))
    assert torch.allclose(shares.exp(), torch.tensor([24 / 26, 2 / 26]))


def test_examples_that_come_again_do_not_count_again(tiny_folder: Path) -> None:
    """Else the loss would take the few for many, and ask no more of them than of the others."""
    once, often = (training(tiny_folder, least_examples=least) for least in (0, 20))
    assert torch.equal(once.priors, often.priors)


def test_the_loss_of_a_rare_intent_counts_that_it_is_rare(tiny_folder: Path) -> None:
    """Equal logits are answered by the frequent one, so they must grow for the rare one."""
    one = training(tiny_folder, least_examples=0, label_smoothing=0.0, tag_weight=0.0)
    nothing = torch.zeros(1, 2)

    def loss(intent: str) -> float:
        wanted = torch.tensor([one.intents.index(intent)])
        return float(one._loss(nothing, nothing, nothing, wanted, nothing))

    assert loss("return") > loss("find")
