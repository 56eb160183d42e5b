"""The tables of the shop.

Money and ratings are whole hundredths, times are UTC, codes are the keys of `data/words/`.
"""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator


class Hundredths(TypeDecorator):
    """A Decimal with two places, stored as a whole number so that sums are exact."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | int | None, dialect: Any) -> int | None:
        if value is None:
            return None
        scaled = value * 100
        if scaled != int(scaled):
            raise ValueError(f"{value} has more than two decimal places")
        return int(scaled)

    def process_result_value(self, value: Any, dialect: Any) -> Decimal | None:
        # PostgreSQL sums bigints to a numeric, which arrives as a Decimal.
        return None if value is None else _decimal(int(value))


@lru_cache(maxsize=4096)
def _decimal(hundredths: int) -> Decimal:
    """Prices come again and again, and making a Decimal takes longer than finding one."""
    return Decimal(hundredths).scaleb(-2)


class UtcTime(TypeDecorator):
    """An aware time; naive ones are refused, because nobody knows what they mean."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:  # SQLite keeps no zone
            return value.replace(tzinfo=timezone.utc)
        return value.astimezone(timezone.utc)


metadata = MetaData()


def _id() -> Column:
    return Column("id", Integer, primary_key=True)


def _to(column: str, *, nullable: bool = False, index: bool = True) -> Column:
    """A reference to another table's row: "orders.id" becomes order_id."""
    name = column.split(".")[0].removesuffix("s") + "_id"
    return Column(name, Integer, ForeignKey(column), nullable=nullable, index=index)


def _code(name: str, *, nullable: bool = False) -> Column:
    return Column(name, String(32), nullable=nullable)


def _time(name: str, *, nullable: bool = False, index: bool = False) -> Column:
    return Column(name, UtcTime, nullable=nullable, index=index)


def _money(name: str, *, nullable: bool = False) -> Column:
    return Column(name, Hundredths, nullable=nullable)


# What is said about the database itself; the sample shop marks its data here.
info = Table(
    "info",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("value", String(255), nullable=False),
)

customers = Table(
    "customers",
    metadata,
    _id(),
    Column("name_zh", String(80), nullable=False),
    Column("name_en", String(80), nullable=False),
    Column("language", String(2), nullable=False),
    Column("phone", String(32), nullable=False, unique=True),
    Column("email", String(254), nullable=False, unique=True),
    _code("level"),
    Column("points", Integer, CheckConstraint("points >= 0"), nullable=False),
    _time("joined_at"),
    # Set only for the demo page's sample customers.
    _code("situation", nullable=True),
)

products = Table(
    "products",
    metadata,
    _id(),
    Column("name_zh", String(120), nullable=False),
    Column("name_en", String(120), nullable=False),
    Column("description_zh", Text, nullable=False),
    Column("description_en", Text, nullable=False),
    _code("category"),
    _code("kind"),
    Column("brand_zh", String(60), nullable=False),
    Column("brand_en", String(60), nullable=False),
    # [[code, value in Chinese, value in English], ...] in the order they are told.
    Column("attributes", JSON, nullable=False),
    _money("list_price", nullable=True),
    Column("picture", String(80), nullable=False),
    Column("rating", Hundredths, nullable=True),
    Column("reviews", Integer, nullable=False),
    Column("sold", Integer, nullable=False),
    Column("consumable", Boolean, nullable=False),
    _time("listed_at"),
    # Moves whenever anything above changes, so that search notices.
    _time("updated_at", index=True),
    Index("ix_products_category", "category"),
    Index("ix_products_kind", "kind"),
)

variants = Table(
    "variants",
    metadata,
    _id(),
    _to("products.id"),
    Column("sku", String(40), nullable=False, unique=True),
    _code("colour"),
    _code("size"),
    Column("price", Hundredths, CheckConstraint("price >= 0"), nullable=False),
    Column("stock", Integer, CheckConstraint("stock >= 0"), nullable=False),
)

orders = Table(
    "orders",
    metadata,
    _id(),
    Column("number", String(40), nullable=False, unique=True),
    _to("customers.id", index=False),
    _code("state"),
    _time("placed_at"),
    _time("paid_at", nullable=True),
    _time("shipped_at", nullable=True),
    _time("delivered_at", nullable=True),
    _time("completed_at", nullable=True),
    _time("cancelled_at", nullable=True),
    _code("cancel_reason", nullable=True),
    _money("shipping_fee"),
    _money("discount"),
    _money("total"),
    Column("recipient", String(80), nullable=False),
    Column("phone", String(32), nullable=False),
    _code("city"),
    Column("address", String(255), nullable=False),
    Index("ix_orders_customer_placed", "customer_id", "placed_at"),
)

order_lines = Table(
    "order_lines",
    metadata,
    _id(),
    _to("orders.id"),
    _to("products.id"),
    _to("variants.id", index=False),
    Column("name_zh", String(120), nullable=False),
    Column("name_en", String(120), nullable=False),
    _code("colour"),
    _code("size"),
    Column("quantity", Integer, CheckConstraint("quantity > 0"), nullable=False),
    _money("price"),
)

