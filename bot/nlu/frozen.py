"""What the frozen lower layers say about the training texts, computed once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.nlu.export import frozen_graph
from bot.nlu.features import Features
from shop.text.bert import BertConfig, Weights, read_config
from shop.text.pieces import PrunedPieces, prune, read_tokenizer

Array = npt.NDArray[Any]
TOP = (
    "embeddings.position_embeddings.weight",
    "embeddings.token_type_embeddings.weight",
    "embeddings.LayerNorm.weight",
    "embeddings.LayerNorm.bias",
)
WORDS = "embeddings.word_embeddings.weight"


@dataclass(frozen=True)
class Encoder:
    """The encoder as the model starts from it.

    Attributes:
        config: sizes.
        pieces: the pruned tokenizer.
        top: embeddings, the words' pruned.
        layers: those that are used, lowest first.
    """

    config: BertConfig
    pieces: PrunedPieces
    top: dict[str, Array]
    layers: list[dict[str, Array]]


def read_encoder(folder: Path, texts: Sequence[str], *, layers: int) -> Encoder:
    """Read the lowest `layers` layers of the encoder, all where it has fewer; pieces that the
    training texts use are kept in any case.

    Raises:
        EncoderError: The folder is missing or damaged.
    """
    from shop.text.pieces import load_tokenizer

    config = read_config(folder)
    content = read_tokenizer(folder)
    whole = load_tokenizer(content)
    used = {piece for encoding in whole.encode_batch(list(texts)) for piece in encoding.tokens}
    pieces = prune(content, lower=True, always=used)
    weights = Weights(folder)
    top = {name: weights[name] for name in TOP}
    top[WORDS] = weights.rows(WORDS, pieces.kept)
    return Encoder(
        config, pieces, top, [weights.layer(i) for i in range(min(layers, config.layers))]
    )


def remember(
    encoder: Encoder,
    layers: int,
    features: Sequence[Features],
    progress: Callable[[int], None],
) -> list[npt.NDArray[np.float16]]:
    """What the lowest `layers` layers say about each text: [pieces, hidden] each.

    Text by text, as in serving, where activations are quantized over one text.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(
        frozen_graph(encoder.top, encoder.layers[:layers], encoder.config),
        options,
        providers=["CPUExecutionProvider"],
    )

    def one(item: Features) -> npt.NDArray[np.float16]:
        (hidden,) = session.run(None, {"input_ids": item.ids[None]})
        result: npt.NDArray[np.float16] = hidden[0].astype(np.float16)
        return result

    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for hidden in pool.map(one, features):
            found.append(hidden)
            progress(len(found))
    return found
