"""The rules of asking for a person: why one may, and how a request goes on."""

from __future__ import annotations

from typing import Final

from shop.errors import InvalidValue

# The words stand in data/words/handover_reason.yml and handover_state.yml.
REASONS: Final = ("asked", "not_understood", "complaint", "failure")
STATES: Final = ("open", "taken", "closed")


def check_reason(reason: str) -> str:
    """The reason, if it is one. Raises: InvalidValue."""
    if reason not in REASONS:
        raise InvalidValue(f"reason {reason!r}, expected one of {', '.join(REASONS)}")
    return reason
