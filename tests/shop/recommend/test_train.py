"""Learning from the shop: what is read, kept, refused and taken up."""

from __future__ import annotations

import json
import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, func, select

from shop import schema
from shop.database import reading, writing
from shop.errors import InvalidValue, NotAllowed
from shop.recommend import __main__ as command
from shop.recommend import artefact
from shop.recommend.service import Recommendations
from shop.recommend.train import interactions, train
from shop.sql import SqlShop
from tests.shop.recommend.conftest import NOW, WordEncoder


@pytest.fixture
def folder(learned: Path, tmp_path: Path) -> Path:
    """A copy of what was learned from the sample shop."""
    return Path(shutil.copytree(learned, tmp_path / "learned"))


def test_it_beats_popularity_on_the_sample_shop(learned: Path) -> None:
    about = artefact.read(learned).about

    assert about.ndcg > 3 * about.popularity
    assert about.low < about.ndcg < about.high


def test_seasons_are_those_of_the_sample_shop(learned: Path) -> None:
    """Planted: down jackets sell in winter, sandals and sunscreen in summer."""
    season = artefact.read(learned).season

    assert season["down_jacket"][11] > 1.15 > 0.85 > season["down_jacket"][6]
    assert season["sandals"][6] > 1.15 > 0.9 > season["sandals"][11]


def test_where_nothing_is_new_nothing_is_written(read_only_shop: SqlShop, folder: Path) -> None:
    assert train(read_only_shop, folder, encoder=WordEncoder()) is None


def test_only_what_is_new_is_read(own_shop: SqlShop, folder: Path) -> None:
    before = artefact.read(folder, with_log=True)
    asked: list[int] = []
    everything = own_shop.interactions

    def from_there(since_id: int = 0) -> Any:
        asked.append(since_id)
        return everything(since_id)

    own_shop.interactions = from_there  # type: ignore[method-assign]
    own_shop.record_interaction(2, 5, "buy")
    encoder = WordEncoder()

    made = train(own_shop, folder, encoder=encoder)

    assert made is not None
    # One look whether the log goes on, and what is new.
    assert asked == [int(before.log["id"][-1]) - 1, before.about.read_to]
    assert made.about.interactions == before.about.interactions + 1
    # A single act teaches the ranker nothing, and no text has changed.
    assert made.about.ndcg == before.about.ndcg
    assert encoder.encoded == []


def test_other_interactions_are_read_from_the_start(own_shop: SqlShop, folder: Path) -> None:
    """The sample shop was filled again: the same numbers, other acts."""
    table = schema.interactions
    with writing(own_shop.engine) as connection:
        last = connection.execute(select(func.max(table.c.id))).scalar_one()
        connection.execute(table.update().values(at=NOW - timedelta(days=3)))
    lines: list[str] = []

    made = train(own_shop, folder, encoder=WordEncoder(), force=True, progress=lines.append)

    assert made is not None
    assert made.about.read_to == last
    assert made.log["at"].max() < (NOW - timedelta(days=2)).timestamp()
    assert sum("starting anew" in line for line in lines) == 1


def test_only_changed_texts_are_encoded(own_shop: SqlShop, folder: Path) -> None:
    with writing(own_shop.engine) as connection:
        connection.execute(
            schema.products.update().where(schema.products.c.id == 7).values(name_en="Moon boots")
        )
    encoder = WordEncoder()

    train(own_shop, folder, encoder=encoder)

    assert len(encoder.encoded) == 1
    assert "Moon boots" in encoder.encoded[0]


def test_a_worse_version_is_refused_unless_forced(own_shop: SqlShop, folder: Path) -> None:
    before = artefact.current(folder)
    with writing(own_shop.engine) as connection:
        table = schema.interactions
        connection.execute(delete(table).where(table.c.id > 30_000))

    with pytest.raises(NotAllowed, match="--force"):
        train(own_shop, folder, encoder=WordEncoder(), full=True)
    assert artefact.current(folder) == before
    assert train(own_shop, folder, encoder=WordEncoder(), full=True, force=True) is not None
    assert artefact.current(folder) != before


def test_a_version_measured_worse_is_refused(own_shop: SqlShop, folder: Path) -> None:
    about = folder / str(artefact.current(folder)) / "about.json"
    values = json.loads(about.read_text())
    about.write_text(json.dumps({**values, "ndcg": 0.99, "low": 0.98, "high": 1.0}))

    with pytest.raises(NotAllowed, match="below that of the current version"):
        train(own_shop, folder, encoder=WordEncoder(), full=True)


