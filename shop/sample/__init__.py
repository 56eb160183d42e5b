"""The sample shop: believable, invented, and the same every time for the same `now`.

`python -m shop.sample` creates and fills it, `python -m shop.sample --reset` empties and refills.
"""

from __future__ import annotations

from shop.sample.fill import fill, make_rows, marked

__all__ = ["fill", "make_rows", "marked"]
