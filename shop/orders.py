"""The rules of orders: their states, what may follow on what, and their numbers."""

from __future__ import annotations

import random
import unicodedata
from typing import Final

from shop.errors import NotFound

# What may come next; the words stand in data/words/order_state.yml.
NEXT: Final[dict[str, tuple[str, ...]]] = {
    "awaiting_payment": ("paid", "cancelled"),
    "paid": ("packed", "cancelled"),
    "packed": ("shipped", "cancelled"),
    "shipped": ("delivered", "returning"),
    "delivered": ("completed", "returning"),
    "completed": ("returning",),
    # Paid money goes back after a cancellation, and after the goods have come back.
    "cancelled": ("refunding",),
    "returning": ("refunding", "completed"),
    "refunding": ("refunded",),
    "refunded": (),
}
STATES: Final = tuple(NEXT)

LONGEST_NUMBER = 40


def clean_number(text: str) -> str:
    """An order number as it is stored, from what a shopper typed: "#xe1234567890" and the like.

    Raises:
        NotFound: no order can have this number.
    """
    number = unicodedata.normalize("NFKC", text).strip().lstrip("#").strip().upper()
    if not 0 < len(number) <= LONGEST_NUMBER or not number.isprintable():
        raise NotFound("not an order number")
    return number


def new_number(chance: random.Random) -> str:
    """A number that says nothing about other orders; fits the default `order_pattern`.

    Give `random.SystemRandom()` for real orders; a seeded generator makes sample ones.
    """
    return f"XE{chance.randrange(10**10):010d}"
