from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.channels.state import RedisState, SqliteState, State, StateSettings, shared
from shop.errors import Unavailable
from tests.checks.channel import patient
from tests.checks.state import LONG, StateChecks


class TestSqliteState(StateChecks):
    @pytest.fixture
    async def state(self, tmp_path: Path) -> AsyncIterator[State]:
        state = patient(SqliteState(tmp_path / "folder" / "state.db"))
        yield state
        await state.close()

    async def test_it_survives_a_restart(self, tmp_path: Path) -> None:
        before, after = SqliteState(tmp_path / "s.db"), SqliteState(tmp_path / "s.db")
        await before.append("web:1", "log", "hello", keep=5, ttl=LONG)
        await before.close()
        assert await after.since("web:1", "log") == [(1, "hello")]
        await after.close()

    async def test_what_expired_is_swept_from_the_file(self, tmp_path: Path) -> None:
        state = SqliteState(tmp_path / "s.db")
        await state.put("web:1", "name", 1, ttl=0.01)
        await state.append("web:1", "log", 1, keep=5, ttl=0.01)
        await asyncio.sleep(0.02)
        state.sweep_every = 0.0
        await state.get("web:1", "anything")
        await state.close()
        with sqlite3.connect(tmp_path / "s.db") as file:
            assert file.execute("SELECT count(*) FROM entry").fetchone() == (0,)
            assert file.execute("SELECT count(*) FROM item").fetchone() == (0,)
        file.close()

    async def test_a_locked_file_is_unavailable_and_then_works_again(self, tmp_path: Path) -> None:
        state = SqliteState(tmp_path / "s.db")
        await state.put("web:1", "name", 1, ttl=LONG)
        state.patience = 0.2
        other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await state.get("web:1", "name")
        other.execute("ROLLBACK")
        other.close()
        state.patience = LONG
        assert await state.get("web:1", "name") == 1
        await state.close()

    async def test_a_folder_that_cannot_be_written_is_unavailable(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        state = SqliteState(tmp_path / "file" / "s.db")
        with pytest.raises(Unavailable):
            await state.get("web:1", "name")
        await state.close()

    async def test_a_file_that_is_no_database_is_unavailable(self, tmp_path: Path) -> None:
        (tmp_path / "s.db").write_bytes(b"no database" * 100)
        state = SqliteState(tmp_path / "s.db")
        with pytest.raises(Unavailable):
            await state.put("web:1", "name", 1, ttl=LONG)
        await state.close()


class TestRedisState(StateChecks):
    @pytest.fixture
    async def state(self, redis_url: str, tmp_path: Path) -> AsyncIterator[State]:
        state = patient(RedisState(redis_url, prefix=tmp_path.name))
        yield state
        await state.close()

    async def test_two_processes_see_the_same(self, redis_url: str) -> None:
        one, two = (patient(RedisState(redis_url, prefix="both")) for _ in range(2))
        assert await one.first("web:1", "seen:1", ttl=LONG)
        assert not await two.first("web:1", "seen:1", ttl=LONG)
        await one.close()
        await two.close()

    async def test_no_redis_is_unavailable(self) -> None:
        state = RedisState("redis://127.0.0.1:1/0")
        with pytest.raises(Unavailable):
            await state.get("web:1", "name")
        await state.close()

    async def test_a_hung_redis_is_unavailable_in_a_second(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            state = RedisState(f"redis://127.0.0.1:{listening.getsockname()[1]}/0")
            state.patience = 0.2
            with pytest.raises(Unavailable):
                await asyncio.wait_for(state.get("web:1", "name"), 10)
            await state.close()


def test_the_settings_choose_and_opening_is_put_off(tmp_path: Path) -> None:
    assert isinstance(shared(StateSettings(state_path=tmp_path / "s.db")), SqliteState)
    assert not (tmp_path / "s.db").exists()
    assert isinstance(shared(StateSettings(redis_url="redis://nowhere:1/0")), RedisState)
    shared.cache_clear()
