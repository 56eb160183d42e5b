"""How long recommendations take: python -m bench.recommend [--fit] [--items 20000] [--keep FOLDER]

Each number stands beside that of a reference in the same run, since machines differ:
`implicit`'s ALS asked for ten items of the same catalogue, and its ALS fit. With --keep the shop
and what was learned from it stay in a folder, and a later run only measures.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from sqlalchemy import insert
from threadpoolctl import threadpool_limits

from shop import schema
from shop.database import open_engine, writing
from shop.models import ProductQuery
from shop.recommend import artefact
from shop.recommend.factors import ALS
from shop.recommend.hybrid import Hybrid
from shop.recommend.interactions import Interactions
from shop.recommend.service import Context, Recommendations
from shop.recommend.train import train
from shop.settings import ShopSettings
from shop.sql import SqlShop
from shop.text.words import Words

NOW = datetime(2026, 11, 20, 4, tzinfo=timezone.utc)
KINDS = ("tent", "earbuds", "dress", "jeans", "green_tea", "puzzle", "kettle", "suitcase")
COLOURS = ("black", "white", "red", "blue", "green")


class NoiseEncoder:
    """Texts as vectors of the right size, in no time: encoding is not what is measured."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def passage(self, texts: Any) -> Any:
        return self._rng.normal(size=(len(texts), 384)).astype(np.float32)

    query = passage


