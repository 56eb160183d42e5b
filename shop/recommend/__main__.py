"""python -m shop.recommend train | evaluate"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from shop.errors import EncoderError, ShopError
from shop.recommend.evaluate import CHOICES, Report, evaluate
from shop.recommend.interactions import read_file
from shop.recommend.service import RecommendSettings
from shop.recommend.train import train
from shop.settings import ShopSettings, read
from shop.sql import open_shop
from shop.text.encoder import SentenceEncoder
from shop.text.encoder import settings as encoder_settings

_COLUMNS = (
    "ndcg@10", "hr@10", "mrr", "recall@20", "coverage@10", "novelty@10", "diversity@10", "rmse",
    "mae",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what goes wrong is one line."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s")
    begin = time.monotonic()

    def progress(line: str) -> None:
        print(f"{time.monotonic() - begin:6.0f} s  {line}", file=sys.stderr, flush=True)

    try:
        if given.command == "train":
            _train(given, progress)
        else:
            _evaluate(given, progress)
    except ShopError as exc:
        print(exc, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; what was there before stays.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shop.recommend")
    commands = parser.add_subparsers(dest="command", required=True)
    learn = commands.add_parser("train", help="learn from the shop's interactions")
    learn.add_argument("--folder", type=Path, help="instead of XIAOER_RECOMMEND_FOLDER")
    learn.add_argument("--force", action="store_true", help="replace the current version anyhow")
    learn.add_argument("--full", action="store_true", help="read everything again")
    measure = commands.add_parser("evaluate", help="compare recommenders on a file")
    measure.add_argument("--interactions", type=Path, required=True, metavar="FILE")
    measure.add_argument(
        "--protocol", choices=("leave-one-out", "time-split"), default="leave-one-out"
    )
    measure.add_argument(
        "--models", nargs="+", choices=[c.model.name for c in CHOICES], metavar="MODEL"
    )
    measure.add_argument("--no-tuning", action="store_true", help="take the settings as they are")
    measure.add_argument("--seed", type=int, default=0)
    measure.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def _train(given: argparse.Namespace, progress: Callable[[str], None]) -> None:
    shop = open_shop(read(ShopSettings))
    folder = given.folder or read(RecommendSettings).recommend_folder
    try:
        encoder = SentenceEncoder(encoder_settings().encoder_folder)
    except EncoderError as exc:
        progress(f"without the texts of products: {exc}")
        encoder = None
    train(shop, folder, encoder=encoder, force=given.force, full=given.full, progress=progress)


def _evaluate(given: argparse.Namespace, progress: Callable[[str], None]) -> None:
    report = evaluate(
        read_file(given.interactions),
        protocol=given.protocol,
        models=given.models,
        tune=not given.no_tuning,
        seed=given.seed,
        progress=progress,
    )
    print(json.dumps(report.json(), indent=2) if given.json else table(report))


def table(report: Report) -> str:
    """The report for people: a line a model, and below it the interval of its NDCG@10."""
    used = [c for c in _COLUMNS if any(c in r.means for r in report.models.values())]
    lines = [
        f"{report.protocol}: {report.tasks} of {report.users} users, {report.items} items",
        f"{'':12}" + "".join(f"{name:>14}" for name in used),
    ]
    for name, result in report.models.items():
        cells = (f"{result.means[c]:14.4f}" if c in result.means else f"{'':14}" for c in used)
        lines.append(f"{name:12}" + "".join(cells))
        low, high = result.intervals["ndcg@10"]
        lines.append(f"{'':12}{f'{low:.4f}-{high:.4f}':>14}")
    if report.ratio:
        ratio, low, high = report.ratio
        lines.append(f"hybrid / {report.best_baseline}: {ratio:.3f} ({low:.3f}-{high:.3f})")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
