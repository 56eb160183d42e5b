"""Who the shopper on the page is: sign-in by the shop's token, sample customers for the demo."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from shop.database import open_engine
from shop.errors import NotFound, Unavailable
from shop.identity import Identity
from shop.settings import ShopSettings
from shop.sql import SqlShop
from shop.text.words import Words

T = TypeVar("T")
Name = dict[str, str]
# Seconds after which the database counts as not answering.
PATIENCE = 3.0


class Accounts(ABC):
    """What the page needs of the shop's accounts; a method may block, and may raise Unavailable."""

    @abstractmethod
    def sign_in(self, sender_id: str, token: str) -> int:
        """Bind a conversation to the customer of a token, and use that up. Raises: BadToken."""

    @abstractmethod
    def bind(self, sender_id: str, customer_id: int) -> None:
        """Bind a conversation to a customer who is known already."""

    @abstractmethod
    def sign_out(self, sender_id: str) -> None:
        """End the binding, if there is one."""

    @abstractmethod
    def customer_of(self, sender_id: str) -> int | None:
        """The customer of a conversation, None for a visitor."""

    @abstractmethod
    def name(self, customer_id: int) -> Name:
        """What to call a customer, by language."""

    @abstractmethod
    def samples(self) -> list[dict[str, Any]]:
        """The customers one may be in the demo: `id`, `name`, `about`."""

    @abstractmethod
    def sample_token(self, customer_id: int) -> str:
        """A sign-in token for a sample customer. Raises: NotFound."""


class ShopAccounts(Accounts):
    """The accounts in the shop's database."""

    def __init__(self, settings: ShopSettings) -> None:
        engine = open_engine(settings)
        self._words = Words.load(settings.data / "words")
        self._identity = Identity.open(engine, settings)
        self._shop = SqlShop(engine, self._words)

    def sign_in(self, sender_id: str, token: str) -> int:
        return self._identity.sign_in(sender_id, token).customer_id

    def bind(self, sender_id: str, customer_id: int) -> None:
        self._identity.bind(sender_id, customer_id)

    def sign_out(self, sender_id: str) -> None:
        self._identity.unbind(sender_id)

    def customer_of(self, sender_id: str) -> int | None:
        return self._identity.customer_of(sender_id)

    def name(self, customer_id: int) -> Name:
        name = self._shop.customer(customer_id).name
        return {"zh": name.zh, "en": name.en}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {
                "id": sample.customer.id,
                "name": {"zh": sample.customer.name.zh, "en": sample.customer.name.en},
                "about": {
                    lang: self._words.say("sample_situation", sample.situation, lang)
                    for lang in ("zh", "en")
                },
            }
            for sample in self._shop.sample_customers()
        ]

    def sample_token(self, customer_id: int) -> str:
        if customer_id not in {s.customer.id for s in self._shop.sample_customers()}:
            raise NotFound(f"sample customer {customer_id}")
        return self._identity.issue(customer_id)


@lru_cache(maxsize=1)
def shop_accounts(settings: ShopSettings) -> Accounts:
    """The accounts of this process."""
    return ShopAccounts(settings)


async def ask(work: Callable[..., T], *args: Any) -> T:
    """Do blocking work in a thread, within `PATIENCE`. Raises: Unavailable."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(work, *args), PATIENCE)
    except asyncio.TimeoutError as exc:
        raise Unavailable("the shop's database did not answer in time") from exc
