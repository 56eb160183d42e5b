"""Interactions of users with items, as arrays, and the files they are read from.

Items and users are rows 0…n-1 inside the recommenders; `user_ids` and `item_ids` give their names
outside: whole numbers or text.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from shop.errors import InvalidValue

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64] | npt.NDArray[np.str_]

#: Histories longer than this count by their newest items only.
LONGEST_HISTORY = 50


@dataclass(frozen=True)
class Sequences:
    """Lists of item rows, oldest first: `items[starts[k]:starts[k + 1]]` is the k-th."""

    starts: npt.NDArray[np.int64]
    items: Ints

    @classmethod
    def of(cls, lists: Iterable[Sequence[int]]) -> Sequences:
        """From plain lists, each cut to its newest items."""
        cut = [list(one)[-LONGEST_HISTORY:] for one in lists]
        starts = np.zeros(len(cut) + 1, np.int64)
        np.cumsum([len(one) for one in cut], out=starts[1:])
        return cls(starts, np.array([item for one in cut for item in one], np.int32))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, k: int) -> Ints:
        return self.items[self.starts[k] : self.starts[k + 1]]

    def take(self, rows: npt.NDArray[np.integer]) -> Sequences:
        """The sequences at `rows`, in that order."""
        lengths = np.diff(self.starts)[rows]
        starts = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=starts[1:])
        places = np.arange(starts[-1]) + np.repeat(self.starts[:-1][rows] - starts[:-1], lengths)
        return Sequences(starts, self.items[places])

    def weighted(self, n_items: int, *, decay: float = 1.0) -> sp.csr_matrix:
        """Rows of item weights, (len(self), n_items): the newest item weighs 1, each older one
        `decay` times the one after it."""
        ends = np.repeat(self.starts[1:], np.diff(self.starts))
        place = ends - 1 - np.arange(len(self.items))
        weights = np.power(np.float32(decay), place.astype(np.float32))
        return sp.csr_matrix((weights, self.items, self.starts), shape=(len(self), n_items))


@dataclass(frozen=True)
class Interactions:
    """What users did, ordered by user and time; what was equally old stays in its first order.

    Attributes:
        users, items: rows, (n,).
        weights: how strongly an interaction speaks for the item, > 0, (n,).
        ratings: stars, NaN where there are none, (n,).
        times: seconds since 1970, (n,); without meaning unless `timed`.
        user_ids, item_ids: names of the rows.
    """

    users: Ints
    items: Ints
    weights: Floats
    ratings: Floats
    times: npt.NDArray[np.int64]
    user_ids: Ids
    item_ids: Ids
    timed: bool

    @classmethod
    def of(
        cls,
        users: Sequence[int | str] | Ids,
        items: Sequence[int | str] | Ids,
        *,
        weights: Sequence[float] | Floats | None = None,
        ratings: Sequence[float] | Floats | None = None,
        times: Sequence[int] | npt.NDArray[np.int64] | None = None,
        item_ids: Ids | None = None,
    ) -> Interactions:
        """From columns of equal length; `item_ids` may name items that nobody has touched.

        Raises:
            InvalidValue: a rating or weight is not finite, or an item is not in `item_ids`.
        """
        user_ids, user_rows = np.unique(np.asarray(users), return_inverse=True)
        if item_ids is None:
            item_ids, item_rows = np.unique(np.asarray(items), return_inverse=True)
        else:
            order = np.argsort(item_ids)
            found = np.searchsorted(item_ids, items, sorter=order)
            item_rows = order[np.minimum(found, len(order) - 1)] if len(order) else found
            if len(item_rows) and (item_ids[item_rows] != np.asarray(items)).any():
                raise InvalidValue("an interaction with an item that is not in the catalogue")
        n = len(user_rows)
        weight = np.ones(n, np.float32) if weights is None else np.asarray(weights, np.float32)
        rating = (
            np.full(n, np.nan, np.float32) if ratings is None else np.asarray(ratings, np.float32)
        )
        if not np.isfinite(weight).all() or (weight <= 0).any():
            raise InvalidValue("a weight of an interaction is not a number above 0")
        if np.isinf(rating).any():
            raise InvalidValue("a rating is not finite")
        time = np.zeros(n, np.int64) if times is None else np.asarray(times, np.int64)
        order = np.lexsort((time, user_rows))
        return cls(
            user_rows[order].astype(np.int32),
            item_rows[order].astype(np.int32),
            weight[order],
            rating[order],
            time[order],
            user_ids,
            item_ids,
            timed=times is not None,
        )

    def __len__(self) -> int:
        return len(self.users)

    @property
    def n_users(self) -> int:
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    def where(self, keep: npt.NDArray[np.bool_]) -> Interactions:
        """Those at which `keep` is true, with all the rows of users and items."""
        return Interactions(
            self.users[keep],
            self.items[keep],
            self.weights[keep],
            self.ratings[keep],
            self.times[keep],
            self.user_ids,
            self.item_ids,
            self.timed,
        )

    def sequences(self) -> Sequences:
        """The items of every user, oldest first, each cut to its newest items."""
        place = self.places_from_newest()
        recent = place < LONGEST_HISTORY
        starts = np.zeros(self.n_users + 1, np.int64)
        np.cumsum(np.bincount(self.users[recent], minlength=self.n_users), out=starts[1:])
        return Sequences(starts, self.items[recent])

    def places_from_newest(self) -> npt.NDArray[np.int64]:
        """For each interaction how many of the same user came after it, (n,)."""
        ends = np.cumsum(np.bincount(self.users, minlength=self.n_users))
        return ends[self.users] - 1 - np.arange(len(self))

    def matrix(self, *, binary: bool = True) -> sp.csr_matrix:
        """Users by items, (n_users, n_items): 1 where there was any, or the sum of weights."""
        matrix = sp.csr_matrix(
            (self.weights, (self.users, self.items)), shape=(self.n_users, self.n_items)
        )
        matrix.sum_duplicates()
        if binary:
            matrix.data[:] = 1.0
        return matrix


def read_file(path: Path) -> Interactions:
    """Read a file of interactions.

    Either columns `user item [rating] [timestamp]`, separated by commas, tabs or blanks, with or
    without a line of titles; or one line a user, `user item item item …`, in order. A file with
    more than four columns anywhere, or with uneven lines, is of the second kind.

    Raises:
        InvalidValue: naming file and line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidValue(f"{path}: cannot be read: {exc}") from exc
    lines = text.splitlines()
    sample = next((line for line in lines if line.strip()), "")
    mark = next((m for m in ("\t", ",", "|") if m in sample), None)
    rows: list[tuple[int, list[str]]] = []
    for number, cells in enumerate(_cells(lines, mark), start=1):
        if cells:
            rows.append((number, cells))
    if not rows:
        raise InvalidValue(f"{path}: no interactions in it")
    titles = [cell.strip().lower() for cell in rows[0][1]]
    if titles[:2] in (["user", "item"], ["user_id", "item_id"], ["userid", "itemid"]):
        return _read_columns(path, rows[1:], titles)
    widths = {len(cells) for _, cells in rows}
    if mark is None and (len(widths) > 1 or max(widths) > 4):
        return _read_sequences(path, rows)
    return _read_columns(path, rows, ["user", "item", "rating", "timestamp"])


