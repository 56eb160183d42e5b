"""The trained part of the model, in torch: the encoder's upper layers and two heads.

`bot.nlu.export` writes the same computation as an ONNX graph; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bot.nlu.features import PLACES
from shop.text.bert import BertConfig

#: Width of what a unit is known by, before its tags are scored.
UNIT_WIDTH = 192
#: BertModel's names within a layer and ours.
PARTS = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "mix",
    "attention.output.LayerNorm": "mix_norm",
    "intermediate.dense": "widen",
    "output.dense": "narrow",
    "output.LayerNorm": "narrow_norm",
}


@dataclass(frozen=True)
class Batch:
    """Texts side by side, padded.

    Attributes:
        hidden: [texts, pieces, hidden] what the frozen layers say.
        mask: [texts, pieces] true where there is a piece.
        first, last, places: [texts, units] see `bot.nlu.features`.
        spelled: [texts, units, hidden] word embedding of each unit alone.
        unit_mask: [texts, units] true where there is a unit.
    """

    hidden: Tensor
    mask: Tensor
    first: Tensor
    last: Tensor
    places: Tensor
    spelled: Tensor
    unit_mask: Tensor


class Layer(nn.Module):
    """A transformer layer as BERT has it."""

    def __init__(self, config: BertConfig, dropout: float) -> None:
        """Make it with random weights."""
        super().__init__()
        width = config.hidden
        self.heads = config.heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.mix = nn.Linear(width, width)
        self.mix_norm = nn.LayerNorm(width, eps=config.epsilon)
        self.widen = nn.Linear(width, config.inner)
        self.narrow = nn.Linear(config.inner, width)
        self.narrow_norm = nn.LayerNorm(width, eps=config.epsilon)
        self.dropout = dropout

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """[texts, pieces, hidden] to the same; `mask` is [texts, 1, 1, pieces]."""
        texts, pieces, width = x.shape

        def split(y: Tensor) -> Tensor:
            return y.view(texts, pieces, self.heads, -1).transpose(1, 2)

        asked, offered, told = (split(y(x)).float() for y in (self.query, self.key, self.value))
        # Not in bfloat16: on processors its way back takes ten times as long as in float32.
        with torch.autocast(x.device.type, enabled=False):
            context = nn.functional.scaled_dot_product_attention(
                asked, offered, told, attn_mask=mask
            )
        y = self.mix(context.transpose(1, 2).reshape(texts, pieces, width))
        x = self.mix_norm(x + nn.functional.dropout(y, self.dropout, self.training))
        y = self.narrow(nn.functional.gelu(self.widen(x)))
        return self.narrow_norm(x + nn.functional.dropout(y, self.dropout, self.training))


class Network(nn.Module):
    """Upper layers, a head for the intent and one for the tags.

    Args:
        config: sizes of the encoder.
        layers: how many of its upper layers there are.
        means: how many of these tell the intent by the mean over their pieces, besides what goes
            into the lowest of them; all where not given.
        intents, tags: how many there are.
        dropout: in the layers and before both heads.
        word_dropout: how many of the pieces are hidden from the others in training.
    """

    def __init__(
        self,
        config: BertConfig,
        *,
        layers: int,
        intents: int,
        tags: int,
        dropout: float,
        word_dropout: float = 0.0,
        means: int | None = None,
    ) -> None:
        """Make it with random weights."""
        super().__init__()
        width = config.hidden
        self.layers = nn.ModuleList(Layer(config, dropout) for _ in range(layers))
        self.means = layers if means is None else means
        self.intent = nn.Linear((self.means + 2) * width, intents)
        self.unit_context = nn.Linear(2 * width, UNIT_WIDTH)
        self.unit_spelled = nn.Linear(width, UNIT_WIDTH)
        self.unit_place = nn.Embedding(PLACES, UNIT_WIDTH)
        self.around = nn.Conv1d(UNIT_WIDTH, UNIT_WIDTH, kernel_size=3, padding=1)
        self.tags = nn.Linear(UNIT_WIDTH, tags)
        # From a tag (row) to the next (column), see `bot.nlu.crf`.
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.dropout, self.word_dropout = dropout, word_dropout

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Score a batch.

        Returns:
            Intent logits [texts, intents], tag logits [texts, units, tags] and the sentence: the
            uppermost mean over the pieces and its begin [texts, 2 x hidden]. The intent is told
            from these and from the lower means, which help where it hangs on one word.
        """
        x = batch.hidden
        mask = self._thinned(batch.mask)
        weights = mask[:, :, None].to(x.dtype)
        weights = weights / weights.sum(1, keepdim=True)
        means = [(x * weights).sum(1)]
        for layer in self.layers:
            x = layer(x, mask[:, None, None, :])
            means.append((x * weights).sum(1))
        told = torch.cat([*means[-1 - self.means :], x[:, 0]], dim=1).float()
        intents = self.intent(nn.functional.dropout(told, self.dropout, self.training))
        sentence = told[:, -2 * x.shape[2] :]

        def at(places: Tensor) -> Tensor:
            return x.gather(1, places[:, :, None].expand(-1, -1, x.shape[2]))

        context = torch.cat([at(batch.first), at(batch.last)], dim=2)
        context = nn.functional.dropout(context, self.dropout, self.training)
        units = nn.functional.gelu(
            self.unit_context(context)
            + self.unit_spelled(batch.spelled)
            + self.unit_place(batch.places)
        )
        units = units * batch.unit_mask[:, :, None].to(units.dtype)
        around = self.around(units.transpose(1, 2)).transpose(1, 2)
        tags = self.tags(
            nn.functional.dropout(units + nn.functional.gelu(around), self.dropout, self.training)
        )
        return intents, tags.float(), sentence

    def _thinned(self, mask: Tensor) -> Tensor:
        """In training some pieces are hidden from the others, never the sentence's begin."""
        if not self.training or not self.word_dropout:
            return mask
        kept = torch.rand(mask.shape, device=mask.device) >= self.word_dropout
        kept[:, 0] = True
        return mask & kept

    def start_from(self, layers: Sequence[Mapping[str, npt.NDArray[Any]]]) -> None:
        """Take the upper layers' weights from the encoder, by BertModel's names."""
        for layer, given in zip(self.layers, layers, strict=True):
            for theirs, ours in PARTS.items():
                part = getattr(layer, ours)
                for kind in ("weight", "bias"):
                    value = torch.from_numpy(np.array(given[f"{theirs}.{kind}"], np.float32))
                    getattr(part, kind).data.copy_(value)

    def arrays(self) -> dict[str, npt.NDArray[np.float16]]:
        """All weights, for the archive."""
        return {name: p.detach().cpu().numpy().astype(np.float16) for name, p in self.state()}

    def state(self) -> list[tuple[str, Tensor]]:
        """Names and weights."""
        return list(self.state_dict().items())

    def take(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """The reverse of `arrays`."""
        self.load_state_dict(
            {name: torch.from_numpy(a.astype(np.float32)) for name, a in arrays.items()}
        )
