"""A server for the chat page that speaks `bot/channels/web/protocol.py` with scripted answers.

What the page does when the network, the server or the shopper misbehaves can be played exactly:
acks that get lost, answers that wait, a server that goes away and comes back.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar
from uuid import uuid4

import socketio
from aiohttp import web

from bot.channels.web.pages import STATIC, policy
from tests.fakes.server import free_port

T = TypeVar("T")
Items = list[dict[str, Any]]
BASE = "/webhooks/webchat"
GREETING = {
    "type": "choices",
    "text": "您好，我是小二。 Hello, I'm Xiao'er.",
    "options": [{"title": "查订单", "key": "k-orders"}, {"title": "推荐好物", "key": "k-more"}],
}
CUSTOMERS = [
    {
        "id": 1,
        "name": {"zh": "林晓梅", "en": "Lin Xiaomei"},
        "about": {"zh": "有几笔订单，一个包裹在路上", "en": "Several orders, a parcel on its way"},
    },
    {
        "id": 2,
        "name": {"zh": "王小明", "en": "Wang Xiaoming"},
        "about": {"zh": "还没有订单", "en": "No orders yet"},
    },
]


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def echo(message: dict[str, Any]) -> Items:
    """The answer unless a test scripts another."""
    return [text(f"收到：{message.get('text') or message.get('title') or message['type']}")]


class Session:
    """A conversation: its entries, and who is signed in."""

    def __init__(self, customer: dict[str, Any] | None = None) -> None:
        self.id = uuid4().hex
        self.token = f"token-{self.id}"
        self.customer = customer
        self.entries: list[dict[str, Any]] = []
        self.closed = False
        self.seq = 0

    def add(self, entry: dict[str, Any]) -> dict[str, Any]:
        self.seq += 1
        entry = {"at": time.time(), **entry, "seq": self.seq}
        self.entries.append(entry)
        return entry

    @property
    def described(self) -> dict[str, Any]:
        expires = time.time() + 30 * 86_400
        return {"token": self.token, "session_id": self.id, "expires": expires}


class WebServer:
    """The server in a thread of its own. What a test sets:

    Attributes:
        answer: what the bot says to a message, as items.
        delay: seconds the bot thinks.
        swallow: so many of the next messages get lost before the server sees them.
        lose_acks: so many of the next acks get lost after the server has taken the message.
        refuse: acks for the next messages, instead of taking them.
        websocket: whether websockets get through.
        demo, greet: whether there are sample customers, and a greeting.
        frame_origins: who may show the page in a frame.
        received: every event that arrived: (name, data).
    """

    def __init__(self, **settings: Any) -> None:
        self.answer: Callable[[dict[str, Any]], Items] = echo
        self.delay = 0.0
        self.swallow = 0
        self.lose_acks = 0
        self.refuse: list[dict[str, Any]] = []
        self.websocket = True
        self.demo = True
        self.greet = True
        self.frame_origins: list[str] = []
        self.received: list[tuple[str, dict[str, Any]]] = []
        self.sessions: dict[str, Session] = {}
        self.photos: dict[str, tuple[bytes, str]] = {}
        self.page = ""
        for name, value in settings.items():
            assert hasattr(self, name), name
            setattr(self, name, value)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.chat = f"{self.url}{BASE}/chat"
        self._sids: dict[str, Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.start()

    # --- what a test does

    def start(self) -> None:
        """Listen, at first and after `stop`."""
        self.run(self._start())

    def stop(self) -> None:
        """Close the door and every connection; sessions are kept."""
        self.run(self._stop())

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def say(self, items: Items, session: Session | None = None) -> dict[str, Any]:
        """The bot speaks unasked, to every tab of the (only) session."""
        return self.run(self._say(session or self.session, items))

    def keep(self, *entries: dict[str, Any], session: Session | None = None) -> None:
        """Entries that happen without reaching any page."""
        for entry in entries:
            (session or self.session).add({"id": uuid4().hex, **entry})

    def emit(self, event: str, data: Any) -> None:
        """An event to every page."""
        self.run(self._sio.emit(event, data))

    @property
    def session(self) -> Session:
        """The session that is open."""
        (session,) = [session for session in self.sessions.values() if not session.closed]
        return session

    def uttered(self) -> list[dict[str, Any]]:
        """The messages that arrived, lost ones included."""
        return [data for event, data in self.received if event == "user_uttered"]

    # --- HTTP

    async def _start(self) -> None:
        self._sio = socketio.AsyncServer(async_mode="aiohttp", cors_allowed_origins="*")
        for event in ("connect", "disconnect", "user_uttered", "history"):
            self._sio.on(event, getattr(self, f"_on_{event}"))
        for event in ("sign_in", "sign_out", "start_over", "erase"):
            self._sio.on(event, self._account_event(event))
        app = web.Application(middlewares=[self._gate], client_max_size=6 * 2**20)
        self._sio.attach(app, socketio_path=f"{BASE}/socket.io")
        app.add_routes(
            [
                web.get("/", self._shop_page),
                web.get("/token", self._shop_token),
                web.get(f"{BASE}/chat", self._chat),
                web.get(f"{BASE}/embed.js", self._embed),
                web.static(f"{BASE}/static", STATIC),
                web.get(f"{BASE}/pictures/{{name}}", self._picture),
                web.get(f"{BASE}/config", self._config),
                web.post(f"{BASE}/session", self._session),
                web.post(f"{BASE}/photo", self._keep_photo),
                web.get(f"{BASE}/photo/{{name}}", self._photo),
                web.get(f"{BASE}/demo/customers", self._customers),
                web.post(f"{BASE}/demo/token", self._token),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def _stop(self) -> None:
        for sid in list(self._sids):
            await self._sio.eio.disconnect(sid)
        await self._sio.shutdown()
        await self._runner.cleanup()
        self._sids.clear()
        # Engine.IO's pings among them.
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not self.websocket and request.headers.get("Upgrade", "").lower() == "websocket":
            return web.Response(status=400)
        return await handler(request)

    async def _chat(self, request: web.Request) -> web.Response:
        return web.Response(
            text=(STATIC / "index.html").read_text(),
            content_type="text/html",
            headers={"Content-Security-Policy": policy(request.host, self.frame_origins)},
        )

    async def _embed(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / "embed.js")

    async def _config(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "demo": self.demo,
                "default_language": "zh",
                "max_text": 2000,
                "max_photo_bytes": 5 * 2**20,
                "photo_types": ["image/jpeg", "image/png", "image/webp"],
            }
        )

    async def _picture(self, request: web.Request) -> web.Response:
        """A drawn product; 404 for names that begin with "broken"."""
        name = request.match_info["name"]
        if name.startswith("broken"):
            return web.Response(status=404)
        hue = sum(map(ord, name)) * 47 % 360
        drawn = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
            f'<rect width="100" height="100" fill="hsl({hue} 42% 90%)"/>'
            f'<circle cx="50" cy="52" r="25" fill="hsl({hue} 38% 52%)"/>'
            f'<circle cx="58" cy="44" r="7" fill="hsl({hue} 55% 82%)"/></svg>'
        )
        return web.Response(text=drawn, content_type="image/svg+xml")

    async def _session(self, request: web.Request) -> web.Response:
        known = self._bearer(request)
        session = known or Session()
        self.sessions[session.token] = session
        return web.json_response(session.described)

    async def _keep_photo(self, request: web.Request) -> web.Response:
        if not self._bearer(request):
            return web.json_response({"error": "token"}, status=401)
        name = f"photo-{len(self.photos)}"
        self.photos[name] = (await request.read(), request.content_type)
        return web.json_response({"photo": name}, status=201)

    async def _photo(self, request: web.Request) -> web.Response:
        body, kind = self.photos[request.match_info["name"]]
        return web.Response(body=body, content_type=kind)

    async def _customers(self, request: web.Request) -> web.Response:
        if not self.demo:
            return web.json_response({"error": "not_found"}, status=404)
        return web.json_response({"customers": CUSTOMERS})

    async def _token(self, request: web.Request) -> web.Response:
        customer = (await request.json())["customer"]
        return web.json_response({"token": f"customer-{customer}"})

    def _bearer(self, request: web.Request) -> Session | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        session = self.sessions.get(token)
        return None if session is None or session.closed else session

    async def _shop_page(self, request: web.Request) -> web.Response:
        """A page of a shop's, as the test wrote it."""
        return web.Response(text=self.page, content_type="text/html")

    async def _shop_token(self, request: web.Request) -> web.Response:
        """The shop's side of `data-sign-in`: the cookie says who is signed in there."""
        customer = request.cookies.get("customer")
        if not customer:
            return web.json_response({}, status=401)
        return web.json_response({"token": f"customer-{customer}"})

    # --- sockets

    async def _on_connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        session = self.sessions.get(auth["token"])
        if session is None or session.closed:
            raise socketio.exceptions.ConnectionRefusedError("token")
        self.received.append(("connect", auth))
        self._sids[sid] = session
        await self._sio.enter_room(sid, session.id)
        if self.greet and not session.entries:
            session.add({"from": "bot", "id": uuid4().hex, "items": [GREETING]})
        missed = session.entries
        if session.seq >= auth["last_seq"]:
            missed = [entry for entry in missed if entry["seq"] > auth["last_seq"]]
        name = session.customer and session.customer["name"]
        ready = {"session_id": session.id, "seq": session.seq, "entries": missed, "name": name}
        self._spawn(self._sio.emit("ready", ready, to=sid))

    async def _on_disconnect(self, sid: str, reason: Any = None) -> None:
        self._sids.pop(sid, None)

    async def _on_user_uttered(self, sid: str, data: dict[str, Any]) -> dict[str, Any] | None:
        self.received.append(("user_uttered", data))
        session = self._sids[sid]
        if self.swallow:
            self.swallow -= 1
            return await self._never()
        if self.refuse:
            return {"ok": False, **self.refuse.pop(0)}
        if any(entry["id"] == data["id"] for entry in session.entries):
            return {"ok": True, "id": data["id"]}
        said = data.get("text") or data.get("title") or ""
        kept = {key: data[key] for key in ("id", "type", "key", "photo") if key in data}
        entry = session.add({"from": "user", "text": said, **kept})
        await self._sio.emit("user_uttered", entry, room=session.id, skip_sid=sid)
        self._spawn(self._turn(session, data))
        if self.lose_acks:
            self.lose_acks -= 1
            return await self._never()
        return {"ok": True, "id": data["id"], "seq": entry["seq"]}

    async def _on_history(self, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        self.received.append(("history", data))
        entries = [entry for entry in self._sids[sid].entries if entry["seq"] > data["after"]]
        return {"ok": True, "entries": entries}

    def _account_event(self, event: str) -> Callable[[str, Any], Any]:
        async def handle(sid: str, data: dict[str, Any]) -> dict[str, Any]:
            self.received.append((event, data))
            session = self._sids[sid]
            if event == "sign_in":
                return await self._sign_in(session, data["token"])
            await self._replace(session, session.customer if event == "start_over" else None)
            return {"ok": True}

        return handle

    async def _sign_in(self, session: Session, token: str) -> dict[str, Any]:
        number = token.removeprefix("customer-")
        found = [customer for customer in CUSTOMERS if str(customer["id"]) == number]
        if not found:
            return {"ok": False, "error": "token_invalid"}
        if session.customer and session.customer is not found[0]:
            await self._replace(session, found[0])
        session.customer = found[0]
        return {"ok": True, "name": found[0]["name"]}

    async def _replace(self, session: Session, customer: dict[str, Any] | None) -> None:
        session.closed = True
        fresh = Session(customer)
        self.sessions[fresh.token] = fresh
        self._spawn(self._sio.emit("session", fresh.described, room=session.id))

    async def _turn(self, session: Session, data: dict[str, Any]) -> None:
        await self._sio.emit("typing", {"on": True}, room=session.id)
        await asyncio.sleep(self.delay)
        await self._sio.emit("typing", {"on": False}, room=session.id)
        await self._say(session, self.answer(data))

    async def _say(self, session: Session, items: Items) -> dict[str, Any]:
        entry = session.add({"from": "bot", "id": uuid4().hex, "items": items})
        await self._sio.emit("bot_uttered", entry, room=session.id)
        return entry

    async def _never(self) -> None:
        """An ack that gets lost: the handler waits until the connection is gone."""
        await asyncio.sleep(60)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def answers(table: Iterable[tuple[str, Items]]) -> Callable[[dict[str, Any]], Items]:
    """Answers by what a message contains, the first that fits."""
    rows = list(table)

    def answer(message: dict[str, Any]) -> Items:
        said = str(message.get("text") or message.get("title") or message["type"])
        return next((items for part, items in rows if part in said), echo(message))

    return answer
