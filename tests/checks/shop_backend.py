"""What every shop backend must do, on the toy shop.

Inherit `ShopBackendChecks` and give it a fixture `shop`: the backend, filled with everything in
`tests.checks.toy_shop`, and with the words of `data/words`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from shop.backend import ShopBackend
from shop.errors import InvalidValue, NotFound
from shop.models import ProductQuery, SearchResult
from tests.checks import toy_shop as toy
from tests.checks.toy_shop import (
    BOOTS,
    DRESS,
    EARBUDS,
    EMMA,
    FLASK,
    HEADPHONES,
    MING,
    NOBODY,
    RED_DRESS,
    SPEAKER,
    TEA,
)

HOSTILE_NUMBERS = [
    "",
    " ",
    "#",
    "no such number",
    "XE0000000000",
    "' OR 1=1 --",
    "XE%",
    "\x00",
    "a\ud800",
    "号" * 10_000,
]
HOSTILE_IDS = [0, -1, NOBODY, 2**31, 2**63, 10**30]


def ids(result: SearchResult) -> list[int]:
    return [hit.product.id for hit in result]


class ShopBackendChecks:
    """Every test of a backend; the subclass says only what the backend is."""

    @pytest.fixture
    def shop(self) -> ShopBackend:
        raise NotImplementedError

    # --- customers

    @pytest.mark.parametrize("customer", toy.CUSTOMERS, ids=lambda c: c.name.en)
    def test_a_customer_comes_as_written(self, shop: ShopBackend, customer: Any) -> None:
        assert shop.customer(customer.id) == customer

    @pytest.mark.parametrize("customer_id", HOSTILE_IDS)
    def test_an_unknown_customer_is_not_found(self, shop: ShopBackend, customer_id: int) -> None:
        with pytest.raises(NotFound):
            shop.customer(customer_id)

    def test_a_real_shop_has_no_sample_customers(self, shop: ShopBackend) -> None:
        assert shop.sample_customers() == ()

    # --- orders

    def test_orders_are_ones_own_and_newest_first(self, shop: ShopBackend) -> None:
        page = shop.orders(MING)

        assert [order.number for order in page] == [toy.UNPAID, toy.SHIPPED, toy.OLD]
        assert page.total == 3

    @pytest.mark.parametrize("order", toy.ORDERS, ids=lambda o: o.number)
    def test_an_order_comes_with_lines_payments_and_refunds(
        self, shop: ShopBackend, order: Any
    ) -> None:
        assert shop.order(order.customer_id, order.number) == order
        assert order in shop.orders(order.customer_id).items

    def test_the_sum_of_an_order_is_exact(self, shop: ShopBackend) -> None:
        order = shop.order(MING, toy.SHIPPED)

        assert order.total == Decimal("448.70")  # 299.00 + 3 x 49.90
        assert order.total == sum(line.total for line in order.lines)

    def test_times_are_aware_and_in_utc(self, shop: ShopBackend) -> None:
        assert shop.order(MING, toy.SHIPPED).placed_at.tzinfo is timezone.utc

    @pytest.mark.parametrize(
        ("states", "numbers"),
        [
            (["shipped"], [toy.SHIPPED]),
            (["shipped", "awaiting_payment"], [toy.UNPAID, toy.SHIPPED]),
            (["completed"], []),
            ([], []),
        ],
    )
    def test_orders_can_be_asked_for_by_state(
        self, shop: ShopBackend, states: list[str], numbers: list[str]
    ) -> None:
        page = shop.orders(MING, states=states)

        assert [order.number for order in page] == numbers
        assert page.total == len(numbers)

    def test_orders_come_in_pages(self, shop: ShopBackend) -> None:
        first, second = shop.orders(MING, limit=2), shop.orders(MING, limit=2, offset=2)

        assert (len(first), first.total) == (2, 3)
        assert [order.number for order in second] == [toy.OLD]

    def test_a_customer_without_orders_has_an_empty_page(self, shop: ShopBackend) -> None:
        assert shop.orders(NOBODY).items == ()

    @pytest.mark.parametrize("wrong", [{"limit": 0}, {"offset": -1}, {"states": ["lost"]}])
    def test_senseless_questions_about_orders_are_refused(
        self, shop: ShopBackend, wrong: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidValue):
            shop.orders(MING, **wrong)

    @pytest.mark.parametrize(
        "typed",
        ["xe4400000001", " #XE4400000001 ", "＃ＸＥ４４０００００００１", "XE4400000001\n"],
    )
    def test_an_order_number_may_be_typed_in_many_ways(self, shop: ShopBackend, typed: str) -> None:
        assert shop.order(MING, typed).number == toy.SHIPPED

    def test_anothers_order_looks_like_none(self, shop: ShopBackend) -> None:
        with pytest.raises(NotFound) as anothers:
            shop.order(EMMA, toy.SHIPPED)
        with pytest.raises(NotFound) as nobodys:
            shop.order(EMMA, "XE0000000000")

        assert str(anothers.value) == str(nobodys.value)

    @pytest.mark.parametrize("number", HOSTILE_NUMBERS)
    def test_hostile_order_numbers_find_nothing(self, shop: ShopBackend, number: str) -> None:
        with pytest.raises(NotFound):
            shop.order(MING, number)
        with pytest.raises(NotFound):
            shop.parcels(MING, number)

    # --- parcels

    def test_a_parcel_comes_with_its_events_oldest_first(self, shop: ShopBackend) -> None:
        assert shop.parcels(MING, toy.SHIPPED) == (toy.PARCELS[0],)
        assert shop.parcel(EMMA, toy.EMMAS_PARCEL) == toy.PARCELS[1]

    def test_an_order_not_yet_sent_has_no_parcels(self, shop: ShopBackend) -> None:
        assert shop.parcels(MING, toy.UNPAID) == ()

    @pytest.mark.parametrize("typed", ["sf1000000000001", "SF 1000 0000 00001", "SF-1000000000001"])
    def test_a_parcel_number_may_be_typed_in_many_ways(self, shop: ShopBackend, typed: str) -> None:
        assert shop.parcel(MING, typed).tracking_number == toy.MINGS_PARCEL

    @pytest.mark.parametrize("number", [toy.MINGS_PARCEL, *HOSTILE_NUMBERS])
    def test_anothers_parcel_is_not_found(self, shop: ShopBackend, number: str) -> None:
        with pytest.raises(NotFound):
            shop.parcel(EMMA, number)
        with pytest.raises(NotFound):
            shop.parcels(EMMA, toy.SHIPPED)

    # --- the catalogue

    @pytest.mark.parametrize("product", toy.PRODUCTS, ids=lambda p: p.name.en)
    def test_a_product_comes_with_its_variants(self, shop: ShopBackend, product: Any) -> None:
        assert shop.product(product.id) == product

    @pytest.mark.parametrize("product_id", HOSTILE_IDS)
    def test_an_unknown_product_is_not_found(self, shop: ShopBackend, product_id: int) -> None:
        with pytest.raises(NotFound):
            shop.product(product_id)

    def test_products_come_in_the_order_asked_without_unknown_ones(self, shop: ShopBackend) -> None:
        found = shop.products([TEA, NOBODY, DRESS, TEA, 10**30, EARBUDS])

        assert [product.id for product in found] == [TEA, DRESS, EARBUDS]
        assert shop.products([]) == ()

    @pytest.mark.parametrize(
        ("text", "exact"),
        [
            ("耳机", [EARBUDS, HEADPHONES]),
            ("蓝牙耳机", [EARBUDS, HEADPHONES]),
            ("藍牙耳機", [EARBUDS, HEADPHONES]),
            ("降噪耳机", [HEADPHONES]),
            ("bluetooth headphones", [EARBUDS, HEADPHONES]),
            ("earphones", [EARBUDS, HEADPHONES]),
            ("EARPHONE", [EARBUDS, HEADPHONES]),
            ("ear phones", [EARBUDS, HEADPHONES]),
            ("headphnes", [EARBUDS, HEADPHONES]),
            ("noise cancelling headphones", [HEADPHONES]),
            ("Skylark 耳机", [EARBUDS, HEADPHONES]),
            ("音箱", [SPEAKER]),
            ("裙子", [DRESS, RED_DRESS]),
            ("红裙子", [RED_DRESS]),
            ("red dress", [RED_DRESS]),
            ("linen", [DRESS]),
            ("防水登山靴", [BOOTS]),
            ("waterproof hiking boots", [BOOTS]),
            ("请问有没有登山鞋", [BOOTS]),
            ("do you have hiking boots", [BOOTS]),
            ("杯", [FLASK]),
            ("茶", [TEA]),
            ("绿茶 tea", [TEA]),
            ("半斤 绿茶", [TEA]),
        ],
    )
    def test_words_of_either_language_find_the_goods(
        self, shop: ShopBackend, text: str, exact: list[int]
    ) -> None:
        result = shop.search_products(ProductQuery(text=text))

        # The headphones' jack in the speaker's description does not make it headphones.
        assert sorted(hit.product.id for hit in result if hit.exact) == exact
        assert result.exact == len(exact)

    @pytest.mark.parametrize(
        ("text", "near"),
        [
            ("索尼蓝牙耳机", [EARBUDS, HEADPHONES]),
            ("headphones with radio", [EARBUDS, HEADPHONES]),
            ("丝绸连衣裙", [DRESS, RED_DRESS]),
            ("silk dress", [DRESS, RED_DRESS]),
        ],
    )
    def test_what_meets_only_a_part_is_called_near(
        self, shop: ShopBackend, text: str, near: list[int]
    ) -> None:
        result = shop.search_products(ProductQuery(text=text))

        assert sorted(ids(result)) == near
        assert result.exact == 0 and not any(hit.exact for hit in result)

    @pytest.mark.parametrize("text", ["量子计算机", "quantum computer", "12345", "😀😀", "?!"])
    def test_what_the_shop_does_not_have_is_not_found(self, shop: ShopBackend, text: str) -> None:
        result = shop.search_products(ProductQuery(text=text))

        assert result.exact == 0 or text in ("😀😀", "?!")  # no words: everything, as asked

    def test_exact_ones_come_before_near_ones(self, shop: ShopBackend) -> None:
        result = shop.search_products(ProductQuery(text="红色连衣裙"))

        assert [(hit.product.id, hit.exact) for hit in result] == [
            (RED_DRESS, True),
            (DRESS, False),
        ]
        assert (result.exact, result.total) == (1, 2)

    def test_without_words_all_goods_are_found_the_best_sold_first(self, shop: ShopBackend) -> None:
        result = shop.search_products(ProductQuery())

        assert ids(result) == [EARBUDS, TEA, SPEAKER, DRESS, HEADPHONES, BOOTS, RED_DRESS, FLASK]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            (ProductQuery(category="audio"), [EARBUDS, HEADPHONES, SPEAKER]),
            (ProductQuery(category="dress"), [DRESS, RED_DRESS]),
            (ProductQuery(brand="skylark"), [EARBUDS, HEADPHONES, SPEAKER]),
            (ProductQuery(brand="云雀"), [EARBUDS, HEADPHONES, SPEAKER]),
            (ProductQuery(colours=("red",)), [SPEAKER, RED_DRESS]),
            (ProductQuery(colours=("red", "brown")), [SPEAKER, RED_DRESS, BOOTS]),
            (ProductQuery(colours=("blue",)), [DRESS]),  # navy is a blue
            (ProductQuery(colours=("navy",)), [DRESS]),
            (ProductQuery(sizes=("M",)), [DRESS, RED_DRESS]),
            (ProductQuery(price_max=Decimal("49.90")), [TEA]),
            (ProductQuery(price_min=Decimal("459.00")), [HEADPHONES, RED_DRESS, BOOTS]),
            (
                ProductQuery(price_min=Decimal(80), price_max=Decimal(200)),
                [SPEAKER, FLASK],
            ),
            (ProductQuery(category="kitchen"), [FLASK]),
            (ProductQuery(category="dress", in_stock=True), [DRESS, RED_DRESS]),
            (ProductQuery(text="耳机", price_max=Decimal(300)), [EARBUDS]),
            (ProductQuery(text="耳机", exclude=frozenset({EARBUDS})), [HEADPHONES]),
            (ProductQuery(category="audio", without=("耳机",)), [SPEAKER]),
            (ProductQuery(category="audio", without=("headphones", "red")), []),
        ],
    )
    def test_conditions_narrow_the_search(
        self, shop: ShopBackend, query: ProductQuery, found: list[int]
    ) -> None:
        result = shop.search_products(query)

        assert sorted(ids(result)) == sorted(found)
        assert result.exact == len(found)
        assert result.relaxed == ()

    def test_one_variant_has_to_meet_all_conditions(self, shop: ShopBackend) -> None:
        """There is navy in S, and M in white, but no navy M in stock."""
        navy_m = ProductQuery(text="连衣裙", colours=("navy",), sizes=("M",), in_stock=True)

        assert shop.search_products(navy_m).exact == 0

    def test_a_hit_shows_the_variants_that_meet_the_query(self, shop: ShopBackend) -> None:
        (hit,) = shop.search_products(ProductQuery(text="dress", colours=("navy",)))

        assert {variant.colour for variant in hit.variants} == {"navy"}
        assert hit.price == Decimal("259.00")
        assert hit.product.price_min == Decimal("239.00")

    @pytest.mark.parametrize(
        ("query", "found", "relaxed"),
        [
            (ProductQuery(text="dress", colours=("yellow",)), [DRESS, RED_DRESS], ("colour",)),
            # Nearest to the bound first.
            (
                ProductQuery(text="连衣裙", price_max=Decimal(100)),
                [DRESS, RED_DRESS],
                ("price",),
            ),
            (
                ProductQuery(text="连衣裙", price_min=Decimal(1000)),
                [RED_DRESS, DRESS],
                ("price",),
            ),
            (ProductQuery(text="登山靴", sizes=("45",)), [BOOTS], ("size",)),
            (ProductQuery(text="保温杯", in_stock=True), [FLASK], ("stock",)),
            (ProductQuery(text="耳机", brand="Wildfern"), [EARBUDS, HEADPHONES], ("brand",)),
            (
                ProductQuery(text="茶", colours=("red",), price_max=Decimal(1)),
                [TEA],
                ("colour", "price"),
            ),
        ],
    )
    def test_when_nothing_fits_what_was_dropped_is_said(
        self,
        shop: ShopBackend,
        query: ProductQuery,
        found: list[int],
        relaxed: tuple[str, ...],
    ) -> None:
        result = shop.search_products(query)

        assert ids(result) == found
        assert result.relaxed == relaxed
        assert result.exact == 0 and not any(hit.exact for hit in result)

    @pytest.mark.parametrize(
        ("sort", "found"),
        [
            ("price_asc", [SPEAKER, EARBUDS, HEADPHONES]),
            ("price_desc", [HEADPHONES, EARBUDS, SPEAKER]),
            ("popular", [EARBUDS, SPEAKER, HEADPHONES]),
            ("newest", [SPEAKER, HEADPHONES, EARBUDS]),
            ("rating", [EARBUDS, SPEAKER, HEADPHONES]),
        ],
    )
    def test_goods_can_be_sorted(self, shop: ShopBackend, sort: Any, found: list[int]) -> None:
        assert ids(shop.search_products(ProductQuery(category="audio", sort=sort))) == found

    def test_pages_neither_repeat_nor_leave_out(self, shop: ShopBackend) -> None:
        query = ProductQuery(limit=3)
        pages = [shop.search_products(replace(query, offset=at)) for at in (0, 3, 6, 9)]

        assert [len(page) for page in pages] == [3, 3, 2, 0]
        assert sorted(i for page in pages for i in ids(page)) == [p.id for p in toy.PRODUCTS]
        assert {page.total for page in pages} == {8}

    @pytest.mark.parametrize(
        "text",
        [
            "耳" * 10_000,
            "a " * 5_000,
            "\x00\x01",
            "a\ud800",
            "%_\\'\";--",
            "(((",
            "مرحبا",
            "🎧" * 99,
        ],
    )
    def test_hostile_text_does_no_harm(self, shop: ShopBackend, text: str) -> None:
        assert shop.search_products(ProductQuery(text=text, without=(text,))).total >= 0

    @pytest.mark.parametrize(
        "wrong",
        [
            {"limit": 0},
            {"limit": 1000},
            {"offset": -1},
            {"price_max": Decimal("-1")},
            {"price_min": Decimal("NaN")},
            {"price_max": Decimal("Infinity")},
            {"price_max": Decimal(10) ** 30},
            {"price_min": Decimal(2), "price_max": Decimal(1)},
        ],
    )
    def test_senseless_searches_are_refused(self, shop: ShopBackend, wrong: dict[str, Any]) -> None:
        with pytest.raises(InvalidValue):
            shop.search_products(ProductQuery(**wrong))

    def test_a_price_bound_may_have_any_number_of_places(self, shop: ShopBackend) -> None:
        result = shop.search_products(ProductQuery(price_max=Decimal("49.905")))

        assert ids(result) == [TEA]

    # --- what is popular

    @pytest.mark.parametrize(
        ("options", "found"),
        [
            ({}, [TEA, BOOTS, EARBUDS]),
            ({"in_stock": False}, [TEA, BOOTS, EARBUDS, FLASK]),
            ({"limit": 1}, [TEA]),
            ({"category": "audio"}, [EARBUDS]),
            ({"category": "green_tea"}, [TEA]),
            ({"category": "toys"}, []),
        ],
    )
    def test_what_was_bought_most_lately_is_popular(
        self, shop: ShopBackend, options: dict[str, Any], found: list[int]
    ) -> None:
        popular = shop.popular_products(toy.NOW - timedelta(days=7), **options)

        assert [product.id for product in popular] == found

    # --- the words of the catalogue

    @pytest.mark.parametrize(
        ("entity", "code", "language", "text"),
        [
            ("product", "1", "zh", "云雀真无线耳机"),
            ("product", "1", "en", "Skylark true wireless earbuds"),
            ("brand", "Wildfern", "zh", "野蕨"),
            ("brand", "Wildfern", "en", "Wildfern"),
            ("category", "shoes", "en", "footwear"),
            ("category", "dress", "zh", "裙子"),
            ("color", "navy", "zh", "藏青色"),
            ("size", "42", "zh", "42码"),
        ],
    )
    def test_the_vocabulary_has_words_of_both_languages(
        self, shop: ShopBackend, entity: str, code: str, language: str, text: str
    ) -> None:
        words = {(w.entity, w.code, w.language, w.text) for w in shop.vocabulary()}

        assert (entity, code, language, text) in words

    def test_the_vocabulary_has_only_what_is_sold_and_nothing_twice(
        self, shop: ShopBackend
    ) -> None:
        vocabulary = shop.vocabulary()

        assert len(set(vocabulary)) == len(vocabulary)
        assert "jeans" not in {word.code for word in vocabulary}
        # Goods without a colour do not make "none" a colour.
        assert "none" not in {word.code for word in vocabulary}

    # --- interactions

    def test_interactions_are_read_on_from_the_last_one_known(self, shop: ShopBackend) -> None:
        before = list(shop.interactions())
        shop.record_interaction(EMMA, SPEAKER, "cart")
        shop.record_interaction(None, SPEAKER, "view")
        shop.record_interaction(EMMA, TEA, "rate", rating=4)
        new = list(shop.interactions(since_id=before[-1].id))

        assert len(before) == len(toy.ACTS)
        assert [(i.customer_id, i.product_id, i.kind, i.rating) for i in new] == [
            (EMMA, SPEAKER, "cart", None),
            (None, SPEAKER, "view", None),
            (EMMA, TEA, "rate", 4),
        ]
        assert all(i.at.tzinfo is timezone.utc for i in new)

    @pytest.mark.parametrize("customer_id", [MING, EMMA, NOBODY])
    def test_tastes_and_history_together_are_what_they_are_alone(
        self, shop: ShopBackend, customer_id: int
    ) -> None:
        shop.remember_taste(EMMA, "kind", "earbuds", liked=False)
        shop.record_interaction(EMMA, SPEAKER, "cart")

        tastes, history = shop.tastes_and_history(customer_id, 2)

        assert tastes == shop.tastes(customer_id)
        assert history == shop.history(customer_id, 2)
        assert bool(tastes) is (customer_id == EMMA)

    @pytest.mark.parametrize(("customer_id", "product_id"), [(NOBODY, TEA), (MING, NOBODY)])
    def test_interactions_need_a_real_customer_and_product(
        self, shop: ShopBackend, customer_id: int, product_id: int
    ) -> None:
        with pytest.raises(NotFound):
            shop.record_interaction(customer_id, product_id, "view")

    @pytest.mark.parametrize(
        ("kind", "rating"),
        [("stare", None), ("rate", None), ("rate", 0), ("rate", 6), ("view", 5)],
    )
    def test_senseless_interactions_are_refused(
        self, shop: ShopBackend, kind: Any, rating: int | None
    ) -> None:
        with pytest.raises(InvalidValue):
            shop.record_interaction(MING, TEA, kind, rating=rating)

    # --- asking for a person

    def test_asking_again_for_a_person_is_the_same_request(self, shop: ShopBackend) -> None:
        first = shop.request_handover("web:a", MING, "asked", "zh")
        again = shop.request_handover("web:a", None, "complaint", "en")

        assert first.new and not again.new
        assert replace(again, new=True) == first
        assert (first.reason, first.language, first.state) == ("asked", "zh", "open")

    def test_requests_wait_in_the_order_they_came(self, shop: ShopBackend) -> None:
        requests = [shop.request_handover(f"web:{n}", None, "asked", "en") for n in range(3)]

        assert [request.waiting for request in requests] == [0, 1, 2]

    def test_of_many_requests_at_once_one_is_recorded(self, shop: ShopBackend) -> None:
        with ThreadPoolExecutor(4) as pool:
            made = list(
                pool.map(lambda _: shop.request_handover("web:x", MING, "asked", "zh"), range(8))
            )

        assert len({request.id for request in made}) == 1
        assert sum(request.new for request in made) == 1

    @pytest.mark.parametrize(
        "wrong",
        [
            {"sender_id": ""},
            {"sender_id": "a\x00"},
            {"sender_id": "a\ud800"},
            {"sender_id": "a" * 256},
            {"reason": "boredom"},
            {"language": "fr"},
        ],
    )
    def test_senseless_requests_for_a_person_are_refused(
        self, shop: ShopBackend, wrong: dict[str, Any]
    ) -> None:
        request = {"sender_id": "web:a", "customer_id": None, "reason": "asked", "language": "zh"}

        with pytest.raises(InvalidValue):
            shop.request_handover(**{**request, **wrong})

    def test_only_a_customer_can_be_named_in_a_request(self, shop: ShopBackend) -> None:
        with pytest.raises(NotFound):
            shop.request_handover("web:a", NOBODY, "asked", "zh")

    # --- many at once

    def test_many_threads_get_the_right_answers(self, shop: ShopBackend) -> None:
        def ask(turn: int) -> bool:
            if turn % 3 == 0:
                shop.record_interaction(EMMA, TEA, "view")
            mine = shop.order(MING, toy.SHIPPED).number == toy.SHIPPED
            return mine and shop.search_products(ProductQuery(text="耳机")).exact == 2

        with ThreadPoolExecutor(6) as pool:
            assert all(pool.map(ask, range(36)))
