"""How good predictions are; plain numbers in, plain numbers out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bot.nlu.examples import Mark

#: Bins of the calibration error, as usual (Guo et al. 2017).
BINS = 15
#: Types that are merged for the second entity measure: the border between them is a convention.
MERGED = {"category": "product"}


@dataclass(frozen=True)
class Row:
    """One message to be understood, and any of `intents` is right.

    `marks` is None where the entities are not known.
    """

    text: str
    intents: tuple[str, ...]
    lang: str
    marks: tuple[Mark, ...] | None = None


@dataclass(frozen=True)
class Said:
    """What the model said of it."""

    intent: str | None
    confidence: float
    out_of_scope: float
    marks: tuple[Mark, ...]
    seconds: float
    fallback: bool = False


@dataclass
class Counts:
    """Spans found and wanted."""

    right: int = 0
    found: int = 0
    wanted: int = 0

    def add(self, wanted: set[Mark], found: set[Mark]) -> None:
        """Count one message's spans."""
        self.right += len(wanted & found)
        self.found += len(found)
        self.wanted += len(wanted)

    def scores(self) -> dict[str, float]:
        """Precision, recall and F1."""
        precision = self.right / self.found if self.found else 1.0
        recall = self.right / self.wanted if self.wanted else 1.0
        both = precision + recall
        return {
            "precision": round(precision, 4),
            "recall": round(recall, 4),
            "f1": round(2 * precision * recall / both, 4) if both else 0.0,
            "support": self.wanted,
        }


@dataclass
class _Spans:
    exact: Counts = field(default_factory=Counts)
    merged: Counts = field(default_factory=Counts)
    by_type: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))

    def add(self, wanted: Iterable[Mark], found: Iterable[Mark]) -> None:
        one, two = set(wanted), set(found)
        self.exact.add(one, two)
        self.merged.add({_merged(m) for m in one}, {_merged(m) for m in two})
        for entity in {m.entity for m in one | two}:
            self.by_type[entity].add(
                {m for m in one if m.entity == entity}, {m for m in two if m.entity == entity}
            )


def _merged(mark: Mark) -> Mark:
    return Mark(MERGED.get(mark.entity, mark.entity), mark.start, mark.end)


def measure(
    rows: Sequence[Row], said: Sequence[Said], *, outside: str = "out_of_scope"
) -> dict[str, Any]:
    """Everything, overall and by language."""
    result = _quality(rows, said)
    langs = sorted({row.lang for row in rows})
    result["by_lang"] = {
        lang: _quality(
            [r for r in rows if r.lang == lang],
            [s for r, s in zip(rows, said, strict=True) if r.lang == lang],
        )
        for lang in langs
    }
    result["calibration_error"] = _calibration_error(rows, said)
    result["fallback"] = round(float(np.mean([s.fallback for s in said])), 4)
    area = _area(
        [s.out_of_scope for r, s in zip(rows, said, strict=True) if outside in r.intents],
        [s.out_of_scope for r, s in zip(rows, said, strict=True) if outside not in r.intents],
    )
    if area is not None:
        result["out_of_scope_auroc"] = area
    times = np.array([s.seconds for s in said]) * 1000
    result["latency_ms"] = {
        "p50": round(float(np.percentile(times, 50)), 2),
        "p99": round(float(np.percentile(times, 99)), 2),
    }
    return result


def _quality(rows: Sequence[Row], said: Sequence[Said]) -> dict[str, Any]:
    # Where several are right, the one that was said counts as the true one.
    true = [
        s.intent if s.intent in r.intents else r.intents[0] for r, s in zip(rows, said, strict=True)
    ]
    result: dict[str, Any] = {
        "messages": len(rows),
        "accuracy": round(
            float(np.mean([t == s.intent for t, s in zip(true, said, strict=True)])), 4
        ),
        "macro_f1": _macro_f1(true, [s.intent for s in said]),
    }
    spans = _Spans()
    known = False
    for row, answer in zip(rows, said, strict=True):
        if row.marks is not None:
            known = True
            spans.add(row.marks, answer.marks)
    if known:
        result["entity_f1"] = spans.exact.scores()["f1"]
        result["entity_f1_product_and_category_merged"] = spans.merged.scores()["f1"]
        result["entities"] = {
            "all": spans.exact.scores(),
            **{name: counts.scores() for name, counts in sorted(spans.by_type.items())},
        }
    return result


def _macro_f1(true: Sequence[str | None], said: Sequence[str | None]) -> float:
    """Mean F1 over the intents that occur in the truth."""
    right, wanted, found = Counter[str | None](), Counter(true), Counter(said)
    right.update(t for t, s in zip(true, said, strict=True) if t == s)
    scores = [2 * right[name] / (wanted[name] + found[name]) for name in wanted]
    return round(float(np.mean(scores)), 4)


def _calibration_error(rows: Sequence[Row], said: Sequence[Said]) -> float:
    confidence = np.array([s.confidence for s in said])
    right = np.array([s.intent in r.intents for r, s in zip(rows, said, strict=True)], float)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    error = 0.0
    for number in range(BINS):
        inside = bins == number
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return round(float(error), 4)


def _area(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Area under the ROC curve: the chance that a positive scores above a negative."""
    if not positive or not negative:
        return None
    values = np.concatenate([positive, negative])
    order = values.argsort(kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    for value in np.unique(values):  # ties share their mean rank
        same = values == value
        ranks[same] = ranks[same].mean()
    above = ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2
    return round(float(above / (len(positive) * len(negative))), 4)


def confusions(rows: Sequence[Row], said: Sequence[Said]) -> list[Mapping[str, Any]]:
    """The messages that were misunderstood."""
    return [
        {"text": r.text, "lang": r.lang, "intents": list(r.intents), "said": s.intent,
         "confidence": round(s.confidence, 3)}
        for r, s in zip(rows, said, strict=True)
        if s.intent not in r.intents
    ]  # fmt: skip
