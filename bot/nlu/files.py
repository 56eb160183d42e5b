"""Examples with the file and line where a designer finds them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rasa.shared.nlu.training_data import entities_parser

from bot.nlu.examples import Example, Mark

_INTENT = re.compile(r"^\s*- intent:\s*(\S+)")
_OTHER = re.compile(r"^\s*- (?:synonym|regex|lookup):")
_EXAMPLE = re.compile(r"^\s+- (.*\S)\s*$")


@dataclass(frozen=True)
class Placed:
    """An example and its place."""

    example: Example
    path: Path
    line: int

    @property
    def lang(self) -> str:
        """The language its file is for: zh, en or mix; "" where the name does not say."""
        parts = self.path.name.split(".")
        return parts[-2] if len(parts) > 2 else ""


def read_placed(folder: Path) -> list[Placed]:
    """All examples of the YAML files in a folder, in order."""
    return [placed for path in sorted(folder.glob("*.yml")) for placed in _read(path)]


def _read(path: Path) -> Iterator[Placed]:
    intent = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if match := _INTENT.match(line):
            intent = match[1].strip("\"'")
        elif _OTHER.match(line):
            intent = None
        elif intent is not None and (match := _EXAMPLE.match(line)):
            message = entities_parser.parse_training_example(match[1], intent)
            marks = tuple(
                Mark(e["entity"], e["start"], e["end"]) for e in message.get("entities") or ()
            )
            yield Placed(Example(message.get("text"), intent, marks), path, number)
