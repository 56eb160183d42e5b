"""`TransformerNLU`: one pass of a small multilingual transformer gives intent and entities."""

import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.graph_components.validators.default_recipe_validator import TRAINABLE_EXTRACTORS
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.exceptions import InvalidConfigException, RasaException
from rasa.shared.nlu.constants import (
    ENTITIES,
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu import store
from bot.nlu.entities import find_entities
from bot.nlu.examples import from_rasa
from bot.nlu.lookups import Catalogue, Lookup, shop_words
from bot.nlu.options import Options
from bot.nlu.patterns import Patterns
from bot.nlu.serving import Model
from shop.errors import EncoderError, SettingsError
from shop.settings import ShopSettings
from shop.settings import read as read_settings
from shop.text import encoder

logger = logging.getLogger(__name__)


@DefaultV1Recipe.register(
    [
        DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER,
        DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR,
    ],
    is_trainable=True,
)
class TransformerNLU(GraphComponent, IntentClassifier, EntityExtractorMixin):
    """Intent and entities of a message in Chinese, English or both.

    Options and their meaning: `bot.nlu.options.Options`. How entities come about:
    `bot.nlu.entities`. How confidences do: `bot.nlu.calibration`.
    """

    @classmethod
    def required_components(cls) -> list[type]:
        """A tokenizer, since Rasa measures entities by tokens."""
        return [Tokenizer]

    @staticmethod
    def required_packages() -> list[str]:
        """What serving needs; training also needs the extra `train`."""
        return ["onnxruntime", "tokenizers"]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """All options, explained in `bot.nlu.options.Options`."""
        return Options.defaults()

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Refuse values that cannot be used."""
        Options.checked(config)

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        *,
        start: dict[str, Any] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Make it.

        Args:
            config: the options.
            model_storage, resource: where the model is kept.
            start: weights that training goes on from.
            folder: a stored model, to serve.
        """
        self._options = Options.checked(config)
        self._model_storage = model_storage
        self._resource = resource
        self._start = start
        self._model: Model | None = None
        self._literals: dict[str, str] = {}
        self._catalogue: Catalogue | None = None
        if folder is not None:
            self._serve(folder)

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "TransformerNLU":
        """An untrained one."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "TransformerNLU":
        """The trained one, to serve or to train on."""
        try:
            with model_storage.read_from(resource) as folder:
                if not (folder / "meta.json").is_file():
                    # Trained on nothing: nothing is understood.
                    return cls(config, model_storage, resource)
                if execution_context.is_finetuning:
                    start = {
                        "meta": store.read_meta(folder),
                        "weights": store.read_weights(folder),
                    }
                    return cls(config, model_storage, resource, start=start)
                return cls(config, model_storage, resource, folder=folder)
        except ValueError as error:
            raise RasaException(f"TransformerNLU: the model cannot be loaded: {error}") from error

    def _serve(self, folder: Path) -> None:
        options = self._options
        self._model = store.read_model(folder, threads=options.threads)
        self._literals = store.read_meta(folder).literals
        try:
            pattern = read_settings(ShopSettings).order_pattern
        except SettingsError as error:
            raise InvalidConfigException(str(error)) from error
        self._patterns = Patterns(pattern)
        if options.lookups:
            self._catalogue = Catalogue(shop_words, every=options.refresh_seconds)

    def train(self, training_data: TrainingData) -> Resource:
        """Train on the examples; what only channels send is remembered, not learned."""
        # Read when torch is loaded. Threads that spin for long while they wait for one another make
        # training several times slower on a machine that also does something else; threads that do
        # not spin at all, a third slower on one that does not.
        os.environ.setdefault("GOMP_SPINCOUNT", "5000")
        try:
            from bot.nlu.training import train
        except ImportError as error:
            raise RasaException(
                f"training needs {error.name}: pip install -e '.[train]' -c constraints.txt"
            ) from error
        options = self._options
        given = from_rasa(training_data)
        literals = {e.text.strip(): e.intent for e in given if e.intent in options.literal_intents}
        given = [e for e in given if e.intent not in options.literal_intents]
        if len({e.intent for e in given}) < 2:
            logger.warning("TransformerNLU: fewer than two intents have examples; nothing trained")
            with self._model_storage.write_to(self._resource):
                return self._resource
        trained = train(
            given,
            options,
            self._encoder_folder(),
            start=self._start_weights({e.intent for e in given}, given),
            progress=lambda step: print(f"TransformerNLU: {step}", flush=True),
        )
        with self._model_storage.write_to(self._resource) as folder:
            store.write(folder, trained, literals=literals, max_characters=options.max_characters)
            self._serve(folder)
        return self._resource

    def _encoder_folder(self) -> Path:
        """The encoder's folder, unpacked when it is not there yet."""
        try:
            chosen = encoder.settings()
            source = self._options.encoder or chosen.encoder_source
            folder = chosen.encoder_folder
            if source != chosen.encoder_source:
                # Not the one that search uses: it lies beside that.
                folder = folder.with_name(f"{folder.name}-{encoder.short_name(source)}")
            return encoder.prepare(source, folder, progress=lambda s: print(f"encoder: {s} …"))
        except (EncoderError, SettingsError) as error:
            raise RasaException(f"TransformerNLU: {error}") from error

    def _start_weights(self, intents: set[str], given: Iterable[Any]) -> dict[str, Any] | None:
        if self._start is None:
            return None
        meta = self._start["meta"]
        entities = {mark.entity for example in given for mark in example.marks}
        if set(meta.intents) != intents or set(meta.entities) != entities:
            raise InvalidConfigException(
                "TransformerNLU: --finetune needs the intents and entities it was trained with; "
                "train from nothing after adding one"
            )
        weights: dict[str, Any] = self._start["weights"]
        return weights

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Nothing that comes after needs what this says of the examples."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Set intent, ranking and entities of every message."""
        if len(messages) == 1:
            self._understand(messages[0])
        else:
            # The graph runs one text at a time, and lets go of Python's lock while it does.
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(self._understand, messages))
        return messages

    def _order(self, probabilities: npt.NDArray[np.float32]) -> list[int]:
        """The intents to show, likeliest first; the out-of-scope decision is always shown."""
        order: list[int] = probabilities.argsort()[::-1].tolist()
        shown = order[: self._options.ranking_length]
        outside = self._model.calibration.outside if self._model else -1
        return shown if outside < 0 or outside in shown else [*shown, outside]

    def _understand(self, message: Message) -> None:
        text = message.get(TEXT) or ""
        ranking: list[dict[str, Any]] = []
        entities: list[dict[str, Any]] = []
        literal = self._literals.get(text.strip())
        if literal is not None:
            ranking = [{INTENT_NAME_KEY: literal, PREDICTED_CONFIDENCE_KEY: 1.0}]
        elif self._model is not None and (answer := self._model.answer(text)) is not None:
            order = self._order(answer.probabilities)
            ranking = [
                {
                    INTENT_NAME_KEY: self._model.intents[index],
                    PREDICTED_CONFIDENCE_KEY: float(answer.probabilities[index]),
                }
                for index in order
            ]
            entities = find_entities(
                answer.read,
                answer.tags,
                self._model.tagset,
                patterns=self._patterns,
                lookup=self._catalogue.lookup if self._catalogue else Lookup(),
                bonus=self._options.lookup_bonus,
            )
        nothing = {INTENT_NAME_KEY: None, PREDICTED_CONFIDENCE_KEY: 0.0}
        message.set(INTENT, ranking[0] if ranking else nothing, add_to_output=True)
        message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        # Others before us may have found entities; ours are added, as Rasa's extractors do.
        message.set(ENTITIES, (message.get(ENTITIES) or []) + entities, add_to_output=True)


# Rasa knows only its own extractors by name and would warn that entities are trained by none.
if TransformerNLU not in TRAINABLE_EXTRACTORS:
    TRAINABLE_EXTRACTORS.append(TransformerNLU)
