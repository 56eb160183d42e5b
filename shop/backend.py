"""The seam between the assistant and a shop's data.

To connect another shop, subclass `ShopBackend`, write its methods and let a test class inherit
`tests/checks/shop_backend.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from datetime import datetime

from shop.models import (
    Customer,
    Handover,
    Interaction,
    InteractionKind,
    Language,
    Order,
    Page,
    Parcel,
    Product,
    ProductQuery,
    SampleCustomer,
    SearchResult,
    Word,
)


class ShopBackend(ABC):
    """What the assistant asks of a shop.

    Every method may be called from any thread, blocks for about a second at most, and may raise
    `Unavailable`. What belongs to a customer is read with the id of the customer who is bound to
    the conversation; another customer's raises the same `NotFound` as what does not exist.
    """

    # --- customers

    @abstractmethod
    def customer(self, customer_id: int) -> Customer:
        """Raises: NotFound."""

    @abstractmethod
    def sample_customers(self) -> tuple[SampleCustomer, ...]:
        """Customers a visitor of the demo page may choose to be; empty in a real shop."""

    # --- orders and parcels

    @abstractmethod
    def orders(
        self,
        customer_id: int,
        *,
        states: Collection[str] | None = None,
        limit: int = 10,
        offset: int = 0,
    ) -> Page[Order]:
        """The customer's orders, newest first, of all `states` or of those given."""

    @abstractmethod
    def order(self, customer_id: int, number: str) -> Order:
        """One order; `number` as the shopper typed it. Raises: NotFound."""

    @abstractmethod
    def parcels(self, customer_id: int, number: str) -> tuple[Parcel, ...]:
        """The parcels of one order, oldest first; empty before it is sent. Raises: NotFound."""

    @abstractmethod
    def parcel(self, customer_id: int, tracking_number: str) -> Parcel:
        """One parcel; `tracking_number` as the shopper typed it. Raises: NotFound."""

    # --- catalogue

    @abstractmethod
    def search_products(self, query: ProductQuery) -> SearchResult:
        """Products that fit, best first, and how honestly they do. Raises: InvalidValue."""

    @abstractmethod
    def product(self, product_id: int) -> Product:
        """Raises: NotFound."""

    @abstractmethod
    def products(self, product_ids: Collection[int]) -> tuple[Product, ...]:
        """Products in the order of their ids given, without unknown ones."""

    @abstractmethod
    def popular_products(
        self,
        since: datetime,
        limit: int = 10,
        *,
        in_stock: bool = True,
        category: str | None = None,
    ) -> tuple[Product, ...]:
        """What was bought, put in carts and looked at most since then, most popular first."""

    @abstractmethod
    def vocabulary(self) -> tuple[Word, ...]:
        """The catalogue's words in both languages, for the NLU's lookups."""

    # --- interactions

    @abstractmethod
    def record_interaction(
        self,
        customer_id: int | None,
        product_id: int,
        kind: InteractionKind,
        *,
        rating: int | None = None,
    ) -> None:
        """Remember what a customer (None: a visitor) did. Raises: NotFound, InvalidValue."""

    @abstractmethod
    def interactions(self, since_id: int = 0) -> Iterator[Interaction]:
        """Interactions with a greater id, by id; read in pieces, so a million are no burden."""

    # --- service

    @abstractmethod
    def request_handover(
        self, sender_id: str, customer_id: int | None, reason: str, language: Language
    ) -> Handover:
        """Ask for a person; while a request of this sender is open, that one is returned."""
