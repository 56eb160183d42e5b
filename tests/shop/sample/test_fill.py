"""The sample shop in a database, and the command that fills it."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.engine import Engine

from shop import schema
from shop.database import open_engine, reading, writing
from shop.errors import NotAllowed, Unavailable
from shop.models import ProductQuery
from shop.sample.__main__ import main
from shop.sample.fill import VERSION, fill, marked
from shop.sample.goods import make_items
from shop.sample.people import make_people
from shop.sample.trade import Demand, Rows, story
from shop.settings import ShopSettings
from shop.sql import SqlShop
from tests.checks.toy_shop import MING
from tests.shop.conftest import WORDS, make_sqlite
from tests.shop.sample.conftest import NOW


def counts(engine: Engine) -> dict[str, int]:
    with reading(engine) as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in schema.metadata.sorted_tables
        }


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShopSettings:
    """The command's settings, in a folder of the test."""
    url = f"sqlite:///{tmp_path}/var/shop.db"
    monkeypatch.setenv("XIAOER_DATABASE_URL", url)
    monkeypatch.setenv("XIAOER_PICTURES", str(tmp_path / "pictures"))
    return ShopSettings(database_url=url, pictures=tmp_path / "pictures")


def test_all_rows_are_written(sample_engine: Engine, rows: Rows) -> None:
    written = counts(sample_engine)

    assert {name: written[name] for name in rows} == {name: len(own) for name, own in rows.items()}
    assert marked(sample_engine) == VERSION


def test_the_file_lets_readers_and_a_writer_work_side_by_side(sample_engine: Engine) -> None:
    with reading(sample_engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_filling_again_empties_first(sample_engine: Engine, sample_shop: SqlShop) -> None:
    before = counts(sample_engine)
    sample_shop.request_handover("web:1", None, "asked", "zh")
    fill(sample_engine, NOW, WORDS)

    assert counts(sample_engine) == before


def test_a_filling_that_fails_leaves_everything_as_it_was(sample_engine: Engine) -> None:
    before = counts(sample_engine)
    with pytest.raises(Unavailable), writing(sample_engine):
        fill(sample_engine, NOW, WORDS)  # locked

    assert counts(sample_engine) == before


def test_the_shop_on_postgres_is_the_same_and_takes_new_rows(
    postgres_database: str, sample_shop: SqlShop
) -> None:
    engine = open_engine(ShopSettings(database_url=postgres_database))
    with writing(engine) as connection:
        schema.metadata.drop_all(connection)
    fill(engine, NOW, WORDS)
    shop = SqlShop(engine, WORDS)

    assert counts(engine) == counts(sample_shop.engine)
    assert shop.orders(2).items == sample_shop.orders(2).items
    assert shop.product(7) == sample_shop.product(7)
    # The sequences behind the ids go on after ours.
    shop.record_interaction(1, 1, "view")
    assert next(shop.interactions(60_000)).id == 60_001
    with writing(engine) as connection:
        schema.metadata.drop_all(connection)
    engine.dispose()


# --- the customers of the demo page --------------------------------------------------------------


def situation(shop: SqlShop, name: str) -> int:
    return next(s.customer.id for s in shop.sample_customers() if s.situation == name)


def test_every_situation_has_a_customer_with_names_in_both_languages(
    sample_shop: SqlShop,
) -> None:
    samples = sample_shop.sample_customers()

    assert {sample.situation for sample in samples} == set(WORDS.codes("sample_situation"))
    assert all(s.customer.name.zh and s.customer.name.en for s in samples)
    assert {s.customer.language for s in samples} == {"zh", "en"}


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("on_its_way", ["shipped", "completed", "completed"]),
        ("just_delivered", ["delivered", "completed"]),
        ("no_orders", []),
        ("refund_running", ["refunding", "completed"]),
        ("not_yet_sent", ["paid", "completed"]),
        ("delayed", ["shipped", "completed"]),
    ],
)
def test_a_sample_customer_is_in_the_situation_told(
    sample_shop: SqlShop, name: str, states: list[str]
) -> None:
    orders = sample_shop.orders(situation(sample_shop, name))

    assert [order.state for order in orders] == states


def test_the_parcels_of_sample_customers_stand_as_told(sample_shop: SqlShop) -> None:
    def newest(name: str) -> str:
        customer = situation(sample_shop, name)
        number = sample_shop.orders(customer, limit=1).items[0].number
        return sample_shop.parcels(customer, number)[0].state

    assert newest("on_its_way") == "in_transit"
    assert newest("delayed") == "delayed"
    assert newest("just_delivered") == "delivered"


def test_a_delivery_is_fresh_and_a_refund_runs(sample_shop: SqlShop) -> None:
    fresh = sample_shop.orders(situation(sample_shop, "just_delivered")).items[0]
    running = sample_shop.orders(situation(sample_shop, "refund_running")).items[0]

    assert fresh.delivered_at and NOW - fresh.delivered_at < timedelta(days=1)
    assert [refund.state for refund in running.refunds] in (["approved"], ["processing"])


