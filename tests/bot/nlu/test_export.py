"""The ONNX graph computes what the torch network computes, but for rounding to int8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from bot.nlu.export import whole_graph
from bot.nlu.features import Featurizer
from bot.nlu.frozen import WORDS, Encoder, read_encoder, remember
from bot.nlu.network import Batch, Network
from bot.nlu.units import read
from shop.text.onnx_bert import GraphBuilder

TEXTS = ("查订单", "return the red shoes please", "我 want 两双 blue 鞋", "a", "ы")


@pytest.fixture(scope="module")
def encoder(tiny_folder: Path) -> Encoder:
    return read_encoder(tiny_folder, list(TEXTS), layers=2)


def test_only_so_many_layers_are_used_as_there_are(tiny_folder: Path) -> None:
    assert [len(read_encoder(tiny_folder, TEXTS, layers=n).layers) for n in (1, 2, 3)] == [1, 2, 2]


@pytest.mark.parametrize("layers", [0, 1, 2])
def test_the_graph_is_the_network(encoder: Encoder, layers: int) -> None:
    torch.manual_seed(0)
    network = Network(encoder.config, layers=layers, intents=5, tags=7, dropout=0.1).eval()
    frozen = len(encoder.layers) - layers
    network.start_from(encoder.layers[frozen:])
    graph = whole_graph(
        encoder.top, encoder.layers[:frozen], dict(network.arrays()), encoder.config
    )
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    featurizer = Featurizer(encoder.pieces.tokenizer(), longest=encoder.config.longest)
    for text in TEXTS:
        f = featurizer.features(read(text, longest=100))
        (hidden,) = remember(encoder, frozen, [f], lambda done: None)
        batch = Batch(
            hidden=torch.from_numpy(hidden.astype(np.float32))[None],
            mask=torch.ones(1, len(f.ids), dtype=torch.bool),
            first=torch.from_numpy(f.first)[None],
            last=torch.from_numpy(f.last)[None],
            places=torch.from_numpy(f.places)[None],
            spelled=torch.from_numpy(encoder.top[WORDS][f.unit_ids])[None],
            unit_mask=torch.ones(1, len(f.first), dtype=torch.bool),
        )
        with torch.no_grad():
            wanted = [output.numpy() for output in network(batch)]
        found = session.run(
            ["intents", "tags", "sentence"],
            {
                "input_ids": f.ids[None],
                "first": f.first,
                "last": f.last,
                "unit_ids": f.unit_ids,
                "places": f.places,
            },
        )
        for one, other in zip(wanted, found, strict=True):
            assert one.shape == other.shape
            assert np.abs(one - other).max() < 0.1 * max(1, np.abs(one).max())


def test_q4_weights_survive_the_4_bit_table() -> None:
    chance = np.random.default_rng(0)
    codes = chance.integers(-8, 8, (10, 2, 32))
    codes[:, :, 0] = -8  # Q4_0 gives the farthest weight the code -8
    scales = chance.uniform(0.01, 0.1, (10, 2, 1)).astype(np.float16).astype(np.float32)
    table = (codes * scales).reshape(10, 64).astype(np.float32)
    graph = GraphBuilder()
    ids = graph.input("ids", np.int64, ["n"])
    data = graph.serialize({"rows": graph.table(table)(ids)})
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    (rows,) = session.run(None, {"ids": np.arange(10)})
    assert np.allclose(rows, table, atol=1e-3 * np.abs(table).max())


def test_a_batch_is_scored_as_its_texts_alone(encoder: Encoder) -> None:
    torch.manual_seed(0)
    network = Network(encoder.config, layers=2, intents=5, tags=7, dropout=0.1).eval()
    width = encoder.config.hidden
    hidden, spelled = torch.randn(1, 4, width), torch.randn(1, 3, width)
    places = torch.tensor([[1, 1, 2]])

    def batch(pieces: int, units: int) -> Batch:
        pad = torch.nn.functional.pad
        return Batch(
            hidden=pad(hidden, (0, 0, 0, pieces), value=9.0),
            mask=pad(torch.ones(1, 4, dtype=torch.bool), (0, pieces)),
            first=pad(places, (0, units)),
            last=pad(places, (0, units)),
            places=pad(places, (0, units)),
            spelled=pad(spelled, (0, 0, 0, units), value=9.0),
            unit_mask=pad(torch.ones(1, 3, dtype=torch.bool), (0, units)),
        )

    with torch.no_grad():
        alone, padded = network(batch(0, 0)), network(batch(5, 4))
    assert torch.allclose(alone[0], padded[0], atol=1e-5)
    assert torch.allclose(alone[1], padded[1][:, :3], atol=1e-5)
