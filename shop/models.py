"""What the shop talks about: plain frozen values, free of any database.

Money is Decimal in the shop's currency, times are aware datetimes in UTC, and states, colours,
sizes, carriers and the like are codes whose words stand in `data/words/<table>.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, Literal, TypeVar

Language = Literal["zh", "en"]
T = TypeVar("T")


@dataclass(frozen=True)
class Localized:
    """A text in both languages."""

    zh: str
    en: str

    def of(self, language: str) -> str:
        """The text in `language`, or in the other one where it is missing."""
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)


@dataclass(frozen=True)
class Page(Generic[T]):
    """A piece of a longer list; `total` counts the whole list."""

    items: tuple[T, ...]
    total: int

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


# --- customers ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Customer:
    """A customer; table `level` holds the words of the membership level."""

    id: int
    name: Localized
    language: Language
    phone: str
    email: str
    level: str
    points: int
    joined_at: datetime


@dataclass(frozen=True)
class SampleCustomer:
    """A customer whom a visitor of the demo page may be; table `sample_situation`."""

    customer: Customer
    situation: str


# --- catalogue ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attribute:
    """A fact about a product; table `attribute` holds the words of its code."""

    code: str
    value: Localized


@dataclass(frozen=True)
class Variant:
    """What is really bought: a product in one colour and size ("one": there is only one)."""

    id: int
    sku: str
    colour: str
    size: str
    price: Decimal
    stock: int


@dataclass(frozen=True)
class Product:
    """A product with its variants (never empty).

    `category` is one of a few (table `category`), `kind` says more exactly what it is (table
    `kind`). `list_price` is the price before a discount, else None. `picture` is the name of the
    drawn picture without its ending. `rating` is the mean of 1 to 5 stars, None without reviews.
    """

    id: int
    name: Localized
    description: Localized
    category: str
    kind: str
    brand: Localized
    attributes: tuple[Attribute, ...]
    variants: tuple[Variant, ...]
    list_price: Decimal | None
    picture: str
    rating: Decimal | None
    reviews: int
    sold: int
    consumable: bool
    listed_at: datetime

    @property
    def price_min(self) -> Decimal:
        return min(v.price for v in self.variants)

    @property
    def price_max(self) -> Decimal:
        return max(v.price for v in self.variants)

    @property
    def stock(self) -> int:
        return sum(v.stock for v in self.variants)

    @property
    def colours(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(v.colour for v in self.variants))

    @property
    def sizes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(v.size for v in self.variants))


Sort = Literal["relevance", "price_asc", "price_desc", "popular", "newest", "rating"]


@dataclass(frozen=True)
class ProductQuery:
    """What a shopper looks for.

    Attributes:
        text: words as typed, in either language or both; empty for all goods.
        category: a code of table `category` or `kind`.
        brand: a name in either language.
        colours, sizes: codes, any of which will do; a plain colour includes its shades.
        price_min, price_max: bounds, both included; one variant must meet all of colour, size,
            price and stock.
        exclude: product ids that shall not come (again).
        without: words that a product must not match ("no earphones").
    """

    text: str = ""
    category: str | None = None
    brand: str | None = None
    colours: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    in_stock: bool = False
    exclude: frozenset[int] = frozenset()
    without: tuple[str, ...] = ()
    sort: Sort = "relevance"
    limit: int = 10
    offset: int = 0


@dataclass(frozen=True)
class Hit:
    """A product found. `variants` are those that meet the query; `exact`: it meets all of it."""

    product: Product
    variants: tuple[Variant, ...]
    exact: bool

    @property
    def price(self) -> Decimal:
        """The lowest price of what was asked for."""
        return min(v.price for v in self.variants)


@dataclass(frozen=True)
class SearchResult(Page[Hit]):
    """Products found, exact ones first.

    Attributes:
        items, total: as in Page; `total` counts near ones too.
        exact: how many of `total` meet the whole query; the others are near and must be called so.
        relaxed: when nothing met the conditions, those that were dropped to find near ones:
            "size", "colour", "price", "brand", "stock".
    """

    exact: int
    relaxed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Word:
    """A word of the catalogue for the NLU: `entity` as in the NLU schema, e.g. color."""

    entity: str
    code: str
    language: Language
    text: str


# --- orders ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OrderLine:
    """One article of an order, as it was named and priced when ordered."""

    id: int
    product_id: int
    variant_id: int
    name: Localized
    colour: str
    size: str
    quantity: int
    price: Decimal
    picture: str

    @property
    def total(self) -> Decimal:
        return self.price * self.quantity


@dataclass(frozen=True)
class Payment:
    """A payment for an order; tables `payment_method`, `payment_state`."""

    id: int
    method: str
    state: str
    amount: Decimal
    created_at: datetime
    paid_at: datetime | None


@dataclass(frozen=True)
class Refund:
    """Money on its way back; tables `refund_state`, `payment_method`. `due_at`: expected by."""

    id: int
    state: str
    amount: Decimal
    method: str
    created_at: datetime
    due_at: datetime
    done_at: datetime | None


@dataclass(frozen=True)
class Order:
    """An order; tables `order_state`, `cancel_reason`, `place` (of `city`).

    `total` = sum of the lines + shipping_fee - discount.
    """

    number: str
    customer_id: int
    state: str
    placed_at: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    shipping_fee: Decimal
    discount: Decimal
    total: Decimal
    recipient: str
    phone: str
    city: str
    address: str
    lines: tuple[OrderLine, ...]
    payments: tuple[Payment, ...]
    refunds: tuple[Refund, ...]


# --- shipping ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ParcelEvent:
    """A scan; tables `parcel_event` and `place`."""

    at: datetime
    code: str
    place: str


@dataclass(frozen=True)
class Parcel:
    """A parcel with its events, oldest first; tables `carrier`, `parcel_state`.

    `due_on` is the day it is expected to arrive, on the calendar of the place it goes to.
    """

    id: int
    order_number: str
    carrier: str
    tracking_number: str
    state: str
    due_on: date
    created_at: datetime
    delivered_at: datetime | None
    events: tuple[ParcelEvent, ...]


# --- interactions and service ------------------------------------------------------------------

InteractionKind = Literal["view", "cart", "buy", "rate"]


@dataclass(frozen=True)
class Interaction:
    """A customer (None: a visitor) viewed, put in the cart, bought or rated (1 to 5) a product."""

    id: int
    customer_id: int | None
    product_id: int
    kind: InteractionKind
    rating: int | None
    at: datetime


@dataclass(frozen=True)
class Availability:
    """What of a product may change from one minute to the next; `price` is the lowest."""

    stock: int
    price: Decimal


TasteSubject = Literal["product", "kind", "category", "brand", "word"]


@dataclass(frozen=True)
class Taste:
    """Something a customer said to like or not to like.

    `value` is a product id, a code of table `kind` or `category`, a brand's name or a word.
    """

    subject: TasteSubject
    value: str
    liked: bool
    at: datetime


@dataclass(frozen=True)
class Shown:
    """A product recommended to a customer (None: a visitor), at a place counted from 0."""

    id: int
    customer_id: int | None
    product_id: int
    reason: str
    place: int
    at: datetime


@dataclass(frozen=True)
class Handover:
    """A request for a person; tables `handover_reason`, `handover_state`.

    `waiting` counts the open requests before it; `new` is False where it was open already.
    """

    id: int
    sender_id: str
    customer_id: int | None
    reason: str
    language: Language
    state: str
    created_at: datetime
    waiting: int
    new: bool