def test_some_sample_customers_have_much_to_choose_from(sample_shop: SqlShop) -> None:
    several = sample_shop.orders(situation(sample_shop, "several_orders"))
    gold = sample_shop.customer(situation(sample_shop, "gold_member"))

    assert len({order.state for order in several}) >= 6
    assert gold.level == "gold" and gold.points > 0
    assert sample_shop.orders(gold.id).total > 20


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_at_any_time_of_day_a_story_is_told_in_the_same_order(hour: int) -> None:
    now = NOW.replace(hour=hour, minute=29)
    people = make_people(now)
    (person,) = (each for each in people if each.situation == "several_orders")
    demand = Demand(make_items(now), people, now)
    plans = story(random.Random(person.situation), demand, person, now)
    newest_first = sorted(plans, key=lambda plan: plan.placed_at, reverse=True)
    states = [plan.state for plan in newest_first]
    assert states[:4] == ["awaiting_payment", "paid", "shipped", "delivered"]


def test_what_named_customers_bought_is_the_same_on_any_day_at_any_hour() -> None:
    def bought(now: datetime) -> list[list[tuple[int, ...]]]:
        people = make_people(now)
        demand = Demand(make_items(now), people, now)
        return [
            [tuple(item.id for item in it.basket) for it in story(random.Random(1), demand, p, now)]
            for p in people
            if p.situation
        ]

    spring = NOW.replace(month=4, hour=3)
    assert bought(NOW) == bought(NOW.replace(hour=23)) == bought(spring)


def test_a_parcel_just_delivered_holds_a_dress_and_what_goes_with_it(
    sample_shop: SqlShop,
) -> None:
    order = sample_shop.orders(situation(sample_shop, "just_delivered")).items[0]
    kinds = [sample_shop.product(line.product_id).kind for line in order.lines]
    assert kinds == ["dress", "sandals", "crossbody"]


@pytest.mark.parametrize(
    "text", ["蓝牙耳机", "bluetooth headphones", "耳机", "earphones", "防水登山靴", "dress", "鞋"]
)
def test_what_shoppers_ask_for_is_found_in_the_sample_shop(sample_shop: SqlShop, text: str) -> None:
    result = sample_shop.search_products(ProductQuery(text=text))

    assert result.exact > 0


# --- the command ---------------------------------------------------------------------------------


def test_the_command_fills_once_and_again_only_when_told(
    settings: ShopSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 0
    first = capsys.readouterr().out
    assert "5,000 orders" in first and "ready" in first
    pictures = sorted(settings.pictures.iterdir())
    assert len(pictures) >= 600
    shop = SqlShop(open_engine(settings), WORDS)
    assert all(
        (settings.pictures / f"{shop.product(number).picture}.{ending}").stat().st_size > 500
        for number in (1, 100, 300)
        for ending in ("svg", "png")
    )

    shop.request_handover("web:1", None, "asked", "zh")
    assert main([]) == 0
    assert "--reset" in capsys.readouterr().out
    assert counts(shop.engine)["handovers"] == 1

    assert main(["--reset"]) == 0
    assert counts(shop.engine)["handovers"] == 0


def copy(file: Path, to: Path) -> None:
    to.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(file)) as original, closing(sqlite3.connect(to)) as other:
        original.backup(other)


def test_pictures_that_went_missing_are_drawn_again(
    settings: ShopSettings, sample_engine: Engine, tmp_path: Path
) -> None:
    copy(Path(sample_engine.url.database), tmp_path / "var" / "shop.db")
    assert main([]) == 0

    assert len(list(settings.pictures.glob("*.png"))) >= 300


def test_a_database_with_other_data_is_left_alone(
    settings: ShopSettings, sqlite: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy(tmp_path / "shop.db", tmp_path / "var" / "shop.db")
    for arguments in ([], ["--reset"]):
        assert main(arguments) == 1
        said = capsys.readouterr().err
        assert "not a sample shop" in said and said.count("\n") == 1
    shop = SqlShop(open_engine(settings), WORDS)

    assert shop.customer(MING).name.zh == "李明"


def test_a_database_with_tables_of_others_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db")) as other:
        other.execute("CREATE TABLE recipes (id INTEGER)")
    engine = open_engine(ShopSettings(database_url=f"sqlite:///{tmp_path}/x.db"))
    with pytest.raises(NotAllowed, match="recipes"):
        fill(engine, NOW, WORDS)


def test_empty_tables_may_be_filled(tmp_path: Path) -> None:
    engine = make_sqlite(tmp_path / "shop.db")
    fill(engine, NOW, WORDS)

    assert marked(engine) == VERSION


def test_an_older_sample_shop_does_not_count_as_filled(tmp_path: Path) -> None:
    engine = make_sqlite(tmp_path / "shop.db")
    with writing(engine) as connection:
        connection.execute(insert(schema.info), [{"key": "sample", "value": "0"}])

    assert marked(engine) == "0" != VERSION


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("XIAOER_DATABASE_URL", "sqlite:////proc/shop.db", "cannot be used"),
        ("XIAOER_DATABASE_URL", "mysql://x", "XIAOER_DATABASE_URL"),
        ("XIAOER_DATA", "/nowhere", "words"),
    ],
)
def test_what_is_in_the_way_is_said_in_one_line(
    settings: ShopSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(variable, value)

    assert main([]) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_it_is_a_module_that_can_be_run() -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "shop.sample", "--help"], capture_output=True, text=True, check=True
    )

    assert "--reset" in help_text.stdout and help_text.stderr == ""
