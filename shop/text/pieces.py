"""Keep of a big multilingual vocabulary what Chinese and English need.

Two thirds of multilingual-e5-small's 250,000 pieces are in scripts that our shoppers rarely
write. Kept are all pieces of Chinese characters and of ASCII, and every single character of any
script, so that a word in another script is still spelled, never lost. (ASCII pieces are not
thinned out by rank: words like "complaint" stand behind 60,000 others, and a word that is cut
differently is understood worse.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shop.errors import EncoderError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

META = "▁"
NEEDED = re.compile(r"^▁?[!-~\u3400-\u9fff\uf900-\ufaff\u3000-\u303f\uff00-\uffef]+$")


@dataclass(frozen=True)
class PrunedPieces:
    """A tokenizer over part of a vocabulary, and where its pieces were in the whole one.

    Attributes:
        content: what goes into tokenizer.json.
        kept: the old id of each new id.
    """

    content: dict[str, Any]
    kept: list[int]

    def tokenizer(self) -> Tokenizer:
        """The tokenizer itself."""
        return load_tokenizer(self.content)


def read_tokenizer(folder: Path) -> dict[str, Any]:
    """The content of a folder's tokenizer.json.

    Raises:
        EncoderError: Missing or damaged.
    """
    path = folder / "tokenizer.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"{path} cannot be read ({error})") from error
    return content


def load_tokenizer(content: dict[str, Any]) -> Tokenizer:
    """Build a tokenizer from the content of a tokenizer.json."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def prune(
    content: dict[str, Any],
    *,
    lower: bool = False,
    always: Iterable[str] = (),
) -> PrunedPieces:
    """Keep the pieces that Chinese and English need.

    Args:
        content: a tokenizer.json; models other than Unigram are left whole.
        lower: drop pieces with capitals, for a caller that lowers its text.
        always: pieces to keep whatever they are (those of the training texts).
    """
    model = content["model"]
    if model.get("type") != "Unigram":
        size = 1 + max((t["id"] for t in content["added_tokens"]), default=0)
        return PrunedPieces(content, list(range(max(len(model["vocab"]), size))))
    special = {token["content"] for token in content["added_tokens"] if token["special"]}
    wanted = set(always)

    def needed(piece: str) -> bool:
        if piece in special or piece in wanted or len(piece.lstrip(META)) <= 1:
            return True
        if lower and piece != piece.lower():
            return False
        return bool(NEEDED.match(piece))

    kept = [index for index, (piece, _) in enumerate(model["vocab"]) if needed(piece)]
    return PrunedPieces(_with_vocabulary(content, kept, special), kept)


def _with_vocabulary(content: dict[str, Any], kept: list[int], special: set[str]) -> dict[str, Any]:
    """The same tokenizer with the kept pieces only; a shopper's `<s>` is spelled, not obeyed."""
    new_id = {old: new for new, old in enumerate(kept)}
    vocabulary = [
        # NUL is dropped by the normalizer, so no text can contain these names.
        [f"\0{piece}" if piece in special else piece, score]
        for piece, score in (content["model"]["vocab"][old] for old in kept)
    ]
    pruned = dict(content)
    pruned["model"] = {
        **content["model"],
        "unk_id": new_id[content["model"]["unk_id"]],
        "vocab": vocabulary,
    }
    pruned["added_tokens"] = []
    processor = json.loads(json.dumps(content["post_processor"]))
    for token in processor.get("special_tokens", {}).values():
        token["ids"] = [new_id[old] for old in token["ids"]]
    pruned["post_processor"] = processor
    return pruned
