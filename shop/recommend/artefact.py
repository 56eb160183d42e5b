"""What was learned, on disk: versioned folders of numbers, of which one is current.

    var/recommend/
        current                 the name of the folder in use
        20250601T120000Z-1/     about.json, hybrid.npz, baskets.npz, catalogue.npz, log.npz

A version appears whole or not at all, and nothing in it is ever changed or unpickled.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from shop.errors import InvalidValue
from shop.recommend.base import LAYOUT
from shop.recommend.baskets import Baskets
from shop.recommend.hybrid import Hybrid
from shop.recommend.interactions import Floats
from shop.recommend.labels import Labels

logger = logging.getLogger(__name__)

_CURRENT = "current"
_KEPT = 3


@dataclass(frozen=True)
class About:
    """What is known of a version.

    Attributes:
        created_at: ISO 8601, UTC.
        read_to: the greatest id of an interaction it learned from.
        interactions, users, items: how many.
        ndcg, low, high: NDCG@10 on what was held back, with its 95 % interval; nan without.
        popularity: the same measure of popularity.
        by: what made it.
    """

    created_at: str
    read_to: int
    interactions: int
    users: int
    items: int
    ndcg: float
    low: float
    high: float
    popularity: float
    by: str = "local"
    layout: int = LAYOUT


@dataclass
class Artefact:
    """A version in memory.

    Attributes:
        about: see there.
        hybrid, baskets: rows are `item_ids`; no baskets before two things were bought at once.
        item_ids: product ids, ascending, (items,).
        kinds: kind code of every item, (items,).
        season: by kind code, how much better than usual it sells in each month, (12,).
        digests: of the texts behind `Content`, to know which changed; None without an encoder.
        log: the interactions behind it, as columns, so that the next run reads only what is new.
    """

    about: About
    hybrid: Hybrid
    baskets: Baskets | None
    item_ids: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.str_]
    season: dict[str, Floats] = field(default_factory=dict)
    digests: npt.NDArray[np.str_] | None = None
    log: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    name: str = ""

    @cached_property
    def labels(self) -> Labels:
        """The kinds, as numbers."""
        return Labels.of(self.kinds.tolist())

    @cached_property
    def seasons(self) -> Floats:
        """How much better than usual each of the labels sells in each month, (labels, 12)."""
        usual = np.ones(12, np.float32)
        return np.stack([self.season.get(kind, usual) for kind in self.labels.names])

    @cached_property
    def together(self) -> sp.csr_matrix:
        """How strongly items are bought with one another, (items, items)."""
        if self.baskets is not None:
            return self.baskets.links
        return sp.csr_matrix((len(self.item_ids), len(self.item_ids)), dtype=np.float32)

    @cached_property
    def companions(self) -> sp.csr_matrix:
        """How strongly items are bought with each of the labels, (labels, items); nothing where
        that hangs on a single item of it."""
        codes, rows = self.labels.codes, np.arange(len(self.item_ids))
        shape = len(self.labels.names), len(rows)
        of_kind = sp.csr_matrix((np.ones(len(rows), np.float32), (codes, rows)), shape)
        by_several = of_kind @ (self.together > 0).astype(np.float32) > 1
        return sp.csr_matrix((of_kind @ self.together).multiply(by_several))


def write(artefact: Artefact, folder: Path) -> Path:
    """Write a new version and make it the current one; older ones but the newest few go."""
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        artefact.hybrid.save(work)
        if artefact.baskets is not None:
            artefact.baskets.save(work)
        catalogue: dict[str, npt.NDArray[Any]] = {
            "item_ids": artefact.item_ids,
            "kinds": artefact.kinds,
            "season_kinds": np.array(list(artefact.season), np.str_),
            "season": np.array([*artefact.season.values()], np.float32).reshape(-1, 12),
        }
        if artefact.digests is not None:
            catalogue["digests"] = artefact.digests
        np.savez(work / "catalogue.npz", **catalogue)
        np.savez_compressed(work / "log.npz", **artefact.log)
        sums = {path.name: _digest(path) for path in sorted(work.iterdir())}
        about = {**asdict(artefact.about), "files": sums}
        (work / "about.json").write_text(json.dumps(about, indent=2), encoding="utf-8")
        work.chmod(0o755)
        version = _name(folder, artefact.about.created_at)
        os.rename(work, folder / version)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    _point(folder, version)
    _tidy(folder, version)
    return folder / version


def current(folder: Path) -> str | None:
    """The name of the version in use, None where there is none."""
    try:
        return (folder / _CURRENT).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def read_about(folder: Path, version: str) -> About:
    """Raises: InvalidValue: it is missing, damaged or of another layout."""
    return _about(folder / version)[0]


def read(folder: Path, *, with_log: bool = False) -> Artefact:
    """The current version.

    Raises:
        InvalidValue: it is missing, damaged or of another layout.
    """
    version = current(folder)
    if version is None:
        raise InvalidValue(f"{folder}: nothing learned yet")
    path = folder / version
    about, sums = _about(path)
    for name, expected in sums.items():
        if name != "log.npz" or with_log:
            try:
                found = _digest(path / name)
            except OSError as exc:
                raise InvalidValue(f"{path / name}: {exc}") from exc
            if found != expected:
                raise InvalidValue(f"{path / name}: not as it was written")
    hybrid = Hybrid.load(path)
    baskets = Baskets.load(path) if "baskets.npz" in sums else None
    try:
        shelf = _columns(path / "catalogue.npz")
        log = _columns(path / "log.npz") if with_log else {}
        artefact = Artefact(
            about=about,
            hybrid=hybrid,
            baskets=baskets,
            item_ids=shelf["item_ids"],
            kinds=shelf["kinds"],
            season=dict(zip(shelf["season_kinds"].tolist(), shelf["season"], strict=True)),
            digests=shelf.get("digests"),
            log=log,
            name=version,
        )
    except (OSError, KeyError, ValueError, EOFError) as exc:
        raise InvalidValue(f"{path}: damaged: {exc}") from exc
    sizes = {len(artefact.item_ids), len(artefact.kinds), hybrid.n_items}
    if len(sizes) > 1 or (baskets is not None and baskets.n_items != hybrid.n_items):
        raise InvalidValue(f"{path}: parts of different catalogues")
    return artefact


class Watched:
    """The current version, read again when another one becomes current.

    Reading happens beside: requests go on with what there is. What cannot be read is reported in
    one line, and what was there before stays in use.

    Args:
        folder: of the artefacts.
        oldest: versions made longer ago are not used.
        every: seconds between looks at the folder.
        clock: the time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        oldest: timedelta = timedelta(days=60),
        every: float = 2.0,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._folder = folder
        self._oldest = oldest
        self._every = every
        self._clock = clock
        self._artefact: Artefact | None = None
        self._tried: tuple[str | None, int] | None = None
        self._looked = -float("inf")
        self._reading = threading.Lock()
        self._too_old = ""

    def get(self) -> Artefact | None:
        """What is to be used now; None: nothing usable, so recommend what is popular."""
        now = time.monotonic()
        if now - self._looked >= self._every:
            self._looked = now
            if self._stamp() != self._tried and not self._reading.locked():
                if self._tried is None:
                    self._read()  # at the start there is nothing to go on with
                else:
                    threading.Thread(target=self._read, daemon=True).start()
        return self._fresh(self._artefact)

    def _stamp(self) -> tuple[str | None, int]:
        try:
            changed = (self._folder / _CURRENT).stat().st_mtime_ns
        except OSError:
            changed = 0
        return current(self._folder), changed

    def _read(self) -> None:
        with self._reading:
            self._tried = self._stamp()
            try:
                self._artefact = read(self._folder)
            except InvalidValue as exc:
                kept = "what is popular" if self._artefact is None else "the version before"
                logger.warning("Recommending %s: %s", kept, exc)

    def _fresh(self, artefact: Artefact | None) -> Artefact | None:
        if artefact is None:
            return None
        age = self._clock() - datetime.fromisoformat(artefact.about.created_at)
        if age <= self._oldest:
            return artefact
        if self._too_old != artefact.name:
            self._too_old = artefact.name
            logger.warning(
                "Recommending what is popular: %s is %d days old", artefact.name, age.days
            )
        return None


def _about(path: Path) -> tuple[About, dict[str, str]]:
    try:
        values = json.loads((path / "about.json").read_text(encoding="utf-8"))
        sums = dict(values.pop("files"))
        about = About(**values)
        datetime.fromisoformat(about.created_at)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
        raise InvalidValue(f"{path}: no version of recommendations: {exc}") from exc
    if about.layout != LAYOUT:
        raise InvalidValue(f"{path}: layout {about.layout}, expected {LAYOUT}; train again")
    return about, sums


def _columns(path: Path) -> dict[str, npt.NDArray[Any]]:
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _name(folder: Path, created_at: str) -> str:
    moment = datetime.fromisoformat(created_at).strftime("%Y%m%dT%H%M%SZ")
    number = 1
    while (folder / f"{moment}-{number}").exists():
        number += 1
    return f"{moment}-{number}"


def _point(folder: Path, version: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".current.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(version + "\n")
    os.chmod(temporary, 0o644)
    os.replace(temporary, folder / _CURRENT)


def _tidy(folder: Path, version: str) -> None:
    versions = sorted(p for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")
    for path in versions[:-_KEPT]:
        if path.name != version:
            shutil.rmtree(path, ignore_errors=True)
