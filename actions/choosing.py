"""Which order or product is meant: named, pointed at (“the second one”), or the one just shown."""

from __future__ import annotations

from actions.base import Turn
from shop.text.ordinals import pointers


def chosen_order(turn: Turn) -> str | None:
    """The number of the order that is meant, as written; None when none is."""
    return turn.entity("order_id") or _pointed_at(turn, "orders")


def order_in_detail(turn: Turn) -> str | None:
    """The number of the order whose details were shown last, for “where is it?” typed after them; a
    button that names no order, or "all of them", means more than this one."""
    shown = turn.slots.get("shown") or {}
    ids = shown.get("ids", []) if shown.get("kind") == "orders" else []
    if turn.slots.get("asked") != "order_to_check" or len(ids) != 1:
        return None
    return str(ids[0]) if turn.text and not pointers(turn.text) else None


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
        # "All" is not the only one on the screen.
        if len(picked) == 1 and pointer.kind != "all":
            return str(picked[0])
    return None
