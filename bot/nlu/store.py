"""Write a trained model into a folder and read it back; nothing is pickled.

model.onnx       the whole model, int8
tokenizer.json   the pruned tokenizer
meta.json        names, temperature, what was cut where
outside.npz      what the out-of-scope decision needs
trained.npz      the trained part in fp16, for --finetune and explanations; the tags' transitions
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bot.nlu.calibration import Calibration
from bot.nlu.serving import Model

if TYPE_CHECKING:
    from bot.nlu.training import Trained

FORMAT = 3
FILES = ("model.onnx", "tokenizer.json", "meta.json", "outside.npz", "trained.npz")
ARRAYS = ("means", "examples", "centre", "weights")


@dataclass(frozen=True)
class Meta:
    """What is known of a stored model besides its weights."""

    intents: tuple[str, ...]
    entities: tuple[str, ...]
    literals: dict[str, str]
    frozen: int
    longest: int
    max_characters: int
    history: list[dict[str, float]]


def write(folder: Path, trained: Trained, *, literals: dict[str, str], max_characters: int) -> None:
    """Write all files.

    Args:
        folder: exists.
        trained: the model.
        literals: texts that are recognized as they stand, and their intents.
        max_characters: where texts are cut.
    """
    calibration = trained.calibration
    (folder / "model.onnx").write_bytes(trained.graph)
    _write_json(folder / "tokenizer.json", trained.tokenizer)
    _write_json(
        folder / "meta.json",
        {
            "format": FORMAT,
            "intents": trained.intents,
            "entities": trained.entities,
            "literals": literals,
            "frozen": trained.frozen,
            "longest": trained.longest,
            "max_characters": max_characters,
            "outside": calibration.outside,
            "temperature": calibration.temperature,
            "bias": calibration.bias,
            "history": trained.history,
        },
    )
    arrays = {name: getattr(calibration, name) for name in ARRAYS}
    # float16 halves the biggest of these, unit vectors, at no cost.
    arrays["examples"] = arrays["examples"].astype(np.float16)
    np.savez(folder / "outside.npz", **arrays)
    np.savez(folder / "trained.npz", **trained.weights)


def read_meta(folder: Path) -> Meta:
    """What is known of the model; ValueError when it is of another format."""
    content = _read_json(folder / "meta.json")
    if content["format"] != FORMAT:
        raise ValueError(f"the model has format {content['format']}, not {FORMAT}: train again")
    return Meta(
        intents=tuple(content["intents"]),
        entities=tuple(content["entities"]),
        literals=content["literals"],
        frozen=content["frozen"],
        longest=content["longest"],
        max_characters=content["max_characters"],
        history=content["history"],
    )


def read_model(folder: Path, *, threads: int) -> Model:
    """The model, ready to serve."""
    meta = read_meta(folder)
    content = _read_json(folder / "meta.json")
    with np.load(folder / "outside.npz", allow_pickle=False) as arrays:
        found = {name: arrays[name].astype(np.float32) for name in ARRAYS}
    calibration = Calibration(
        outside=content["outside"],
        temperature=content["temperature"],
        bias=content["bias"],
        **found,
    )
    with np.load(folder / "trained.npz", allow_pickle=False) as arrays:
        transitions = arrays["transitions"].astype(np.float32)
    return Model(
        graph=(folder / "model.onnx").read_bytes(),
        tokenizer=read_tokenizer(folder),
        intents=meta.intents,
        entities=meta.entities,
        transitions=transitions,
        calibration=calibration,
        longest=meta.longest,
        max_characters=meta.max_characters,
        threads=threads,
    )


def read_tokenizer(folder: Path) -> dict[str, Any]:
    """The content of the pruned tokenizer.json."""
    return _read_json(folder / "tokenizer.json")


def read_weights(folder: Path) -> dict[str, npt.NDArray[Any]]:
    """The trained part."""
    with np.load(folder / "trained.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
