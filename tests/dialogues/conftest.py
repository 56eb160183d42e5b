"""Servers for the dialogues, started once; skipped where there is no trained model."""

from __future__ import annotations

import os

import pytest

from tests.servers import Servers, fill_shop
from tools.prepare import MODEL


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    """Both servers on a sample shop of their own."""
    if not MODEL.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{MODEL} is missing: make train")
        pytest.skip(f"{MODEL} is missing: make train")
    folder = tmp_path_factory.mktemp("servers")
    fill_shop(folder)
    running = Servers(folder).start()
    yield running
    running.stop()
