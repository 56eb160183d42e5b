"""Why something is recommended: a code, and the evidence that makes it true.

The words stand in `data/words/recommend_reason.yml`; what is in braces there are values made from
the evidence.

    code       evidence                       true because
    bought     product                        the customer bought it, and it led here
    carted     product                        it is in the cart, and led here
    viewed     product                        the customer looked at it, and it led here
    liked      product                        four or five stars or a like in chat, and it led here
    taste      subject, value                 the customer said to like this kind, brand …
    together   product                        both were in one purchase, again and again
    similar    product                        their descriptions or their buyers are alike
    cheaper    product, saving                alike, and costs that much less
    instead    product                        alike, and the other cannot be had
    matches    what was asked for             it meets all of it
    popular    days, category or None         among the first of the last days (in its category)
    season     month                          sells better than usual in this month
    fresh      days                           listed that many days ago, and like what they look at
    chosen     sold                           that many were sold
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

CODES: Final = (
    "bought", "carted", "viewed", "liked", "taste", "together", "similar", "cheaper", "instead",
    "matches", "popular", "season", "fresh", "chosen",
)  # fmt: skip


@dataclass(frozen=True)
class Recommendation:
    """A product and why.

    Attributes:
        product_id: of the shop.
        score: compares within one answer only.
        reason: a code, see above.
        evidence: plain values: `product` is a product id, `saving` a Decimal.
    """

    product_id: int
    score: float
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)
