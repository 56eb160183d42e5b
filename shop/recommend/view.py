"""What one request sees: the newest artefact beside the newest shelf, and who asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt

from shop.models import TasteSubject
from shop.recommend.artefact import Artefact
from shop.recommend.content import Content
from shop.recommend.interactions import Floats
from shop.recommend.labels import Mask
from shop.recommend.shelf import Shelf


@dataclass(frozen=True)
class Shopper:
    """What is known of a shopper.

    Attributes:
        touched: product ids and how each was touched (a reason's code), oldest first.
        bought: when each product was last bought.
        likes, dislikes: subject and value, as in `Taste`.
    """

    touched: tuple[tuple[int, str], ...] = ()
    bought: dict[int, datetime] = field(default_factory=dict)
    likes: tuple[tuple[TasteSubject, str], ...] = ()
    dislikes: tuple[tuple[TasteSubject, str], ...] = ()


class View:
    """Item rows of an artefact and product rows of a shelf.

    Attributes:
        there: whether each item is still on the shelf, (items,).
        rows: its row there; meaningless where it is not, (items,).
        listed: since when it is offered, seconds since 1970, (items,).
        item_of: item row by product id.
        content: the items' texts, where they were encoded.
    """

    def __init__(self, artefact: Artefact, shelf: Shelf) -> None:
        self.artefact = artefact
        self.shelf = shelf
        self.rows = np.minimum(np.searchsorted(shelf.ids, artefact.item_ids), len(shelf) - 1)
        self.there = shelf.ids[self.rows] == artefact.item_ids
        self.listed = shelf.listed[self.rows]
        self.item_of = {int(i): k for k, i in enumerate(artefact.item_ids)}
        content = artefact.hybrid.sources.get(Content.name)
        self.content = content if isinstance(content, Content) else None

    def to_items(self, mask: Mask) -> Mask:
        """A mask over products as one over items."""
        return mask[self.rows] & self.there

    def season(self, month: int, items: npt.NDArray[np.int64]) -> Floats:
        """How much better than usual some items sell in a month (1 to 12), (items,)."""
        return self.artefact.seasons[self.artefact.labels.codes[items], month - 1]
