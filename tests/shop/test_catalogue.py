"""The rules of the catalogue."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shop.catalogue import SHADES, check, relaxations, with_shades
from shop.models import ProductQuery
from tests.shop.conftest import WORDS


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (("blue",), {"blue", "navy", "sky_blue", "denim"}),
        (("navy",), {"navy"}),
        (("orange",), {"orange"}),
        (("red", "orange"), {"red", "burgundy", "coral", "orange"}),
        ((), set()),
    ],
)
def test_a_plain_colour_includes_its_shades(asked: tuple[str, ...], shown: set[str]) -> None:
    assert set(with_shades(asked)) == shown


def test_shades_are_colours_we_have_words_for() -> None:
    known = set(WORDS.codes("colour"))

    assert set(SHADES) <= known
    assert {shade for shades in SHADES.values() for shade in shades} <= known


def test_bounds_are_rounded_inwards_to_cents() -> None:
    query = check(ProductQuery(price_min=Decimal("9.991"), price_max=Decimal("19.999")))

    assert (query.price_min, query.price_max) == (Decimal("10.00"), Decimal("19.99"))


def test_nothing_is_dropped_where_nothing_was_asked() -> None:
    assert list(relaxations(ProductQuery(text="tea", category="food"))) == []


def test_conditions_are_dropped_one_by_one_then_all_and_never_the_words() -> None:
    query = ProductQuery(
        text="dress", category="dress", colours=("red",), sizes=("M",), in_stock=True
    )
    dropped = {names: relaxed for relaxed, names in relaxations(query)}

    assert list(dropped) == [("colour",), ("stock",), ("size",), ("colour", "stock", "size")]
    assert dropped["colour",].colours == () and dropped["colour",].sizes == ("M",)
    assert {(q.text, q.category) for q in dropped.values()} == {("dress", "dress")}


@pytest.mark.parametrize(
    ("bounds", "sort"),
    [
        ({"price_max": Decimal(50)}, "price_asc"),
        ({"price_min": Decimal(50)}, "price_desc"),
        ({"price_max": Decimal(50), "sort": "rating"}, "rating"),
    ],
)
def test_without_a_price_bound_the_nearest_price_comes_first(
    bounds: dict[str, Decimal], sort: str
) -> None:
    ((query, names),) = relaxations(ProductQuery(**bounds))  # type: ignore[arg-type]

    assert (names, query.sort) == (("price",), sort)
