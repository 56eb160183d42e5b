"""Dialogue scripts: what a shopper does and what must be answered, in YAML a designer can write.

dialogues:
- name: 查订单，选第一个
  customer: several_orders       a sample customer by situation; left out: a visitor
  lang: zh                       the page's language switch
  steps:
  - shopper: 查一下我的订单         typed
  - bot: utter_choose_order      the response that must be said next, in `lang`
    with: {count: 5}             values it must have been filled with; the others are free
    in: en                       said in another language than the page's
    buttons: [转人工]             titles that must be there (parts will do), or their number
    cards: 3                     number of cards, or parts of their titles
  - tap: 转人工                    a button of the last answer by (part of) its title or number
  - rows: {handover: 1}          rows added to tables since the dialogue began
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ruamel.yaml import YAML

from bot.filling import Filling
from bot.responses import Responses, Variation

STEPS = {"shopper", "bot", "tap", "rows"}
BESIDE = {"bot": {"with", "in", "buttons", "cards"}}
KEYS, NEEDED = {"name", "lang", "customer", "steps"}, ("name", "lang", "steps")


class Conversation(Protocol):
    """What a script talks to: `tools.webchat.Shopper`, or one on another channel."""

    def say(self, text: str) -> list[dict[str, Any]]: ...

    def tap(self, option: dict[str, Any]) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Dialogue:
    """One script with its place, for messages."""

    path: Path
    line: int
    name: str
    lang: str
    customer: str | None
    steps: list[dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.path.stem}: {self.name}"


class Mismatch(AssertionError):
    """The bot did something else; the message shows the dialogue so far, expected and heard."""


def read_dialogues(folder: Path) -> list[Dialogue]:
    """All dialogues of a folder.

    Raises:
        ValueError: naming file and line of a key that nobody knows, or that is missing.
    """
    dialogues = []
    for path in sorted(folder.glob("*.yml")):
        for entry in YAML(typ="rt").load(path)["dialogues"]:
            line = entry.lc.line + 1
            if unknown := sorted(set(entry) - KEYS):
                raise ValueError(f"{path}:{line}: '{unknown[0]}:' is not one of {sorted(KEYS)}")
            if missing := [key for key in NEEDED if key not in entry]:
                raise ValueError(f"{path}:{line}: the dialogue needs '{missing[0]}:'")
            for step in entry["steps"]:
                _check_step(step, f"{path}:{step.lc.line + 1}")
            customer, lang = entry.get("customer"), entry["lang"]
            dialogues.append(Dialogue(path, line, entry["name"], lang, customer, entry["steps"]))
    return dialogues


def _check_step(step: dict[str, Any], where: str) -> None:
    kinds = STEPS & set(step)
    if not kinds:
        raise ValueError(f"{where}: none of {sorted(STEPS)} in {dict(step)}")
    kind = kinds.pop()
    if wrong := sorted(set(step) - {kind} - BESIDE.get(kind, set())):
        raise ValueError(f"{where}: '{wrong[0]}:' cannot stand beside '{kind}:'")


class Rehearsal:
    """Plays a dialogue in a conversation and compares."""

    def __init__(
        self,
        dialogue: Dialogue,
        conversation: Conversation,
        responses: Responses,
        filling: Callable[[str], Filling],
        count_rows: Callable[[str], int],
    ) -> None:
        self._dialogue = dialogue
        self._conversation = conversation
        self._responses = responses
        self._filling = filling
        self._count_rows = count_rows
        tables = {table for step in dialogue.steps for table in step.get("rows", {})}
        self._rows_before = {table: count_rows(table) for table in tables}
        self._heard: list[dict[str, Any]] = []
        self._options: list[dict[str, Any]] = []
        self._script: list[str] = []

    def play(self) -> None:
        """Plays all steps. Raises: Mismatch."""
        for step in self._dialogue.steps:
            if "shopper" in step:
                self._nothing_more()
                self._script.append(f"shopper: {step['shopper']}")
                self._take(self._conversation.say(str(step["shopper"])))
            elif "tap" in step:
                self._nothing_more()
                self._script.append(f"tap: {step['tap']}")
                self._take(self._conversation.tap(self._option(step["tap"])))
            elif "bot" in step:
                self._expect(step)
            elif "rows" in step:
                self._compare_rows(step["rows"])
        self._nothing_more()

    def _take(self, items: list[dict[str, Any]]) -> None:
        self._heard = list(items)
        self._options = [option for item in items for option in _options(item)]

    def _expect(self, step: dict[str, Any]) -> None:
        name, lang = step["bot"], step.get("in", self._dialogue.lang)
        variations = [v for v in self._responses.variations(name) if v.get("lang", lang) == lang]
        if not variations:
            raise self._mismatch(f"a response {name} in {lang}; data/responses/ has none")
        said = _parts(self._heard, variations[0])
        expected = [self._pattern(v, dict(step.get("with", {})), lang) for v in variations]
        if not any(re.fullmatch(pattern, said.text, re.DOTALL) for pattern in expected):
            texts = " | ".join(v.get("text", "(cards)").strip() for v in variations)
            values = f" with {dict(step['with'])}" if "with" in step else ""
            raise self._mismatch(f"{name} ({lang}): {texts}{values}")
        for key, titles in (("buttons", said.buttons), ("cards", said.cards)):
            if key in step and not _fit(step[key], titles):
                raise self._mismatch(f"{key} {step[key]}; there are {titles}")
        self._script.append(f"bot: {name}: {said.text}")
        self._heard = self._heard[said.used :]

    def _pattern(self, variation: Variation, values: dict[str, Any], lang: str) -> str:
        """What the text of a variation may look like, with `values` filled in."""
        filling = self._filling(lang)
        pattern = ""
        for literal, field, spec, _ in string.Formatter().parse(variation.get("text", "").rstrip()):
            pattern += re.escape(literal)
            if field is None:
                continue
            known = field.split(".")[0] in values
            template = "{" + field + (f":{spec}" if spec else "") + "}"
            pattern += re.escape(filling.fill(template, values)) if known else ".*?"
        return pattern + (r"(\n.*)?" if "items" in variation else "")

    def _option(self, wanted: str | int) -> dict[str, Any]:
        titles = [option["title"] for option in self._options]
        if isinstance(wanted, int) and 1 <= wanted <= len(titles):
            return self._options[wanted - 1]
        for option in self._options:
            if str(wanted) in option["title"]:
                return option
        raise self._mismatch(f"a button '{wanted}'; there are {titles}")

    def _compare_rows(self, expected: dict[str, int]) -> None:
        for table, added in expected.items():
            found = self._count_rows(table) - self._rows_before[table]
            if found != added:
                raise self._mismatch(f"{added} more rows in {table}, found {found}")
            self._script.append(f"rows: {table} +{added}")

    def _nothing_more(self) -> None:
        if self._heard:
            raise self._mismatch("nothing more")

    def _mismatch(self, expected: str) -> Mismatch:
        lines = [f"{self._dialogue.path}:{self._dialogue.line}: {self._dialogue.name}"]
        lines += [f"    {line}" for line in self._script]
        lines += [f"  expected {expected}"]
        lines += [f"  heard    {_show(item)}" for item in self._heard] or ["  heard    nothing"]
        return Mismatch("\n".join(lines))


@dataclass(frozen=True)
class _Said:
    text: str
    buttons: list[str]
    cards: list[str]
    used: int


def _parts(items: list[dict[str, Any]], variation: Variation) -> _Said:
    """The items at the front that belong to one response of this shape."""
    text, buttons, cards, used = "", [], [], 0
    if "text" in variation and items and items[0]["type"] in ("text", "choices"):
        text, buttons, used = items[0].get("text") or "", _titles(items[0]), 1
    if "cards" in variation and len(items) > used and items[used]["type"] == "cards":
        cards = [card["title"] for card in items[used]["cards"]]
        used += 1
    # What a channel acts on by itself, such as a hand-over, is no sentence.
    if "custom" in variation and len(items) > used and items[used]["type"] == "custom":
        used += 1
    return _Said(text, buttons, cards, used)


def _titles(item: dict[str, Any]) -> list[str]:
    return [option["title"] for option in item.get("options", [])]


def _options(item: dict[str, Any]) -> list[dict[str, Any]]:
    cards = [option for card in item.get("cards", []) for option in card["options"]]
    return [*item.get("options", []), *cards]


def _fit(expected: int | list[str], titles: list[str]) -> bool:
    if isinstance(expected, int):
        return len(titles) == expected
    return all(any(str(part) in title for title in titles) for part in expected)


def _show(item: dict[str, Any]) -> str:
    shown = item.get("text") or ""
    if item["type"] == "cards":
        shown = "cards: " + ", ".join(card["title"] for card in item["cards"])
    buttons = f"  [{'] ['.join(_titles(item))}]" if _titles(item) else ""
    return f"{shown}{buttons}"
