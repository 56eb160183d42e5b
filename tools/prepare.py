"""Makes what a start needs: the encoder, the sample shop, a model of the present data."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from bot.responses import Responses, ResponsesError
from shop.errors import InvalidValue
from shop.settings import ShopSettings
from shop.text.words import Words, WordsError

# What is recommended was learned within this time, or is learned at a start.
LEARNED_WITHIN = timedelta(days=1)
MODEL = Path("models/xiaoer.tar.gz")
TRAINED = Path("models/trained-from")
# A model depends on these; sentences are not among them (bot/importer.py), only their names.
TRAINED_FROM = (
    "domain.yml",
    "config.yml",
    "constraints.txt",
    "data/nlu/*.yml",
    "data/rules/*.yml",
    "data/stories/*.yml",
    "bot/nlu/*.py",
    "bot/importer.py",
    "shop/text/encoder*.py",
)


class PrepareError(Exception):
    """Something is missing that cannot be made; the message is one line."""


def step(message: str) -> None:
    """One line of progress."""
    print(f"==> {message}", flush=True)


def run(*command: str, error: str) -> None:
    """A step in a process of its own, its output shown.

    Raises:
        PrepareError: with `error`, when the process fails.
    """
    if subprocess.run([sys.executable, "-m", *command]).returncode:
        raise PrepareError(error)


def check_yaml() -> None:
    """Reads every YAML file of the project.

    Raises:
        PrepareError: naming the first file and line that is not YAML, no table of words, or no
            response.
    """
    paths = [path for root in ("data", "tests") for path in Path(root).rglob("*.yml")]
    for path in sorted([*Path().glob("*.yml"), *paths]):
        try:
            YAML(typ="safe").load(path)
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise PrepareError(f"{path}:{line}: this is not YAML: {error.problem}.") from error
    try:
        Words.load(Path("data/words"))
        Responses(Path("data/responses"))
    except (WordsError, ResponsesError) as error:
        raise PrepareError(str(error)) from error


def prepare_encoder() -> None:
    """Unpacks the encoder, once; a damaged folder stops here with what to do."""
    run("shop.text.encoder", error="The encoder cannot be used, see the line above.")


def prepare_shop(settings: ShopSettings) -> None:
    """Creates and fills the sample shop where the default database is missing."""
    if settings.database_url.startswith("sqlite:///"):
        database = Path(settings.database_url.removeprefix("sqlite:///"))
        if database.exists():
            return
        step(f"Filling the sample shop in {database}")
        run("shop.sample", error="The sample shop could not be filled, see the line above.")


def prepare_recommendations(folder: Path) -> None:
    """Learns what to recommend, unless that was done lately. It never stops a start: without it
    the bot recommends what is popular."""
    if _learned_lately(folder):
        return
    step("Learning what to recommend (seconds for the sample shop)")
    done = subprocess.run(
        [sys.executable, "-m", "shop.recommend", "train", "--folder", str(folder)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    lines = (done.stdout + done.stderr).strip().splitlines()
    if done.returncode:
        step(f"Nothing was learned: {lines[-1] if lines else done.returncode}")


def _learned_lately(folder: Path) -> bool:
    # Scientific packages, which other commands do without.
    from shop.recommend import artefact

    try:
        about = artefact.read(folder).about
    except InvalidValue:
        return False
    age = datetime.now(timezone.utc) - datetime.fromisoformat(about.created_at)
    return age < LEARNED_WITHIN


def train() -> None:
    """Trains what changed since the last model; nothing when nothing did."""
    fingerprint = _fingerprint()
    if MODEL.exists() and TRAINED.exists() and TRAINED.read_text() == fingerprint:
        return
    step("Training (minutes on the first run, seconds after an edit of rules)")
    started = time.monotonic()
    run(
        *("tools.rasa", "train", "--fixed-model-name", MODEL.name.removesuffix(".tar.gz")),
        error="Training failed, see above.",
    )
    TRAINED.write_text(fingerprint)
    size = MODEL.stat().st_size / 1e6
    step(f"Trained in {time.monotonic() - started:.0f} s: {MODEL}, {size:.0f} MB")


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for pattern in TRAINED_FROM:
        for path in sorted(Path().glob(pattern)):
            digest.update(f"{path}\n".encode())
            digest.update(path.read_bytes())
    for name in _response_names():
        digest.update(f"{name}\n".encode())
    return digest.hexdigest()


def _response_names() -> list[str]:
    folder = Path("data/responses")
    files = (YAML(typ="safe").load(path) for path in sorted(folder.glob("*.yml")))
    return sorted(name for content in files for name in content.get("responses", {}))
