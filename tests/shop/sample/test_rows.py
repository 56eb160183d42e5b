"""The sample shop is believable: every number adds up, and everything happens in its order."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from shop.orders import STATES
from shop.sample.fill import make_rows
from shop.sample.parcels import PLACES, SHOP_ZONE, kilometres
from shop.sample.people import make_people
from shop.sample.tastes import SEASONS, TASTES, TOGETHER
from shop.sample.trade import Rows
from shop.settings import ShopSettings
from shop.shipping import STATE_AFTER
from tests.shop.conftest import WORDS
from tests.shop.sample.conftest import NOW

Row = dict[str, Any]


def by(rows: Iterable[Row], key: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def one(rows: Iterable[Row], key: str = "id") -> dict[Any, Row]:
    return {row[key]: row for row in rows}


# --- as much as there should be ------------------------------------------------------------------


def test_there_is_as_much_as_promised(rows: Rows) -> None:
    assert len(rows["products"]) >= 300
    assert len({product["category"] for product in rows["products"]}) == 12
    assert len(rows["customers"]) == 500
    assert len(rows["orders"]) == 5_000
    assert len(rows["interactions"]) == 60_000
    assert {order["state"] for order in rows["orders"]} == set(STATES)
    assert {parcel["state"] for parcel in rows["parcels"]} >= {
        "in_transit",
        "out_for_delivery",
        "delivered",
        "delayed",
    }
    assert min(Counter(order["state"] for order in rows["orders"]).values()) >= 3
    for table in ("returns", "refunds", "invoices", "coupons", "points", "payments"):
        assert rows[table]


def test_the_orders_span_two_years(rows: Rows) -> None:
    placed = [order["placed_at"] for order in rows["orders"]]

    assert timedelta(days=700) < NOW - min(placed) <= timedelta(days=731)
    assert NOW - max(placed) < timedelta(hours=36)


def test_there_are_reviews_in_both_languages(rows: Rows) -> None:
    languages = Counter(review["language"] for review in rows["reviews"])

    assert min(languages["zh"], languages["en"]) > 200
    chinese = re.compile(r"[\u4e00-\u9fff]")
    assert all(
        bool(chinese.search(review["text"])) == (review["language"] == "zh")
        for review in rows["reviews"]
    )
    assert len({review["text"] for review in rows["reviews"]}) > 1500


# --- the same every time -------------------------------------------------------------------------


def test_the_same_moment_makes_the_same_shop(rows: Rows) -> None:
    assert make_rows(NOW, WORDS) == rows


def test_another_moment_moves_the_times_and_keeps_the_goods(rows: Rows) -> None:
    later = make_rows(NOW + timedelta(days=100), WORDS)

    assert [p["name_zh"] for p in later["products"]] == [p["name_zh"] for p in rows["products"]]
    assert [v["price"] for v in later["variants"]] == [v["price"] for v in rows["variants"]]
    assert [c["name_en"] for c in later["customers"]] == [c["name_en"] for c in rows["customers"]]
    assert max(o["placed_at"] for o in later["orders"]) > NOW + timedelta(days=98)


# --- goods ---------------------------------------------------------------------------------------


def test_goods_are_named_and_described_in_both_languages(rows: Rows) -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for product in rows["products"]:
        for text in ("name", "description", "brand"):
            assert chinese.search(product[f"{text}_zh"])
            assert product[f"{text}_en"] and not chinese.search(product[f"{text}_en"])
        assert len({code for code, _, _ in product["attributes"]}) >= 2
    for language in ("zh", "en"):
        assert len({p[f"name_{language}"] for p in rows["products"]}) == len(rows["products"])


def test_every_code_of_the_goods_has_words(rows: Rows) -> None:
    used = {("category", p["category"]) for p in rows["products"]} | {
        ("kind", p["kind"]) for p in rows["products"]
    }
    used |= {("attribute", code) for p in rows["products"] for code, _, _ in p["attributes"]}
    used |= {("colour", v["colour"]) for v in rows["variants"]}
    used |= {("size", v["size"]) for v in rows["variants"]}

    assert missing(used) == []


def missing(codes: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Codes without a word, in one language or the other."""
    return sorted(
        (table, code, language)
        for table, code in codes
        for language in ("zh", "en")
        if not WORDS.synonyms(table, code, language)
    )


