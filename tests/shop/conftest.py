"""The toy shop in a real database: SQLite always, PostgreSQL where there is one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, text
from sqlalchemy.engine import Engine
from sqlalchemy.engine.url import make_url

from shop import schema
from shop.database import open_engine, writing
from shop.settings import ShopSettings
from shop.text.words import Words
from tests.checks import toy_shop as toy

WORDS = Words.load("data/words")
POSTGRES_URL = os.environ.get("XIAOER_TEST_POSTGRES_URL", "")


def make_sqlite(file: Path) -> Engine:
    """An engine on a new file with all tables."""
    file.touch()
    engine = open_engine(ShopSettings(database_url=f"sqlite:///{file}"))
    with writing(engine) as connection:
        connection.exec_driver_sql("COMMIT")  # the journal cannot change within a transaction
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("BEGIN")
        schema.metadata.create_all(connection)
    return engine


@pytest.fixture
def sqlite(tmp_path: Path) -> Engine:
    engine = make_sqlite(tmp_path / "shop.db")
    load_toy(engine)
    return engine


@pytest.fixture(scope="session")
def postgres_database() -> Iterator[str]:
    """The URL of an empty database of our own on the test server."""
    if not POSTGRES_URL:
        pytest.skip("XIAOER_TEST_POSTGRES_URL is not set")
    name = f"xiaoer_{secrets.token_hex(6)}"
    server = create_engine(POSTGRES_URL, future=True, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(POSTGRES_URL).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def postgres(postgres_database: str) -> Iterator[Engine]:
    engine = open_engine(ShopSettings(database_url=postgres_database))
    with writing(engine) as connection:
        schema.metadata.drop_all(connection)
        schema.metadata.create_all(connection)
    load_toy(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """The toy shop, once on each database."""
    return request.getfixturevalue(request.param)


def load_toy(engine: Engine) -> None:
    """Write the toy shop."""
    with writing(engine) as connection:

        def add(table: Any, rows: list[dict[str, Any]]) -> None:
            connection.execute(insert(table), rows)
            if engine.dialect.name == "postgresql":
                sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
                connection.execute(text(f"SELECT setval({sequence}, 1000)"))

        add(schema.customers, [_flat(customer, "name") for customer in toy.CUSTOMERS])
        add(schema.products, [_product_row(product) for product in toy.PRODUCTS])
        add(
            schema.variants,
            [{**asdict(v), "product_id": p.id} for p in toy.PRODUCTS for v in p.variants],
        )
        for order_id, order in enumerate(toy.ORDERS, 1):
            own = {"id": order_id, **_without(order, "lines", "payments", "refunds")}
            add(schema.orders, [own])
            link = {"order_id": order_id}
            add(schema.order_lines, [{**_flat(x, "name", "picture"), **link} for x in order.lines])
            add(
                schema.payments,
                [{**asdict(x), **link, "reference": f"P{x.id}"} for x in order.payments],
            )
            for refund in order.refunds:
                add(schema.refunds, [{**asdict(refund), **link}])
        numbers = {order.number: at for at, order in enumerate(toy.ORDERS, 1)}
        for parcel in toy.PARCELS:
            row = _without(parcel, "events", "order_number")
            add(schema.parcels, [{**row, "order_id": numbers[parcel.order_number]}])
            connection.execute(
                insert(schema.parcel_events),
                [{**asdict(event), "parcel_id": parcel.id} for event in parcel.events],
            )
        add(schema.interactions, [{"id": n, **asdict(act)} for n, act in enumerate(toy.ACTS, 1)])


def _product_row(product: Any) -> dict[str, Any]:
    row = _flat(product, "name", "variants", "description", "brand", "attributes")
    for name in ("description", "brand"):
        value = getattr(product, name)
        row |= {f"{name}_zh": value.zh, f"{name}_en": value.en}
    row["attributes"] = [[a.code, a.value.zh, a.value.en] for a in product.attributes]
    return {**row, "updated_at": product.listed_at}


def _flat(value: Any, name: str, *without: str) -> dict[str, Any]:
    """A row with the localized `name` in two columns."""
    text = getattr(value, name)
    return {**_without(value, name, *without), f"{name}_zh": text.zh, f"{name}_en": text.en}


def _without(value: Any, *names: str) -> dict[str, Any]:
    return {key: item for key, item in asdict(value).items() if key not in names}
