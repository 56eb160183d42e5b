"""A toy shop, in which the right answer to every question can be seen.

Emma (2) must never see what is Ming's (1). Prices in the comments are all a search test needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from shop.models import (
    Attribute,
    Customer,
    Localized,
    Order,
    OrderLine,
    Parcel,
    ParcelEvent,
    Payment,
    Product,
    Refund,
    Variant,
)

NOW = datetime(2026, 5, 20, 12, tzinfo=timezone.utc)
MING, EMMA, NOBODY = 1, 2, 99


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


CUSTOMERS = (
    Customer(1, Localized("李明", "Li Ming"), "zh", "13000000001", "ming@example.com", "gold", 120,
             ago(days=400)),
    Customer(2, Localized("艾玛", "Emma Clarke"), "en", "13000000002", "emma@example.com",
             "standard", 0, ago(days=30)),
)  # fmt: skip


def _product(
    number: int,
    zh: str,
    en: str,
    category: str,
    kind: str,
    brand: tuple[str, str],
    variants: tuple[tuple[str, str, str, int], ...],
    *,
    description: tuple[str, str] = ("", ""),
    attributes: tuple[tuple[str, str, str], ...] = (),
    sold: int = 0,
    rating: str | None = None,
) -> Product:
    """Variants are (colour, size, price, stock); their ids are 10 x product + place."""
    return Product(
        id=number,
        name=Localized(zh, en),
        description=Localized(*description),
        category=category,
        kind=kind,
        brand=Localized(*brand),
        attributes=tuple(Attribute(code, Localized(z, e)) for code, z, e in attributes),
        variants=tuple(
            Variant(number * 10 + place, f"{number}-{place}", colour, size, Decimal(price), stock)
            for place, (colour, size, price, stock) in enumerate(variants, 1)
        ),
        list_price=None,
        picture=f"toy-{number}",
        rating=None if rating is None else Decimal(rating),
        reviews=0 if rating is None else 3,
        sold=sold,
        consumable=category == "food",
        listed_at=ago(days=200 - number),
    )


LARK, FERN = ("云雀", "Skylark"), ("野蕨", "Wildfern")
EARBUDS, HEADPHONES, SPEAKER, DRESS, RED_DRESS, BOOTS, FLASK, TEA = range(1, 9)

PRODUCTS = (
    _product(EARBUDS, "云雀真无线耳机", "Skylark true wireless earbuds", "audio", "earbuds", LARK,
             (("black", "one", "299.00", 5), ("white", "one", "319.00", 0)),
             attributes=(("waterproof", "IPX7防水", "IPX7 waterproof"),), sold=90, rating="4.50"),
    _product(HEADPHONES, "云雀头戴式降噪耳机", "Skylark noise-cancelling over-ear headphones",
             "audio", "headphones", LARK, (("black", "one", "899.00", 2),), sold=30),
    _product(SPEAKER, "云雀蓝牙音箱", "Skylark Bluetooth speaker", "audio", "speaker", LARK,
             (("red", "one", "199.00", 7),),
             description=("也可以接耳机。", "Also has a jack for headphones."), sold=60),
    _product(DRESS, "野蕨棉麻连衣裙", "Wildfern linen dress", "womenswear", "dress", FERN,
             (("navy", "S", "259.00", 1), ("navy", "M", "259.00", 0), ("white", "M", "239.00", 4)),
             attributes=(("material", "棉麻", "cotton and linen"),), sold=40, rating="4.90"),
    _product(RED_DRESS, "野蕨晚宴连衣裙", "Wildfern evening dress", "womenswear", "dress", FERN,
             (("red", "M", "499.00", 2),), sold=10, rating="3.20"),
    _product(BOOTS, "野蕨防水登山靴", "Wildfern waterproof hiking boots", "shoes", "hiking_boots",
             FERN, (("brown", "41", "459.00", 3), ("brown", "42", "459.00", 0)), sold=20),
    _product(FLASK, "野蕨保温杯", "Wildfern thermos", "kitchen", "thermos", FERN,
             (("green", "500ml", "89.90", 0),), sold=5),
    _product(TEA, "野蕨绿茶", "Wildfern green tea", "food", "green_tea", FERN,
             (("none", "250g", "49.90", 9),), sold=70),
)  # fmt: skip


def _line(number: int, product: int, variant: int, quantity: int, price: str) -> OrderLine:
    of = PRODUCTS[product - 1]
    bought = next(v for v in of.variants if v.id == variant)
    return OrderLine(
        id=number,
        product_id=product,
        variant_id=variant,
        name=of.name,
        colour=bought.colour,
        size=bought.size,
        quantity=quantity,
        price=Decimal(price),
        picture=of.picture,
    )


def _order(
    number: str,
    customer: int,
    state: str,
    placed_at: datetime,
    lines: tuple[OrderLine, ...],
    *,
    fee: str = "0.00",
    discount: str = "0.00",
    refunds: tuple[Refund, ...] = (),
    **times: datetime,
) -> Order:
    goods = sum((line.total for line in lines), Decimal("0.00"))
    total = goods + Decimal(fee) - Decimal(discount)
    paid_at = times.get("paid_at")
    return Order(
        number=number,
        customer_id=customer,
        state=state,
        placed_at=placed_at,
        paid_at=paid_at,
        shipped_at=times.get("shipped_at"),
        delivered_at=times.get("delivered_at"),
        completed_at=times.get("completed_at"),
        cancelled_at=None,
        cancel_reason=None,
        shipping_fee=Decimal(fee),
        discount=Decimal(discount),
        total=total,
        recipient="李明" if customer == MING else "Emma Clarke",
        phone=CUSTOMERS[customer - 1].phone,
        city="shanghai",
        address="世纪大道100号" if customer == MING else "100 Century Avenue",
        lines=lines,
        payments=(
            Payment(
                id=lines[0].id,
                method="alipay",
                state="paid" if paid_at else "pending",
                amount=total,
                created_at=placed_at,
                paid_at=paid_at,
            ),
        ),
        refunds=refunds,
    )


SHIPPED, OLD, UNPAID, EMMAS = "XE4400000001", "XE1700000002", "XE9300000003", "XE6600000004"

ORDERS = (
    _order(
        OLD,
        MING,
        "refunding",
        ago(days=40),
        (_line(1, DRESS, 43, 1, "239.00"),),
        discount="20.00",
        paid_at=ago(days=40),
        shipped_at=ago(days=39),
        delivered_at=ago(days=36),
        refunds=(
            Refund(
                id=1,
                state="processing",
                amount=Decimal("219.00"),
                method="alipay",
                created_at=ago(days=1),
                due_at=ago(days=-4),
                done_at=None,
            ),
        ),
    ),
    _order(
        SHIPPED,
        MING,
        "shipped",
        ago(days=3),
        (_line(2, EARBUDS, 11, 1, "299.00"), _line(3, TEA, 81, 3, "49.90")),
        paid_at=ago(days=3),
        shipped_at=ago(days=2),
    ),
    _order(UNPAID, MING, "awaiting_payment", ago(hours=2), (_line(4, TEA, 81, 1, "49.90"),),
           fee="10.00"),
    _order(EMMAS, EMMA, "shipped", ago(days=1), (_line(5, BOOTS, 61, 1, "459.00"),),
           paid_at=ago(days=1), shipped_at=ago(hours=20)),
)  # fmt: skip

MINGS_PARCEL, EMMAS_PARCEL = "SF1000000000001", "YT2000000000002"

PARCELS = (
    Parcel(
        id=1,
        order_number=SHIPPED,
        carrier="sf",
        tracking_number=MINGS_PARCEL,
        state="in_transit",
        due_on=date(2026, 5, 21),
        created_at=ago(days=2, hours=2),
        delivered_at=None,
        events=(
            ParcelEvent(ago(days=2, hours=2), "label_created", "hangzhou"),
            ParcelEvent(ago(days=2), "picked_up", "hangzhou"),
            ParcelEvent(ago(days=1), "arrived", "shanghai"),
        ),
    ),
    Parcel(
        id=2,
        order_number=EMMAS,
        carrier="yto",
        tracking_number=EMMAS_PARCEL,
        state="in_transit",
        due_on=date(2026, 5, 22),
        created_at=ago(hours=22),
        delivered_at=None,
        events=(ParcelEvent(ago(hours=20), "picked_up", "hangzhou"),),
    ),
)


@dataclass(frozen=True)
class Act:
    """Who did what, with which product, when."""

    customer_id: int | None
    product_id: int
    kind: str
    at: datetime
    rating: int | None = None


# By weight, bought most this week: TEA (8 + 8), then BOOTS (8), then EARBUDS (3 + 1), FLASK (1).
# The dress was the hit of last month.
ACTS = (
    *(Act(MING, DRESS, "buy", ago(days=40)) for _ in range(5)),
    Act(MING, TEA, "buy", ago(days=3)),
    Act(EMMA, TEA, "buy", ago(days=2)),
    Act(EMMA, BOOTS, "buy", ago(days=1)),
    Act(EMMA, EARBUDS, "view", ago(hours=9)),
    Act(EMMA, EARBUDS, "cart", ago(hours=8)),
    Act(None, FLASK, "view", ago(hours=7)),
    Act(MING, TEA, "rate", ago(hours=1), rating=5),
)
