"""The sample shop with its planted tastes, and a version of recommendations learned from it."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from shop.database import open_engine
from shop.recommend.service import Recommendations
from shop.recommend.train import train
from shop.sample import fill
from shop.settings import ShopSettings
from shop.sql import SqlShop
from shop.text.words import Words

NOW = datetime(2026, 11, 20, 4, tzinfo=timezone.utc)
WORDS = Words.load(Path("data/words"))


class WordEncoder:
    """An encoder in which texts are alike that share words, or pairs of Chinese characters."""

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def passage(self, texts: Sequence[str]) -> np.ndarray:
        self.encoded += texts
        return np.stack([self._vector(text) for text in texts])

    def query(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> np.ndarray:
        vector = np.zeros(256, np.float32)
        pieces = re.findall(r"[a-z]{3,}", text.lower())
        for run in re.findall(r"[\u4e00-\u9fff]+", text):
            pieces += [run[k : k + 2] for k in range(len(run) - 1)]
        for piece in pieces:
            vector[hashlib.md5(piece.encode()).digest()[0]] += 1
        return vector / max(float(np.linalg.norm(vector)), 1e-9)


def sample(file: Path) -> SqlShop:
    """A shop on a new file with the sample data."""
    engine = open_engine(ShopSettings(database_url=f"sqlite:///{file}"))
    fill(engine, NOW, WORDS)
    return SqlShop(engine, WORDS)


@pytest.fixture(scope="session")
def sample_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sample") / "shop.db"
    sample(file)
    return file


@pytest.fixture(scope="session")
def read_only_shop(sample_file: Path) -> SqlShop:
    """The sample shop, for tests that write nothing."""
    return SqlShop(open_engine(ShopSettings(database_url=f"sqlite:///{sample_file}")), WORDS)


@pytest.fixture
def own_shop(sample_file: Path, tmp_path: Path) -> SqlShop:
    """The sample shop, for a test that writes."""
    copy = tmp_path / "shop.db"
    shutil.copy(sample_file, copy)
    return SqlShop(open_engine(ShopSettings(database_url=f"sqlite:///{copy}")), WORDS)


@pytest.fixture(scope="session")
def learned(read_only_shop: SqlShop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a version learned from the sample shop."""
    folder = tmp_path_factory.mktemp("learned")
    train(read_only_shop, folder, encoder=WordEncoder(), now=NOW)
    return folder


@pytest.fixture(scope="session")
def recommendations(read_only_shop: SqlShop, learned: Path) -> Recommendations:
    return Recommendations(
        read_only_shop, learned, encoder=WordEncoder(), clock=lambda: NOW + timedelta(hours=1)
    )
