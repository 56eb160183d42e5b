"""Which places of a text are taken by what was found in it."""

from __future__ import annotations


class Taken:
    """Places that are taken; asking costs as much as the span is long, however many there are."""

    def __init__(self, length: int) -> None:
        self._places = bytearray(length)

    def take(self, start: int, end: int) -> bool:
        """Takes a span if all of it is free."""
        if self._places.find(1, start, end) >= 0:
            return False
        self._places[start:end] = b"\x01" * (end - start)
        return True
