"""Measures of recommenders by the field's protocols.

Every model ranks all items, those a user had before left out. Settings are chosen on what each
user did before last (or on an earlier cut in time), then the model is fitted on everything but what
is held back. Intervals are 95 %, by bootstrap over users.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shop.errors import InvalidValue
from shop.recommend.base import Recommender
from shop.recommend.factors import ALS, BPR
from shop.recommend.hybrid import Hybrid
from shop.recommend.interactions import Floats, Interactions
from shop.recommend.linear import Linear
from shop.recommend.neighbours import BM25, Cosine
from shop.recommend.popularity import Popularity
from shop.recommend.ratings import Ratings
from shop.recommend.sequence import NextItem
from shop.recommend.split import Tasks, leave_out, time_split

logger = logging.getLogger(__name__)

Protocol = Literal["leave-one-out", "time-split"]
Metrics = dict[str, npt.NDArray[np.float64]]
#: Those the hybrid has to beat.
BASELINES = ("popularity", "item-knn", "bm25", "als", "bpr")
_SHOWN = 10
#: Users scored at once, and users on whom settings are chosen.
_BLOCK, _CHOOSE_ON = 500, 3000


@dataclass(frozen=True)
class Choice:
    """A recommender and the settings to choose from: every combination is tried."""

    model: type[Recommender]
    grid: dict[str, list[Any]] = field(default_factory=dict)

    def combinations(self) -> list[dict[str, Any]]:
        return [
            dict(zip(self.grid, values, strict=True))
            for values in itertools.product(*self.grid.values())
        ]


CHOICES = (
    Choice(Popularity, {"half_life": [7.0, 30.0, 90.0, 365.0]}),
    Choice(Cosine, {"decay": [1.0, 0.7], "shrink": [0.0, 10.0, 30.0, 100.0]}),
    Choice(BM25, {"decay": [1.0, 0.7], "b": [0.2, 0.8]}),
    Choice(
        ALS, {"factors": [64, 128], "regularization": [0.01, 0.1], "alpha": [10.0, 40.0, 100.0]}
    ),
    Choice(
        BPR, {"factors": [64, 128], "regularization": [0.003, 0.03], "learning_rate": [0.02, 0.06]}
    ),
    Choice(Linear, {"ridge": [30.0, 100.0, 300.0]}),
    Choice(NextItem, {"doubt": [2.0, 5.0, 15.0], "reach": [5, 10]}),
    Choice(Ratings),
    Choice(Hybrid),
)
#: What the hybrid takes over from the choices made for its sources.
_INHERITED = {"item-knn": ["shrink"], "linear": ["ridge"], "next-item": ["doubt", "reach"]}


@dataclass(frozen=True)
class Result:
    """What one model reached.

    Attributes:
        settings: as chosen.
        means: by name of the measure.
        intervals: lower and upper bound of some of them.
        seconds: time of the last fit.
        each: measures of every user, for comparisons.
    """

    settings: dict[str, Any]
    means: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    seconds: float
    each: Metrics = field(repr=False)

    def json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            **{name: round(value, 5) for name, value in self.means.items()},
            "interval": {
                name: [round(low, 5), round(high, 5)]
                for name, (low, high) in self.intervals.items()
            },
            "settings": self.settings,
            "fit_seconds": round(self.seconds, 1),
        }


@dataclass(frozen=True)
class Report:
    """All models on the same data: `ratio` is hybrid / best baseline by NDCG@10, with interval."""

    protocol: Protocol
    users: int
    items: int
    tasks: int
    models: dict[str, Result]
    best_baseline: str | None
    ratio: tuple[float, float, float] | None

    def json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "protocol": self.protocol,
            "users": self.users,
            "items": self.items,
            "tasks": self.tasks,
            "models": {name: result.json() for name, result in self.models.items()},
            "best_baseline": self.best_baseline,
            "ratio": [round(value, 4) for value in self.ratio] if self.ratio else None,
        }


def evaluate(
    data: Interactions,
    *,
    protocol: Protocol = "leave-one-out",
    models: Sequence[str] | None = None,
    tune: bool = True,
    seed: int = 0,
    embeddings: Floats | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Fit and measure models on the same data.

    Args:
        data: all interactions.
        protocol: hold back each user's last item, or what came after a moment.
        models: names, all that can be had from the data when left out.
        tune: choose settings; otherwise those given as defaults stand.
        seed: of samples and the bootstrap.
        embeddings: texts of the items, (n_items, width), for the hybrid.
        progress: told what is being done.

    Raises:
        InvalidValue: an unknown model, or nobody did enough to hold something back.
    """
    unknown = set(models or ()) - {choice.model.name for choice in CHOICES}
    if unknown:
        raise InvalidValue(f"no recommender is called {', '.join(sorted(unknown))}")
    split = leave_out if protocol == "leave-one-out" else time_split
    known, tasks = split(data)
    if not len(tasks):
        raise InvalidValue("no user did enough to hold something back")
    choose_from, choose_on = split(known) if tune else (known, tasks)
    rng = np.random.default_rng(seed)
    sample = np.sort(rng.permutation(len(choose_on))[:_CHOOSE_ON])
    rated = bool(np.isfinite(known.ratings).any())
    chosen: dict[str, dict[str, Any]] = {}
    results: dict[str, Result] = {}
    for choice in CHOICES:
        name = choice.model.name
        wanted = models is None or name in models
        # What the hybrid is built from is chosen for it, too.
        needed = wanted or (tune and name in _INHERITED and "hybrid" in (models or ()))
        if not needed or (choice.model is Ratings and not rated):
            continue
        combinations = choice.combinations()
        if choice.model is Hybrid:
            taken = {k: chosen[n][k] for n, keys in _INHERITED.items() for k in keys if n in chosen}
            combinations = [taken]
        settings = combinations[0] if tune else {}
        if tune and len(combinations) > 1 and len(choose_on):
            scores = []
            for combination in combinations:
                model = choice.model(**combination).fit(choose_from)
                score = measure(model, choose_on, rows=sample)["ndcg@10"].mean()
                scores.append(score)
                progress(f"{name} {combination}: {score:.4f}")
            settings = combinations[int(np.argmax(scores))]
        if choice.model is Hybrid:
            settings = taken
        chosen[name] = settings
        if not wanted:
            continue
        begin = time.monotonic()
        if choice.model is Hybrid:
            fitted: Recommender = Hybrid(
                **settings, embeddings=embeddings, seed=seed, progress=progress
            ).fit(known)
        else:
            fitted = choice.model(**settings).fit(known)
        seconds = time.monotonic() - begin
        each = measure(fitted, tasks)
        means = {m: float(np.nanmean(v)) for m, v in each.items()}
        means.update(lists(fitted, known, tasks, seed=seed))
        if isinstance(fitted, Ratings):
            means.update(errors(fitted, data, known, tasks))
        intervals = {m: bootstrap(v, seed=seed) for m, v in each.items()}
        results[name] = Result(settings, means, intervals, seconds, each)
        progress(f"{name}: NDCG@10 {means['ndcg@10']:.4f}")
    base = max(
        (n for n in BASELINES if n in results),
        key=lambda n: results[n].means["ndcg@10"],
        default=None,
    )
    ratio = None
    if base is not None and "hybrid" in results:
        ours, theirs = results["hybrid"].each["ndcg@10"], results[base].each["ndcg@10"]
        low, high = bootstrap(ours, against=theirs, seed=seed)
        ratio = (float(ours.mean() / max(theirs.mean(), 1e-12)), low, high)
    return Report(protocol, data.n_users, data.n_items, len(tasks), results, base, ratio)


