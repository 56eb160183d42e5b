"""The sentences of `data/responses/*.yml`: read, checked, picked by language and channel.

Files are read again when they change, so an edited sentence is said from the next message on. A
file that becomes wrong while the bot runs is reported in one line and its last good version stays
in use.

A variation of a response may have these keys:

    lang: zh | en         the language it is written in; every response needs both
    channel: telegram     only on this channel
    condition: [...]      Rasa's conditions on slots
    text: ...             the sentence; {name} and {name:filter} are filled in, see `bot.filling`
    items: {each, text}   one more line of text for each element of a list
    buttons: [{title, payload | url, entities, each}]
    cards: [{title, subtitle, price, image_url, alt, url, buttons, each}]
    image: ...
    custom: ...           as in Rasa
"""

from __future__ import annotations

import logging
import string
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from rasa.core.nlg.generator import ResponseVariationFilter
from rasa.shared.exceptions import RasaException
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError

logger = logging.getLogger(__name__)

FOLDER = Path("data/responses")
LANGUAGES = ("zh", "en")
VARIATION_KEYS = {
    *("lang", "channel", "condition"),
    *("text", "items", "buttons", "cards", "image", "custom"),
}
BUTTON_KEYS = {"title", "payload", "url", "entities", "each"}
CARD_KEYS = {"title", "subtitle", "price", "image_url", "alt", "url", "buttons", "each"}
ITEMS_KEYS = {"each", "text"}

Variation = dict[str, Any]


class ResponsesError(RasaException):
    """A file of responses cannot be used; the message names the file and the line."""


class Responses:
    """All responses of a folder by name, always as the files are now."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Reads all files.

        Raises:
            ResponsesError: naming the file and the line, when one of them is wrong.
        """
        self._folder = folder
        self._files: dict[Path, tuple[int, dict[str, list[Variation]]]] = {}
        self._by_name: dict[str, list[Variation]] = {}
        for path in self._paths():
            self._files[path] = (path.stat().st_mtime_ns, read_file(path))
        self._by_name = _merge(self._files)

    def refresh(self) -> None:
        """Takes up what changed on disk since the last call; costs one `stat` a file."""
        paths = self._paths()
        changed = set(self._files) != set(paths)
        for path in paths:
            try:
                modified = path.stat().st_mtime_ns
                if path in self._files and self._files[path][0] == modified:
                    continue
                old = self._files.get(path, (0, {}))[1]
                # A broken file is reported once, not at every message.
                self._files[path] = (modified, old)
                self._files[path] = (modified, read_file(path))
                changed = True
            except (ResponsesError, OSError) as error:
                logger.error("%s The last good version stays in use.", error)
        for path in set(self._files) - set(paths):
            del self._files[path]
        if changed:
            try:
                self._by_name = _merge(self._files)
            except ResponsesError as error:
                logger.error("%s The last good version stays in use.", error)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def variations(self, name: str) -> list[Variation]:
        """All variations of one response; none when the name is unknown."""
        return self._by_name.get(name, [])

    def eligible(
        self, name: str, *, lang: str, channel: str, slots: dict[str, Any] | None = None
    ) -> list[Variation]:
        """The variations that may be said: right language first, then Rasa's order by channel.

        A response without the language asked for is said in another one rather than not at all.
        """
        variations = self.variations(name)
        for wanted in (lang, *LANGUAGES):
            spoken = [v for v in variations if v.get("lang", wanted) == wanted]
            by_channel = ResponseVariationFilter({name: spoken})
            fitting = by_channel.responses_for_utter_action(name, channel, slots or {})
            if fitting:
                return fitting
        return []

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.yml"))


