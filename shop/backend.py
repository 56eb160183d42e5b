"""The seam between the assistant and a shop's data.

To connect another shop, subclass `ShopBackend`, write its methods and let a test class inherit
`tests/checks/shop_backend.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from shop.models import (
    Availability,
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
    Shown,
    Taste,
    TasteSubject,
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
    def catalogue(self, since: datetime | None = None) -> Iterator[Product]:
        """All products, or those that may have changed at or after a moment; read in pieces."""

    @abstractmethod
    def availability(self, product_ids: Collection[int]) -> dict[int, Availability]:
        """Stock and price as they are now, without unknown ids; far faster than `products`."""

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

    @abstractmethod
    def history(
        self,
        customer_id: int,
        limit: int = 50,
        *,
        kind: InteractionKind | None = None,
        since: datetime | None = None,
    ) -> tuple[Interaction, ...]:
        """The newest interactions of a customer, of one kind or since a moment if wanted, oldest
        first; empty for an unknown customer."""

    def tastes_and_history(
        self, customer_id: int, limit: int = 50
    ) -> tuple[tuple[Taste, ...], tuple[Interaction, ...]]:
        """`tastes` and `history`, which every recommendation needs; a backend that can read both at
        once is faster."""
        return self.tastes(customer_id), self.history(customer_id, limit)

    # --- recommendations

    @abstractmethod
    def record_shown(self, customer_id: int | None, products: Sequence[tuple[int, str]]) -> None:
        """Remember that products, with the codes of their reasons, were recommended together.

        Raises: NotFound, InvalidValue.
        """

    @abstractmethod
    def shown(self, since_id: int = 0) -> Iterator[Shown]:
        """What was recommended with a greater id, by id; read in pieces."""

    @abstractmethod
    def remember_taste(
        self, customer_id: int, subject: TasteSubject, value: str, *, liked: bool
    ) -> None:
        """Remember a like or dislike; it replaces what was said of the same thing before.

        Raises: NotFound, InvalidValue.
        """

    @abstractmethod
    def tastes(self, customer_id: int) -> tuple[Taste, ...]:
        """What a customer said to like or not, oldest first."""

    @abstractmethod
    def forget_tastes(
        self,
        customer_id: int,
        *,
        subject: TasteSubject | None = None,
        value: str | None = None,
    ) -> int:
        """Erase all of a customer's likes and dislikes, or those named; returns how many."""

    # --- service

    @abstractmethod
    def request_handover(
        self, sender_id: str, customer_id: int | None, reason: str, language: Language
    ) -> Handover:
        """Ask for a person; while a request of this sender is open, that one is returned."""
