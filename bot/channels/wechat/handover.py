"""转人工: how the dialogue tells a channel that a person shall answer.

The response that says so carries `custom: {handover: true}`. A channel with a desk acts on it; the
others show nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.channels.messages import Custom, Message


def asks_for_a_person(messages: Iterable[Message]) -> bool:
    """Whether one of the messages hands the shopper over."""
    return any(isinstance(m, Custom) and m.data.get("handover") is True for m in messages)
