"""`make nlu-report`: a page on the examples, for those who write them.

    python -m bot.nlu.report [--out var/nlu-report.html]

Nothing is trained but a linear head on the frozen encoder, five times on four fifths of the
examples, so that every example is judged by a head that has not seen it (cross-validation); it
takes a minute. What such a simple head mistakes is often mislabelled, unclear, or too alone in its
intent.
"""

from __future__ import annotations

import argparse
import html
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.nlu.duplicates import Pair, near_duplicates
from bot.nlu.files import Placed, read_placed
from bot.nlu.options import Options
from shop.errors import EncoderError, SettingsError
from shop.text import encoder

FOLDS = 5
#: Strength of the ridge on standardized vectors.
RIDGE = 100.0
#: Wanted per intent: messages of each language, and mixed ones.
WANTED = {"zh": 45, "en": 45, "mix": 20}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Findings:
    """What the page shows."""

    placed: list[Placed]
    intents: list[str]
    chances: Floats  # [examples, intents], each from a head that has not seen the example
    labels: npt.NDArray[np.int64]
    closest: list[tuple[str, str, float]]
    duplicates: list[Pair]

    @property
    def accuracy(self) -> float:
        """Of the linear head on what it has not seen."""
        return float((self.chances.argmax(1) == self.labels).mean())


def examine(placed: list[Placed], vectors: Floats) -> Findings:
    """Judge examples by their vectors [examples, width]."""
    intents = sorted({one.example.intent for one in placed})
    labels = np.array([intents.index(one.example.intent) for one in placed])
    chances = np.zeros((len(placed), len(intents)))
    folds = np.random.default_rng(0).permutation(len(placed)) % FOLDS
    for fold in range(FOLDS):
        seen, unseen = folds != fold, folds == fold
        if unseen.any() and seen.any():
            chances[unseen] = _head(vectors[seen], labels[seen], vectors[unseen], len(intents))
    return Findings(
        placed=placed,
        intents=intents,
        chances=chances,
        labels=labels,
        closest=_closest(vectors, labels, intents),
        duplicates=near_duplicates(placed),
    )


def _head(seen: Floats, labels: npt.NDArray[np.int64], unseen: Floats, intents: int) -> Floats:
    """A ridge regression on one-hot labels, its scores as something like chances."""
    centre, spread = seen.mean(0), seen.std(0) + 1e-6
    x = np.hstack([(seen - centre) / spread, np.ones((len(seen), 1))])
    y = np.hstack([(unseen - centre) / spread, np.ones((len(unseen), 1))])
    target = np.eye(intents)[labels]
    # Few examples count as much as many.
    weight = 1 / np.sqrt(np.bincount(labels, minlength=intents)[labels])
    weighted = x * weight[:, None]
    gram = weighted.T @ weighted + RIDGE * weight.mean() ** 2 * np.eye(x.shape[1])
    scores = y @ np.linalg.solve(gram, weighted.T @ (target * weight[:, None]))
    sharp = np.exp((scores - scores.max(1, keepdims=True)) * 8)
    result: Floats = sharp / sharp.sum(1, keepdims=True)
    return result


def _closest(
    vectors: Floats, labels: npt.NDArray[np.int64], intents: list[str]
) -> list[tuple[str, str, float]]:
    """Pairs of intents by the cosine of their means, closest first."""
    centred = vectors - vectors.mean(0)
    means = np.stack([centred[labels == i].mean(0) for i in range(len(intents))])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    cosines = means @ means.T
    pairs = [
        (intents[i], intents[j], float(cosines[i, j]))
        for i in range(len(intents))
        for j in range(i + 1, len(intents))
    ]
    return sorted(pairs, key=lambda pair: -pair[2])


