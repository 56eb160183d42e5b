"""A platform's API as an HTTP server in a thread of its own, with a log of calls and failures."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import defaultdict, deque
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from aiohttp import web

from tests.fakes.server import free_port

T = TypeVar("T")


class Platform:
    """The ground of the fakes: `route` adds calls, `url` is where they are.

    Attributes:
        calls: what was called, with the body, in order.
        violations: what no client of the real platform may do; tests expect none.
        failing: by path, errcodes (or "hang", "drop", "500") that the next calls get.
        down: every call gets this, as long as it is set.
    """

    def __init__(self, *, port: int | None = None, host: str = "127.0.0.1") -> None:
        self.port = port or free_port()
        self.host = host
        self.url = f"http://127.0.0.1:{self.port}"
        self.calls: list[tuple[str, Any]] = []
        self.violations: list[str] = []
        self.failing: dict[str, deque[int | str]] = defaultdict(deque)
        self.down: str = ""
        self.loop: Any = None
        self._app = web.Application(client_max_size=20_000_000, middlewares=[self._misbehave])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()
        self._release = asyncio.Event()

    def start(self) -> Any:
        """Listens when this returns."""
        self.loop = asyncio.new_event_loop()
        self._thread.start()
        assert self._ready.wait(60), "the fake did not start"
        return self

    def stop(self) -> None:
        """Ends the server and everything it was doing."""
        if self.loop and not self.loop.is_closed():
            self.run(self._stop())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(60)
            self.loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine run on the fake's loop."""
        return self.begin(work).result(60)

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begins something on the fake's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def bodies(self, path: str) -> list[Any]:
        """What was sent to a path."""
        return [body for called, body in self.calls if called == path]

    def fail(self, path: str, *how: int | str) -> None:
        """The next calls of a path fail so."""
        self.failing[path].extend(how)

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not request.path.startswith("/cgi-bin/"):
            return await handler(request)
        how = self.down or (
            self.failing[request.path].popleft() if self.failing[request.path] else ""
        )
        if not how:
            return await handler(request)
        body = await request.read()
        self.calls.append((request.path, body))
        if how == "hang":
            await self._release.wait()
        if how == "drop" and request.transport:
            request.transport.abort()
        if isinstance(how, int):
            return reply({"errcode": how, "errmsg": "told to fail"})
        return web.Response(status=500, text="told to fail")

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._start())
        self._ready.set()
        self.loop.run_forever()

    async def _start(self) -> None:
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()

    async def _stop(self) -> None:
        self._release.set()
        await self._runner.cleanup()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def reply(content: dict[str, Any]) -> web.Response:
    """As WeChat does: JSON that is called text/plain."""
    text = json.dumps(content, ensure_ascii=False)
    return web.Response(text=text, content_type="text/plain")


def refuse(code: int, why: str = "") -> web.Response:
    """An errcode."""
    return reply({"errcode": code, "errmsg": why or f"error {code}"})
