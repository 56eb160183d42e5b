"""The seam of all recommenders.

To add one, subclass `Recommender`, write `fit`, `score`, `arrays` and `restore`, and let a test
class inherit `tests/checks/recommender.py`.
"""

from __future__ import annotations

import json
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from shop.errors import InvalidValue
from shop.recommend.interactions import LONGEST_HISTORY, Floats, Interactions, Sequences

#: Raised when the layout of saved recommenders changes; older files are not read.
LAYOUT = 2


@dataclass(frozen=True)
class Scored:
    """An item row and its score; scores compare within one answer only and have no unit."""

    item: int
    score: float


class Recommender(ABC):
    """Learns from interactions which items suit a user.

    A user is given by what they did: a list of item rows, oldest first, of which the newest
    `LONGEST_HISTORY` count; nobody has to be known when it is fitted. After `fit` nothing changes
    any more, so one object may answer from many threads.
    """

    #: How it is called on the command line and in reports; also the name of its saved file.
    name: ClassVar[str]
    #: Number of items of the catalogue it was fitted on; rows are 0…n_items - 1.
    n_items: int

    @abstractmethod
    def fit(self, data: Interactions) -> Self:
        """Learn from `data`, forgetting what was learned before; returns itself.

        Raises:
            InvalidValue: there is nothing to learn from.
        """

    @abstractmethod
    def score(self, histories: Sequences, users: npt.NDArray[np.int64] | None = None) -> Floats:
        """How well every item suits each history, (len(histories), n_items), higher is better.

        What the user has already may be scored as well. `users` are rows of the data fitted on: a
        model that keeps something for each user may use it instead of the history. Minus infinity
        means: nothing speaks for it.
        """

    @abstractmethod
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All it has learned, as arrays of numbers or text, for `save`."""

    @abstractmethod
    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take up what `arrays` gave. Raises: KeyError or ValueError when it cannot be that."""

    def settings(self) -> dict[str, Any]:
        """The arguments of its constructor, plain JSON."""
        return {}

    def recommend(
        self,
        history: list[int],
        n: int = 10,
        *,
        allowed: npt.NDArray[np.bool_] | None = None,
        seen: bool = False,
    ) -> list[Scored]:
        """The `n` best items for a history, best first, fewer when there are no more.

        Args:
            history: item rows, oldest first; empty for a stranger.
            n: how many.
            allowed: (n_items,), False for items that must not come.
            seen: whether items of the history may come, where the model scores them.

        Raises:
            InvalidValue: the history names a row that does not exist, or n is negative.
        """
        if n < 0:
            raise InvalidValue(f"{n} recommendations asked for")
        if history and not 0 <= min(history) <= max(history) < self.n_items:
            raise InvalidValue(f"a history with items outside 0…{self.n_items - 1}")
        scores = self.score(Sequences.of([history]))[0]
        if allowed is not None:
            scores[~allowed] = -np.inf
        if not seen:
            scores[history] = -np.inf
        return best(scores, n)

    def similar(self, item: int, n: int = 10) -> list[Scored]:
        """The `n` items most like `item`, without itself, best first; rows as in `recommend`."""
        return self.recommend([item], n)

    def save(self, folder: Path) -> Path:
        """Write `<name>.npz` into the folder, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        about = {"name": self.name, "layout": LAYOUT, "settings": self.settings()}
        path = folder / f"{self.name}.npz"
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{self.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, about=np.array(json.dumps(about)), **self.arrays())
            # mkstemp lets nobody else read, but the action server may be another user.
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        return path

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; never unpickles.

        Raises:
            InvalidValue: the file is missing, damaged, of another kind or of another layout.
        """
        path = folder / f"{cls.name}.npz"
        try:
            # Opened here, because np.load forgets to close what turns out to be damaged.
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                arrays = {name: file[name] for name in file.files if name != "about"}
            if about["layout"] != LAYOUT or about["name"] != cls.name:
                raise ValueError(f"layout {about['layout']} of {about['name']!r}")
            model = cls(**about["settings"])
            model.restore(arrays)
        except (OSError, KeyError, ValueError, TypeError, EOFError, BadZipFile) as exc:
            raise InvalidValue(f"{path}: not a saved {cls.name} recommender: {exc}") from exc
        return model


def best(scores: Floats, n: int) -> list[Scored]:
    """The `n` highest scores above minus infinity, highest first; equal ones by row."""
    n = min(n, len(scores))
    if n == 0:
        return []
    top = np.argpartition(-scores, n - 1)[:n] if n < len(scores) else np.arange(n)
    top = top[np.lexsort((top, -scores[top]))]
    return [Scored(int(i), float(scores[i])) for i in top if np.isfinite(scores[i])]


def require(data: Interactions) -> None:
    """Raises: InvalidValue: there are no interactions."""
    if not len(data):
        raise InvalidValue("no interactions to learn from")


__all__ = ["LAYOUT", "LONGEST_HISTORY", "Recommender", "Scored", "best", "require"]