def test_goods_have_variants_with_prices_and_stock(rows: Rows) -> None:
    variants = by(rows["variants"], "product_id")

    assert set(variants) == {product["id"] for product in rows["products"]}
    for some in variants.values():
        kinds = [(v["colour"], v["size"]) for v in some]
        assert len(set(kinds)) == len(kinds)
    assert all(v["price"] > 0 and v["stock"] >= 0 for v in rows["variants"])
    sold_out = [some for some in variants.values() if not any(v["stock"] for v in some)]
    assert 3 <= len(sold_out) <= 40


def test_a_discount_is_one(rows: Rows) -> None:
    cheapest = {
        number: min(v["price"] for v in some)
        for number, some in by(rows["variants"], "product_id").items()
    }
    discounted = [p for p in rows["products"] if p["list_price"]]

    assert len(discounted) > 40
    assert all(p["list_price"] > cheapest[p["id"]] for p in discounted)


def test_some_goods_are_new_and_nobody_bought_them_before_they_were_listed(rows: Rows) -> None:
    products = one(rows["products"])
    new = [p for p in rows["products"] if NOW - p["listed_at"] < timedelta(days=14)]

    assert len(new) >= 10
    assert all(
        act["at"] >= products[act["product_id"]]["listed_at"] for act in rows["interactions"]
    )


def test_stars_and_sales_are_those_of_the_reviews_and_orders(rows: Rows) -> None:
    stars = by(rows["reviews"], "product_id")
    for product in rows["products"]:
        given = [review["stars"] for review in stars.get(product["id"], [])]
        assert product["reviews"] == len(given)
        if given:
            assert abs(product["rating"] - Decimal(sum(given)) / len(given)) <= Decimal("0.005")
        else:
            assert product["rating"] is None
    sold = Counter[int]()
    orders = one(rows["orders"])
    for line in rows["order_lines"]:
        order = orders[line["order_id"]]
        if order["paid_at"] and not order["cancelled_at"]:
            sold[line["product_id"]] += line["quantity"]
    assert {p["id"]: p["sold"] for p in rows["products"] if p["sold"]} == dict(sold)


# --- orders --------------------------------------------------------------------------------------


def test_order_numbers_fit_the_pattern_and_are_in_no_order(rows: Rows) -> None:
    numbers = [order["number"] for order in rows["orders"]]

    assert len(set(numbers)) == len(numbers)
    assert all(re.fullmatch(ShopSettings().order_pattern, number) for number in numbers)
    rising = sum(a < b for a, b in itertools.pairwise(numbers))
    assert 0.45 < rising / len(numbers) < 0.55


def test_every_order_adds_up(rows: Rows) -> None:
    lines = by(rows["order_lines"], "order_id")
    for order in rows["orders"]:
        goods = sum(line["price"] * line["quantity"] for line in lines[order["id"]])
        assert order["total"] == goods + order["shipping_fee"] - order["discount"]
        assert order["total"] > 0
        assert order["shipping_fee"] == (0 if goods >= 99 else 10)


def test_what_is_ordered_is_a_variant_of_the_product(rows: Rows) -> None:
    variants = one(rows["variants"])
    for line in rows["order_lines"]:
        variant = variants[line["variant_id"]]
        assert line["product_id"] == variant["product_id"]
        assert (line["colour"], line["size"]) == (variant["colour"], variant["size"])


# For each state: what has happened, and what has not.
HAPPENED = {
    "awaiting_payment": ((), ("paid_at", "cancelled_at")),
    "paid": (("paid_at",), ("shipped_at", "cancelled_at")),
    "packed": (("paid_at",), ("shipped_at", "cancelled_at")),
    "shipped": (("paid_at", "shipped_at"), ("delivered_at", "cancelled_at")),
    "delivered": (("shipped_at", "delivered_at"), ("completed_at", "cancelled_at")),
    "completed": (("delivered_at", "completed_at"), ("cancelled_at",)),
    "cancelled": (("cancelled_at", "cancel_reason"), ("shipped_at", "completed_at")),
    "returning": (("delivered_at",), ("completed_at", "cancelled_at")),
    "refunding": (("delivered_at",), ("completed_at", "cancelled_at")),
    "refunded": (("delivered_at",), ("completed_at", "cancelled_at")),
}