def read_file(path: Path) -> dict[str, list[Variation]]:
    """The responses of one file.

    Raises:
        ResponsesError: for anything a designer may get wrong, naming the file and the line.
    """
    try:
        content = YAML(typ="rt").load(path)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ResponsesError(f"{path}:{line}: this is not YAML: {error.problem}.") from error
    if not isinstance(content, dict) or not isinstance(content.get("responses"), dict):
        raise ResponsesError(f"{path}:1: a file of responses needs the key 'responses:'.")
    checked = {}
    responses = cast(CommentedMap, content["responses"])
    for name, variations in responses.items():
        line = responses.lc.key(name)[0] + 1
        where = f"{path}:{line}: {name}"
        if not str(name).startswith("utter_"):
            raise ResponsesError(f"{where}: the name of a response begins with 'utter_'.")
        if not isinstance(variations, list) or not variations:
            raise ResponsesError(f"{where}: needs a list of variations, each with 'lang:'.")
        for variation in variations:
            _check_variation(variation, path=path, name=name, line=line)
        missing = [lang for lang in LANGUAGES if lang not in {v.get("lang") for v in variations}]
        if missing and any("lang" in v for v in variations):
            raise ResponsesError(f"{where}: has no variation with 'lang: {missing[0]}'.")
        checked[str(name)] = [_plain(variation) for variation in variations]
    return checked


def _check_variation(variation: Any, *, path: Path, name: str, line: int) -> None:
    if not isinstance(variation, CommentedMap):
        raise ResponsesError(f"{path}:{line}: {name}: a variation is a mapping, not {variation!r}.")
    line = variation.lc.line + 1
    where = f"{path}:{line}: {name}"
    _check_keys(variation, VARIATION_KEYS, where)
    if variation.get("lang", LANGUAGES[0]) not in LANGUAGES:
        known = " or ".join(LANGUAGES)
        raise ResponsesError(f"{where}: 'lang: {variation['lang']}' is not {known}.")
    if not {"text", "cards", "image", "custom"} & set(variation):
        raise ResponsesError(f"{where}: says nothing; it needs 'text:' (or cards, image, custom).")
    if "items" in variation:
        _check_keys(variation["items"], ITEMS_KEYS, f"{where}: items", required=ITEMS_KEYS)
    for card in variation.get("cards", []):
        _check_keys(card, CARD_KEYS, f"{where}: cards", required={"title"})
        _check_buttons(card.get("buttons", []), f"{where}: cards: buttons")
    _check_buttons(variation.get("buttons", []), f"{where}: buttons")
    _check_places(variation, where)


def _check_places(template: Any, where: str) -> None:
    """Whether every place for a value is written `{name}` or `{name:filter}`."""
    if isinstance(template, dict):
        template = list(template.values())
    if isinstance(template, list):
        for inner in template:
            _check_places(inner, where)
    elif isinstance(template, str):
        try:
            named = [name for _, name, _, _ in string.Formatter().parse(template)]
        except ValueError as error:
            raise ResponsesError(f"{where}: in '{template}': {error}.") from error
        if "" in named:
            raise ResponsesError(f"{where}: in '{template}': '{{}}' names no value.")


def _check_buttons(buttons: Any, where: str) -> None:
    for button in buttons:
        _check_keys(button, BUTTON_KEYS, where, required={"title"})
        if ("payload" in button) == ("url" in button):
            raise ResponsesError(f"{where}: a button needs either 'payload:' or 'url:'.")
        if "payload" in button and not str(button["payload"]).startswith("/"):
            raise ResponsesError(f"{where}: the payload '{button['payload']}' must begin with '/'.")


def _check_keys(
    value: Any, known: set[str], where: str, *, required: Iterable[str] = frozenset()
) -> None:
    if not isinstance(value, dict):
        raise ResponsesError(f"{where}: expected keys such as {sorted(known)}, not {value!r}.")
    if unknown := sorted(set(value) - known):
        raise ResponsesError(f"{where}: unknown key '{unknown[0]}'; known are {sorted(known)}.")
    if missing := sorted(set(required) - set(value)):
        raise ResponsesError(f"{where}: the key '{missing[0]}:' is missing.")


def _merge(files: dict[Path, tuple[int, dict[str, list[Variation]]]]) -> dict[str, list[Variation]]:
    merged: dict[str, list[Variation]] = {}
    origin: dict[str, Path] = {}
    for path, (_, responses) in sorted(files.items()):
        for name, variations in responses.items():
            if name in merged:
                raise ResponsesError(f"{path}: {name} stands in {origin[name]} already.")
            merged[name], origin[name] = variations, path
    return merged


def _plain(value: Any) -> Any:
    """ruamel's commented maps and lists as ordinary ones."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
