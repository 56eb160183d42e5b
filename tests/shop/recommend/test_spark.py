"""The Spark job in local mode, by the checks of all recommenders; `make test-spark` runs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from shop.errors import InvalidValue
from shop.recommend import artefact, spark
from shop.recommend.base import Recommender
from shop.recommend.hybrid import Hybrid
from shop.recommend.sequence import NextItem
from shop.recommend.service import Recommendations
from shop.sql import SqlShop
from tests.checks.recommender import RecommenderChecks, checker_board
from tests.shop.recommend.conftest import NOW

pytest.importorskip("pyspark", reason=spark.HOW_TO)
# The sockets of pyspark's gateway stay open until they are collected.
pytestmark = [
    # A minute for the first fit on a quiet machine, many on a busy one.
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def session() -> Iterator[Any]:
    running = spark.session()
    TestSpark.spark = running
    yield running
    running.stop()


class TestSpark(RecommenderChecks):
    repeats = False
    spark: ClassVar[Any]

    def make(self) -> Recommender:
        return spark.SparkHybrid(self.spark, rank=4, reach=40)

    # What Spark fitted is an ordinary hybrid afterwards.

    def test_a_saved_one_answers_alike(self, fitted: Recommender, tmp_path: Path) -> None:
        fitted.save(tmp_path)
        loaded = Hybrid.load(tmp_path)

        assert loaded.n_items == fitted.n_items
        for history in ([0, 2, 4], [1, 5]):
            before, after = fitted.recommend(history, 5), loaded.recommend(history, 5)
            assert {s.item % 2 for s in after[:2]} == {s.item % 2 for s in before[:2]}

    @pytest.mark.parametrize("damage", ["missing"])
    def test_a_damaged_file_is_refused(
        self, fitted: Recommender, tmp_path: Path, damage: str
    ) -> None:
        with pytest.raises(InvalidValue):
            Hybrid.load(tmp_path)


def test_it_counts_as_one_machine_does(session: Any) -> None:
    data = checker_board()

    ours = NextItem(reach=5).fit(data).links
    theirs = spark.SparkHybrid(session, rank=4).fit(data).sources["next-item"]

    assert isinstance(theirs, NextItem)
    assert np.allclose(ours.toarray(), theirs.links.toarray(), atol=1e-5)


def test_the_service_uses_what_spark_wrote(
    session: Any, read_only_shop: SqlShop, tmp_path: Path
) -> None:
    weights = {"view": 1, "cart": 2, "buy": 4, "rate": 3}
    lines = ["user,item,weight,at"]
    lines += [
        f"{act.customer_id},{act.product_id},{weights[act.kind]},{int(act.at.timestamp())}"
        for act in read_only_shop.interactions()
        if act.customer_id is not None
    ]
    (tmp_path / "acts.csv").write_text("\n".join(lines))

    made = spark.write(
        read_only_shop, session, str(tmp_path / "acts.csv"), tmp_path / "learned", now=NOW, rank=16
    )
    service = Recommendations(
        read_only_shop, tmp_path / "learned", clock=lambda: NOW + timedelta(hours=1)
    )

    assert artefact.read(tmp_path / "learned").name == made.name
    assert made.about.by == "spark"
    found = service.for_request(7)
    assert len(found) == 10
    assert any(each.reason in ("bought", "viewed", "liked", "carted") for each in found)


@pytest.mark.parametrize("text", ["user,item\n1,2\n", "user,item,weight,at\n1,99999,1,1\n"])
def test_files_without_what_is_needed_are_refused(
    session: Any, read_only_shop: SqlShop, tmp_path: Path, text: str
) -> None:
    (tmp_path / "acts.csv").write_text(text)

    with pytest.raises(InvalidValue, match="acts"):
        spark.write(read_only_shop, session, str(tmp_path / "acts.csv"), tmp_path / "learned")
    assert not (tmp_path / "learned").exists()
