"""What the web channel costs, against Rasa's own REST channel: same server, same run.

    python bench/channels.py                 one process on SQLite
    python bench/channels.py --workers 2     two Sanic workers with Redis between them

Both channels stand before an agent that echoes at once, so the difference is the channels' own.
First turns one after the other, REST and web by turns; then many sessions at the same time, each
message of which must be answered once, in order, and to nobody else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.fakes import workers  # noqa: E402
from tools import services  # noqa: E402

WEBCHAT = "/webhooks/webchat"
#: The most that the web channel may add to a turn, in ms at the median.
ALLOWED_MS = 3.0
#: Seconds in which all sessions must have been answered.
PATIENCE = 120.0


class Page:
    """A page's socket: the protocol by hand, since a client library would cost more than it."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url = http, url
        self.heard: list[str] = []
        self.changed = asyncio.Event()

    async def __aenter__(self) -> Page:
        async with self._http.post(f"{self._url}{WEBCHAT}/session", json={}) as answer:
            token = (await answer.json())["token"]
        address = f"{self._url}{WEBCHAT}/socket.io/?EIO=4&transport=websocket"
        self._socket = await self._http.ws_connect(address)
        await self._socket.receive_str()
        await self._socket.send_str("40" + json.dumps({"token": token, "lang": "en"}))
        self._listener = asyncio.ensure_future(self._listen())
        await self.hears(lambda: len(self.heard) > 0)
        return self

    async def __aexit__(self, *_: Any) -> None:
        self._listener.cancel()
        await self._socket.close()

    async def say(self, text: str) -> None:
        message = {"id": uuid.uuid4().hex, "type": "text", "text": text, "lang": "en"}
        await self._socket.send_str("421" + json.dumps(["user_uttered", message]))

    async def hears(self, enough: Any) -> None:
        while not enough():
            await self.changed.wait()
            self.changed.clear()

    async def _listen(self) -> None:
        async for frame in self._socket:
            if frame.data == "2":
                await self._socket.send_str("3")
            elif frame.data.startswith('42["bot_uttered"'):
                for item in json.loads(frame.data[2:])[1]["items"]:
                    self.heard.append(item["text"])
                self.changed.set()


async def one_by_one(url: str, turns: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each turn over REST and over the web."""
    rest: list[float] = []
    web: list[float] = []
    async with aiohttp.ClientSession() as http, Page(http, url) as page:
        for turn in range(turns):
            started = time.perf_counter()
            body = {"sender": "bench", "message": f"turn {turn}"}
            async with http.post(f"{url}/webhooks/rest/webhook", json=body) as answer:
                (said,) = await answer.json()
            rest.append(1000 * (time.perf_counter() - started))
            assert said["text"] == f"echo turn {turn}"
            started = time.perf_counter()
            await page.say(f"turn {turn}")
            await page.hears(lambda turn=turn: page.heard[-1] == f"echo turn {turn}")
            web.append(1000 * (time.perf_counter() - started))
    # The first ones warm both up.
    return rest[turns // 10 :], web[turns // 10 :]


async def at_once(url: str, sessions: int, messages: int) -> dict[str, int]:
    """Many sessions that all send all their messages at the same time."""
    faults = {"lost": 0, "doubled": 0, "misdelivered": 0, "out of order": 0}
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        _Pages(http, url, sessions) as pages,
    ):
        for number, page in enumerate(pages):
            for message in range(messages):
                await page.say(f"{number}-{message}")
        expected = [[f"echo {n}-{m}" for m in range(messages)] for n in range(sessions)]
        waiting = [page.hears(lambda page=page: len(page.heard) > messages) for page in pages]
        await asyncio.wait([asyncio.ensure_future(w) for w in waiting], timeout=PATIENCE)
        # What is doubled or misdelivered may still be on its way.
        await asyncio.sleep(1)
        for page, wanted in zip(pages, expected, strict=True):
            heard = [text for text in page.heard if text.startswith("echo")]
            faults["lost"] += len(set(wanted) - set(heard))
            faults["misdelivered"] += len(set(heard) - set(wanted))
            faults["doubled"] += len(heard) - len(set(heard))
            faults["out of order"] += heard != sorted(heard, key=lambda t: t.split("-")[-1])
    return faults


class _Pages:
    """Pages that are opened some at a time and closed together."""

    def __init__(self, http: aiohttp.ClientSession, url: str, number: int) -> None:
        self._pages = [Page(http, url) for _ in range(number)]

    async def __aenter__(self) -> list[Page]:
        for first in range(0, len(self._pages), 25):
            await asyncio.gather(*(p.__aenter__() for p in self._pages[first : first + 25]))
        return self._pages

    async def __aexit__(self, *_: Any) -> None:
        await asyncio.gather(*(page.__aexit__() for page in self._pages))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--turns", type=int, default=500)
    parser.add_argument("--sessions", type=int, default=300)
    parser.add_argument("--messages", type=int, default=5)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(services.redis()) if given.workers > 1 else ""
        url = stack.enter_context(workers.run(folder, workers=given.workers, redis_url=redis))
        rest, web = asyncio.run(one_by_one(url, given.turns))
        started = time.perf_counter()
        faults = asyncio.run(at_once(url, given.sessions, given.messages))
        took = time.perf_counter() - started
    store = "Redis" if redis else "SQLite"
    packages = ("rasa", "sanic", "python-socketio", "redis")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    print(f"Python {platform.python_version()}, {versions}; {os.cpu_count()} cores")
    print(f"{given.workers} worker(s), state in {store}, {given.turns} turns one by one, in ms")
    print("             p50     p95")
    for name, times in (("REST", rest), ("web", web)):
        high = statistics.quantiles(times, n=20)[-1]
        print(f"  {name:8}{statistics.median(times):7.2f} {high:7.2f}")
    added = statistics.median(web) - statistics.median(rest)
    print(f"  the web channel adds {added:.2f} ms at the median (allowed: {ALLOWED_MS})")
    print(
        f"{given.sessions} sessions, {given.messages} messages each, all at once: {took:.1f} s; "
        + ", ".join(f"{number} {what}" for what, number in faults.items())
    )
    print(
        "Limits raised for this run: 1,000 messages a second and 100 at once for a shopper,"
        " a million sessions and messages a minute for an address."
    )
    return int(added > ALLOWED_MS or any(faults.values()))


if __name__ == "__main__":
    sys.exit(main())
