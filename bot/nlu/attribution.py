"""Which words carried a decision: integrated gradients.

Sundararajan, Taly and Yan 2017, "Axiomatic Attribution for Deep Networks",
https://arxiv.org/abs/1703.01365: the gradient of the intent's logit with respect to the word
embeddings, averaged on the way from no words (the padding piece everywhere) to the message, times
the way. The parts sum up to the difference of the logit between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bot.nlu.features import Featurizer
from bot.nlu.frozen import TOP, WORDS
from bot.nlu.network import Batch, Network
from bot.nlu.store import read_meta, read_tokenizer, read_weights
from bot.nlu.units import Read, read
from shop.text.bert import Weights, read_config
from shop.text.pieces import load_tokenizer
from shop.text.pieces import read_tokenizer as read_whole

#: Points on the way; the sum is then within a percent or two of what it should be.
STEPS = 48


@dataclass(frozen=True)
class Attribution:
    """How much each unit spoke for an intent.

    Attributes:
        intent: which.
        read: the message, with its units.
        parts: [units] positive for the intent, negative against it.
        gap: how far the parts' sum is from the difference they should explain, relative to it.
    """

    intent: str
    read: Read
    parts: tuple[float, ...]
    gap: float


class Explainer:
    """Explains a stored model.

    Args:
        folder: of the stored model.
        encoder: the encoder's folder, for the layers that were not trained.
    """

    def __init__(self, folder: Path, encoder: Path) -> None:
        """Load both and put them together."""
        self._meta = read_meta(folder)
        content = read_tokenizer(folder)
        self._featurizer = Featurizer(load_tokenizer(content), longest=self._meta.longest)
        self._config = read_config(encoder)
        weights = Weights(encoder)
        trained = read_weights(folder)
        count = 1 + max(
            (int(n.split(".")[1]) for n in trained if n.startswith("layers.")), default=-1
        )
        frozen = self._meta.frozen
        self._network = Network(
            self._config,
            layers=frozen + count,
            intents=len(self._meta.intents),
            tags=1 + 2 * len(self._meta.entities),
            dropout=0.0,
            means=count,
        ).eval()
        self._network.start_from([weights.layer(i) for i in range(frozen + count)])
        for name, array in trained.items():
            if name.startswith("layers."):
                _, index, rest = name.split(".", 2)
                name = f"layers.{int(index) + frozen}.{rest}"
            self._network.get_parameter(name).data.copy_(torch.from_numpy(array).float())
        # The pruned tokenizer's ids are not the encoder's: rows are found by their pieces.
        whole = {
            piece: index for index, (piece, _) in enumerate(read_whole(encoder)["model"]["vocab"])
        }
        rows = [whole[piece.lstrip("\0")] for piece, _ in content["model"]["vocab"]]
        self._words = torch.from_numpy(weights.rows(WORDS, rows))
        self._padding = torch.from_numpy(weights.rows(WORDS, [self._config.pad]))
        positions, types, scale, shift = (torch.from_numpy(weights[name]) for name in TOP)
        self._positions = positions[self._config.first_position :] + types[0]
        self._norm = nn.LayerNorm(self._config.hidden, eps=self._config.epsilon)
        self._norm.weight.data, self._norm.bias.data = scale, shift

    @property
    def intents(self) -> tuple[str, ...]:
        """Those that can be explained."""
        return self._meta.intents

    def explain(self, text: str, intent: str) -> Attribution | None:
        """Attribute an intent's logit to the units; None where there is nothing to read."""
        found = read(text, longest=self._meta.max_characters)
        features = self._featurizer.features(found)
        if not len(features.first):
            return None
        number = self._meta.intents.index(intent)
        way_to = self._words[torch.from_numpy(features.ids)]
        start = self._padding.repeat(len(way_to), 1)
        # The sentence's begin and end are no words: they stay.
        start[[0, -1]] = way_to[[0, -1]]
        way = way_to - start
        points = (torch.arange(STEPS) + 0.5) / STEPS
        embedded = (start + points[:, None, None] * way).requires_grad_()
        logits = self._logits(embedded)[:, number]
        (gradients,) = torch.autograd.grad(logits.sum(), embedded)
        by_piece = (gradients.mean(0) * way).sum(-1)
        with torch.no_grad():
            ends = self._logits(torch.stack([start, way_to]))[:, number]
        whole = float(ends[1] - ends[0])
        gap = abs(whole - float(by_piece.sum())) / max(abs(whole), 1e-6)
        return Attribution(intent, found, _by_unit(by_piece, features.first, features.last), gap)

    @torch.no_grad()
    def logits(self, text: str) -> npt.NDArray[np.float32]:
        """Intent logits of a text, in float32 throughout."""
        features = self._featurizer.features(read(text, longest=self._meta.max_characters))
        found: npt.NDArray[np.float32] = self._logits(
            self._words[torch.from_numpy(features.ids)][None]
        ).numpy()
        return found[0]

    def _logits(self, words: Tensor) -> Tensor:
        count, pieces, width = words.shape
        hidden = self._norm(words + self._positions[:pieces])
        one = torch.zeros(count, 1, dtype=torch.long)
        batch = Batch(
            hidden=hidden,
            mask=torch.ones(count, pieces, dtype=torch.bool),
            first=one,
            last=one,
            places=one,
            spelled=torch.zeros(count, 1, width),
            unit_mask=one.bool(),
        )
        logits: Tensor = self._network(batch)[0]
        return logits


def _by_unit(
    by_piece: Tensor, first: np.ndarray[tuple[int], np.dtype[np.int64]], last: np.ndarray
) -> tuple[float, ...]:
    """A piece's part goes to its units in equal shares."""
    owners = np.zeros(len(by_piece))
    for begin, end in zip(first, last, strict=True):
        owners[begin : end + 1] += 1
    return tuple(
        sum(float(by_piece[piece]) / owners[piece] for piece in range(begin, end + 1))
        for begin, end in zip(first, last, strict=True)
    )
