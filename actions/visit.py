"""What a conversation tells of the shopper's taste, for visitors whom the shop does not know too.

It stands in the slot `visit`: what was looked at and refused in this conversation, and what was
said to be liked. Of a customer the shop remembers what was said; see `ActionPrivacyRequest`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from actions.base import Turn, shop
from shop.models import TasteSubject
from shop.recommend.service import Context

# More than anybody looks through; the slot goes with every message.
LONGEST = 100

Said = tuple[TasteSubject, str, bool]


@dataclass
class Visit:
    """The slot `visit`.

    Attributes:
        viewed: Products opened, oldest first.
        refused: Products that were shown and not wanted.
        tastes: Subject, value (as in `shop.models.Taste`) and whether it is liked.
        heard: Those of them that this message told of; not kept.
    """

    viewed: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    tastes: list[Said] = field(default_factory=list)
    heard: list[Said] = field(default_factory=list)

    @classmethod
    def of(cls, turn: Turn) -> Visit:
        """As the turn finds it."""
        kept: dict[str, Any] = turn.slots.get("visit") or {}
        return cls(
            viewed=[int(i) for i in kept.get("viewed", [])],
            refused=[int(i) for i in kept.get("refused", [])],
            tastes=[(s, str(v), bool(liked)) for s, v, liked in kept.get("tastes", [])],
        )

    def keep(self, turn: Turn) -> None:
        """Puts it into the slot, for this turn as well."""
        kept = {
            "viewed": self.viewed[-LONGEST:],
            "refused": self.refused[-LONGEST:],
            "tastes": [list(each) for each in self.tastes[-LONGEST:]],
        }
        turn.slots["visit"] = kept
        turn.remember(visit=kept)

    def looked_at(self, product_id: int) -> None:
        """A product was opened."""
        self.viewed = [*(i for i in self.viewed if i != product_id), product_id]

    def refuse(self, product_ids: Iterable[int]) -> None:
        """Products were shown and not wanted."""
        self.refused += [i for i in product_ids if i not in self.refused]

    def said(self, turn: Turn, tastes: Iterable[Said]) -> None:
        """Tastes, the newest word on a thing counting; of a customer the shop remembers them."""
        customer_id = turn.visitor_id()
        for subject, value, liked in tastes:
            self.tastes = [each for each in self.tastes if each[:2] != (subject, value)]
            self.tastes.append((subject, value, liked))
            self.heard.append((subject, value, liked))
            if customer_id is not None:
                shop().remember_taste(customer_id, subject, value, liked=liked)

    def context(self, **more: Any) -> Context:
        """What it adds to what the shop knows; `more` as in `Context`."""
        shown = (*more.pop("shown", ()), *self.refused)
        likes = (*more.pop("likes", ()), *((s, v) for s, v, liked in self.tastes if liked))
        dislikes = tuple((s, v) for s, v, liked in self.tastes if not liked)
        return Context(
            viewed=tuple(self.viewed), shown=shown, likes=likes, dislikes=dislikes, **more
        )
