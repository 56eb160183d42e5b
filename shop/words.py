"""The words for codes, from `data/words/<table>.yml`.

    words:
      colour:
        navy: {zh: [藏青色, 深蓝色], en: navy}

The first word is the one the assistant says; the others are understood too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from shop.errors import SettingsError
from shop.models import Language
from shop.settings import variable

LANGUAGES: tuple[Language, ...] = ("zh", "en")
Table = Mapping[str, Mapping[str, tuple[str, ...]]]


class Words:
    """Tables of words: what a code is called in each language."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = tables

    @classmethod
    def load(cls, data: Path) -> Words:
        """Read every table below `data`/words.

        Raises:
            SettingsError: the folder is missing, or a file cannot be understood (named, with line).
        """
        folder = data / "words"
        if not folder.is_dir():
            raise SettingsError(variable("data"), str(data), "expected a folder that holds words/")
        tables: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {}
        for file in sorted(folder.glob("*.yml")):
            for table, codes in _read(file).items():
                for code, texts in codes.items():
                    tables.setdefault(table, {})[str(code)] = {
                        language: _tuple(texts.get(language)) for language in LANGUAGES
                    }
        return cls(tables)

    def codes(self, table: str) -> tuple[str, ...]:
        """The codes of a table, in the order of the file; none for an unknown table."""
        return tuple(self._tables.get(table, ()))

    def all(self, table: str, code: str, language: Language) -> tuple[str, ...]:
        """Every word for a code, the one to say first; none for an unknown code."""
        return self._tables.get(table, {}).get(code, {}).get(language, ())

    def say(self, table: str, code: str, language: Language) -> str:
        """The word to say; the code itself where nobody wrote one."""
        return next(iter(self.all(table, code, language)), code)

    def both(self, table: str, code: str) -> Iterator[tuple[Language, str]]:
        """Every word for a code, with its language."""
        for language in LANGUAGES:
            for text in self.all(table, code, language):
                yield language, text


def _read(file: Path) -> dict[str, Any]:
    try:
        content = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        words = content["words"]
        if not all(isinstance(texts, dict) for table in words.values() for texts in table.values()):
            raise TypeError
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}" if mark else str(file)
        problem = getattr(error, "problem", None) or "not YAML"
        raise SettingsError(variable("data"), place, problem) from error
    except (TypeError, KeyError, AttributeError) as error:
        raise SettingsError(
            variable("data"), str(file), "expected words: {table: {code: {zh: …, en: …}}}"
        ) from error
    return dict(words)


def _tuple(texts: Any) -> tuple[str, ...]:
    if texts is None:
        return ()
    return tuple(str(t) for t in texts) if isinstance(texts, list) else (str(texts),)
