"""The words for codes, from `data/words/*.yml`: what the bot says, and what shoppers may write.

    words:
      colour:
        black: {zh: [黑色, 黑], en: [black, jet black]}
        navy: {zh: 藏青色, en: [navy, navy blue]}
      size:
        XL: XL                # one word for both languages

The first word of a list is what the bot says; all of them are understood. A file may also hold
misspellings, right word for wrong one, for everything that reads shoppers' messages:

    typos:
      耳几: 耳机
      recieve: receive

Files are read again when they change. One that becomes wrong while the bot runs is reported in one
line and its last good version stays in use.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from shop.errors import ShopError
from shop.text.lexicon import Lexicon, fold
from shop.text.normalize import Normalized, corrected, normalize, plain

logger = logging.getLogger(__name__)

LANGUAGES = ("zh", "en")

# code -> language -> words
Table = dict[str, dict[str, tuple[str, ...]]]


class WordsError(ShopError):
    """A file of words cannot be used; the message is one line with the file and the line."""


@dataclass(frozen=True)
class _File:
    modified: int = 0
    tables: dict[str, Table] = field(default_factory=dict)
    typos: dict[str, str] = field(default_factory=dict)


class Words:
    """All tables of a folder, always as the files are now. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Path, _File] = {}
        self._tables: dict[str, Table] = {}
        self._lexicons: dict[str, Lexicon[str]] = {}
        self._typos: Lexicon[str] = Lexicon(())
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: str | Path) -> Words:
        """Reads all files of a folder.

        Raises:
            WordsError: naming the file and the line, when one of them is wrong.
        """
        words = cls(Path(folder))
        for path, modified in words._on_disk().items():
            words._files[path] = _read_file(path, modified)
        words._merge()
        return words

    def say(self, table: str, code: str, lang: str) -> str | None:
        """The bot's word for a code, in the other language rather than none; None if unknown."""
        self._refresh()
        said = self._tables.get(table, {}).get(code)
        if not said:
            return None
        return next((said[each][0] for each in (lang, *LANGUAGES) if said.get(each)), None)

    def codes(self, table: str) -> tuple[str, ...]:
        """The codes of a table, in the order of the file."""
        self._refresh()
        return tuple(self._tables.get(table, ()))

    def synonyms(self, table: str, code: str, lang: str) -> tuple[str, ...]:
        """All words for a code in one language, the bot's own first."""
        self._refresh()
        return self._tables.get(table, {}).get(code, {}).get(lang, ())

    def find(self, table: str, text: str | Normalized) -> list[tuple[str, int, int]]:
        """The codes whose words stand in a text: (code, start, end), spans of the original text.

        Words of both languages count, the longest first, in any case, width and script.
        """
        self._refresh()
        if (lexicon := self._lexicons.get(table)) is None:
            lexicon = Lexicon(_entries(self._tables.get(table, {})))
            self._lexicons[table] = lexicon
        read = plain(text)
        return [(code, *read.span(start, end)) for code, start, end in lexicon.scan(read.text)]

    def read(self, text: str | Normalized) -> Normalized:
        """A message in its plain form, known misspellings corrected; spans lead back to it."""
        self._refresh()
        return corrected(text, self._typos)

    def _on_disk(self) -> dict[Path, int]:
        try:
            with os.scandir(self._folder) as entries:
                found = {
                    Path(entry.path): entry.stat().st_mtime_ns
                    for entry in entries
                    if entry.name.endswith((".yml", ".yaml"))
                }
        except OSError:
            return {}
        return dict(sorted(found.items()))

    def _refresh(self) -> None:
        on_disk = self._on_disk()
        if {path: file.modified for path, file in self._files.items()} == on_disk:
            return
        with self._lock:
            files: dict[Path, _File] = {}
            for path, modified in on_disk.items():
                old = self._files.get(path, _File())
                if old.modified == modified:
                    files[path] = old
                    continue
                try:
                    files[path] = _read_file(path, modified)
                except WordsError as error:
                    logger.error("%s The last good version stays in use.", error)
                    # Under the new time, so that it is reported once and not at every message.
                    files[path] = _File(modified, old.tables, old.typos)
            self._files = files
            try:
                self._merge()
            except WordsError as error:
                logger.error("%s The last good version stays in use.", error)

    def _merge(self) -> None:
        tables: dict[str, Table] = {}
        for path, file in self._files.items():
            for name, table in file.tables.items():
                merged = tables.setdefault(name, {})
                if twice := sorted(set(merged) & set(table)):
                    raise WordsError(f"{path}: {name}: '{twice[0]}' stands in another file too.")
                merged.update(table)
        typos = [pair for file in self._files.values() for pair in file.typos.items()]
        self._tables, self._lexicons, self._typos = tables, {}, Lexicon(typos)