def interactions(users: int, items: int, count: int) -> tuple[Any, Any]:
    """Users with tastes of ten kinds in a hundred, and a few items that everybody wants."""
    rng = np.random.default_rng(0)
    user = np.sort(rng.integers(0, users, count))
    taste = rng.integers(0, 100, (users, 10))
    kind = taste[user, rng.integers(0, 10, count)]
    within = (rng.power(0.4, count) * (items // 100)).astype(int)
    return user, kind + 100 * within


def make_shop(file: Path, items: int, customers: int, acts: int) -> SqlShop:
    """A shop of that size in SQLite."""
    file.touch()
    engine = open_engine(ShopSettings(database_url=f"sqlite:///{file}"))
    rng = np.random.default_rng(1)
    with writing(engine) as connection:
        schema.metadata.create_all(connection)
        connection.execute(
            insert(schema.customers),
            [
                {
                    "id": k + 1,
                    "name_zh": "客",
                    "name_en": "c",
                    "language": "zh",
                    "phone": str(k),
                    "email": f"{k}@x",
                    "level": "standard",
                    "points": 0,
                    "joined_at": NOW,
                }
                for k in range(customers)
            ],
        )
        connection.execute(
            insert(schema.products),
            [
                {
                    "id": k + 1,
                    "name_zh": f"商品{k}",
                    "name_en": f"Product {k}",
                    "description_zh": "好",
                    "description_en": "good",
                    "category": f"c{k % 12}",
                    "kind": KINDS[k % 8],
                    "brand_zh": f"牌{k % 50}",
                    "brand_en": f"Brand{k % 50}",
                    "attributes": [["waterproof", "防水", "waterproof"]] if k % 3 == 0 else [],
                    "list_price": None,
                    "picture": "p",
                    "rating": None,
                    "reviews": 0,
                    "sold": int(k % 97),
                    "consumable": k % 8 == 4,
                    "listed_at": NOW - timedelta(days=int(k % 900)),
                    "updated_at": NOW,
                }
                for k in range(items)
            ],
        )
        connection.execute(
            insert(schema.variants),
            [
                {
                    "product_id": k + 1,
                    "sku": f"{k}-{c}",
                    "colour": COLOURS[c],
                    "size": "one",
                    "price": Decimal(int(rng.integers(10, 900))),
                    "stock": int(rng.integers(0, 5)),
                }
                for k in range(items)
                for c in range(3)
            ],
        )
        user, item = interactions(customers, items, acts)
        kinds = rng.choice(["view", "view", "view", "cart", "buy"], acts)
        ages = np.sort(rng.integers(0, 700 * 86_400, acts))[::-1]
        order = rng.permutation(acts)
        connection.execute(
            insert(schema.interactions),
            [
                {
                    "customer_id": int(user[o]) + 1,
                    "product_id": int(item[o]) + 1,
                    "kind": str(kinds[k]),
                    "rating": None,
                    "at": NOW - timedelta(seconds=int(ages[k])),
                }
                for k, o in enumerate(order)
            ],
        )
    return SqlShop(engine, Words.load(Path("data/words")))


def timed(calls: int, call: Callable[[int], Any]) -> tuple[float, float, float]:
    """p50 and p99 of calls, and p50 of their processor time, in milliseconds, after a few that do
    not count. On a machine that others use too, the processor time is what counts."""
    for k in range(20):
        call(k)
    wall, cpu = [], []
    for k in range(calls):
        begin, worked = time.perf_counter(), time.process_time()
        call(k)
        wall.append((time.perf_counter() - begin) * 1000)
        cpu.append((time.process_time() - worked) * 1000)
    p50, p99 = np.percentile(wall, [50, 99])
    return float(p50), float(p99), float(np.percentile(cpu, 50))


def bench_answers(items: int, calls: int, keep: Path | None) -> None:
    """Ten recommendations with conditions and reasons."""
    with tempfile.TemporaryDirectory() as name:
        folder = keep or Path(name)
        customers = items + items // 2
        if (folder / "learned").is_dir():
            file = folder / "shop.db"
            engine = open_engine(ShopSettings(database_url=f"sqlite:///{file}"))
            shop = SqlShop(engine, Words.load(Path("data/words")))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shop = make_shop(folder / "shop.db", items, customers, 15 * items)
            train(shop, folder / "learned", encoder=NoiseEncoder(), now=NOW, progress=print)
        # As in the action server: one request, one thread.
        with threadpool_limits(1):
            measure(shop, folder, items, customers, calls)


def measure(shop: SqlShop, folder: Path, items: int, customers: int, calls: int) -> None:
    """Load the artefact, ask for recommendations, print a table."""
    size = sum(p.stat().st_size for p in (folder / "learned").rglob("*") if p.is_file())
    begin = time.perf_counter()
    made = artefact.read(folder / "learned")
    print(f"artefact {size / 2**20:.1f} MB, loads in {time.perf_counter() - begin:.2f} s")
    service = Recommendations(shop, folder / "learned", encoder=NoiseEncoder(), clock=lambda: NOW)
    query = ProductQuery(price_min=Decimal(50), price_max=Decimal(500), colours=("black",))
    context = Context(dislikes=(("kind", "earbuds"),))
    word = ProductQuery(text="waterproof 防水", price_max=Decimal(500))
    als = made.hybrid.sources["als"]
    assert isinstance(als, ALS)
    reference = timed(calls, lambda k: als.recommend([k % items, (7 * k) % items]))
    print(f"{'':34}{'p50 ms':>8}{'p99 ms':>8}{'cpu p50':>8}{'ratio':>8}")
    line = "".join(f"{number:8.2f}" for number in reference)
    print(f"{'reference: ALS of one history':34}{line}{1:8.1f}")
    rows: tuple[tuple[str, Callable[[int], Any]], ...] = (
        ("customer", lambda k: service.for_request(1 + k % customers)),
        (
            "… with conditions and a dislike",
            lambda k: service.for_request(1 + k % customers, query, context),
        ),
        ("visitor", lambda k: service.for_request(None)),
        ("request in words (encoder apart)", lambda k: service.for_request(1 + k, word)),
        ("similar, cheaper", lambda k: service.similar(1 + k % items, cheaper=True)),
        ("goes with", lambda k: service.goes_with([1 + k % items])),
    )
    for title, call in rows:
        took = timed(calls, call)
        line = "".join(f"{number:8.2f}" for number in took)
        print(f"{title:34}{line}{took[2] / reference[2]:8.1f}", flush=True)


def bench_fit(users: int, items: int, count: int) -> None:
    """Fitting the hybrid."""
    user, item = interactions(users, items, count)
    data = Interactions.of(user, item, item_ids=np.arange(items))
    begin = time.perf_counter()
    ALS().fit(data)
    reference = time.perf_counter() - begin
    begin, worked = time.perf_counter(), time.process_time()
    Hybrid(progress=print).fit(data)
    took, worked = time.perf_counter() - begin, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    density = sp.csr_matrix(data.matrix()).nnz
    print(f"{len(data)} interactions ({density} pairs), {users} users, {items} items:")
    ratio = took / reference
    print(f"fit {took:.1f} s, {worked:.1f} s of processor time on all cores, {peak:.2f} GiB")
    print(f"{ratio:.1f} x ALS ({reference:.1f} s)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.recommend")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--fit", action="store_true", help="only fit 300,000 x 22,000 x 12,000")
    parser.add_argument("--keep", type=Path, help="where the shop and what was learned stay")
    given = parser.parse_args()
    if given.fit:
        bench_fit(22_000, 12_000, 300_000)
    else:
        bench_answers(given.items, given.calls, given.keep)


if __name__ == "__main__":
    main()
