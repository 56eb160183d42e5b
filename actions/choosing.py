"""Which order or product is meant: named, pointed at (“the second one”), or the one just shown."""

from __future__ import annotations

from actions.base import Turn
from shop.text.ordinals import pointers


def chosen_order(turn: Turn) -> str | None:
    """The number of the order that is meant, as written; None when none is."""
    return turn.entity("order_id") or _pointed_at(turn, "orders")


def chosen_product(turn: Turn) -> str | None:
    """The id of the shown product that is meant, or what the shopper named."""
    return _pointed_at(turn, "products") or turn.entity("product")


def _pointed_at(turn: Turn, kind: str) -> str | None:
    shown = turn.slots.get("shown") or {}
    ids = shown.get("ids", []) if shown.get("kind") == kind else []
    for pointer in pointers(turn.text):
        if pointer.kind == "this" and len(ids) == 1:
            return str(ids[0])
        picked = pointer.pick(ids)
        if len(picked) == 1:
            return str(picked[0])
    return None
