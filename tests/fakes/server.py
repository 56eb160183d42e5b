"""A Sanic server as Rasa makes it, with channels and a scripted agent, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import uuid4

from rasa.core.channels.channel import InputChannel, register
from sanic import Sanic

from tools.services import free_port

T = TypeVar("T")

# Lets one process start several applications, one after the other and at once.
Sanic.test_mode = True


class Server:
    """A running server; `url` is where it listens, `run` does something on its loop."""

    def __init__(self, channels: list[InputChannel], agent: Any, *, port: int | None = None):
        self.agent = agent
        # Bound at once: between finding a free port and using it, somebody else might.
        self._socket = socket.create_server(("127.0.0.1", port or free_port()))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.app = Sanic(f"test_{uuid4().hex}", configure_logging=False)
        self.app.ctx.agent = agent
        register(channels, self.app, route="/webhooks/")
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()
        self._server: Any = None

    def start(self) -> Server:
        self._thread.start()
        assert self._ready.wait(60), "the server did not start"
        return self

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine run on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def stop(self) -> None:
        """As at SIGTERM: listeners before the stop, connections closed, listeners after it."""
        if self.loop.is_closed():
            return
        self.run(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(60)
        self.loop.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._start())
        self._ready.set()
        self.loop.run_forever()

    async def _start(self) -> None:
        self._server = await self.app.create_server(
            sock=self._socket, return_asyncio_server=True, access_log=False
        )
        await self._server.startup()
        await self._server.before_start()
        await self._server.after_start()

    async def _stop(self) -> None:
        await self._server.before_stop()
        self._server.close()
        for connection in list(self._server.connections):
            connection.abort()
        await self._server.after_stop()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # What was aborted closes in the next rounds of the loop; a loop with open handles cannot.
        await asyncio.sleep(0.02)


@contextmanager
def serve(*channels: InputChannel, agent: Any, port: int | None = None) -> Iterator[Server]:
    """A server for the length of a `with` block."""
    server = Server(list(channels), agent, port=port).start()
    try:
        yield server
    finally:
        server.stop()