def test_the_state_of_an_order_follows_from_what_has_happened(rows: Rows) -> None:
    for order in rows["orders"]:
        happened, not_yet = HAPPENED[order["state"]]
        assert all(order[name] for name in happened), order
        assert not any(order[name] for name in not_yet), order


def test_what_happens_to_an_order_happens_in_its_order_and_not_in_the_future(rows: Rows) -> None:
    names = ("placed_at", "paid_at", "shipped_at", "delivered_at", "completed_at")
    joined = {customer["id"]: customer["joined_at"] for customer in rows["customers"]}
    for order in rows["orders"]:
        times = [order[name] for name in names if order[name]]
        assert times == sorted(times)
        assert times[-1] <= NOW
        assert joined[order["customer_id"]] <= times[0]


def test_nobody_waits_for_payment_longer_than_a_day(rows: Rows) -> None:
    waiting = [o for o in rows["orders"] if o["state"] == "awaiting_payment"]

    assert all(NOW - order["placed_at"] < timedelta(hours=24) for order in waiting)


def test_payments_match_their_orders(rows: Rows) -> None:
    payments = by(rows["payments"], "order_id")
    for order in rows["orders"]:
        own = payments[order["id"]]
        assert {payment["amount"] for payment in own} == {order["total"]}
        good = [payment for payment in own if payment["state"] in ("paid", "refunded")]
        assert len(good) == (1 if order["paid_at"] else 0)
        assert all(payment["paid_at"] == order["paid_at"] for payment in good)
        refunded = any(payment["state"] == "refunded" for payment in own)
        assert not refunded or order["state"] in ("refunded", "cancelled")


def test_refunds_give_back_what_was_paid(rows: Rows) -> None:
    orders, refunds = one(rows["orders"]), by(rows["refunds"], "order_id")
    for order_id, own in refunds.items():
        order = orders[order_id]
        assert len(own) == 1 and own[0]["amount"] == order["total"]
        assert order["paid_at"] < own[0]["created_at"] <= NOW
        assert (own[0]["state"] == "done") == bool(own[0]["done_at"])
        assert own[0]["done_at"] is None or own[0]["created_at"] < own[0]["done_at"] <= NOW
    for order in rows["orders"]:
        if order["state"] in ("refunding", "refunded"):
            done = refunds[order["id"]][0]["state"] == "done"
            assert done == (order["state"] == "refunded")


def test_returns_belong_to_orders_that_came_back(rows: Rows) -> None:
    orders, lines = one(rows["orders"]), one(rows["order_lines"])
    for item in rows["returns"]:
        order = orders[lines[item["order_line_id"]]["order_id"]]
        assert order["state"] in ("returning", "refunding", "refunded")
        assert order["delivered_at"] < item["created_at"] <= item["updated_at"] <= NOW
        assert (item["state"] == "closed") == (order["state"] == "refunded")
    returning = {o["id"] for o in rows["orders"] if o["state"] == "returning"}
    assert returning <= {lines[r["order_line_id"]]["order_id"] for r in rows["returns"]}


def test_every_code_around_orders_has_words(rows: Rows) -> None:
    used = {
        (table, row[column])
        for source, column, table in (
            ("orders", "state", "order_state"),
            ("orders", "cancel_reason", "cancel_reason"),
            ("orders", "city", "place"),
            ("payments", "method", "payment_method"),
            ("payments", "state", "payment_state"),
            ("refunds", "state", "refund_state"),
            ("refunds", "method", "payment_method"),
            ("returns", "kind", "return_kind"),
            ("returns", "state", "return_state"),
            ("returns", "reason", "return_reason"),
            ("invoices", "kind", "invoice_kind"),
            ("invoices", "state", "invoice_state"),
            ("customer_coupons", "state", "coupon_state"),
            ("points", "reason", "points_reason"),
            ("customers", "level", "level"),
            ("customers", "situation", "sample_situation"),
            ("parcels", "carrier", "carrier"),
            ("parcels", "state", "parcel_state"),
            ("parcel_events", "code", "parcel_event"),
            ("parcel_events", "place", "place"),
        )
        for row in rows[source]
        if row[column] is not None
    }

    assert missing(used) == []


