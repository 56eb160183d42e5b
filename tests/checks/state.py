"""What every `State` must do: inherit `StateChecks` and give it the fixture `state`."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.channels.state import State

# Long enough that nothing expires during a test, and short enough to wait for.
LONG, SHORT = 60.0, 0.05


class StateChecks:
    """Each test uses owners of its own, since a Redis is shared by all of them."""

    async def test_a_value_is_kept(self, state: State) -> None:
        value = {"text": "你好 😊", "numbers": [1, 2.5, None, True]}
        await state.put("kept", "name", value, ttl=LONG)
        assert await state.get("kept", "name") == value

    async def test_a_later_value_replaces_an_earlier_one(self, state: State) -> None:
        await state.put("replaced", "name", 1, ttl=LONG)
        await state.put("replaced", "name", 2, ttl=LONG)
        assert await state.get("replaced", "name") == 2

    async def test_what_was_never_kept_is_none(self, state: State) -> None:
        assert await state.get("nobody", "name") is None
        assert await state.take("nobody", "name") is None
        assert await state.since("nobody", "name") == []

    async def test_a_value_expires(self, state: State) -> None:
        await state.put("brief", "name", 1, ttl=SHORT)
        await asyncio.sleep(SHORT * 2)
        assert await state.get("brief", "name") is None

    async def test_several_values_are_kept_at_once(self, state: State) -> None:
        await state.put_many("several", {"a": 1, "b": 2}, ttl=LONG)
        assert [await state.get("several", name) for name in "ab"] == [1, 2]

    async def test_all_who_have_a_value_of_a_name_are_found(self, state: State) -> None:
        for owner in ("wx:found", "kf:wk:found", "found.later"):
            await state.put(owner, "wanted", 1, ttl=LONG)
        await state.put("wx:other", "unwanted", 1, ttl=LONG)
        await state.put("wx:brief", "wanted", 1, ttl=SHORT)
        await state.take("found.later", "wanted")
        await asyncio.sleep(SHORT * 2)
        assert sorted(await state.owners("wanted")) == ["kf:wk:found", "wx:found"]

    async def test_a_value_is_taken_once(self, state: State) -> None:
        await state.put("taken", "name", "once", ttl=LONG)
        taken = await asyncio.gather(*(state.take("taken", "name") for _ in range(10)))
        assert sorted(taken, key=str) == [None] * 9 + ["once"]

    async def test_only_one_of_many_is_first(self, state: State) -> None:
        won = await asyncio.gather(
            *(state.first("race", "delivery 1", ttl=LONG) for _ in range(10))
        )
        assert won.count(True) == 1
        assert await state.first("race", "delivery 2", ttl=LONG)

    async def test_there_is_a_first_again_after_the_time(self, state: State) -> None:
        assert await state.first("again", "name", ttl=SHORT)
        await asyncio.sleep(SHORT * 2)
        assert await state.first("again", "name", ttl=LONG)

    async def test_the_leader_stays_leader_and_nobody_else_leads(self, state: State) -> None:
        assert await state.lead("poller", "lead", "process 1", ttl=LONG)
        assert await state.lead("poller", "lead", "process 1", ttl=LONG)
        assert not await state.lead("poller", "lead", "process 2", ttl=LONG)

    async def test_another_leads_when_the_leader_is_gone(self, state: State) -> None:
        assert await state.lead("gone", "lead", "process 1", ttl=SHORT)
        await asyncio.sleep(SHORT * 2)
        assert await state.lead("gone", "lead", "process 2", ttl=LONG)

    async def test_a_leader_may_let_go(self, state: State) -> None:
        assert await state.lead("left", "lead", "process 1", ttl=LONG)
        assert await state.lead("left", "lead", "process 1", ttl=0)
        await asyncio.sleep(0.01)
        assert await state.lead("left", "lead", "process 2", ttl=LONG)

    async def test_a_list_is_numbered_and_read_from_a_number_on(self, state: State) -> None:
        numbers = [
            await state.append("list", "log", v, keep=10, ttl=LONG) for v in ("a", "b 你", "c")
        ]
        assert numbers == [1, 2, 3]
        assert await state.since("list", "log") == [(1, "a"), (2, "b 你"), (3, "c")]
        assert await state.since("list", "log", 2) == [(3, "c")]
        assert await state.since("list", "log", 3) == []

    async def test_a_list_keeps_the_last_and_their_numbers(self, state: State) -> None:
        for value in range(5):
            await state.append("rolling", "log", value, keep=2, ttl=LONG)
        assert await state.since("rolling", "log") == [(4, 3), (5, 4)]

    async def test_simultaneous_appends_get_different_numbers(self, state: State) -> None:
        numbers = await asyncio.gather(
            *(state.append("crowd", "log", v, keep=50, ttl=LONG) for v in range(20))
        )
        assert sorted(numbers) == list(range(1, 21))
        assert len(await state.since("crowd", "log")) == 20

    async def test_an_expired_list_begins_again(self, state: State) -> None:
        await state.append("old", "log", "gone", keep=10, ttl=SHORT)
        await asyncio.sleep(SHORT * 2)
        assert await state.since("old", "log") == []
        assert await state.append("old", "log", "new", keep=10, ttl=LONG) == 1
        assert await state.since("old", "log") == [(1, "new")]

    async def test_pace_lets_a_burst_through_and_then_makes_wait(self, state: State) -> None:
        # One in a hundred seconds: the time that the calls themselves take does not count.
        slow: dict[str, Any] = {"rate": 0.01, "burst": 3, "patience": 1_000}
        waits = [await state.pace("paced", "turns", **slow) for _ in range(5)]
        assert waits[:3] == [0, 0, 0]
        assert [round(wait or 0, -2) for wait in waits[3:]] == [100, 200]

    async def test_pace_refuses_beyond_patience_and_uses_nothing_up(self, state: State) -> None:
        slow: dict[str, Any] = {"rate": 0.01, "burst": 1}
        assert await state.pace("hasty", "turns", **slow) == 0
        for _ in range(5):
            assert await state.pace("hasty", "turns", **slow) is None
        # Had those five been counted, it would be longer than a hundred seconds.
        wait = await state.pace("hasty", "turns", **slow, patience=1_000)
        assert wait is not None and 0 < wait <= 100

    async def test_pace_allows_one_again_after_its_time(self, state: State) -> None:
        assert await state.pace("patient", "turns", rate=20, burst=1) == 0
        await asyncio.sleep(0.06)
        assert await state.pace("patient", "turns", rate=20, burst=1) == 0

    async def test_forgetting_erases_all_of_one_owner_and_nothing_of_another(
        self, state: State
    ) -> None:
        # One sender id begins like the other.
        for owner in ("tg:1", "tg:1:2"):
            await state.put(owner, "key:a", 1, ttl=LONG)
            await state.append(owner, "log", "said", keep=5, ttl=LONG)
            await state.first(owner, "seen:1", ttl=LONG)
        await state.forget("tg:1")
        assert await state.get("tg:1", "key:a") is None
        assert await state.since("tg:1", "log") == []
        assert await state.first("tg:1", "seen:1", ttl=LONG)
        assert await state.get("tg:1:2", "key:a") == 1
        assert await state.since("tg:1:2", "log") == [(1, "said")]

    async def test_after_closing_it_goes_on_with_what_was_kept(self, state: State) -> None:
        await state.put("reopened", "name", 1, ttl=LONG)
        await state.close()
        assert await state.get("reopened", "name") == 1
