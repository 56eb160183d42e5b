"""The project's own sentences: their buttons lead somewhere, their filters exist.

A designer's misspelt payload or filter would be noticed by shoppers only.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.responses import FOLDER, read_file
from shop.text.words import Words

DOMAIN = YAML(typ="safe").load(Path("domain.yml"))
INTENTS = {next(iter(i)) if isinstance(i, dict) else i for i in DOMAIN["intents"]}
WORDS = Words.load(Path("data/words"))
FILTERS = {"money", "date", "datetime", "upper"}


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)


def buttons(variation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from variation.get("buttons", [])
    for card in variation.get("cards", []):
        yield from card.get("buttons", [])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.stem)
def test_buttons_name_intents_and_filters_name_tables(path: Path) -> None:
    wrong = []
    for name, variations in read_file(path).items():
        for variation in variations:
            for button in buttons(variation):
                payload = str(button.get("payload", ""))
                intent = re.match(r"/([a-z_]+)", payload)
                if payload and "{" not in payload and (not intent or intent[1] not in INTENTS):
                    wrong.append(f"{path}: {name}: no intent is called {payload}")
            for text in strings(variation):
                for _, _, spec, _ in string.Formatter().parse(text):
                    if spec and spec not in FILTERS and not WORDS.codes(spec):
                        wrong.append(f"{path}: {name}: '{spec}' is no filter and no table of words")
    assert not wrong, "\n".join(wrong)
