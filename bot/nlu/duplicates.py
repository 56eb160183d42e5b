"""Examples that say nearly the same: they cost a reader's time and teach the model nothing.

    python -m bot.nlu.duplicates            list them; fails when they are 5 % of all or more

Two examples of an intent are near-duplicates when their normalized edit similarity, 1 - distance /
length of the longer, is at least 0.85. Case, blanks and signs do not count.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.nlu.files import Placed, read_placed

SIMILAR = 0.85
#: The most of all examples that may repeat an earlier one.
MOST = 0.05
_SIGNS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Pair:
    """The second repeats the first."""

    first: Placed
    second: Placed
    similarity: float


def near_duplicates(placed: Sequence[Placed], *, similar: float = SIMILAR) -> list[Pair]:
    """Each example that repeats an earlier one of its intent, with the most similar such one."""
    by_intent: dict[str, list[Placed]] = defaultdict(list)
    for one in placed:
        by_intent[one.example.intent].append(one)
    return [pair for group in by_intent.values() for pair in _in_group(group, similar)]


def _in_group(group: Sequence[Placed], similar: float) -> Iterator[Pair]:
    texts = [one.example.text.lower() for one in group]
    plain = [_SIGNS.sub("", text) or text for text in texts]
    counts = [Counter(text) for text in plain]
    for second in range(len(group)):
        best: Pair | None = None
        for first in range(second):
            longest = max(len(plain[first]), len(plain[second]))
            # A small allowance, as 1 - 0.85 is a little less than 0.15.
            most = int(longest * (1 - similar) + 1e-9)
            if abs(len(plain[first]) - len(plain[second])) > most:
                continue
            # Characters that only one of them has must all be edited.
            if sum((counts[first] - counts[second]).values()) > most:
                continue
            distance = edit_distance(plain[first], plain[second], most=most)
            if distance <= most:
                similarity = 1 - distance / longest if longest else 1.0
                if best is None or similarity > best.similarity:
                    best = Pair(group[first], group[second], similarity)
        if best is not None:
            yield best


def edit_distance(first: str, second: str, *, most: int) -> int:
    """Levenshtein's distance, or `most` + 1 where it is greater."""
    if first == second:
        return 0
    row = list(range(len(second) + 1))
    for i, one in enumerate(first, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(second, start=1):
            diagonal, row[j] = (
                row[j],
                min(row[j] + 1, row[j - 1] + 1, diagonal + (one != other)),
            )
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """List them."""
    parser = argparse.ArgumentParser(prog="python -m bot.nlu.duplicates", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, nargs="?", default=Path("data/nlu"))
    options = parser.parse_args(arguments)
    placed = read_placed(options.folder)
    pairs = near_duplicates(placed)
    for pair in sorted(pairs, key=lambda pair: -pair.similarity):
        print(
            f"{pair.second.path}:{pair.second.line}: {pair.second.example.text!r} repeats "
            f"{pair.first.path.name}:{pair.first.line}: {pair.first.example.text!r}"
            f" ({pair.similarity:.2f})"
        )
    share = len(pairs) / max(1, len(placed))
    print(f"{len(pairs)} of {len(placed)} examples repeat another nearly ({share:.1%})")
    return int(share >= MOST)


if __name__ == "__main__":
    sys.exit(main())
