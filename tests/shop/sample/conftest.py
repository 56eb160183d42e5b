"""One sample shop for all its tests: making it takes seconds."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from sqlalchemy.engine import Engine

from shop.database import open_engine
from shop.sample.fill import fill, make_rows
from shop.sample.trade import Rows
from shop.settings import ShopSettings
from shop.sql import SqlShop
from tests.shop.conftest import WORDS

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=timezone.utc)


@pytest.fixture(scope="session")
def rows() -> Rows:
    return make_rows(NOW, WORDS)


@pytest.fixture(scope="session")
def sample_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    file = tmp_path_factory.mktemp("sample") / "var" / "shop.db"
    engine = open_engine(ShopSettings(database_url=f"sqlite:///{file}"))
    fill(engine, NOW, WORDS)
    return engine


@pytest.fixture(scope="session")
def sample_shop(sample_engine: Engine) -> SqlShop:
    return SqlShop(sample_engine, WORDS)
