"""The rules of shipping: what happens to a parcel, in which order, and parcel numbers."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from shop.errors import NotFound

# The words stand in data/words/parcel_state.yml and parcel_event.yml.
STATES: Final = (
    "waiting_pickup",
    "in_transit",
    "out_for_delivery",
    "delivered",
    "delayed",
    "returned",
)
# The state that each event leaves a parcel in.
STATE_AFTER: Final[dict[str, str]] = {
    "label_created": "waiting_pickup",
    "picked_up": "in_transit",
    "departed": "in_transit",
    "arrived": "in_transit",
    "customs": "in_transit",
    "held_up": "delayed",
    "out_for_delivery": "out_for_delivery",
    "delivery_failed": "delayed",
    "at_pickup_point": "out_for_delivery",
    "delivered": "delivered",
    "sent_back": "returned",
}

LONGEST_NUMBER = 40


def clean_tracking_number(text: str) -> str:
    """A parcel number as it is stored, from what a shopper typed, with spaces or hyphens.

    Raises:
        NotFound: no parcel can have this number.
    """
    number = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text)).upper()
    if not re.fullmatch(rf"[A-Z0-9]{{1,{LONGEST_NUMBER}}}", number):
        raise NotFound("not a parcel number")
    return number
