"""Ways to hold back what users did, to be guessed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shop.errors import InvalidValue
from shop.recommend.interactions import Interactions, Sequences


@dataclass(frozen=True)
class Tasks:
    """What is to be guessed.

    Attributes:
        users: rows of users, (tasks,).
        histories: what each of them did before, (tasks).
        wanted: the items held back, one array for each task; none of them is in its history.
        seen: all items each of them had before, which are not to be recommended.
    """

    users: npt.NDArray[np.int64]
    histories: Sequences
    wanted: tuple[npt.NDArray[np.int32], ...]
    seen: tuple[npt.NDArray[np.int32], ...]

    def __len__(self) -> int:
        return len(self.users)


def leave_out(data: Interactions, *, at_least: int = 3) -> tuple[Interactions, Tasks]:
    """Hold back the newest interaction of every user with at least `at_least`.

    Returns:
        What remains, and the tasks. Users whose last item they had before are no task, since
        what is seen is not recommended.
    """
    place = data.places_from_newest()
    counts = np.bincount(data.users, minlength=data.n_users)
    held = (place == 0) & (counts[data.users] >= at_least)
    return _split(data, held)


def time_split(data: Interactions, *, share: float = 0.2) -> tuple[Interactions, Tasks]:
    """Hold back the newest `share` of all interactions; or, where there are no times, the newest
    share of each user's.

    Raises:
        InvalidValue: share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise InvalidValue(f"share {share} is not between 0 and 1")
    if data.timed:
        held = data.times > np.quantile(data.times, 1 - share)
    else:
        counts = np.bincount(data.users, minlength=data.n_users)
        held = data.places_from_newest() < np.floor(counts * share)[data.users]
    return _split(data, held)


def _split(data: Interactions, held: npt.NDArray[np.bool_]) -> tuple[Interactions, Tasks]:
    known, hidden = data.where(~held), data.where(held)
    full = _by_user(known)
    later = _by_user(hidden)
    users, wanted, seen = [], [], []
    for user in np.unique(hidden.users).tolist():
        had = set(full[user].tolist())
        new = set(later[user].tolist()) - had
        if new and had:
            users.append(user)
            wanted.append(np.array(sorted(new), np.int32))
            seen.append(np.array(sorted(had), np.int32))
    rows = np.array(users, np.int64)
    return known, Tasks(rows, known.sequences().take(rows), tuple(wanted), tuple(seen))


def _by_user(data: Interactions) -> list[npt.NDArray[np.int32]]:
    ends = np.cumsum(np.bincount(data.users, minlength=data.n_users))
    return np.split(data.items, ends[:-1])
