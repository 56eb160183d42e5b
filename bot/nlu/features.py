"""From a read text to the numbers the network takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bot.nlu.units import Read

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Ids = npt.NDArray[np.int64]
#: Kinds of places a unit can have within its piece: its number in it (to 3), and is it the last.
PLACES = 8
#: Longest input in pieces, where the encoder takes it: 512 Chinese characters are some 350.
LONGEST = 384


@dataclass(frozen=True)
class Features:
    """One text.

    Attributes:
        ids: [pieces] with the sentence's begin and end.
        first, last: [units] which pieces hold the unit.
        unit_ids: [units] the piece that spells the unit alone, or begins it.
        places: [units] where in its piece the unit stands.
    """

    ids: Ids
    first: Ids
    last: Ids
    unit_ids: Ids
    places: Ids


class Featurizer:
    """Texts to features, by the pruned tokenizer.

    A piece of the encoder may hold several Chinese characters ("的订单"), of which an entity may
    take some. So a unit is known by its pieces, by the piece that spells it alone, and by its
    place.
    """

    def __init__(self, tokenizer: Tokenizer, *, longest: int) -> None:
        """Keep the tokenizer; texts are cut after the encoder's `longest` pieces."""
        self._tokenizer = tokenizer
        self._tokenizer.enable_truncation(min(longest, LONGEST))
        self._alone: dict[str, int] = {}

    def features(self, read: Read) -> Features:
        """Features of one text; units beyond the cut are left out."""
        encoding = self._tokenizer.encode(read.text)
        offsets = encoding.offsets
        pieces = len(offsets)
        first, last, places, unit_ids = [], [], [], []
        piece = 1
        inside = 0
        for unit in read.units:
            while piece < pieces - 1 and offsets[piece][1] <= unit.plain_start:
                piece += 1
                inside = 0
            if piece >= pieces - 1:
                break
            end = piece
            while end + 1 < pieces - 1 and offsets[end + 1][0] < unit.plain_end:
                end += 1
            first.append(piece)
            last.append(end)
            places.append(min(inside, 3) + 4 * (offsets[end][1] <= unit.plain_end))
            unit_ids.append(self._spelled(unit.text))
            inside += 1
        return Features(
            ids=np.array(encoding.ids, np.int64),
            first=np.array(first, np.int64),
            last=np.array(last, np.int64),
            unit_ids=np.array(unit_ids, np.int64),
            places=np.array(places, np.int64),
        )

    def _spelled(self, text: str) -> int:
        found = self._alone.get(text)
        if found is None:
            found = self._tokenizer.token_to_id(text) or self._tokenizer.token_to_id("▁" + text)
            if found is None:
                ids = self._tokenizer.encode(text).ids
                found = ids[1] if len(ids) > 2 else ids[0]
            if len(self._alone) < 20_000:  # bounded, since shoppers type anything
                self._alone[text] = found
        return found
