"""The way to the database: SQLite file or PostgreSQL, and its errors in the shop's own terms.

Read with `reading(engine)`, change with `writing(engine)`: each is one transaction, and what goes
wrong inside leaves as one of `shop.errors`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import create_engine, event, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.url import make_url
from sqlalchemy.pool import QueuePool

from shop.errors import InvalidValue, Unavailable
from shop.settings import ShopSettings, refuse

# How long SQLite waits for another writer. A shopper waits meanwhile, so it is short.
BUSY_MS = 400
# Of the file, so much stays in each connection's memory: what a shop of 20,000 goods is asked for
# again and again. SQLite's own 2 MB hold half of their variants.
CACHE_KIB = 16 * 1024
# Ids beyond this do not fit PostgreSQL's integer; no row has one.
LARGEST_ID = 2**31 - 1


def open_engine(settings: ShopSettings) -> Engine:
    """An engine for `settings.database_url`; connects only when used, and creates nothing.

    Raises: SettingsError.
    """
    try:
        url = make_url(settings.database_url)
    except (exc.ArgumentError, ValueError):
        refuse(settings, "database_url", "a database URL")
    if url.get_backend_name() == "sqlite":
        return _sqlite(Path(url.database))
    wait = settings.database_timeout
    return create_engine(
        url,
        future=True,
        # A database that was restarted costs one ping, not one failed answer.
        pool_pre_ping=True,
        pool_timeout=wait,
        connect_args={
            "connect_timeout": max(2, round(wait)),  # libpq takes whole seconds, at least 2
            # Unanswered bytes on a frozen or unplugged server, which no timeout of its own ends.
            "tcp_user_timeout": round(wait * 1000),
            "options": f"-c statement_timeout={round(wait * 1000)} -c lock_timeout=500"
            " -c timezone=UTC",
        },
    )


def sqlite_file(engine: Engine) -> Path | None:
    """The file of an SQLite engine, None for PostgreSQL."""
    return Path(engine.url.database) if engine.dialect.name == "sqlite" else None


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that sees one state of the data.

    Raises:
        Unavailable, InvalidValue: instead of what SQLAlchemy or the driver raised.
    """
    with _our_errors(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is committed at the end, rolled back on any error.

    Raises:
        Unavailable, InvalidValue: as in `reading`.
    """
    with _our_errors(), engine.connect() as connection:
        connection = connection.execution_options(write=True)
        with connection.begin():
            yield connection


def upsert(connection: Connection, table: Any) -> Any:
    """An INSERT for `table` that knows ON CONFLICT, which both databases spell alike."""
    dialect = {"sqlite": sqlite, "postgresql": postgresql}[connection.dialect.name]
    return dialect.insert(table)


@contextmanager
def _our_errors() -> Iterator[None]:
    """Most specific first."""
    try:
        yield
    except (exc.IntegrityError, exc.DataError) as error:
        raise InvalidValue(_line(error)) from error
    except (exc.DBAPIError, exc.TimeoutError, OSError) as error:
        # Missing, locked, full, damaged, slow, without tables: whatever it is, not now.
        raise Unavailable(_line(error)) from error
    except (exc.StatementError, OverflowError) as error:
        # A value that our column types or sqlite3 (numbers above 64 bits) refuse.
        raise InvalidValue(_line(error)) from error


def _line(error: Exception) -> str:
    """What the driver said, without the statement and its values, which may be personal."""
    text = str(getattr(error, "orig", None) or error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _sqlite(file: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        # mode=rw: an absent file is an error, not a new empty shop.
        connection = sqlite3.connect(
            f"file:{quote(str(file))}?mode=rw",
            uri=True,
            timeout=BUSY_MS / 1000,
            # The driver would start transactions late and end them early; _begin does it.
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        return connection

    def identity() -> tuple[int, ...]:
        status = file.stat()
        return status.st_dev, status.st_ino, os.getpid()

    def remember(_: Any, record: Any) -> None:
        record.info["identity"] = identity()

    def still_the_same(_: Any, record: Any, __: Any) -> None:
        # A file that was removed or replaced lives on in open connections; SQLite's must not be
        # carried into another process either.
        try:
            same = record.info["identity"] == identity()
        except OSError:
            same = False
        if not same:
            raise exc.DisconnectionError("the database file is another one now")

    # Connections are kept because opening one costs as much as a query.
    engine = create_engine(
        f"sqlite:///{file}", future=True, creator=connect, poolclass=QueuePool, max_overflow=-1
    )
    event.listen(engine, "connect", remember)
    event.listen(engine, "checkout", still_the_same)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("write"):
        # A writer that only asks for the lock when it first writes may be refused at once, without
        # waiting, if others wrote since it first read.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        # Said to the driver itself: it does not touch the file yet, so it cannot fail, and by way
        # of SQLAlchemy it would take half as long as the query that follows.
        connection.connection.dbapi_connection.execute("BEGIN")
