"""The page's accounts on a real shop database."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from bot.channels.web.accounts import ShopAccounts, ask
from shop import schema
from shop.database import writing
from shop.errors import BadToken, NotFound, Unavailable
from shop.settings import ShopSettings
from tests.bot.channels.web.page import SECRET
from tests.checks import toy_shop as toy
from tests.shop.conftest import load_toy, make_sqlite


@pytest.fixture
def accounts(tmp_path: Path) -> ShopAccounts:
    engine = make_sqlite(tmp_path / "shop.db")
    load_toy(engine)
    with writing(engine) as connection:
        table = schema.customers
        first = update(table).where(table.c.id == toy.CUSTOMERS[0].id)
        connection.execute(first.values(situation="on_its_way"))
    return ShopAccounts(ShopSettings(database_url=f"sqlite:///{tmp_path}/shop.db", secret=SECRET))


def test_a_sample_customer_signs_in_and_out(accounts: ShopAccounts) -> None:
    sample = accounts.samples()[0]
    assert set(sample) == {"id", "name", "about"}
    assert sample["about"]["zh"] and sample["about"]["en"]
    assert accounts.sign_in("web:1", accounts.sample_token(sample["id"])) == sample["id"]
    assert accounts.customer_of("web:1") == sample["id"]
    assert accounts.name(sample["id"]) == sample["name"]
    accounts.bind("web:2", sample["id"])
    accounts.sign_out("web:1")
    assert accounts.customer_of("web:1") is None
    assert accounts.customer_of("web:2") == sample["id"]


def test_only_sample_customers_have_sample_tokens(accounts: ShopAccounts) -> None:
    samples = {sample["id"] for sample in accounts.samples()}
    others = {customer.id for customer in toy.CUSTOMERS} - samples
    for customer in (*others, 10**6, 0, -1):
        with pytest.raises(NotFound):
            accounts.sample_token(customer)


def test_a_token_counts_once(accounts: ShopAccounts) -> None:
    token = accounts.sample_token(accounts.samples()[0]["id"])
    accounts.sign_in("web:1", token)
    with pytest.raises(BadToken, match="token_used"):
        accounts.sign_in("web:2", token)


async def test_a_missing_database_is_unavailable(tmp_path: Path) -> None:
    accounts = ShopAccounts(ShopSettings(database_url=f"sqlite:///{tmp_path}/no.db", secret=SECRET))
    with pytest.raises(Unavailable):
        await ask(accounts.customer_of, "web:1")