def test_a_failing_write_leaves_what_was_there(
    own_shop: SqlShop, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = artefact.read(folder)

    def full_disk(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    own_shop.record_interaction(2, 5, "buy")

    with pytest.raises(OSError, match="No space"):
        train(own_shop, folder, encoder=WordEncoder())
    assert artefact.read(folder).name == before.name
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_old_versions_go(own_shop: SqlShop, folder: Path) -> None:
    for day in range(4):
        own_shop.record_interaction(2, 5 + day, "view")
        train(own_shop, folder, encoder=WordEncoder(), now=NOW + timedelta(days=day + 1))

    versions = [path.name for path in folder.iterdir() if path.is_dir()]
    assert len(versions) == 3
    assert artefact.current(folder) == max(versions)


def test_a_running_service_takes_up_a_new_version(own_shop: SqlShop, folder: Path) -> None:
    service = Recommendations(own_shop, folder, encoder=WordEncoder(), clock=lambda: NOW)
    service._watched._every = 0.0
    service.for_request(3)
    first = service._watched.get()
    own_shop.record_interaction(3, 5, "view")

    made = train(own_shop, folder, encoder=WordEncoder())

    assert first is not None and made is not None
    until = time.monotonic() + 20
    while time.monotonic() < until:
        now = service._watched.get()
        if now is not None and now.name == made.name:
            break
        time.sleep(0.02)
    assert now is not None and now.name == made.name != first.name
    assert len(service.for_request(3)) == 10


def test_a_damaged_later_version_leaves_the_earlier_in_use(
    own_shop: SqlShop, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watched = artefact.Watched(folder, every=0.0, clock=lambda: NOW)
    first = watched.get()

    (folder / "current").write_text("20990101T000000Z-1\n")
    until = time.monotonic() + 20
    while not caplog.records and time.monotonic() < until:
        assert watched.get() is first
        time.sleep(0.01)

    assert "the version before" in caplog.records[0].getMessage()
    assert watched.get() is first
    assert len(caplog.records) == 1


def test_an_empty_shop_is_refused(own_shop: SqlShop, tmp_path: Path) -> None:
    with writing(own_shop.engine) as connection:
        connection.execute(delete(schema.interactions))

    with pytest.raises(InvalidValue, match="no interactions"):
        train(own_shop, tmp_path / "none")
    assert artefact.current(tmp_path / "none") is None


def test_one_interaction_for_each_pair() -> None:
    """Customer 1 looked at 10, bought it, looked at 20, and at 10 again; 2 disliked 20."""
    log = {
        "id": np.arange(1, 7),
        "customer": np.array([1, 1, 1, 1, 2, 2]),
        "product": np.array([10, 10, 20, 10, 20, 20]),
        "kind": np.array([0, 2, 0, 0, 2, 3]),
        "rating": np.array([0, 0, 0, 0, 0, 1]),
        "at": np.arange(6) * 100,
    }

    data = interactions(log, np.array([10, 20]))

    assert data.user_ids[data.users].tolist() == [1, 1]
    assert data.item_ids[data.items].tolist() == [20, 10]
    assert data.weights.tolist() == [1, 4]
    assert data.times.tolist() == [200, 300]


def test_the_command_trains(
    own_shop: SqlShop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XIAOER_DATABASE_URL", str(own_shop.engine.url))
    monkeypatch.setenv("XIAOER_ENCODER_FOLDER", str(tmp_path / "no-encoder"))
    folder = tmp_path / "new"

    assert command.main(["train", "--folder", str(folder)]) == 0
    assert "NDCG@10" in capsys.readouterr().err
    assert artefact.read(folder).about.items == _count(own_shop)
    assert command.main(["train", "--folder", str(folder)]) == 0
    assert "nothing is new" in capsys.readouterr().err


def test_the_command_says_what_is_wrong_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XIAOER_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    monkeypatch.setenv("XIAOER_ENCODER_FOLDER", str(tmp_path / "no-encoder"))

    assert command.main(["train", "--folder", str(tmp_path / "new")]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def _count(shop: SqlShop) -> int:
    with reading(shop.engine) as connection:
        return int(
            connection.execute(select(func.count()).select_from(schema.products)).scalar_one()
        )
