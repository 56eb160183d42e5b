"""The component in Rasa's hands: train, write, read, process."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.exceptions import InvalidConfigException, RasaException
from rasa.shared.nlu.training_data.loading import load_data
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu import store
from bot.nlu.tags import TagSet
from bot.nlu.tokenizer import ShopTokenizer
from bot.nlu.transformer_nlu import TransformerNLU
from tests.checks.nlu import NluChecks, Parse

CONFIG = {
    "epochs": 30,
    "trained_layers": 1,
    "batch_size": 8,
    "learning_rate": 3e-3,
    "head_learning_rate": 1e-2,
    "held_out": 0.0,
    "noisy_copies": 1,
    "least_examples": 0,
    "precision": "float32",
    "lookups": False,
}
Train = Callable[..., tuple[LocalModelStorage, Resource]]


@pytest.fixture(scope="session")
def encoder_environment(tiny_folder: Path) -> Iterator[None]:
    """The settings name the tiny encoder."""
    with pytest.MonkeyPatch.context() as patch:
        source = json.loads((tiny_folder / "sums.json").read_text())["source"]
        patch.setenv("XIAOER_ENCODER_SOURCE", source)
        patch.setenv("XIAOER_ENCODER_FOLDER", str(tiny_folder))
        yield


def context(*, finetuning: bool = False) -> ExecutionContext:
    return ExecutionContext(GraphSchema({}), "test", is_finetuning=finetuning, node_name="nlu")


def configured(**options: object) -> dict:
    return {**TransformerNLU.get_default_config(), **CONFIG, **options}


def tokenizer() -> ShopTokenizer:
    return ShopTokenizer(ShopTokenizer.get_default_config())


def parser(component: TransformerNLU) -> Parse:
    def parse(text: str) -> Message:
        message = Message.build(text=text)
        component.process(tokenizer().process([message]))
        return message

    return parse


@pytest.fixture(scope="session")
def train(
    tmp_path_factory: pytest.TempPathFactory, encoder_environment: None, tiny_data: TrainingData
) -> Train:
    def work(
        data: TrainingData = tiny_data, **options: object
    ) -> tuple[LocalModelStorage, Resource]:
        storage = LocalModelStorage.create(tmp_path_factory.mktemp(uuid.uuid4().hex))
        resource = Resource("train_TransformerNLU1")
        component = TransformerNLU.create(configured(**options), storage, resource, context())
        data = tokenizer().process_training_data(copy.deepcopy(data))
        return storage, component.train(data)

    return work


def load(trained: tuple[LocalModelStorage, Resource], **options: object) -> TransformerNLU:
    storage, resource = trained
    return TransformerNLU.load(configured(**options), storage, resource, context())


@pytest.fixture(scope="session")
def trained(train: Train) -> tuple[LocalModelStorage, Resource]:
    return train()


@pytest.fixture(scope="session")
def parse(trained: tuple[LocalModelStorage, Resource]) -> Parse:
    return parser(load(trained))


@pytest.fixture(scope="session")
def parse_again(trained: tuple[LocalModelStorage, Resource]) -> Parse:
    return parser(load(trained))


@pytest.fixture(scope="session")
def parse_twin(train: Train) -> Parse:
    return parser(load(train()))


@pytest.fixture(scope="session")
def sentences(tiny_data: TrainingData) -> list[str]:
    texts = [m.get("text") for m in tiny_data.intent_examples if m.get("intent") != "send_image"]
    return [*texts, "我 want 两双 red 鞋", "ＲＥＤ　ｓｈｏｅｓ", "１２ shoes!!"]


class TestTransformerNLU(NluChecks):
    """The common checks."""


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("查一下订单", "check_order"),
        ("RETURN MY SHOES", "return_item"),
        ("find blue shoes", "search_product"),
        ("sing me a song", "out_of_scope"),
        ("ＦＩＮＤ　ｓｈｏｅｓ", "search_product"),
        ("查訂單", "check_order"),
    ],
)
def test_intents_are_learned(parse: Parse, text: str, intent: str) -> None:
    assert parse(text).get("intent")["name"] == intent


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("买[红色](color)的鞋", [("color", "红色")]),
        ("two pairs of red shoes", [("quantity", "two pairs"), ("color", "red")]),
        ("two pairs of RED shoes", [("quantity", "two pairs"), ("color", "RED")]),
        ("退货", []),
    ],
)
def test_entities_are_learned(parse: Parse, text: str, entities: list[tuple[str, str]]) -> None:
    text = text.replace("[", "").replace("](color)", "")
    found = [(e["entity"], e["value"]) for e in parse(text).get("entities")]
    assert found == entities


@pytest.mark.parametrize("text", ["[图片]", " [photo] "])
def test_what_channels_send_is_recognized_by_its_letters(parse: Parse, text: str) -> None:
    assert parse(text).get("intent") == {"name": "send_image", "confidence": 1.0}


@pytest.mark.parametrize("text", ["图片", "photo", "[图片", "send the [photo]", "[图片][图片]"])
def test_what_channels_send_is_never_predicted(parse: Parse, text: str) -> None:
    names = [entry["name"] for entry in parse(text).get("intent_ranking")]
    assert "send_image" not in names


def test_the_out_of_scope_decision_is_always_shown(
    trained: tuple[LocalModelStorage, Resource],
) -> None:
    ranking = parser(load(trained, ranking_length=1))("查订单").get("intent_ranking")
    assert [entry["name"] for entry in ranking] == ["check_order", "out_of_scope"]


def test_the_cut_bounds_what_is_looked_at(train: Train) -> None:
    parse = parser(load(train(epochs=1, max_characters=16)))
    a, b = parse("查订单" + "。" * 13), parse("查订单" + "。" * 13 + "退货" * 100)
    assert a.get("intent_ranking") == b.get("intent_ranking")


def test_a_batch_is_answered_as_its_messages_alone(
    trained: tuple[LocalModelStorage, Resource], sentences: list[str]
) -> None:
    component = load(trained)
    batch = tokenizer().process([Message.build(text=text) for text in sentences])
    component.process(batch)
    for message, text in zip(batch, sentences, strict=True):
        assert message.get("intent_ranking") == parser(component)(text).get("intent_ranking")


def test_nothing_is_pickled(trained: tuple[LocalModelStorage, Resource]) -> None:
    storage, resource = trained
    with storage.read_from(resource) as folder:
        names = {path.name for path in folder.iterdir()}
        assert names == {
            "model.onnx",
            "tokenizer.json",
            "meta.json",
            "outside.npz",
            "trained.npz",
        }


@pytest.fixture
def copied(trained: tuple[LocalModelStorage, Resource], tmp_path: Path) -> Path:
    """A copy of the model's files."""
    storage, resource = trained
    with storage.read_from(resource) as folder:
        return Path(shutil.copytree(folder, tmp_path / "model"))


