"""Who is speaking: sign-in tokens, and the customer bound to each conversation.

The shop's page passes a short-lived signed token (JWT); the customer it names is bound to the
conversation's `sender_id` in the database. What a shopper types never decides who they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Claims:
    """What a valid token says."""

    customer_id: int
    token_id: str
    issued_at: datetime
    expires_at: datetime


class Identity:
    """Binds conversations to customers."""

    def __init__(self, engine: Any, *, secret: str = "", public_key: str = "") -> None:
        raise NotImplementedError

    def issue(self, customer_id: int) -> str:
        """A fresh token, as a shop's page would sign it (HS256), for the demo page and tests."""
        raise NotImplementedError

    def verify(self, token: str) -> Claims:
        """Check a token and use it up. Raises: BadToken, Unavailable."""
        raise NotImplementedError

    def sign_in(self, sender_id: str, token: str) -> Claims:
        """`verify` and `bind` in one transaction: a token is used up only if the binding holds."""
        raise NotImplementedError

    def bind(self, sender_id: str, customer_id: int) -> None:
        """Bind a conversation to a customer. Raises: NotFound (no such customer)."""
        raise NotImplementedError

    def unbind(self, sender_id: str) -> None:
        """Sign out; nothing happens where nobody is signed in."""
        raise NotImplementedError

    def customer_of(self, sender_id: str) -> int | None:
        """The customer of a conversation, None for a visitor."""
        raise NotImplementedError
