"""The same artefact from Spark MLlib, for shops whose interactions do not fit one machine.

    python -m shop.recommend.spark --interactions hdfs://…/acts.parquet --folder var/recommend

Spark reads the interactions, counts what is popular and what follows what, and factorizes by ALS;
only the results, a few numbers for each item, come to the driver. The artefact has no ranker: the
sources' lists are merged by their places, until `train` on one machine has taught one. Needs
`pip install xiaoer[spark]` and a JDK of 8, 11 or 17.

The interactions are Parquet or CSV with columns user, item (product id), weight and at (seconds).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from shop.backend import ShopBackend
from shop.errors import InvalidValue, ShopError, Unavailable
from shop.recommend import artefact as storage
from shop.recommend.artefact import About, Artefact
from shop.recommend.base import Recommender
from shop.recommend.factors import ALS
from shop.recommend.hybrid import Hybrid
from shop.recommend.interactions import LONGEST_HISTORY, Interactions
from shop.recommend.links import keep_strongest
from shop.recommend.popularity import DAY_S, Popularity
from shop.recommend.sequence import NextItem

HOW_TO = "pip install 'xiaoer[spark]' and install a JDK (8, 11 or 17)"
Progress = Callable[[str], None]


def session(master: str = "local[2]") -> Any:
    """A Spark session. Raises: Unavailable: pyspark or a JDK is missing."""
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError as exc:
        raise Unavailable(f"pyspark is not installed: {HOW_TO}") from exc
    # Else its workers are whichever python3 comes first, of another version perhaps.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        return (
            SparkSession.builder.master(master)
            .appName("xiaoer-recommend")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.shuffle.partitions", "2" if master.startswith("local") else "200")
            .getOrCreate()
        )
    except (PySparkRuntimeError, OSError) as exc:
        raise Unavailable(f"Spark does not start: {HOW_TO}") from exc


class SparkHybrid(Hybrid):
    """A hybrid whose sources were fitted by Spark; saved and loaded as `Hybrid`.

    Args:
        spark: a session.
        rank, iterations, alpha, regularization: of MLlib's ALS for implicit feedback.
        reach, fading, doubt: as in `NextItem`.
        half_life: days, as in `Popularity`.
        seed: of the random start.
    """

    def __init__(
        self,
        spark: Any,
        *,
        rank: int = 64,
        iterations: int = 10,
        alpha: float = 10.0,
        regularization: float = 0.05,
        reach: int = 5,
        fading: float = 0.7,
        doubt: float = 5.0,
        half_life: float = 30.0,
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        self._spark = spark
        self._rank = rank
        self._iterations = iterations
        self._alpha = alpha
        self._regularization = regularization
        self._reach = reach
        self._fading = fading
        self._doubt = doubt
        self._half_life = half_life

    def fit(self, data: Interactions) -> SparkHybrid:
        """From interactions at hand; `fit_frame` takes those that are not."""
        if not len(data):
            raise InvalidValue("no interactions to learn from")
        # Equal times keep their order.
        at = data.times if data.timed else np.zeros(len(data), np.int64)
        rows = zip(
            data.users.tolist(),
            data.items.tolist(),
            data.weights.astype(float).tolist(),
            at.tolist(),
            range(len(data)),
            strict=True,
        )
        frame = self._spark.createDataFrame(
            list(rows), "user int, item int, weight double, at long, place long"
        )
        return self.fit_frame(frame, data.n_items)

    def fit_frame(self, frame: Any, n_items: int) -> SparkHybrid:
        """From a data frame: user int, item int (a row of the catalogue), weight double, at long
        (seconds), place long (order of what is equally old)."""
        self.n_items = n_items
        self.ranker = None
        frame = frame.cache()
        sources: list[Recommender] = [self._next(frame), self._als(frame), self._popular(frame)]
        self.sources = {source.name: source for source in sources}
        frame.unpersist()
        return self

    def _popular(self, frame: Any) -> Popularity:
        from pyspark.sql import functions as f

        newest = frame.agg(f.max("at")).first()[0]
        age = (f.lit(newest) - f.col("at")) / DAY_S
        weight = f.col("weight") * f.pow(f.lit(2.0), -age / self._half_life)
        rows = frame.groupBy("item").agg(f.sum(weight).alias("count")).collect()
        source = Popularity(half_life=self._half_life)
        source.n_items = self.n_items
        source.counts = np.zeros(self.n_items, np.float32)
        for row in rows:
            source.counts[row["item"]] = row["count"]
        return source

    def _next(self, frame: Any) -> NextItem:
        from pyspark.sql import functions as f

        act = f.struct("at", "place", "item")
        acts = f.sort_array(f.collect_list(act))
        newest = (
            frame.groupBy("user")
            .agg(acts.alias("acts"))
            .select(
                "user",
                f.posexplode(
                    f.expr(
                        f"slice(acts, greatest(size(acts) - {LONGEST_HISTORY - 1}, 1), size(acts))"
                    )
                ).alias("step", "act"),
            )
        )
        one = newest.select("user", f.col("step").alias("s"), f.col("act.item").alias("before"))
        two = newest.select("user", f.col("step").alias("t"), f.col("act.item").alias("after"))
        distance = f.col("t") - f.col("s")
        rows = (
            one.join(two, "user")
            .where(distance.between(1, self._reach))
            .select("before", "after", f.pow(f.lit(self._fading), distance - 1).alias("weight"))
            .groupBy("before", "after")
            .agg(f.sum("weight").alias("weight"))
            .collect()
        )
        before = np.array([row["before"] for row in rows], np.int64)
        after_ = np.array([row["after"] for row in rows], np.int64)
        weight = np.array([row["weight"] for row in rows], np.float32)
        counts = sp.csr_matrix((weight, (before, after_)), (self.n_items, self.n_items))
        total = np.asarray(counts.sum(axis=1)).ravel() + self._doubt
        source = NextItem(reach=self._reach, fading=self._fading, doubt=self._doubt)
        source.n_items = self.n_items
        source.links = keep_strongest(
            sp.diags((1 / total).astype(np.float32)) @ counts, source.keep
        )
        return source

    def _als(self, frame: Any) -> ALS:
        from pyspark.ml.recommendation import ALS as MlAls

        sums = frame.groupBy("user", "item").sum("weight")
        rank = min(self._rank, max(2, self.n_items // 2))
        fitted = MlAls(
            rank=rank,
            maxIter=self._iterations,
            regParam=self._regularization,
            implicitPrefs=True,
            alpha=self._alpha,
            userCol="user",
            itemCol="item",
            ratingCol="weight",
            seed=self.seed,
        ).fit(sums.withColumnRenamed("sum(weight)", "weight"))
        factors = np.zeros((self.n_items, rank), np.float32)
        for row in fitted.itemFactors.collect():
            factors[row["id"]] = row["features"]
        # Our steps for a stranger's vector are those of MLlib: confidence 1 + alpha.
        source = ALS(factors=rank, regularization=self._regularization, alpha=self._alpha + 1)
        source.restore({"item_factors": factors})
        return source


def write(
    shop: ShopBackend,
    spark: Any,
    interactions: str,
    folder: Path,
    *,
    now: datetime | None = None,
    progress: Progress = lambda _: None,
    **settings: Any,
) -> Artefact:
    """Read interactions with Spark and write a version of recommendations.

    Args:
        shop: whose catalogue it is.
        spark: a session.
        interactions: path or URL of Parquet or CSV files, see above.
        folder: of the artefacts.
        now: the moment it is called after.
        progress: told what is being done.
        settings: of `SparkHybrid`.

    Raises:
        InvalidValue: the files cannot be read, lack a column or hold nothing of the catalogue.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql import functions as f

    products = sorted(shop.catalogue(), key=lambda p: p.id)
    item_ids: npt.NDArray[np.int64] = np.array([p.id for p in products], np.int64)
    rows = [(int(i), k) for k, i in enumerate(item_ids)]
    catalogue = spark.createDataFrame(rows, "item_id long, item int")
    reader = spark.read.option("header", True).option("inferSchema", True)
    try:
        frame = reader.csv(interactions) if "csv" in interactions else reader.parquet(interactions)
        frame = frame.select(
            f.col("user").cast("int"),
            f.col("item").cast("long").alias("item_id"),
            f.col("weight").cast("double"),
            f.col("at").cast("long"),
        ).where("weight > 0 and user is not null and at is not null")
        frame = frame.join(f.broadcast(catalogue), "item_id").drop("item_id")
        frame = frame.withColumn("place", f.monotonically_increasing_id()).cache()
        count, users = frame.count(), frame.select("user").distinct().count()
    except PySparkException as exc:
        raise InvalidValue(f"{interactions}: {str(exc).splitlines()[0]}") from exc
    if not count:
        raise InvalidValue(f"{interactions}: no interactions with products of the catalogue")
    progress(f"{count} interactions of {users} users")
    fitted = SparkHybrid(spark, **settings).fit_frame(frame, len(item_ids))
    nothing = float("nan")
    made = Artefact(
        about=About(
            created_at=(now or datetime.now(timezone.utc)).isoformat(timespec="seconds"),
            read_to=0,
            interactions=count,
            users=users,
            items=len(item_ids),
            ndcg=nothing,
            low=nothing,
            high=nothing,
            popularity=nothing,
            by="spark",
        ),
        hybrid=fitted,
        baskets=None,
        item_ids=item_ids,
        kinds=np.array([p.kind for p in products], np.str_),
    )
    made.name = storage.write(made, folder).name
    progress(f"{made.name} written")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; what goes wrong is one line."""
    from shop.recommend.service import RecommendSettings
    from shop.settings import ShopSettings, read
    from shop.sql import open_shop

    parser = argparse.ArgumentParser(prog="python -m shop.recommend.spark")
    parser.add_argument("--interactions", required=True, metavar="PATH")
    parser.add_argument("--folder", type=Path, help="instead of XIAOER_RECOMMEND_FOLDER")
    parser.add_argument("--master", default="local[*]", help="of Spark")
    given = parser.parse_args(arguments)
    try:
        shop = open_shop(read(ShopSettings))
        folder = given.folder or read(RecommendSettings).recommend_folder
        spark = session(given.master)
        try:
            write(
                shop,
                spark,
                given.interactions,
                folder,
                progress=lambda line: print(line, file=sys.stderr, flush=True),
            )
        finally:
            spark.stop()
    except ShopError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
