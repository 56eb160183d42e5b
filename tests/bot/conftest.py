"""Servers that the bot's shared parts need, started once where a test asks for one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tools import services


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a running Redis."""
    _need("redis-server")
    with services.redis() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of an empty database on a running PostgreSQL."""
    _need("initdb")
    with services.postgres() as url:
        yield url


def _need(program: str) -> None:
    if services.program(program) is None:
        message = f"{program} is missing: install it, or run make test"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
