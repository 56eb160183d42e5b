"""The whole model as one ONNX graph: frozen layers, trained layers, both heads.

What the frozen layers say is computed by this same int8 graph in training, so that only the trained
layers are quantized after the fact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.nlu.network import PARTS
from shop.text.bert import BertConfig
from shop.text.onnx_bert import GraphBuilder, add_embeddings, add_ids, add_layer, add_mean

Array = npt.NDArray[Any]


def frozen_graph(
    top: Mapping[str, Array], layers: Sequence[Mapping[str, Array]], config: BertConfig
) -> bytes:
    """Embeddings and the frozen layers: `input_ids` to `hidden` [1, pieces, hidden]."""
    graph = GraphBuilder()
    x = add_embeddings(graph, add_ids(graph), top, config)
    for layer in layers:
        x = add_layer(graph, x, layer, config)
    return graph.serialize({"hidden": x})


def whole_graph(
    top: Mapping[str, Array],
    layers: Sequence[Mapping[str, Array]],
    trained: Mapping[str, Array],
    config: BertConfig,
) -> bytes:
    """All of it.

    Args:
        top: embeddings by BertModel's names, the words' pruned.
        layers: the frozen layers' tensors.
        trained: `Network.arrays()`.
        config: sizes.

    Returns:
        A graph of `input_ids` [1, pieces] and `first`, `last`, `unit_ids`, `places` [units] with
        outputs `intents` [1, intents], `tags` [1, units, tags] and `sentence` [1, 2 x hidden], the
        uppermost mean and the sentence's begin.
    """
    weights = {name: array.astype(np.float32) for name, array in trained.items()}
    graph = GraphBuilder()
    ids = add_ids(graph)
    first, last, unit_ids, places = (
        graph.input(name, np.int64, ["units"]) for name in ("first", "last", "unit_ids", "places")
    )
    words = graph.table(top["embeddings.word_embeddings.weight"])
    x = add_embeddings(graph, ids, top, config, words=words)
    for layer in layers:
        x = add_layer(graph, x, layer, config)
    means = [add_mean(graph, x)]
    count = 1 + max((int(n.split(".")[1]) for n in weights if n.startswith("layers.")), default=-1)
    for index in range(count):
        layer = {
            f"{theirs}.{kind}": weights[f"layers.{index}.{ours}.{kind}"]
            for theirs, ours in PARTS.items()
            for kind in ("weight", "bias")
        }
        x = add_layer(graph, x, layer, config)
        means.append(add_mean(graph, x))

    def linear(name: str, y: str) -> str:
        return graph.exact_dense(y, weights[f"{name}.weight"], weights[f"{name}.bias"])

    begin = graph.node("Gather", x, graph.constant(np.array(0)), axis=1)
    sentence = graph.node("Concat", *means, begin, axis=1)
    context = graph.node(
        "Concat",
        graph.node("Gather", x, first, axis=1),
        graph.node("Gather", x, last, axis=1),
        axis=2,
    )
    units = graph.node(
        "Add", linear("unit_context", context), linear("unit_spelled", words(unit_ids))
    )
    place = graph.node("Gather", graph.constant(weights["unit_place.weight"]), places)
    units = graph.node("Gelu", graph.node("Add", units, place), contrib=True)
    around = graph.node(
        "Conv",
        graph.node("Transpose", units, perm=[0, 2, 1]),
        graph.constant(weights["around.weight"]),
        graph.constant(weights["around.bias"]),
        kernel_shape=[3],
        pads=[1, 1],
    )
    around = graph.node("Gelu", graph.node("Transpose", around, perm=[0, 2, 1]), contrib=True)
    return graph.serialize(
        {
            "intents": linear("intent", sentence),
            "tags": linear("tags", graph.node("Add", units, around)),
            "sentence": graph.node("Concat", means[-1], begin, axis=1),
        }
    )
