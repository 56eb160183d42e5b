"""What can go wrong in the shop.

    ShopError
    ├── NotFound        does not exist, or belongs to another customer: the two look the same
    ├── NotSignedIn     the conversation is bound to no customer
    ├── NotAllowed      understood, but the rules say no; `reason` is a code for the sentence
    │   └── BadToken    a sign-in token that does not count
    ├── InvalidValue    a value the shop cannot take (too long, negative, out of range)
    ├── Unavailable     the database is missing, locked, full, slow or unreachable
    ├── SettingsError   a setting has a value that cannot be used
    └── EncoderError    the text encoder is missing, damaged or not of a kind we can read

Errors of foreign libraries become one of these where they enter (`shop/database.py`,
`shop/identity.py`), with the original as `__cause__`. Messages are for logs and never shown to
shoppers: their sentences are chosen by class and `reason` in `data/responses/`.
"""

from __future__ import annotations


class ShopError(Exception):
    """Root of everything the shop raises on purpose."""


class NotFound(ShopError):
    """There is no such thing, or it is not this customer's."""


class NotSignedIn(ShopError):
    """Nobody is signed in in this conversation."""


class NotAllowed(ShopError):
    """The rules of the shop say no.

    Args:
        reason: a code that names the rule, for choosing the sentence.
        message: for the log; the reason when left out.
    """

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason


class BadToken(NotAllowed):
    """A sign-in token does not count: `reason` is token_invalid, token_expired or token_used."""


class InvalidValue(ShopError):
    """A value the shop cannot take."""


class Unavailable(ShopError):
    """The shop's data cannot be reached now; trying again later may help."""


class SettingsError(ShopError):
    """A setting cannot be used; the message is one line that names it and its value."""

    def __init__(self, variable: str, value: str, expected: str) -> None:
        super().__init__(f"{variable}={value}: {expected}")
        self.variable = variable


class EncoderError(ShopError):
    """The text encoder cannot be used; the message is one line that says what to do."""
