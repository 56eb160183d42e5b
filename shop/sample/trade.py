"""What happens in the sample shop: orders and all that follows from them.

An order is first planned as a whole life (`Plan`), then cut off at `now`: what lies in the future
has not happened yet, and the state follows from what has.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final

from shop.orders import new_number
from shop.sample.goods import Item
from shop.sample.parcels import SHOP_ZONE, Journey, travel
from shop.sample.people import Person
from shop.sample.tastes import ANY_KIND, TASTES, TOGETHER, season
from shop.shipping import STATE_AFTER

ORDERS: Final = 5000
DAYS: Final = 730
FREE_SHIPPING_FROM: Final = Decimal(99)
SHIPPING_FEE: Final = Decimal(10)
PAY_WITHIN: Final = timedelta(hours=24)
# How an order goes, and how often of a thousand.
FATES: Final = {"normal": 842, "unpaid": 45, "cancel": 35, "return": 52, "refund": 14, "delay": 12}
# How busy each hour of the day is, on the shop's clock.
HOURS: Final = (2, 1, 1, 1, 1, 1, 2, 4, 7, 9, 11, 11, 13, 12, 10, 9, 9, 9, 10, 13, 17, 19, 16, 8)
LEVELS: Final = ((20000, "diamond"), (8000, "gold"), (2500, "silver"), (0, "standard"))

# State, how the parcel stands or "", youngest and oldest age in days.
Scene = tuple[str, str, float, float]
Rows = dict[str, list[dict[str, Any]]]


class Demand:
    """Who wants what, and when: draws shoppers, times and goods."""

    def __init__(self, items: list[Item], people: list[Person], now: datetime) -> None:
        self.items = {item.id: item for item in items}
        self._of_kind: dict[str, list[Item]] = defaultdict(list)
        for item in items:
            self._of_kind[item.kind].append(item)
        self._kinds = list(self._of_kind)
        self._people = [p for p in people if p.activity]
        self._activity = list(accumulate(p.activity for p in self._people))
        self._now = now
        self._days = [_busyness(now, day) for day in range(DAYS)]
        dearest = {kind: max(i.price for i in some) for kind, some in self._of_kind.items()}
        self._dearness = {i.id: float(i.price / dearest[i.kind]) for i in items}
        self._kind_weights: dict[tuple[int, int], list[float]] = {}

    def person(self, chance: random.Random, at: datetime) -> Person:
        """Someone who was a customer then."""
        while True:
            person = chance.choices(self._people, cum_weights=self._activity)[0]
            if person.joined_at <= at:
                return person

    def times(self, chance: random.Random, count: int) -> Iterator[datetime]:
        """When people shop: more every month, on festivals, and in the evening."""
        days = chance.choices(range(DAYS), self._days, k=count)
        midnight = self._now.astimezone(SHOP_ZONE).replace(hour=0, minute=0, second=0)
        for day in days:
            hour = chance.choices(range(24), HOURS)[0]
            at = midnight - timedelta(days=day) + timedelta(hours=hour + chance.random())
            # Evenings that are yet to come are moved to yesterday.
            yield at.astimezone(self._now.tzinfo) - timedelta(days=at > self._now)

    def kind(self, chance: random.Random, person: Person, at: datetime) -> str:
        """A kind of goods, by taste and season."""
        key = person.id, at.month
        if key not in self._kind_weights:
            tastes = [(TASTES[taste], share) for taste, share in person.tastes.items()]
            self._kind_weights[key] = list(
                accumulate(
                    (sum(share * kinds.get(kind, 0) for kinds, share in tastes) + ANY_KIND)
                    * season(kind, at.month)
                    for kind in self._kinds
                )
            )
        return chance.choices(self._kinds, cum_weights=self._kind_weights[key])[0]

    def item(self, chance: random.Random, person: Person, kind: str, at: datetime) -> Item | None:
        """A product of a kind that was listed then, by charm, brand and purse."""
        listed = [item for item in self._of_kind[kind] if item.listed_at <= at]
        if not listed:
            return None
        weights = [
            item.charm
            * (3.0 if item.brand in person.brands else 1.0)
            * max(0.05, 1 - 1.2 * abs(self._dearness[item.id] - person.purse))
            for item in listed
        ]
        return chance.choices(listed, weights)[0]

    def basket(self, chance: random.Random, person: Person, at: datetime) -> list[Item]:
        """One to four different products, often of kinds that go together."""
        while (first := self.item(chance, person, self.kind(chance, person, at), at)) is None:
            pass
        basket = [first]
        for kind, often in TOGETHER.get(first.kind, {}).items():
            if chance.random() < often and (item := self.item(chance, person, kind, at)):
                basket.append(item)
        while len(basket) < 4 and chance.random() < 0.22:
            item = self.item(chance, person, self.kind(chance, person, at), at)
            if item and item not in basket:
                basket.append(item)
        return basket

    def told_basket(self, person: Person, number: int, at: datetime) -> list[Item]:
        """What a named customer bought with an order, counted from 0: a kind of their taste and
        what goes with it, the same on any day and at any hour."""
        chance = random.Random(f"{person.situation} {number}")
        kinds = list(TASTES[max(person.tastes, key=lambda taste: person.tastes[taste])])
        kind = kinds[number % len(kinds)]
        wanted = [self.item(chance, person, each, at) for each in (kind, *TOGETHER.get(kind, {}))]
        return [item for item in wanted if item]


@dataclass
class Plan:
    """The whole life of an order up to `now`; times that are None have not come (yet)."""

    person: Person
    basket: list[Item]
    placed_at: datetime
    fate: str
    state: str = "awaiting_payment"
    paid_at: datetime | None = None
    packed_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    journey: Journey | None = None
    # What a return or refund has come to: (state, since).
    return_steps: list[tuple[str, datetime]] = field(default_factory=list)
    refund_at: datetime | None = None
    refunded_at: datetime | None = None


def plan(
    chance: random.Random,
    person: Person,
    basket: list[Item],
    placed_at: datetime,
    now: datetime,
    fate: str,
) -> Plan:
    """Live through an order from its placing until `now`."""
    it = Plan(person, basket, placed_at, fate)
    if fate == "unpaid":
        timeout = placed_at + PAY_WITHIN
        if timeout <= now:
            it.state, it.cancelled_at, it.cancel_reason = "cancelled", timeout, "payment_timeout"
        return it
    paid_at = placed_at + timedelta(minutes=chance.expovariate(1 / 6))
    if paid_at > now:
        return it
    it.state, it.paid_at = "paid", paid_at
    if fate == "cancel":
        cancelled_at = paid_at + timedelta(hours=chance.uniform(0.1, 8))
        if cancelled_at <= now:
            it.state, it.cancelled_at = "cancelled", cancelled_at
            it.cancel_reason = chance.choice(
                ("changed_mind", "wrong_item", "wrong_address", "too_slow", "out_of_stock")
            )
            it.refund_at = cancelled_at
            it.refunded_at = cancelled_at + timedelta(days=chance.uniform(0.5, 3))
        return it
    packed_at = paid_at + timedelta(hours=chance.uniform(3, 26))
    shipped_at = packed_at + timedelta(hours=chance.uniform(1, 10))
    if packed_at > now:
        return it
    it.state, it.packed_at = "packed", packed_at
    it.journey = travel(chance, person.city, packed_at, shipped_at, delayed=fate == "delay")
    if shipped_at > now:
        return it
    it.state, it.shipped_at = "shipped", shipped_at
    if it.journey.delivered_at > now:
        return it
    it.state, it.delivered_at = "delivered", it.journey.delivered_at
    if fate in ("return", "refund"):
        _send_back(chance, it, now)
    else:
        completed_at = it.delivered_at + timedelta(days=chance.uniform(1, 10))
        if completed_at <= now:
            it.state, it.completed_at = "completed", completed_at
    return it


def _send_back(chance: random.Random, it: Plan, now: datetime) -> None:
    assert it.delivered_at
    at = it.delivered_at + timedelta(days=chance.uniform(0.2, 5))
    if it.fate == "return":
        for state, low, high in (
            ("requested", 0.0, 0.0),
            ("approved", 0.1, 0.8),
            ("sent_back", 0.2, 2.0),
            ("received", 1.5, 4.0),
        ):
            at += timedelta(days=chance.uniform(low, high))
            if at > now:
                return
            it.return_steps.append((state, at))
            it.state = "returning"
        at += timedelta(hours=chance.uniform(1, 12))
    if at > now:
        return
    it.state, it.refund_at = "refunding", at
    it.refunded_at = at + timedelta(days=chance.uniform(1, 3.5))
    if it.refunded_at <= now:
        it.state = "refunded"


class Ledger:
    """Writes plans down as rows, and keeps the books of points and coupons."""

    def __init__(self, chance: random.Random, now: datetime, coupons: list[dict[str, Any]]) -> None:
        self.rows: Rows = defaultdict(list)
        # Every order line that was paid for: (person, item, order row, line row, plan).
        self.bought: list[tuple[Person, Item, dict[str, Any], dict[str, Any], Plan]] = []
        self._chance = chance
        self._now = now
        self._coupons = coupons
        self._numbers: set[str] = set()

    def add(self, table: str, **values: Any) -> dict[str, Any]:
        """Append a row with the next id."""
        row = {"id": len(self.rows[table]) + 1, **values}
        self.rows[table].append(row)
        return row

    def write(self, it: Plan) -> None:
        """Write an order and all that followed."""
        chance = self._chance
        number = new_number(chance)
        while number in self._numbers:
            number = new_number(chance)
        self._numbers.add(number)
        lines = [self._line(item) for item in it.basket]
        goods = sum((line["price"] * line["quantity"] for line in lines), Decimal(0))
        coupon = self._usable_coupon(it, goods)
        discount = _discount(coupon, goods) if coupon else Decimal(0)
        fee = Decimal(0) if goods >= FREE_SHIPPING_FROM else SHIPPING_FEE
        order = self.add(
            "orders",
            number=number,
            customer_id=it.person.id,
            state=it.state,
            placed_at=it.placed_at,
            paid_at=it.paid_at,
            shipped_at=it.shipped_at,
            delivered_at=it.delivered_at,
            completed_at=it.completed_at,
            cancelled_at=it.cancelled_at,
            cancel_reason=it.cancel_reason,
            shipping_fee=fee,
            discount=discount,
            total=goods + fee - discount,
            recipient=it.person.recipient,
            phone=it.person.phone,
            city=it.person.city,
            address=it.person.address,
        )
        for item, line in zip(it.basket, lines, strict=True):
            row = self.add("order_lines", order_id=order["id"], **line)
            if it.paid_at and not it.cancelled_at:
                self.bought.append((it.person, item, order, row, it))
        if coupon:
            self._use(coupon, it, order)
        self._pay(it, order)
        self._send(it, order)
        self._take_back(it, order)
        self._invoice(it, order)
        if it.completed_at:
            self.add(
                "points",
                customer_id=it.person.id,
                change=int(order["total"]),
                reason="order",
                order_id=order["id"],
                at=it.completed_at,
            )

    def _line(self, item: Item) -> dict[str, Any]:
        chance = self._chance
        variant = chance.choice(item.variants)
        price = variant["price"]
        if chance.random() < 0.12:  # it has become cheaper since
            price = (price * Decimal("1.1")).quantize(Decimal("0.1"))
        return {
            "product_id": item.id,
            "variant_id": variant["id"],
            "name_zh": item.name[0],
            "name_en": item.name[1],
            "colour": variant["colour"],
            "size": variant["size"],
            "quantity": chance.choices((1, 2, 3), (88, 9, 3))[0],
            "price": price,
        }

    def _pay(self, it: Plan, order: dict[str, Any]) -> None:
        chance = self._chance
        methods = (
            ("wechat_pay", "alipay", "alipay", "wechat_pay", "unionpay", "card")
            if it.person.language == "zh"
            else ("card", "card", "paypal", "alipay")
        )
        order["method"] = method = chance.choice(methods)

        def pay(state: str, created_at: datetime, paid_at: datetime | None) -> None:
            self.add(
                "payments",
                order_id=order["id"],
                method=method,
                state=state,
                amount=order["total"],
                reference=f"P{chance.getrandbits(64):020d}",
                created_at=created_at,
                paid_at=paid_at,
            )

        if it.paid_at is None:
            pay("failed" if it.cancelled_at else "pending", it.placed_at, None)
            return
        if chance.random() < 0.03:
            pay("failed", it.placed_at, None)
        back = it.refunded_at and it.refunded_at <= self._now
        pay("refunded" if back else "paid", it.placed_at, it.paid_at)

    def _send(self, it: Plan, order: dict[str, Any]) -> None:
        if not it.journey:
            return
        events = [event for event in it.journey.events if event[0] <= self._now]
        parcel = self.add(
            "parcels",
            order_id=order["id"],
            carrier=it.journey.carrier,
            tracking_number=it.journey.tracking_number,
            state=STATE_AFTER[events[-1][1]],
            due_on=it.journey.due_on,
            created_at=it.packed_at,
            delivered_at=it.delivered_at,
        )
        for at, code, place in events:
            self.add("parcel_events", parcel_id=parcel["id"], at=at, code=code, place=place)

    def _take_back(self, it: Plan, order: dict[str, Any]) -> None:
        chance = self._chance
        lines = [row for row in self.rows["order_lines"][-4:] if row["order_id"] == order["id"]]
        return_id = None
        if it.return_steps:
            reason = chance.choice(
                ("too_small", "too_large", "not_as_described", "broken", "dislike", "wrong_item")
            )
            done = it.refunded_at and it.refunded_at <= self._now
            for line in lines:
                return_id = self.add(
                    "returns",
                    order_line_id=line["id"],
                    kind="return",
                    reason=reason,
                    state="closed" if done else it.return_steps[-1][0],
                    quantity=line["quantity"],
                    created_at=it.return_steps[0][1],
                    updated_at=it.refunded_at if done else it.return_steps[-1][1],
                )["id"]
        if it.refund_at and it.refunded_at:
            done = it.refunded_at <= self._now
            processing = self._now - it.refund_at > timedelta(hours=6)
            self.add(
                "refunds",
                order_id=order["id"],
                return_id=return_id,
                state="done" if done else "processing" if processing else "approved",
                amount=order["total"],
                method=order["method"],
                created_at=it.refund_at,
                due_at=it.refund_at + timedelta(days=5),
                done_at=it.refunded_at if done else None,
            )

    def _invoice(self, it: Plan, order: dict[str, Any]) -> None:
        chance = self._chance
        if not it.paid_at or it.cancelled_at or chance.random() > 0.2:
            return
        created_at = it.paid_at + timedelta(hours=chance.uniform(0, 48))
        if created_at > self._now:
            return
        issued_at = created_at + timedelta(hours=chance.uniform(1, 30))
        issued = issued_at <= self._now
        company = chance.random() < 0.3
        self.add(
            "invoices",
            order_id=order["id"],
            number=f"{chance.randrange(10**20):020d}" if issued else None,
            kind="company" if company else "personal",
            title=f"{it.person.recipient}商贸有限公司" if company else it.person.recipient,
            tax_number=f"91{chance.randrange(10**16):016d}" if company else None,
            amount=order["total"],
            state="issued" if issued else "requested",
            created_at=created_at,
            issued_at=issued_at if issued else None,
        )

    # --- coupons and points

    def _usable_coupon(self, it: Plan, goods: Decimal) -> dict[str, Any] | None:
        if self._chance.random() > 0.22:
            return None
        usable = [
            coupon
            for coupon in self._coupons
            if coupon["starts_at"] <= it.placed_at <= coupon["ends_at"]
            and goods >= coupon["from_total"]
            and coupon["category"] in (None, it.basket[0].category)
        ]
        return self._chance.choice(usable) if usable else None

    def _use(self, coupon: dict[str, Any], it: Plan, order: dict[str, Any]) -> None:
        self.add(
            "customer_coupons",
            customer_id=it.person.id,
            coupon_id=coupon["id"],
            state="used",
            order_id=order["id"],
            received_at=max(coupon["starts_at"], it.person.joined_at),
            used_at=it.placed_at,
        )

    def give_coupons(self, people: list[Person]) -> None:
        """Coupons that people have not used, some of them too late."""
        chance = self._chance
        for person in people:
            loyal = person.situation == "gold_member"
            for coupon in self._coupons:
                if coupon["ends_at"] < person.joined_at or chance.random() > (1 if loyal else 0.25):
                    continue
                self.add(
                    "customer_coupons",
                    customer_id=person.id,
                    coupon_id=coupon["id"],
                    state="expired" if coupon["ends_at"] < self._now else "unused",
                    order_id=None,
                    received_at=max(coupon["starts_at"], person.joined_at),
                    used_at=None,
                )

    def close(self, people: list[Person]) -> None:
        """Let people redeem points, and set levels by what they have spent."""
        earned: dict[int, int] = defaultdict(int)
        spent: dict[int, Decimal] = defaultdict(Decimal)
        for row in self.rows["points"]:
            earned[row["customer_id"]] += row["change"]
        for row in self.rows["orders"]:
            if row["completed_at"]:
                spent[row["customer_id"]] += row["total"]
        for person in people:
            if earned[person.id] > 500 and self._chance.random() < 0.3:
                change = -100 * self._chance.randint(1, earned[person.id] // 200)
                earned[person.id] += change
                self.add(
                    "points",
                    customer_id=person.id,
                    change=change,
                    reason="redeemed",
                    order_id=None,
                    at=self._now - timedelta(days=self._chance.uniform(0, 20)),
                )
            person.row["points"] = earned[person.id]
            total = spent[person.id]
            person.row["level"] = next(level for least, level in LEVELS if total >= least)
            if person.situation == "gold_member":
                person.row["level"] = "gold"


def make_coupons(now: datetime) -> list[dict[str, Any]]:
    """Coupons of the past and the present."""

    def coupon(code: str, zh: str, en: str, since: int, days: int, **terms: Any) -> dict[str, Any]:
        values = {"amount_off": None, "percent_off": None, "category": None, "from_total": 0}
        starts_at = now - timedelta(days=since)
        return {
            "code": code,
            "name_zh": zh,
            "name_en": en,
            **values,
            **terms,
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(days=days),
        }

    made = [
        coupon("HELLO15", "新人满99减15", "15 off your first 99", 720, 900, amount_off=15,
               from_total=99),
        coupon("SAVE30", "满299减30", "30 off 299", 40, 60, amount_off=30, from_total=299),
        coupon("SAVE60", "满599减60", "60 off 599", 25, 45, amount_off=60, from_total=599),
        coupon("SHOES15", "鞋靴85折", "15% off shoes", 12, 30, percent_off=15, category="shoes"),
        coupon("AUDIO50", "影音满499减50", "50 off 499 on audio", 8, 25, amount_off=50,
               from_total=499, category="audio"),
        coupon("TEATIME", "茶饮零食9折", "10% off food and drink", 5, 21, percent_off=10,
               category="food"),
        coupon("SPRING40", "换季满399减40", "Season sale: 40 off 399", 330, 45, amount_off=40,
               from_total=399),
        coupon("BIGDAY88", "大促满888减88", "Big day: 88 off 888", 200, 15, amount_off=88,
               from_total=888),
        coupon("HOME20", "家居8折", "20% off home", 120, 20, percent_off=20, category="home"),
    ]  # fmt: skip
    return [{"id": number, **row} for number, row in enumerate(made, 1)]


def _discount(coupon: dict[str, Any], goods: Decimal) -> Decimal:
    if coupon["amount_off"]:
        return Decimal(coupon["amount_off"])
    return (goods * coupon["percent_off"] / 100).quantize(Decimal("0.01"))


def _busyness(now: datetime, day: int) -> float:
    """How many orders come on the day so many days ago, against other days."""
    date = now.astimezone(SHOP_ZONE) - timedelta(days=day)
    growth = 1.0 - 0.5 * day / DAYS
    weekend = 1.2 if date.weekday() >= 5 else 1.0
    festival = {(11, 11): 5.0, (6, 18): 3.5, (12, 12): 2.5, (11, 10): 2.0, (11, 12): 2.0}
    return growth * weekend * festival.get((date.month, date.day), 1.0)


# --- the customers of the demo page --------------------------------------------------------------

# The orders of each situation, first the one that makes it. "fresh": delivered since yesterday.
_STORIES: Final[dict[str, tuple[Scene, ...]]] = {
    "on_its_way": (
        ("shipped", "in_transit", 2, 6),
        ("completed", "", 60, 90),
        ("completed", "", 200, 260),
    ),
    # One after the other at any time of day: who tries it out says "the second one".
    "several_orders": (
        ("shipped", "out_for_delivery", 1.5, 4),
        ("paid", "", 0.1, 1),
        ("awaiting_payment", "", 0.01, 0.09),
        ("delivered", "", 4.1, 9),
        ("cancelled", "", 20, 30),
        ("completed", "", 40, 60),
        ("refunded", "", 70, 100),
    ),
    "just_delivered": (("delivered", "fresh", 3, 9), ("completed", "", 100, 150)),
    "no_orders": (),
    "refund_running": (("refunding", "", 6, 20), ("completed", "", 50, 80)),
    "not_yet_sent": (("paid", "", 0.3, 1.1), ("completed", "", 40, 120)),
    "delayed": (("shipped", "delayed", 3, 14), ("completed", "", 80, 160)),
    "gold_member": (
        ("shipped", "in_transit", 1, 6),
        ("delivered", "", 5, 9),
        *(("completed", "", 20.0 + 28 * n, 40.0 + 28 * n) for n in range(22)),
    ),
}
# What every sample shop has at least a few of, whatever chance says.
ALWAYS: Final = (
    ("awaiting_payment", "", 0.05, 0.9),
    ("paid", "", 0.05, 1.0),
    ("packed", "", 0.3, 1.4),
    ("shipped", "in_transit", 1.0, 5.0),
    ("shipped", "delayed", 3.0, 12.0),
    ("delivered", "", 2.0, 8.0),
    ("returning", "", 4.0, 13.0),
    ("refunding", "", 6.0, 18.0),
)
_FATE_FOR: Final = {
    "awaiting_payment": "unpaid",
    "cancelled": "cancel",
    "returning": "return",
    "refunding": "return",
    "refunded": "return",
}


def story(chance: random.Random, demand: Demand, person: Person, now: datetime) -> Iterator[Plan]:
    """The orders that make a named customer's situation."""
    for number, scene in enumerate(_STORIES[person.situation or ""]):
        basket = demand.told_basket(person, number, first_moment(scene, now))
        yield play(chance, person, basket, now, scene)


def first_moment(scene: Scene, now: datetime) -> datetime:
    """Since when its order may have been placed."""
    return now - timedelta(days=scene[3])


def play(
    chance: random.Random, person: Person, basket: list[Item], now: datetime, scene: Scene
) -> Plan:
    """An order that has come as far as the scene wants: lives are tried until one fits."""
    state, parcel, youngest, oldest = scene
    fate = "delay" if parcel == "delayed" else _FATE_FOR.get(state, "normal")
    for _ in range(20_000):
        placed_at = now - timedelta(days=chance.uniform(youngest, oldest))
        it = plan(chance, person, basket, placed_at, now, fate)
        if it.state == state and parcel in ("", _standing(it, now)):
            return it
    raise AssertionError(f"no order can come to {scene}")


def _standing(it: Plan, now: datetime) -> str:
    """How the parcel of an order stands."""
    if it.journey is None:
        return ""
    if it.delivered_at:
        return "fresh" if now - it.delivered_at < timedelta(days=1) else "delivered"
    return STATE_AFTER[[code for at, code, _ in it.journey.events if at <= now][-1]]
