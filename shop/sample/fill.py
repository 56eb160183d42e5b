"""Fills a database with the sample shop, all of it or nothing."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, inspect, select, text
from sqlalchemy.engine import Connection, Engine

from shop.database import reading, sqlite_file, writing
from shop.errors import NotAllowed, Unavailable
from shop.sample.goods import make_items
from shop.sample.interest import write_interest
from shop.sample.people import make_people
from shop.sample.pictures import Picture
from shop.sample.trade import (
    ALWAYS,
    FATES,
    ORDERS,
    Demand,
    Ledger,
    Rows,
    first_moment,
    make_coupons,
    plan,
    play,
    story,
)
from shop.schema import info, metadata
from shop.text.words import Words

MARK = "sample"
# Moves with every change of the data, so that an older sample shop can be told.
VERSION = "3"
_AT_ONCE = 5000
Say = Callable[[str], None]


def make_rows(now: datetime, words: Words) -> Rows:
    """Every row of the sample shop by table name, parents before children."""
    items = make_items(now)
    variants = [variant for item in items for variant in item.variants]
    for number, variant in enumerate(variants, 1):
        variant["id"] = number
    people = make_people(now)
    coupons = make_coupons(now)
    chance = random.Random("trade")
    demand = Demand(items, people, now)
    ledger = Ledger(chance, now, coupons)
    plans = [
        it
        for person in people
        if person.situation
        for it in story(random.Random(person.situation), demand, person, now)
    ]
    for scene in ALWAYS * 3:
        person = demand.person(chance, now - timedelta(days=30))
        basket = demand.basket(chance, person, first_moment(scene, now))
        plans.append(play(chance, person, basket, now, scene))
    fates, weights = list(FATES), list(FATES.values())
    for placed_at in demand.times(chance, ORDERS - len(plans)):
        person = demand.person(chance, placed_at)
        basket = demand.basket(chance, person, placed_at)
        fate = chance.choices(fates, weights)[0]
        plans.append(plan(chance, person, basket, placed_at, now, fate))
    for it in sorted(plans, key=lambda it: it.placed_at):
        ledger.write(it)
    ledger.give_coupons(people)
    write_interest(random.Random("interest"), demand, ledger, now, words)
    ledger.close(people)
    for order in ledger.rows["orders"]:
        del order["method"]
    return {
        "customers": [person.row for person in people],
        "products": [item.row for item in items],
        "variants": variants,
        "coupons": coupons,
        **ledger.rows,
    }


def marked(engine: Engine) -> str | None:
    """The version of the sample shop in the database, None where there is none.

    Raises: Unavailable.
    """
    with reading(engine) as connection:
        if not inspect(connection).has_table(info.name):
            return None
        return connection.execute(select(info.c.value).where(info.c.key == MARK)).scalar()


def fill(
    engine: Engine,
    now: datetime,
    words: Words,
    *,
    pictures: Path | None = None,
    say: Say = lambda line: None,
) -> None:
    """Create what is missing, empty what is there, and fill it with the sample shop.

    Whoever reads meanwhile sees the data as they were; if anything fails, they stay so.

    Args:
        now: the moment that orders, parcels and visits lead up to.
        pictures: folder for the drawn pictures; None: none are drawn.
        say: hears what is being done, a line at a time.

    Raises:
        NotAllowed: the database holds other than sample data.
        Unavailable: it cannot be reached or written.
    """
    _create_file(engine)
    _refuse_other_data(engine)
    rows = make_rows(now, words)
    counts = ("products", "customers", "orders", "parcels", "interactions", "reviews")
    say("Made up " + ", ".join(f"{len(rows[name]):,} {name}" for name in counts) + ".")
    if pictures is not None:
        draw_pictures(rows["products"], rows["variants"], pictures)
        say(f"Drew {len(rows['products'])} pictures into {pictures}.")
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        metadata.create_all(connection)
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
        for table in metadata.sorted_tables:
            _insert(connection, table, rows.get(table.name, []))
        connection.execute(
            insert(info),
            [{"key": MARK, "value": VERSION}, {"key": "filled_at", "value": now.isoformat()}],
        )
    say(f"Wrote {sum(map(len, rows.values())):,} rows.")


def redraw(engine: Engine, folder: Path) -> None:
    """Draw the pictures of the goods in the database again. Raises: Unavailable, OSError."""
    products, variants = metadata.tables["products"], metadata.tables["variants"]
    with reading(engine) as connection:
        draw_pictures(
            connection.execute(select(products)).mappings().all(),
            connection.execute(select(variants).order_by(variants.c.id)).mappings().all(),
            folder,
        )


def draw_pictures(
    products: Sequence[Mapping[str, Any]], variants: Sequence[Mapping[str, Any]], folder: Path
) -> None:
    """Write the picture of every product as SVG and PNG. Raises: OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    colours: dict[int, str] = {}
    for variant in variants:
        colours.setdefault(variant["product_id"], variant["colour"])

    def write(product: Mapping[str, Any]) -> None:
        picture = Picture(product["kind"], colours[product["id"]], product["id"])
        (folder / f"{product['picture']}.svg").write_text(picture.svg(), encoding="utf-8")
        (folder / f"{product['picture']}.png").write_bytes(picture.png())

    # Compression runs beside Python, so two threads are nearly twice as fast.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write, products))


def _create_file(engine: Engine) -> None:
    """Make an SQLite file where there is none; only filling a shop ever does that."""
    file = sqlite_file(engine)
    if file is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, timeout=0.4)) as connection:
            # Readers and a writer do not wait for each other; it stays so in the file.
            connection.execute("PRAGMA journal_mode = WAL")
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(f"{file}: {error}") from error


def _refuse_other_data(engine: Engine) -> None:
    if marked(engine) is not None:
        return
    with reading(engine) as connection:
        for name in inspect(connection).get_table_names():
            if name.startswith("sqlite_"):  # SQLite's own books
                continue
            table = metadata.tables.get(name)
            if table is None:
                raise NotAllowed("not_sample", f"the database holds a table of others: {name}")
            if connection.execute(select(func.count()).select_from(table)).scalar_one():
                raise NotAllowed("not_sample", f"the database holds other data, in {name}")


def _insert(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(insert(table), rows[start : start + _AT_ONCE])
    if rows and connection.dialect.name == "postgresql" and "id" in table.c:
        # We chose the ids, so the sequence behind them has to be told.
        connection.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {len(rows)})")
        )