@lru_cache(maxsize=1)
def shop_words() -> Words:
    """The words of this shop, from the folder that the settings name."""
    from shop.settings import ShopSettings, read

    return Words.load(read(ShopSettings).data / "words")


def _entries(table: Table) -> Iterator[tuple[str, str]]:
    seen = set()
    for code, said in table.items():
        for word in (word for words in said.values() for word in words):
            for form in _forms(normalize(word)):
                if (form, code) not in seen:
                    seen.add((form, code))
                    yield form, code


def _forms(word: str) -> Iterator[str]:
    """A word, and what it is when there is one of it: shoes, shoe."""
    folded = fold(word)
    yield folded
    if re.search("[a-z]{3}(?<!s)s$", folded):
        yield folded[:-1]


def _read_file(path: Path, modified: int) -> _File:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        root = YAML(typ="safe").compose(path)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise WordsError(f"{path}:{line}: this is not YAML: {error.problem}.") from error
    except (YAMLError, UnicodeDecodeError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise WordsError(f"{path}:1: cannot be read: {reason}.") from error
    tables: dict[str, Table] = {}
    typos: dict[str, str] = {}
    for key, node in _mapping(path, root, "'words:' or 'typos:' at the top"):
        if key == "words":
            for name, table in _mapping(path, node, "names of tables"):
                codes = _mapping(path, table, f"codes of the table '{name}'")
                tables[name] = {code: _said(path, code, said) for code, said in codes}
        elif key == "typos":
            for wrong, right in _mapping(path, node, "a wrong word and the right one"):
                typos[normalize(wrong)] = _word(path, right, wrong)
        else:
            raise WordsError(
                f"{_at(path, node)}: unknown key '{key}'; 'words' and 'typos' are known."
            )
    return _File(modified, tables, typos)


def _said(path: Path, code: str, node: Any) -> dict[str, tuple[str, ...]]:
    if node.id == "scalar":
        return dict.fromkeys(LANGUAGES, (_word(path, node, code),))
    said: dict[str, tuple[str, ...]] = {}
    for lang, words in _mapping(path, node, f"'zh:' and 'en:' for '{code}'"):
        if lang not in LANGUAGES:
            raise WordsError(f"{_at(path, words)}: '{code}' has words in '{lang}'; use zh and en.")
        listed = words.value if words.id == "sequence" else [words]
        said[lang] = tuple(_word(path, word, code) for word in listed)
    for lang in LANGUAGES:
        if not said.get(lang):
            raise WordsError(f"{_at(path, node)}: '{code}' has no word in '{lang}'.")
    return said


def _word(path: Path, node: Any, code: str) -> str:
    # Scalars are taken as they are written: no, on and 42 are words here.
    if node.id != "scalar" or not node.value.strip():
        raise WordsError(f"{_at(path, node)}: '{code}' needs a word here.")
    return str(node.value).strip()


def _mapping(path: Path, node: Any, expected: str) -> Iterator[tuple[str, Any]]:
    if node is None or node.id != "mapping":
        raise WordsError(f"{_at(path, node)}: expected {expected}.")
    seen = set()
    for key, value in node.value:
        if key.id != "scalar":
            raise WordsError(f"{_at(path, key)}: expected {expected}.")
        if key.value in seen:
            raise WordsError(f"{_at(path, key)}: '{key.value}' stands here twice.")
        seen.add(key.value)
        yield str(key.value), value


def _at(path: Path, node: Any) -> str:
    return f"{path}:{node.start_mark.line + 1 if node is not None else 1}"
