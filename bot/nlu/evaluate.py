"""Measure the newest trained model on messages it has not seen.

    python -m bot.nlu.evaluate FILE.jsonl            rows {"text", "intent", "lang", "entities"}
    python -m bot.nlu.evaluate FILE.tsv --json       rows text<TAB>intent[|intent…]

Accuracy and macro F1 by language, entity F1 over exact spans, how well out-of-scope messages are
told apart, calibration error, and the time of a parse. With --json nothing but JSON is on standard
output.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.nlu.agent import loaded
from bot.nlu.archive import NoModelError, newest
from bot.nlu.examples import Mark
from bot.nlu.measures import Row, Said, confusions, measure

OUTSIDE = "out_of_scope"


class RowsError(Exception):
    """A file of messages cannot be read; the message names the line."""


def read_rows(path: Path) -> list[Row]:
    """Read a .jsonl or .tsv file.

    Raises:
        RowsError: Missing, empty, or a line that is not understood.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RowsError(f"{path} cannot be read ({error})") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append(_from_tsv(line) if path.suffix == ".tsv" else _from_json(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RowsError(f"{path}, line {number}: {error!r}") from error
    if not rows:
        raise RowsError(f"{path} holds no message")
    return rows


def _from_json(line: str) -> Row:
    content = json.loads(line)
    text, intent = content["text"], content["intent"]
    marks = None
    if "entities" in content:
        marks = tuple(Mark(e["entity"], e["start"], e["end"]) for e in content["entities"])
    intents = tuple(intent) if isinstance(intent, list) else tuple(intent.split("|"))
    return Row(text, intents, content.get("lang") or _lang(text), marks)


def _from_tsv(line: str) -> Row:
    text, intents, *_ = line.split("\t")
    return Row(text, tuple(intents.strip().split("|")), _lang(text))


def _lang(text: str) -> str:
    from shop.text.language import detect

    return detect(text) or "other"


async def _ask(agent: Any, rows: Sequence[Row]) -> list[Said]:
    from rasa.nlu.classifiers import fallback_classifier

    said = []
    for row in rows:
        began = time.perf_counter()
        result = await agent.parse_message(row.text)
        seconds = time.perf_counter() - began
        fallback = fallback_classifier.is_fallback_classifier_prediction(result)
        if fallback:
            # What the transformer said before; Rasa's own tests do the same.
            result = fallback_classifier.undo_fallback_prediction(result)
        ranking = {i["name"]: i["confidence"] for i in result.get("intent_ranking", [])}
        said.append(
            Said(
                intent=result["intent"]["name"],
                confidence=result["intent"]["confidence"],
                out_of_scope=ranking.get(OUTSIDE, 0.0),
                marks=tuple(Mark(e["entity"], e["start"], e["end"]) for e in result["entities"]),
                seconds=seconds,
                fallback=fallback,
            )
        )
    return said


def evaluate(model: Path, rows: Sequence[Row]) -> tuple[dict[str, Any], list[Said]]:
    """Load a model archive and ask it all rows."""
    with loaded(model) as agent:
        # The first message pays for what is loaded late; the time of a parse is that of the others.
        asyncio.run(agent.parse_message("你好 hello"))
        said = asyncio.run(_ask(agent, rows))
    return measure(rows, said, outside=OUTSIDE), said


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bot.nlu.evaluate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", type=Path, default=Path("models"), help="archive or folder")
    parser.add_argument("--json", action="store_true", help="JSON alone on standard output")
    parser.add_argument("--errors", action="store_true", help="list what was misunderstood")
    options = parser.parse_args(arguments)
    try:
        rows = read_rows(options.file)
        model = newest(options.model)
        result, said = evaluate(model, rows)
    except (RowsError, NoModelError) as error:
        print(error, file=sys.stderr)
        return 1
    result["model"] = model.name
    if options.errors:
        result["errors"] = confusions(rows, said)
    print(json.dumps(result, ensure_ascii=False, indent=2) if options.json else _table(result))
    return 0


def _table(result: dict[str, Any]) -> str:
    head = f"{'':14}{'messages':>9}{'accuracy':>10}{'macro F1':>10}{'entity F1':>11}{'merged':>9}"
    lines = [result["model"], head]
    for name, part in [("all", result), *result["by_lang"].items()]:
        entity = part.get("entity_f1", float("nan"))
        merged = part.get("entity_f1_product_and_category_merged", float("nan"))
        lines.append(
            f"{name:14}{part['messages']:9}{part['accuracy']:10.4f}{part['macro_f1']:10.4f}"
            f"{entity:11.4f}{merged:9.4f}"
        )
    for name, scores in result.get("entities", {}).items():
        lines.append(
            f"  {name:18} precision {scores['precision']:.3f}  recall {scores['recall']:.3f}"
            f"  F1 {scores['f1']:.3f}  ({scores['support']})"
        )
    if "out_of_scope_auroc" in result:
        lines.append(f"out of scope, AUROC  {result['out_of_scope_auroc']:.4f}")
    lines.append(f"calibration error    {result['calibration_error']:.4f}")
    lines.append(f"below the threshold  {result['fallback']:.4f}")
    times = result["latency_ms"]
    lines.append(f"parse                p50 {times['p50']} ms, p99 {times['p99']} ms")
    for error in result.get("errors", []):
        lines.append(
            f"{error['lang']:4}{error['text']!r}: {'|'.join(error['intents'])}"
            f" taken for {error['said']} ({error['confidence']})"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
