"""An encoder that is made in no time: two layers of random weights over a few hundred pieces.

It knows nothing of meaning, but words it has seen tell intents apart, which is enough to prove
that training, writing, reading and serving fit together.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WIDTH, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 4, 64, 64
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
CHINESE = "我你的要查订单退货快递到哪了黑色红蓝双鞋件三两百以内买这个什么时候发帮一下请取消好谢"
WORDS = (
    "i want my the a to order where is parcel return cancel please red blue shoes two pairs find"
)


def write(folder: Path) -> Path:
    """Write the Hugging Face files of the encoder into a new folder."""
    folder.mkdir(parents=True)
    letters = [chr(c) for c in range(ord("!"), ord("~") + 1)]
    words = [f"▁{word}" for word in WORDS.split()]
    pieces = [*SPECIAL, "▁", "订单", "▁查订", *letters, *CHINESE, *words, "Ы", "ы"]
    scores = [0.0] * 4 + [-2.0 - 0.01 * i for i in range(len(pieces) - 4)]
    tokenizer = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "model_type": "bert",
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "vocab_size": len(pieces),
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
        "pad_token_id": 1,
    }
    (folder / "config.json").write_text(json.dumps(config))
    save_file(_tensors(len(pieces)), str(folder / "model.safetensors"), metadata={"format": "pt"})
    return folder


def _tensors(pieces: int) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(0)

    def weights(*shape: int) -> np.ndarray:
        return (chance.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)

    def norm(name: str) -> dict[str, np.ndarray]:
        return {
            f"{name}.weight": np.ones(WIDTH, np.float32),
            f"{name}.bias": np.zeros(WIDTH, np.float32),
        }

    def dense(name: str, rows: int, columns: int) -> dict[str, np.ndarray]:
        return {f"{name}.weight": weights(rows, columns), f"{name}.bias": weights(rows)}

    tensors = {
        "embeddings.word_embeddings.weight": weights(pieces, WIDTH),
        "embeddings.position_embeddings.weight": weights(POSITIONS, WIDTH) * 0.1,
        "embeddings.token_type_embeddings.weight": weights(2, WIDTH) * 0.1,
        **norm("embeddings.LayerNorm"),
    }
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            tensors |= dense(f"{name}.attention.self.{part}", WIDTH, WIDTH)
        tensors |= dense(f"{name}.attention.output.dense", WIDTH, WIDTH)
        tensors |= norm(f"{name}.attention.output.LayerNorm")
        tensors |= dense(f"{name}.intermediate.dense", INNER, WIDTH)
        tensors |= dense(f"{name}.output.dense", WIDTH, INNER)
        tensors |= norm(f"{name}.output.LayerNorm")
    return tensors