def page(findings: Findings) -> str:
    """The page, on its own."""
    placed, intents = findings.placed, findings.intents
    said = findings.chances.argmax(1)
    own = findings.chances[np.arange(len(placed)), findings.labels]
    doubt = own - findings.chances.max(1)
    suspicious = [i for i in doubt.argsort() if said[i] != findings.labels[i]][:150]
    confused: Counter[tuple[str, str]] = Counter()
    samples: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index in doubt.argsort():
        if said[index] != findings.labels[index]:
            pair = (intents[findings.labels[index]], intents[said[index]])
            confused[pair] += 1
            samples[pair].append(index)
    counts = Counter((one.example.intent, one.lang) for one in placed)
    weakest = sorted(
        (float((said[findings.labels == i] == i).mean()), name) for i, name in enumerate(intents)
    )
    share = len(findings.duplicates) / max(1, len(placed))
    sections = [
        _section(
            "Intents, weakest first",
            "How many of an intent's examples a head that has not seen them recognizes. Less than "
            "wanted is red.",
            ["intent", "recognized", *WANTED],
            [
                [name, f"{right:.0%}", *(_count(counts[name, lang], lang) for lang in WANTED)]
                for right, name in weakest
            ],
        ),
        _section(
            "Confusions",
            "What is taken for what, most frequent first, with the clearest cases.",
            ["intent", "taken for", "times", "for example"],
            [
                [a, b, str(n), "<br>".join(_where(placed[i]) for i in samples[a, b][:3])]
                for (a, b), n in confused.most_common(60)
            ],
        ),
        _section(
            "Closest intents",
            "Cosine of the intents' mean vectors. Where two are close, the border must be clear.",
            ["intent", "intent", "cosine"],
            [[a, b, f"{cosine:.2f}"] for a, b, cosine in findings.closest[:40]],
        ),
        _section(
            "Suspicious examples",
            "A head that has not seen them is sure of another intent: mislabelled, unclear, or "
            "too alone. Most suspicious first.",
            ["example", "intent", "rather"],
            [
                [_where(placed[i]), intents[findings.labels[i]], intents[said[i]]]
                for i in suspicious
            ],
        ),
        _section(
            "Near-duplicates",
            f"{len(findings.duplicates)} of {len(placed)} ({share:.1%}; 5 % at most): edit "
            "similarity of at least 0.85 within an intent.",
            ["example", "repeats", "similarity"],
            [
                [_where(p.second), _where(p.first), f"{p.similarity:.2f}"]
                for p in sorted(findings.duplicates, key=lambda p: -p.similarity)[:200]
            ],
        ),
    ]
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The NLU's examples</title>
<style>
body {{ font: 15px/1.45 system-ui, "Noto Sans CJK SC", sans-serif; margin: 2rem auto;
  max-width: 64rem; padding: 0 1rem; color: #222; background: #fff }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ padding: .25rem .6rem; text-align: left; border-bottom: 1px solid #ddd;
  vertical-align: top }}
small {{ color: #666 }} .few {{ color: #b00020; font-weight: 600 }}
summary {{ cursor: pointer; font-size: 1.3rem; margin-top: 1.5rem }}
</style>
<h1>The NLU's examples</h1>
<p>{len(placed)} examples of {len(intents)} intents. A linear head on the frozen encoder recognizes
{findings.accuracy:.1%} of those it has not seen; the trained model does better, and on the same
examples.</p>
{"".join(sections)}
</html>
"""


def _section(title: str, note: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<th>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return (
        f"<details open><summary>{title}</summary><p>{note}</p>"
        f"<table><tr>{cells}</tr>{body}</table></details>"
    )


def _count(count: int, lang: str) -> str:
    return str(count) if count >= WANTED[lang] else f'<span class="few">{count}</span>'


def _where(placed: Placed) -> str:
    place = f"{placed.path}:{placed.line}"
    return f"{html.escape(placed.example.text)} <small>{html.escape(place)}</small>"


def _vectors(placed: Sequence[Placed]) -> Floats:
    chosen = encoder.settings()
    folder = encoder.prepare(chosen.encoder_source, chosen.encoder_folder, progress=print)
    sentences = encoder.SentenceEncoder(folder)
    texts = [one.example.text for one in placed]
    found: list[npt.NDArray[Any]] = []
    for start in range(0, len(texts), 1000):
        found.append(sentences.query(texts[start : start + 1000]))
        print(f"{min(start + 1000, len(texts))} of {len(texts)} examples read", flush=True)
    return np.concatenate(found).astype(np.float64)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bot.nlu.report", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, nargs="?", default=Path("data/nlu"))
    parser.add_argument("--out", type=Path, default=Path("var/nlu-report.html"))
    options = parser.parse_args(arguments)
    literal = Options().literal_intents
    placed = [one for one in read_placed(options.folder) if one.example.intent not in literal]
    if len({one.example.intent for one in placed}) < 2:
        print(f"{options.folder} holds examples of fewer than two intents", file=sys.stderr)
        return 1
    try:
        vectors = _vectors(placed)
    except (EncoderError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    findings = examine(placed, vectors)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page(findings), encoding="utf-8")
    print(f"linear head, cross-validated: {findings.accuracy:.1%}; written to {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