def measure(
    model: Recommender, tasks: Tasks, *, rows: npt.NDArray[np.int64] | None = None
) -> Metrics:
    """HR@10, NDCG@10, MRR and Recall@20 of every task, (tasks,).

    Items with equal scores share their places, so that no order of items in a file helps anybody.
    """
    rows = np.arange(len(tasks)) if rows is None else rows
    values: dict[str, list[float]] = {"hr@10": [], "ndcg@10": [], "mrr": [], "recall@20": []}
    gains = 1 / np.log2(np.arange(_SHOWN) + 2)
    for block, scores in _scored(model, tasks, rows):
        for k, task in enumerate(block):
            row, wanted = scores[k], tasks.wanted[task]
            places = np.sort([_place(row, item) for item in wanted])
            # Several wanted items must not push each other down when their scores are equal.
            top = places[places < _SHOWN]
            best = gains[: len(wanted)].sum()
            values["hr@10"].append(float(len(top) > 0))
            values["ndcg@10"].append(float((1 / np.log2(top + 2)).sum() / best))
            values["mrr"].append(float(1 / (places[0] + 1)))
            values["recall@20"].append(float((places < 20).mean()))
    return {name: np.array(each) for name, each in values.items()}


def _place(scores: Floats, item: int) -> float:
    """How many items come before this one; of those with equal scores, half of them."""
    score = scores[item]
    return float(np.count_nonzero(scores > score) + (np.count_nonzero(scores == score) - 1) / 2)


