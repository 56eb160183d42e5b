"""The SQL backend: everything a backend must do, and what is special about databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, update
from sqlalchemy.engine import Engine

from shop import schema
from shop.database import writing
from shop.errors import NotFound
from shop.models import ProductQuery
from shop.settings import ShopSettings
from shop.sql import SqlShop, open_shop
from tests.checks import toy_shop as toy
from tests.checks.shop_backend import ShopBackendChecks
from tests.shop.conftest import WORDS


class TestOnSqlite(ShopBackendChecks):
    @pytest.fixture
    def shop(self, sqlite: Engine) -> SqlShop:
        return SqlShop(sqlite, WORDS)


class TestOnPostgres(ShopBackendChecks):
    @pytest.fixture
    def shop(self, postgres: Engine) -> SqlShop:
        return SqlShop(postgres, WORDS)


def found(shop: SqlShop, text: str) -> list[int]:
    return sorted(hit.product.id for hit in shop.search_products(ProductQuery(text=text)))


def test_a_shop_is_opened_by_its_settings(sqlite: Engine, tmp_path: Path) -> None:
    shop = open_shop(ShopSettings(database_url=f"sqlite:///{tmp_path}/shop.db"))

    assert shop.customer(toy.EMMA).name.en == "Emma Clarke"


def test_a_renamed_product_is_found_by_its_new_name_at_once(engine: Engine) -> None:
    shop = SqlShop(engine, WORDS)
    assert found(shop, "帐篷") == []
    table = schema.products
    with writing(engine) as connection:
        connection.execute(
            update(table)
            .where(table.c.id == toy.TEA)
            .values(name_zh="野蕨帐篷", updated_at=toy.NOW + timedelta(days=1))
        )

    assert found(shop, "帐篷") == [toy.TEA]


def test_a_removed_product_is_not_found_any_more(engine: Engine) -> None:
    shop = SqlShop(engine, WORDS)
    assert found(shop, "保温杯") == [toy.FLASK]
    with writing(engine) as connection:
        for table, column in (
            (schema.interactions, schema.interactions.c.product_id),
            (schema.variants, schema.variants.c.product_id),
            (schema.products, schema.products.c.id),
        ):
            connection.execute(delete(table).where(column == toy.FLASK))

    assert found(shop, "保温杯") == []


def test_price_and_stock_are_always_those_of_this_moment(engine: Engine) -> None:
    shop = SqlShop(engine, WORDS)
    query = ProductQuery(text="保温杯", in_stock=True)
    assert shop.search_products(query).exact == 0
    with writing(engine) as connection:
        connection.execute(
            update(schema.variants).where(schema.variants.c.product_id == toy.FLASK).values(stock=1)
        )

    assert shop.search_products(query).exact == 1


def test_a_product_without_variants_is_not_shown(engine: Engine) -> None:
    table = schema.variants
    with writing(engine) as connection:
        connection.execute(delete(table).where(table.c.product_id == toy.HEADPHONES))
    shop = SqlShop(engine, WORDS)

    assert found(shop, "耳机") == [toy.EARBUDS]
    assert shop.products([toy.HEADPHONES]) == ()


def test_a_large_catalogue_is_indexed_beside_the_answers(sqlite: Engine) -> None:
    """The old index answers until the new one is there."""
    shop = SqlShop(sqlite, WORDS)
    shop.warm_up()
    shop._index_took = 5.0  # as if the catalogue were large
    with writing(sqlite) as connection:
        connection.execute(
            update(schema.products)
            .where(schema.products.c.id == toy.TEA)
            .values(name_zh="野蕨帐篷", updated_at=toy.NOW + timedelta(days=1))
        )

    assert found(shop, "帐篷") == []
    deadline = time.monotonic() + 10
    while found(shop, "帐篷") != [toy.TEA]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_customer_closed_request_may_be_made_again(engine: Engine) -> None:
    shop = SqlShop(engine, WORDS)
    first = shop.request_handover("tg:1", toy.MING, "asked", "zh")
    with writing(engine) as connection:
        connection.execute(update(schema.handovers).values(state="closed"))
    second = shop.request_handover("tg:1", toy.MING, "failure", "zh")

    assert second.new and second.id != first.id


def test_sample_customers_come_with_their_situations(engine: Engine) -> None:
    table = schema.customers
    with writing(engine) as connection:
        connection.execute(
            update(table).where(table.c.id == toy.EMMA).values(situation="on_its_way")
        )

    (sample,) = SqlShop(engine, WORDS).sample_customers()
    assert (sample.customer, sample.situation) == (toy.CUSTOMERS[1], "on_its_way")


def test_interactions_are_read_in_pieces(engine: Engine, statements: list[str]) -> None:
    many = 12_000
    with writing(engine) as connection:
        connection.execute(
            insert(schema.interactions),
            [
                {"customer_id": 1, "product_id": 1, "kind": "view", "rating": None, "at": toy.NOW}
                for _ in range(many)
            ],
        )
    statements.clear()
    ids = [interaction.id for interaction in SqlShop(engine, WORDS).interactions()]

    assert len(ids) == len(set(ids)) == many + len(toy.ACTS)
    assert ids == sorted(ids)
    assert len(statements) == 3


def test_orders_take_the_same_few_questions_however_many_there_are(
    engine: Engine, statements: list[str]
) -> None:
    shop = SqlShop(engine, WORDS)
    shop.orders(toy.EMMA)
    for_one = len(statements)
    statements.clear()
    shop.orders(toy.MING)

    assert len(statements) == for_one


def test_anothers_order_takes_the_same_questions_as_none(
    engine: Engine, statements: list[str]
) -> None:
    """So that the time of an answer does not tell whether a number exists."""
    shop = SqlShop(engine, WORDS)
    asked = []
    for number in (toy.SHIPPED, "XE0000000000"):
        statements.clear()
        with pytest.raises(NotFound):
            shop.order(toy.EMMA, number)
        asked.append(list(statements))

    assert asked[0] == asked[1]


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """The SELECTs sent to the database."""
    sent: list[str] = []
    here = threading.get_ident()

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("SELECT") and threading.get_ident() == here:
            sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)