def test_coupons_were_valid_when_they_were_used(rows: Rows) -> None:
    coupons, orders = one(rows["coupons"]), one(rows["orders"])
    used = [c for c in rows["customer_coupons"] if c["state"] == "used"]
    for own in used:
        coupon, order = coupons[own["coupon_id"]], orders[own["order_id"]]
        assert order["customer_id"] == own["customer_id"]
        assert coupon["starts_at"] <= order["placed_at"] <= coupon["ends_at"]
        assert order["discount"] > 0
    assert {own["order_id"] for own in used} == {
        order["id"] for order in rows["orders"] if order["discount"]
    }
    for own in rows["customer_coupons"]:
        if own["state"] != "used":
            over = coupons[own["coupon_id"]]["ends_at"] < NOW
            assert own["state"] == ("expired" if over else "unused")


def test_points_add_up(rows: Rows) -> None:
    balance = Counter[int]()
    for entry in rows["points"]:
        balance[entry["customer_id"]] += entry["change"]

    assert all(c["points"] == balance[c["id"]] >= 0 for c in rows["customers"])


def test_invoices_are_for_paid_orders(rows: Rows) -> None:
    orders = one(rows["orders"])
    for invoice in rows["invoices"]:
        order = orders[invoice["order_id"]]
        assert invoice["amount"] == order["total"]
        assert order["paid_at"] <= invoice["created_at"] <= NOW
        assert (invoice["state"] == "issued") == bool(invoice["number"])


# --- parcels -------------------------------------------------------------------------------------


def test_sent_orders_have_parcels_and_others_have_none(rows: Rows) -> None:
    sent = {p["order_id"] for p in rows["parcels"]}
    for order in rows["orders"]:
        if order["state"] in ("awaiting_payment", "paid", "cancelled"):
            assert order["id"] not in sent
        else:
            assert order["id"] in sent


def test_the_events_of_a_parcel_make_sense_in_time_and_place(rows: Rows) -> None:
    orders, events = one(rows["orders"]), by(rows["parcel_events"], "parcel_id")
    for parcel in rows["parcels"]:
        own, order = events[parcel["id"]], orders[parcel["order_id"]]
        times = [event["at"] for event in own]
        assert times == sorted(times) and times[-1] <= NOW
        codes = [event["code"] for event in own]
        assert codes[0] == "label_created"
        assert codes.count("delivered") <= 1 and "delivered" not in codes[:-1]
        assert parcel["state"] == STATE_AFTER[codes[-1]]
        assert order["paid_at"] < times[0]
        assert (parcel["delivered_at"] or order["delivered_at"]) == order["delivered_at"]
        for event in own:
            if event["code"] in ("out_for_delivery", "delivered", "delivery_failed", "customs"):
                assert event["place"] == order["city"]


def test_no_parcel_travels_faster_than_an_aeroplane(rows: Rows) -> None:
    for own in by(rows["parcel_events"], "parcel_id").values():
        for before, after in itertools.pairwise(own):
            hours = (after["at"] - before["at"]).total_seconds() / 3600
            assert kilometres(before["place"], after["place"]) <= 800 * hours + 1


def test_couriers_set_out_in_the_morning(rows: Rows) -> None:
    at_home = {place for place in PLACES if place in WORDS.codes("place")} - {
        "singapore",
        "london",
        "new_york",
        "toronto",
        "sydney",
    }
    hours = {
        event["at"].astimezone(SHOP_ZONE).hour
        for event in rows["parcel_events"]
        if event["code"] == "out_for_delivery" and event["place"] in at_home
    }

    assert hours == {8}


