"""The Socket.IO server, made strict: what is malformed costs a line in the log and no traceback."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Callable
from typing import Any

import socketio
from engineio.async_drivers.sanic import WebSocket
from sanic.request import Request
from sanic.response import HTTPResponse, empty
from socketio.packet import EVENT, Packet

_OWN_EVENTS = ("connect", "disconnect", "connect_error", "*")
_PACKET_TYPES = tuple("0123456")
# A text of 2,000 characters with its escapes fits several times.
FRAME_LIMIT = 64 * 1024
# Seconds for telling the other processes; this one's pages have been told by then.
PATIENCE = 1.5

logger = logging.getLogger(__name__)


class StrictPacket(Packet):
    """Refuses what python-socketio 5.18 takes in and stumbles over later."""

    def decode(self, encoded_packet: str) -> Any:
        """See the parent class. Raises: ValueError."""
        attachments = super().decode(encoded_packet)
        if attachments:
            raise ValueError("binary data")
        if self.packet_type == EVENT and not (
            isinstance(self.data, list)
            and self.data
            and isinstance(self.data[0], str)
            # A client's event of such a name would reach the handler of the library's own.
            and self.data[0] not in _OWN_EVENTS
        ):
            raise ValueError("an event without a name")
        return attachments


class StrictWebSocket(WebSocket):
    """Ends the connection at a frame that is no packet, or no text.

    Engine.IO would leave it half open, Sanic 21.12 would forget a task with its error.
    """

    async def __call__(self, environ: dict[str, Any]) -> Any:
        """See the parent class."""
        request = environ["sanic.request"]
        self.environ = environ
        self._sock = await request.transport.get_protocol().websocket_handshake(request)
        receive = self._sock.async_data_received

        async def received(*data: Any) -> None:
            try:
                await receive(*data)
            except UnicodeDecodeError:
                # 1007: data that is not of the type of its frame (RFC 6455, 7.4.1).
                self._sock.fail_connection(1007)

        self._sock.async_data_received = received
        await self.handler(self)
        return self.server._ok()

    async def wait(self) -> str:
        """See the parent class. Raises: OSError."""
        frame = await super().wait()
        if not isinstance(frame, str) or frame[:1] not in _PACKET_TYPES:
            raise OSError("not a packet")
        return frame


class BackgroundTasks:
    """Starts Engine.IO's tasks and keeps them: it would neither hold nor end them itself."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __call__(self, target: Callable[..., Any], *args: Any, **kwargs: Any) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(target(*args, **kwargs))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end(self) -> None:
        """Cancel what is left, such as the wait for the next ping."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Json:
    """JSON whose errors are all ValueErrors, as the libraries expect."""

    dumps = staticmethod(json.dumps)

    @staticmethod
    def loads(text: str | bytes, **options: Any) -> Any:
        """As `json.loads`; text nested too deep is malformed like any other."""
        try:
            return json.loads(text, **options)
        except RecursionError as exc:
            raise ValueError("nested too deep") from exc


def make(redis_url: str, origin_allowed: Callable[[str | None, dict[str, Any]], bool]) -> Any:
    """A Socket.IO server; with `redis_url` it reaches the pages of other processes too."""
    log = logging.getLogger(f"{__name__}.library")
    # At INFO the library logs every packet, tokens and texts included.
    log.setLevel(logging.WARNING)
    log.addFilter(_one_line)
    manager = None
    if redis_url:
        options = {"socket_connect_timeout": PATIENCE, "socket_keepalive": True}
        manager = socketio.AsyncRedisManager(redis_url, "xiaoer-web", redis_options=options)
    sio = socketio.AsyncServer(
        async_mode="sanic",
        client_manager=manager,
        serializer=StrictPacket,
        # A long poll may reach another process than the one that knows its session.
        transports=["websocket"] if redis_url else None,
        cors_allowed_origins=origin_allowed,
        cors_credentials=False,
        max_http_buffer_size=FRAME_LIMIT,
        ping_interval=20,
        ping_timeout=20,
        json=Json,
        logger=log,
        engineio_logger=log,
    )
    sio.eio._async = {**sio.eio._async, "websocket": StrictWebSocket}
    sio.eio.start_background_task = BackgroundTasks()
    return sio


def open_now(sio: Any) -> None:
    """Listen to the other processes from the start, not only from the first page on."""
    if hasattr(sio.manager, "host_id"):
        # Made before the server forked its workers: with one name they would not hear each other.
        sio.manager.host_id = uuid.uuid4().hex
    if not sio.manager_initialized:
        sio.manager_initialized = True
        sio.manager.initialize()


async def close(sio: Any) -> None:
    """End the connections to pages and to Redis."""
    await sio.shutdown()
    await sio.eio.start_background_task.end()
    if listener := getattr(sio.manager, "thread", None):
        await asyncio.wait({listener}, timeout=PATIENCE)
    if redis := getattr(sio.manager, "redis", None):
        await sio.manager.pubsub.close()
        await redis.close(close_connection_pool=True)


async def handle(sio: Any, request: Request) -> HTTPResponse | None:
    """Answer a poll, or stay with a websocket to its end (None)."""
    protocol = request.transport.get_protocol()
    try:
        response: HTTPResponse = await sio.handle_request(request)
    except Exception as exc:
        # A frame that is no packet: nothing but the connection is lost.
        logger.info("dropped a connection: %s", type(exc).__name__)
        response = empty(status=400)
    if protocol.websocket:
        return None
    if protocol.transport is None or protocol.transport.is_closing():
        # Engine.IO swallows the cancellation with which Sanic ends a handler whose client has gone.
        raise asyncio.CancelledError
    return response


def _one_line(record: logging.LogRecord) -> bool:
    if record.exc_info and record.exc_info[0]:
        record.msg = f"{record.getMessage()}: {record.exc_info[0].__name__}"
        record.args, record.exc_info, record.exc_text = (), None, None
    return True