payments = Table(
    "payments",
    metadata,
    _id(),
    _to("orders.id"),
    _code("method"),
    _code("state"),
    _money("amount"),
    Column("reference", String(64), nullable=False, unique=True),
    _time("created_at"),
    _time("paid_at", nullable=True),
)

parcels = Table(
    "parcels",
    metadata,
    _id(),
    _to("orders.id"),
    _code("carrier"),
    Column("tracking_number", String(40), nullable=False, unique=True),
    _code("state"),
    Column("due_on", Date, nullable=False),
    _time("created_at"),
    _time("delivered_at", nullable=True),
)

parcel_events = Table(
    "parcel_events",
    metadata,
    _id(),
    _to("parcels.id"),
    _time("at"),
    _code("code"),
    _code("place"),
)

returns = Table(
    "returns",
    metadata,
    _id(),
    _to("order_lines.id"),
    _code("kind"),
    _code("reason"),
    _code("state"),
    Column("quantity", Integer, CheckConstraint("quantity > 0"), nullable=False),
    _time("created_at"),
    _time("updated_at"),
)

refunds = Table(
    "refunds",
    metadata,
    _id(),
    _to("orders.id"),
    _to("returns.id", nullable=True, index=False),
    _code("state"),
    _money("amount"),
    _code("method"),
    _time("created_at"),
    _time("due_at"),
    _time("done_at", nullable=True),
)

invoices = Table(
    "invoices",
    metadata,
    _id(),
    _to("orders.id"),
    Column("number", String(40), nullable=True, unique=True),
    _code("kind"),
    Column("title", String(120), nullable=False),
    Column("tax_number", String(40), nullable=True),
    _money("amount"),
    _code("state"),
    _time("created_at"),
    _time("issued_at", nullable=True),
)

coupons = Table(
    "coupons",
    metadata,
    _id(),
    Column("code", String(40), nullable=False, unique=True),
    Column("name_zh", String(80), nullable=False),
    Column("name_en", String(80), nullable=False),
    # Either an amount off or a percentage off, from a sum upwards, in one category or in all.
    _money("amount_off", nullable=True),
    Column("percent_off", Integer, nullable=True),
    _money("from_total"),
    _code("category", nullable=True),
    _time("starts_at"),
    _time("ends_at"),
    CheckConstraint("(amount_off IS NULL) <> (percent_off IS NULL)"),
)

customer_coupons = Table(
    "customer_coupons",
    metadata,
    _id(),
    _to("customers.id"),
    _to("coupons.id", index=False),
    _code("state"),
    _to("orders.id", nullable=True, index=False),
    _time("received_at"),
    _time("used_at", nullable=True),
)

points = Table(
    "points",
    metadata,
    _id(),
    _to("customers.id"),
    Column("change", Integer, nullable=False),
    _code("reason"),
    _to("orders.id", nullable=True, index=False),
    _time("at"),
)

reviews = Table(
    "reviews",
    metadata,
    _id(),
    _to("products.id"),
    _to("customers.id", index=False),
    Column("order_line_id", Integer, ForeignKey("order_lines.id"), nullable=False, unique=True),
    Column("stars", Integer, CheckConstraint("stars BETWEEN 1 AND 5"), nullable=False),
    Column("language", String(2), nullable=False),
    Column("text", Text, nullable=False),
    _time("at"),
)

interactions = Table(
    "interactions",
    metadata,
    _id(),
    _to("customers.id", nullable=True),
    _to("products.id", index=False),
    _code("kind"),
    Column("rating", Integer, CheckConstraint("rating BETWEEN 1 AND 5"), nullable=True),
    _time("at", index=True),
    # The recommender reads on from the greatest id it knows: none may come twice.
    sqlite_autoincrement=True,
)

shown = Table(
    "shown",
    metadata,
    _id(),
    _to("customers.id", nullable=True),
    _to("products.id", index=False),
    _code("reason"),
    Column("place", Integer, nullable=False),
    _time("at", index=True),
    sqlite_autoincrement=True,
)

tastes = Table(
    "tastes",
    metadata,
    _id(),
    _to("customers.id", index=False),
    _code("subject"),
    Column("value", String(120), nullable=False),
    Column("liked", Boolean, nullable=False),
    _time("at"),
    # What is said again replaces what was said.
    Index("ux_tastes", "customer_id", "subject", "value", unique=True),
)

handovers = Table(
    "handovers",
    metadata,
    _id(),
    Column("sender_id", String(255), nullable=False),
    _to("customers.id", nullable=True, index=False),
    _code("reason"),
    Column("language", String(2), nullable=False),
    _code("state"),
    _time("created_at"),
    _time("closed_at", nullable=True),
)
# At most one open request a conversation, also when two processes ask at once.
one_open = handovers.c.state == "open"
Index(
    "ux_handovers_open",
    handovers.c.sender_id,
    unique=True,
    sqlite_where=one_open,
    postgresql_where=one_open,
)

identities = Table(
    "identities",
    metadata,
    Column("sender_id", String(255), primary_key=True),
    _to("customers.id"),
    _time("bound_at"),
)

used_tokens = Table(
    "used_tokens",
    metadata,
    Column("token_id", String(64), primary_key=True),
    _time("expires_at", index=True),
)