def test_most_parcels_arrive_when_they_were_due(rows: Rows) -> None:
    orders = one(rows["orders"])
    arrived = [
        (parcel["delivered_at"].astimezone(SHOP_ZONE).date() - parcel["due_on"]).days
        for parcel in rows["parcels"]
        if parcel["delivered_at"] and orders[parcel["order_id"]]["city"] not in ("new_york",)
    ]

    assert sum(days <= 0 for days in arrived) / len(arrived) > 0.8
    assert all(days > -7 for days in arrived)


def test_parcel_numbers_are_unique(rows: Rows) -> None:
    numbers = [parcel["tracking_number"] for parcel in rows["parcels"]]

    assert len(set(numbers)) == len(numbers)


# --- interest ------------------------------------------------------------------------------------


def test_interactions_are_in_the_order_they_happened(rows: Rows) -> None:
    times = [act["at"] for act in rows["interactions"]]

    assert times == sorted(times) and times[-1] <= NOW
    assert [act["id"] for act in rows["interactions"]] == list(range(1, 60_001))


def test_every_purchase_and_review_is_an_interaction(rows: Rows) -> None:
    orders = one(rows["orders"])
    bought = Counter(
        (orders[line["order_id"]]["customer_id"], line["product_id"])
        for line in rows["order_lines"]
        if orders[line["order_id"]]["paid_at"] and not orders[line["order_id"]]["cancelled_at"]
    )
    acts = by(rows["interactions"], "kind")

    assert Counter((a["customer_id"], a["product_id"]) for a in acts["buy"]) == bought
    assert len(acts["rate"]) == len(rows["reviews"])
    assert all(
        (act["rating"] is not None) == (act["kind"] == "rate") for act in rows["interactions"]
    )
    assert len(acts["view"]) > len(acts["cart"]) > len(acts["buy"]) > len(acts["rate"])


def test_people_keep_to_their_tastes(rows: Rows) -> None:
    """Most of what one looks at is of the two tastes one has, which are a fifth of the goods."""
    kinds = {product["id"]: product["kind"] for product in rows["products"]}
    liked = {
        person.id: {kind for taste in person.tastes for kind in TASTES[taste]}
        for person in make_people(NOW)
    }
    hits = [kinds[act["product_id"]] in liked[act["customer_id"]] for act in rows["interactions"]]

    assert sum(hits) / len(hits) > 0.6


@pytest.mark.parametrize("kind", ["down_jacket", "sunscreen", "sandals", "nuts", "tent"])
def test_seasons_show(rows: Rows, kind: str) -> None:
    """Interest a month in season is well above that out of season."""
    own = {product["id"] for product in rows["products"] if product["kind"] == kind}
    all_months = Counter(act["at"].month for act in rows["interactions"])
    months = Counter(a["at"].month for a in rows["interactions"] if a["product_id"] in own)
    share = {month: months[month] / all_months[month] for month in range(1, 13)}
    inside = [share[month] for month in SEASONS[kind]]
    outside = [share[month] for month in range(1, 13) if month not in SEASONS[kind]]

    assert sum(inside) / len(inside) > 1.6 * sum(outside) / len(outside)


@pytest.mark.parametrize(
    ("first", "second"),
    [("tent", "sleeping_bag"), ("face_cream", "sunscreen"), ("bedding", "cushion")],
)
def test_what_goes_together_is_bought_together(rows: Rows, first: str, second: str) -> None:
    """At least twice as often as chance would have it."""
    assert second in TOGETHER[first]
    kinds = {product["id"]: product["kind"] for product in rows["products"]}
    baskets = [
        {kinds[line["product_id"]] for line in lines}
        for lines in by(rows["order_lines"], "order_id").values()
    ]
    with_first = [basket for basket in baskets if first in basket]
    together = sum(second in basket for basket in with_first) / len(with_first)
    anyhow = sum(second in basket for basket in baskets) / len(baskets)

    assert together > 2 * anyhow


def test_a_few_goods_draw_most_of_the_interest(rows: Rows) -> None:
    counts = sorted(Counter(a["product_id"] for a in rows["interactions"]).values(), reverse=True)

    assert sum(counts[: len(counts) // 5]) > 0.4 * sum(counts)
