"""Run a trained model: tokenizers and ONNX Runtime only, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.nlu.calibration import Calibration
from bot.nlu.features import Featurizer
from bot.nlu.tags import TagSet
from bot.nlu.units import Read, read
from shop.text.pieces import load_tokenizer

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Answer:
    """What the model says of one text.

    Attributes:
        read: the text as it was read.
        logits: [intents].
        probabilities: [intents], calibrated.
        tags: [units, tags] logits; there may be fewer than the text has units.
    """

    read: Read
    logits: Floats
    probabilities: Floats
    tags: Floats


class Model:
    """A trained model in memory; safe to use from several threads.

    Args:
        graph: the ONNX graph.
        tokenizer: content of the pruned tokenizer.json.
        intents, entities: names, in the order of the heads.
        transitions: see `bot.nlu.tags`.
        calibration: from logits to confidences.
        longest: how many pieces the encoder can read.
        max_characters: where texts are cut.
        threads: of one run.
    """

    def __init__(
        self,
        *,
        graph: bytes,
        tokenizer: dict[str, Any],
        intents: tuple[str, ...],
        entities: tuple[str, ...],
        transitions: Floats,
        calibration: Calibration,
        longest: int,
        max_characters: int,
        threads: int = 1,
    ) -> None:
        """Load the graph."""
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._featurizer = Featurizer(load_tokenizer(tokenizer), longest=longest)
        self.intents = intents
        self.tagset = TagSet(entities, transitions)
        self.calibration = calibration
        self.max_characters = max_characters

    def answer(self, text: str) -> Answer | None:
        """Score one text; None where there is nothing to read (blanks, nothing visible)."""
        found = read(text, longest=self.max_characters)
        if not found.units:
            return None
        features = self._featurizer.features(found)
        if not len(features.first):
            return None
        logits, tags, sentence = self._session.run(
            ["intents", "tags", "sentence"],
            {
                "input_ids": features.ids[None],
                "first": features.first,
                "last": features.last,
                "unit_ids": features.unit_ids,
                "places": features.places,
            },
        )
        probabilities = self.calibration.probabilities(logits, sentence)
        return Answer(found, logits[0], probabilities[0], tags[0])