def _cells(lines: list[str], mark: str | None) -> Iterable[list[str]]:
    if mark is None:
        return (line.split() for line in lines)
    return csv.reader(lines, delimiter=mark)


def _read_sequences(path: Path, rows: list[tuple[int, list[str]]]) -> Interactions:
    users: list[str] = []
    items: list[str] = []
    seen: set[str] = set()
    for number, (user, *sequence) in rows:
        if not sequence:
            raise InvalidValue(f"{path}, line {number}: a user without items")
        if user in seen:
            raise InvalidValue(f"{path}, line {number}: user {user} came before")
        seen.add(user)
        users += [user] * len(sequence)
        items += sequence
    return Interactions.of(users, items)


def _read_columns(path: Path, rows: list[tuple[int, list[str]]], titles: list[str]) -> Interactions:
    if not rows:
        raise InvalidValue(f"{path}: no interactions in it")
    width = len(rows[0][1])
    names = ["user", "item", *titles[2:width]]
    users, items, ratings, times = [], [], [], []
    for number, cells in rows:
        if len(cells) != width or width < 2 or width > len(names):
            raise InvalidValue(
                f"{path}, line {number}: {len(cells)} columns, expected "
                f"{width if 2 <= width <= len(names) else '2 to 4'}"
            )
        row = {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
        if not row["user"] or not row["item"]:
            raise InvalidValue(f"{path}, line {number}: user or item is empty")
        users.append(row["user"])
        items.append(row["item"])
        if "rating" in row:
            ratings.append(_number(path, number, "rating", row["rating"]))
        if "timestamp" in row:
            times.append(int(_number(path, number, "timestamp", row["timestamp"])))
    return Interactions.of(users, items, ratings=ratings or None, times=times or None)


def _number(path: Path, line: int, name: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    # Beyond this no number is a rating or a time, and 64 bits end.
    if not abs(value) < 1e15:
        raise InvalidValue(f"{path}, line {line}: {name} {cell!r} is not a number")
    return value
