"""Databases that are missing, locked, broken or slow: an error of ours, soon, and nothing lost."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.engine import Engine

from shop import schema
from shop.database import open_engine, reading, sqlite_file, writing
from shop.errors import InvalidValue, SettingsError, Unavailable
from shop.settings import ShopSettings
from tests.checks import toy_shop as toy
from tests.shop.conftest import make_sqlite


def engine_on(file: Path) -> Engine:
    return open_engine(ShopSettings(database_url=f"sqlite:///{file}"))


def count(engine: Engine) -> int:
    with reading(engine) as connection:
        return len(connection.execute(select(schema.customers.c.id)).all())


@contextmanager
def takes_at_most(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def test_a_missing_file_is_unavailable_and_is_not_created(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with pytest.raises(Unavailable):
        count(engine_on(file))

    assert not file.exists()


def test_a_file_without_tables_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()
    with pytest.raises(Unavailable, match="no such table"):
        count(engine_on(tmp_path / "shop.db"))


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\x00" * 300])
def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shop.db").write_bytes(content)
    with pytest.raises(Unavailable):
        count(engine_on(tmp_path / "shop.db"))


def test_a_file_that_goes_while_we_run_is_missed_and_found_again(
    sqlite: Engine, tmp_path: Path
) -> None:
    assert count(sqlite) == 2
    file = tmp_path / "shop.db"
    file.rename(tmp_path / "away.db")
    with pytest.raises(Unavailable):
        count(sqlite)
    with pytest.raises(Unavailable), writing(sqlite) as connection:
        connection.execute(update(schema.customers).values(points=0))
    (tmp_path / "away.db").rename(file)

    assert count(sqlite) == 2


def test_a_replaced_file_is_read_at_once(sqlite: Engine, tmp_path: Path) -> None:
    assert count(sqlite) == 2
    make_sqlite(tmp_path / "empty.db").dispose()
    for ending in ("-wal", "-shm"):
        (tmp_path / f"shop.db{ending}").unlink(missing_ok=True)
    (tmp_path / "empty.db").replace(tmp_path / "shop.db")

    assert count(sqlite) == 0


def test_a_locked_database_is_unavailable_within_a_second(sqlite: Engine, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with takes_at_most(1), pytest.raises(Unavailable, match="locked"), writing(sqlite):
            pass
        # Readers are not disturbed by a writer.
        assert count(sqlite) == 2
        other.execute("ROLLBACK")
    with writing(sqlite) as connection:
        connection.execute(update(schema.customers).values(points=7))


def test_a_database_locked_for_reading_too_is_unavailable_within_a_second(
    sqlite: Engine, tmp_path: Path
) -> None:
    sqlite.dispose()
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM used_tokens")
        with takes_at_most(1), pytest.raises(Unavailable, match="locked"):
            count(sqlite)


def test_writers_wait_for_each_other_instead_of_failing(sqlite: Engine) -> None:
    """Each reads before it writes, which SQLite refuses at once unless the lock came first."""

    def add_ten() -> None:
        for _ in range(10):
            with writing(sqlite) as connection:
                table = schema.customers
                points = connection.execute(select(table.c.points).where(table.c.id == 1))
                connection.execute(
                    update(table).where(table.c.id == 1).values(points=points.scalar_one() + 1)
                )

    threads = [threading.Thread(target=add_ten) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(sqlite) as connection:
        points = connection.execute(select(schema.customers.c.points)).scalars().first()

    assert points == 120 + 40


def test_a_reading_sees_one_state_while_others_write(sqlite: Engine) -> None:
    points = select(schema.customers.c.points).where(schema.customers.c.id == 1)
    with reading(sqlite) as connection:
        before = connection.execute(points).scalar_one()
        with writing(sqlite) as other:
            other.execute(update(schema.customers).values(points=before + 7))
        during = connection.execute(points).scalar_one()
    with reading(sqlite) as connection:
        after = connection.execute(points).scalar_one()

    assert (during, after) == (before, before + 7)


def test_an_error_undoes_the_whole_transaction(engine: Engine) -> None:
    with pytest.raises(InvalidValue), writing(engine) as connection:
        connection.execute(update(schema.customers).values(points=5))
        connection.execute(update(schema.customers).values(points=-5))
    with reading(engine) as connection:
        points = connection.execute(select(schema.customers.c.points)).scalars().all()

    assert sorted(points) == [0, 120]


def test_references_are_enforced(engine: Engine) -> None:
    row = {"sender_id": "web:1", "customer_id": 12345, "bound_at": toy.NOW}
    with pytest.raises(InvalidValue), writing(engine) as connection:
        connection.execute(insert(schema.identities), [row])


@pytest.mark.parametrize(
    "values",
    [
        {"points": 2**70},
        {"joined_at": datetime(2026, 1, 1)},  # in no time zone
    ],
)
def test_values_that_do_not_fit_are_refused(engine: Engine, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue), writing(engine) as connection:
        connection.execute(update(schema.customers).values(**values))


def test_the_message_of_an_error_holds_no_values(engine: Engine) -> None:
    """Phones and addresses are in the values, and messages go to the log."""
    with pytest.raises(InvalidValue) as caught, writing(engine) as connection:
        connection.execute(update(schema.customers).values(phone="13912345678"))

    assert "13912345678" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_money_is_exact_and_sums_are_too(engine: Engine) -> None:
    lines = schema.order_lines
    with reading(engine) as connection:
        one = connection.execute(select(lines.c.price).where(lines.c.id == 3)).scalar_one()
        total = connection.execute(select(func.sum(lines.c.price))).scalar_one()

    assert (one, type(one)) == (Decimal("49.90"), Decimal)
    assert total == Decimal("1096.80")  # 239 + 299 + 49.90 + 49.90 + 459


@pytest.mark.parametrize("price", [Decimal("0.001"), Decimal("NaN")])
def test_money_of_fractions_of_a_cent_is_refused(engine: Engine, price: Decimal) -> None:
    with pytest.raises(InvalidValue), writing(engine) as connection:
        connection.execute(update(schema.variants).values(price=price))


def test_times_come_back_as_they_went_in(engine: Engine) -> None:
    moment = datetime.fromisoformat("2026-05-20T23:59:59.123456+08:00")
    with writing(engine) as connection:
        connection.execute(update(schema.customers).values(joined_at=moment))
        back = connection.execute(select(schema.customers.c.joined_at)).scalars().first()

    assert back == moment
    assert back.tzinfo is timezone.utc


def test_a_connection_is_not_carried_into_another_process(sqlite: Engine) -> None:
    """SQLite forbids it; servers fork."""
    assert count(sqlite) == 2
    child = os.fork()
    if not child:
        os._exit(0 if count(sqlite) == 2 else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert count(sqlite) == 2


def test_two_processes_write_without_losing_anything(sqlite: Engine, tmp_path: Path) -> None:
    code = (
        "from sqlalchemy import update\n"
        "from shop.database import open_engine, writing\n"
        "from shop.schema import customers\n"
        "from shop.settings import ShopSettings\n"
        f"engine = open_engine(ShopSettings(database_url='sqlite:///{tmp_path}/shop.db'))\n"
        "for _ in range(25):\n"
        "    with writing(engine) as connection:\n"
        "        connection.execute(update(customers).values(points=customers.c.points + 1))\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    with reading(sqlite) as connection:
        points = connection.execute(select(schema.customers.c.points)).scalars().all()

    assert sorted(points) == [50, 170]


# --- PostgreSQL ----------------------------------------------------------------------------------


def test_a_postgres_that_is_not_there_is_unavailable_soon() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        engine = open_engine(ShopSettings(database_url=f"postgresql://x@127.0.0.1:{port}/x"))
        with takes_at_most(3), pytest.raises(Unavailable):
            count(engine)


def test_a_postgres_that_never_answers_is_unavailable_soon() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        engine = open_engine(ShopSettings(database_url=f"postgresql://x@127.0.0.1:{port}/x"))
        with takes_at_most(4), pytest.raises(Unavailable):
            count(engine)


def test_a_slow_statement_is_cut_off(postgres_database: str) -> None:
    settings = ShopSettings(database_url=postgres_database, database_timeout=0.5)
    engine = open_engine(settings)
    with (
        takes_at_most(2),
        pytest.raises(Unavailable, match="timeout"),
        reading(engine) as connection,
    ):
        connection.execute(text("SELECT pg_sleep(5)"))
    engine.dispose()


def test_a_locked_row_is_unavailable_within_a_second(
    postgres: Engine, postgres_database: str
) -> None:
    other = open_engine(ShopSettings(database_url=postgres_database))
    with writing(other) as holding:
        holding.execute(update(schema.customers).values(points=1))
        with (
            takes_at_most(1.5),
            pytest.raises(Unavailable, match="lock"),
            writing(postgres) as connection,
        ):
            connection.execute(update(schema.customers).values(points=2))
    other.dispose()


def test_a_restarted_postgres_costs_no_answer(postgres: Engine, postgres_database: str) -> None:
    assert count(postgres) == 2
    other = open_engine(ShopSettings(database_url=postgres_database))
    with writing(other) as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    other.dispose()

    assert count(postgres) == 2


def test_a_url_that_cannot_be_read_is_a_settings_error_without_its_password() -> None:
    settings = ShopSettings(database_url="postgresql://u:hunter2@host:port/x")
    with pytest.raises(SettingsError, match="XIAOER_DATABASE_URL=") as caught:
        open_engine(settings)

    assert "hunter2" not in str(caught.value)


def test_only_sqlite_has_a_file(tmp_path: Path) -> None:
    postgres = open_engine(ShopSettings(database_url="postgresql://x@h/y"))

    assert sqlite_file(engine_on(tmp_path / "shop.db")) == tmp_path / "shop.db"
    assert sqlite_file(postgres) is None