def test_learned_transitions_are_served(copied: Path) -> None:
    weights = store.read_weights(copied)
    assert weights["transitions"].any(), "something was learned"
    begin = TagSet.begin(0)
    weights["transitions"][begin, begin] = -100
    np.savez(copied / "trained.npz", **weights)
    tagset = store.read_model(copied, threads=1).tagset
    scores = np.zeros((2, tagset.size), np.float32)
    scores[:, begin] = 50
    assert len(TagSet(tagset.entities).decode(scores)) == 2
    assert len(tagset.decode(scores)) == 1


def test_a_model_of_another_format_is_refused(copied: Path) -> None:
    meta = json.loads((copied / "meta.json").read_text(encoding="utf-8"))
    (copied / "meta.json").write_text(json.dumps({**meta, "format": store.FORMAT - 1}))
    with pytest.raises(ValueError, match="train again"):
        store.read_model(copied, threads=1)


def test_finetuning_goes_on_from_the_weights(
    trained: tuple[LocalModelStorage, Resource], tiny_data: TrainingData
) -> None:
    storage, resource = trained
    options = configured(epochs=1, learning_rate=1e-6, head_learning_rate=1e-6)
    component = TransformerNLU.load(options, storage, resource, context(finetuning=True))
    component.train(tokenizer().process_training_data(copy.deepcopy(tiny_data)))
    # One step that is next to nothing: it knows what it knew, which a start from nothing would not.
    for text, intent in (("查订单", "check_order"), ("find red shoes", "search_product")):
        assert parser(component)(text).get("intent")["name"] == intent


def test_finetuning_refuses_a_new_intent(
    trained: tuple[LocalModelStorage, Resource], tmp_path: Path
) -> None:
    storage, resource = trained
    (tmp_path / "nlu.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: new\n  examples: |\n    - a\n    - b\n'
        "- intent: check_order\n  examples: |\n    - c\n    - d\n"
    )
    component = TransformerNLU.load(configured(), storage, resource, context(finetuning=True))
    with pytest.raises(InvalidConfigException, match="train from nothing"):
        component.train(load_data(str(tmp_path / "nlu.yml")))


def test_without_examples_nothing_is_understood(train: Train) -> None:
    message = parser(load(train(TrainingData())))("查订单")
    assert message.get("intent") == {"name": None, "confidence": 0.0}


def test_a_missing_encoder_is_one_clear_line(
    train: Train, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XIAOER_ENCODER_SOURCE", "no/such/folder")
    monkeypatch.setenv("XIAOER_ENCODER_FOLDER", str(tmp_path / "encoder"))
    with pytest.raises(RasaException, match="there is no folder no/such/folder: name a local"):
        train()


def test_serving_imports_neither_torch_nor_transformers(
    trained: tuple[LocalModelStorage, Resource],
) -> None:
    storage, resource = trained
    with storage.read_from(resource) as folder:
        code = (
            "import sys; from pathlib import Path; from bot.nlu.store import read_model;"
            f"answer = read_model(Path({str(folder)!r}), threads=1).answer('查订单');"
            "import bot.nlu.transformer_nlu;"
            "bad = {'torch', 'transformers', 'onnx'} & set(sys.modules);"
            "sys.exit(str(bad) if bad else 0)"
        )
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
