"""One plain form for what people type, with the way back to the characters they typed.

Full-width and other compatibility forms become ordinary ones (NFKC), traditional characters
simplified ones, curly quotes and long dashes plain; zero-width and bidirectional characters go,
control characters become blanks. Case stays. Known misspellings (`data/words/typos.yml`, see
`shop.text.words`) may be corrected as well.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from shop.text.lexicon import Lexicon

# More marks on one letter than any language uses ("zalgo").
_MARKS = 8
# ﷺ would become eighteen characters, and a text of such a book.
_LONGEST_FORM = 4
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("‘’‛′`´", "'"),
        **dict.fromkeys("“”„″", '"'),
        **dict.fromkeys("‐‑‒–—―−－", "-"),
        **dict.fromkeys("〜～∼", "~"),
        "⁄": "/",
    }
)


@dataclass(frozen=True)
class Normalized:
    """A text in its plain form.

    Attributes:
        original: As it was typed.
        text: The plain form.
        starts, ends: For each character of `text`, the span in `original` it stands for.
    """

    original: str
    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span in the original for a span of `text`."""
        if start >= end:
            here = self.starts[start] if start < len(self.starts) else len(self.original)
            return here, here
        return self.starts[start], self.ends[end - 1]


def plain(text: str | Normalized) -> Normalized:
    """The plain form of a text; one that has it already comes back as it is."""
    return text if isinstance(text, Normalized) else _plain(text)


def normalize(text: str) -> str:
    """The plain form alone, for those who need no way back."""
    return plain(text).text


def corrected(text: str | Normalized, typos: Lexicon[str]) -> Normalized:
    """The plain form with known misspellings replaced.

    A replacement of the same length stands for its characters one by one, another for all of them.
    """
    read = plain(text)
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0

    def keep(until: int) -> None:
        pieces.append(read.text[done:until])
        starts.extend(read.starts[done:until])
        ends.extend(read.ends[done:until])

    for right, start, end in typos.scan(read.text):
        keep(start)
        pieces.append(right)
        if len(right) == end - start:
            starts.extend(read.starts[start:end])
            ends.extend(read.ends[start:end])
        else:
            whole = read.span(start, end)
            starts.extend([whole[0]] * len(right))
            ends.extend([whole[1]] * len(right))
        done = end
    if not done:
        return read
    keep(len(read.text))
    return Normalized(read.original, "".join(pieces), starts, ends)


@lru_cache(maxsize=64)
def _plain(text: str) -> Normalized:
    if text.isascii() and text.isprintable():
        positions = range(len(text))
        return Normalized(text, text.replace("`", "'"), positions, range(1, len(text) + 1))
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    index = 0
    while index < len(text):
        after = index + 1
        while after < len(text) and unicodedata.combining(text[after]):
            after += 1
        piece = _plain_piece(text[index : min(after, index + 1 + _MARKS)])
        pieces.append(piece)
        starts.extend([index] * len(piece))
        ends.extend([after] * len(piece))
        index = after
    return Normalized(text, "".join(pieces), starts, ends)


@lru_cache(maxsize=8192)
def _plain_piece(piece: str) -> str:
    """The plain form of one character with the marks on it; empty when it goes."""
    category = unicodedata.category(piece[0])
    if category in ("Cc", "Cs", "Zs", "Zl", "Zp"):
        # NUL, half a surrogate pair and the like separate words, as blanks do.
        return " "
    # Also variation selectors and the frame of "2️⃣".
    if category in ("Cf", "Me") or "\ufe00" <= piece[0] <= "\ufe0f":
        return ""
    form = unicodedata.normalize("NFKC", piece.translate(_SIGNS)).translate(_SIGNS)
    if len(form) > _LONGEST_FORM:
        return piece[0]
    return form.translate(_simplified()).strip("\u200b\ufeff") if not form.isascii() else form


@lru_cache(maxsize=1)
def _simplified() -> dict[int, str]:
    """Traditional to simplified characters, one to one, from OpenCC's table."""
    package = find_spec("opencc")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("pip install opencc-python-reimplemented")
    table = Path(package.origin).parent / "dictionary" / "TSCharacters.txt"
    pairs = (line.split() for line in table.read_text(encoding="utf-8").splitlines())
    return {ord(pair[0]): pair[1] for pair in pairs if len(pair) > 1}
