"""Read a BERT-like encoder from a Hugging Face folder as plain arrays, without torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shop.errors import EncoderError

Array = npt.NDArray[Any]

#: What each kind of model adds to a position's number (XLM-R counts from after its padding id).
FIRST_POSITION = {"bert": 0, "xlm-roberta": 2, "roberta": 2}


@dataclass(frozen=True)
class BertConfig:
    """The sizes that matter, from config.json."""

    hidden: int
    layers: int
    heads: int
    inner: int
    positions: int
    first_position: int
    epsilon: float
    pad: int

    @property
    def longest(self) -> int:
        """The most pieces the encoder can read at once."""
        return self.positions - self.first_position


def read_config(folder: Path) -> BertConfig:
    """Read config.json.

    Raises:
        EncoderError: Missing, unreadable, or not a BERT-like model.
    """
    path = folder / "config.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"{path} cannot be read ({error})") from error
    kind = content.get("model_type")
    if kind not in FIRST_POSITION:
        known = ", ".join(FIRST_POSITION)
        raise EncoderError(f"{folder} holds a model of type {kind!r}; it must be one of: {known}")
    if content.get("hidden_act", "gelu") != "gelu":
        raise EncoderError(f"{folder}: activation {content['hidden_act']!r} is not supported")
    try:
        return BertConfig(
            hidden=content["hidden_size"],
            layers=content["num_hidden_layers"],
            heads=content["num_attention_heads"],
            inner=content["intermediate_size"],
            positions=content["max_position_embeddings"],
            first_position=FIRST_POSITION[kind],
            epsilon=content.get("layer_norm_eps", 1e-12),
            pad=content.get("pad_token_id", 0),
        )
    except KeyError as error:
        raise EncoderError(f"{path} lacks {error}") from error


class Weights:
    """The tensors of a folder by BertModel's names, read when asked for.

    A folder saved with a head on top has its encoder's names prefixed (`bert.`, `roberta.`); the
    prefix is dropped here.
    """

    def __init__(self, folder: Path) -> None:
        """Open model.safetensors.

        Raises:
            EncoderError: Missing or damaged.
        """
        import safetensors

        self._path = folder / "model.safetensors"
        try:
            self._file: Any
            self._file = safetensors.safe_open(str(self._path), framework="numpy")
            names = list(self._file.keys())
        except (OSError, safetensors.SafetensorError) as error:  # type: ignore[attr-defined]
            raise EncoderError(f"{self._path} cannot be read ({error})") from error
        self._names = {_plain(name): name for name in names}

    def __getitem__(self, name: str) -> Array:
        """One tensor as float32."""
        return self._stored(name).astype(np.float32)

    def rows(self, name: str, rows: Sequence[int]) -> Array:
        """Some rows of a tensor as float32, without widening the others."""
        return self._stored(name)[np.array(rows)].astype(np.float32)

    def _stored(self, name: str) -> Array:
        if name not in self._names:
            raise EncoderError(f"{self._path} lacks the tensor {name}")
        array: Array = self._file.get_tensor(self._names[name])
        return array

    def layer(self, index: int) -> dict[str, Array]:
        """All tensors of one layer, by their names within it."""
        prefix = f"encoder.layer.{index}."
        found = {n[len(prefix) :]: self[n] for n in self._names if n.startswith(prefix)}
        if not found:
            raise EncoderError(f"{self._path} lacks layer {index}")
        return found


def _plain(name: str) -> str:
    for prefix in ("bert.", "roberta.", "model."):
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name