def _scored(model: Recommender, tasks: Tasks, rows: npt.NDArray[np.int64]) -> Any:
    for begin in range(0, len(rows), _BLOCK):
        block = rows[begin : begin + _BLOCK]
        scores = model.score(tasks.histories.take(block), tasks.users[block])
        for k, task in enumerate(block):
            scores[k, tasks.seen[task]] = -np.inf
        yield block, scores


def lists(
    model: Recommender, known: Interactions, tasks: Tasks, *, seed: int = 0, users: int = 2000
) -> dict[str, float]:
    """Of the lists of ten for a sample of users: coverage (share of all items in any list), novelty
    (mean bits: -log2 of the share of users who had the item) and diversity (mean of 1 - cosine of
    the users of two items in a list)."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(tasks))[:users])
    matrix = known.matrix().tocsc()
    norms = np.sqrt(np.maximum(np.asarray(matrix.sum(axis=0)).ravel(), 1))
    share = np.maximum(norms**2, 1) / known.n_users
    shown: set[int] = set()
    novelty, diversity = [], []
    for _, scores in _scored(model, tasks, rows):
        for row in scores:
            n = min(_SHOWN, len(row))
            top = np.argpartition(-row, n - 1)[:n]
            top = top[np.isfinite(row[top])]
            shown.update(top.tolist())
            if len(top) > 1:
                columns = matrix[:, top]
                cosine = (columns.T @ columns).toarray() / np.outer(norms[top], norms[top])
                pairs = len(top) * (len(top) - 1)
                diversity.append(1 - (cosine.sum() - np.trace(cosine)) / pairs)
                novelty.append(float(-np.log2(share[top]).mean()))
    return {
        "coverage@10": len(shown) / known.n_items,
        "novelty@10": float(np.mean(novelty)) if novelty else 0.0,
        "diversity@10": float(np.mean(diversity)) if diversity else 0.0,
    }


def errors(
    model: Ratings, data: Interactions, known: Interactions, tasks: Tasks
) -> dict[str, float]:
    """RMSE and MAE on the ratings that were held back."""
    pairs = {(int(u), int(i)) for u, w in zip(tasks.users, tasks.wanted, strict=True) for i in w}
    held = np.array(
        [(int(u), int(i)) in pairs for u, i in zip(data.users, data.items, strict=True)]
    )
    hidden = data.where(held & np.isfinite(data.ratings))
    if not len(hidden):
        return {}
    familiar = np.bincount(known.users, minlength=known.n_users) > 0
    users = np.where(familiar[hidden.users], hidden.users, -1)
    off = model.predict(users, hidden.items) - hidden.ratings
    return {"rmse": float(np.sqrt((off**2).mean())), "mae": float(np.abs(off).mean())}


def bootstrap(
    values: npt.NDArray[np.float64],
    *,
    against: npt.NDArray[np.float64] | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % interval of the mean over users, or of the ratio of two means over the same users."""
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(draws):
        rows = rng.integers(0, len(values), len(values))
        mean = values[rows].mean()
        if against is not None:
            mean = mean / max(against[rows].mean(), 1e-12)
        means.append(mean)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
