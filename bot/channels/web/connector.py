"""The web channel: routes and sockets for the chat page; `protocol.py` says what goes over them."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import socketio
from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, json, raw

from bot.channels.base import Channel, Turn, pseudonym
from bot.channels.messages import Message, from_rasa
from bot.channels.net import body_of, client_address, is_local, is_loopback
from bot.channels.state import StateSettings
from bot.channels.web import origins, pages, protocol, sockets
from bot.channels.web.accounts import Accounts, Name, ask, shop_accounts
from bot.channels.web.photos import TYPES, NotAnImage, Photos
from bot.channels.web.tokens import Session, SessionTokens
from shop.errors import BadToken, NotFound, SettingsError, ShopError, Unavailable
from shop.settings import ShopSettings, read, refuse, variable

logger = logging.getLogger(__name__)

BODY_LIMIT = 16 * 1024
# Seconds a page should wait after "too fast" before it tries again.
RETRY_AFTER = 5
# Daily.
SWEEP_EVERY = 86_400.0

# The socket whose event is being handled: what it says is echoed to the other tabs only.
_speaking: ContextVar[str | None] = ContextVar("speaking", default=None)


@dataclass(frozen=True)
class WebSettings:
    """Settings of the web channel."""

    # Origins, comma separated: where the chat page is reached from outside, and the shop's pages
    # that show the widget, such as https://chat.shop.example,https://www.shop.example.
    web_origins: tuple[str, ...] = ()
    # Proxies of our own in front of the server; each appends to X-Forwarded-For.
    web_proxies: int = 0
    # How long a session token counts; every visit renews it.
    web_session_days: float = 30.0
    # From one address, a minute.
    web_sessions_a_minute: int = 60
    web_messages_a_minute: int = 600
    # Open sockets of one session; one more closes the oldest.
    web_sockets: int = 3
    # What a page that comes back is shown again.
    web_history: int = 50
    web_history_hours: float = 24.0
    # Photos: where, how large, how long.
    uploads: Path = Path("var/uploads")
    photo_bytes: int = 5 * 1024 * 1024
    photo_days: float = 90.0

    def __post_init__(self) -> None:
        for origin in self.web_origins:
            if not origins.well_formed(origin):
                expected = "expected an origin such as https://www.shop.example"
                raise SettingsError(variable("web_origins"), origin, expected)
        if not 0 <= self.web_proxies <= 5:
            refuse(self, "web_proxies", "a number from 0 to 5")
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, (int, float)) and item.name != "web_proxies" and value <= 0:
                refuse(self, item.name, "a number above 0")


@dataclass(frozen=True)
class Socket:
    """What is known of an open socket."""

    session: Session
    address: str
    lang: str


class WebChat(Channel):
    """Chat on the web, over Socket.IO."""

    prefix = "web"

    @classmethod
    def name(cls) -> str:
        """As in credentials.yml's responses: `channel: webchat`."""
        return "webchat"

    def __init__(
        self,
        settings: WebSettings | None = None,
        shop: ShopSettings | None = None,
        accounts: Accounts | None = None,
        redis_url: str | None = None,
        **options: Any,
    ) -> None:
        """`redis_url`: where several processes tell each other what to emit; unset for one."""
        super().__init__(**{"unbind": lambda sender: self.accounts.sign_out(sender), **options})
        self.settings = settings or read(WebSettings)
        self.shop = shop or read(ShopSettings)
        self._accounts = accounts
        self._redis_url = read(StateSettings).redis_url if redis_url is None else redis_url
        self._tokens = SessionTokens(self.shop.secret, days=self.settings.web_session_days)
        self._photos = Photos(self.settings.uploads)
        self._sio: Any = None
        # By sender id, oldest first; of this process only.
        self._sockets: dict[str, list[str]] = {}

    @property
    def disabled(self) -> str:
        """Without a secret nobody could tell one session from another."""
        return "" if self.shop.secret else "XIAOER_SECRET is not set"

    @property
    def accounts(self) -> Accounts:
        """Opened at the first use, which is after the server has forked its workers."""
        return self._accounts or shop_accounts(self.shop)

    # --- the pipeline's side

    async def deliver(
        self, recipient: str, messages: Sequence[Message], turn: Turn | None = None
    ) -> None:
        """Keep what is said for pages that come back, and show it on those that are here."""
        options = protocol.all_options(messages)
        try:
            keys = dict(zip(options, await self.keys.issue(recipient, options), strict=True))
        except Unavailable as exc:
            # Without the store no button works: say at least the words.
            logger.error("webchat: buttons left out: %s", exc)
            keys = {}
        items = protocol.items(messages, keys)
        entry = {"from": "bot", "id": secrets.token_hex(8), "at": time.time(), "items": items}
        try:
            entry["seq"] = await self._record(recipient, entry)
        except Unavailable as exc:
            logger.error("webchat: not kept for replay: %s", exc)
            entry["seq"] = None
        await self._emit("bot_uttered", entry, recipient)

    async def typing(self, recipient: str, on: bool) -> None:
        """Tell every tab."""
        await self._emit("typing", {"on": on}, recipient)

    async def taken(self, turn: Turn) -> None:
        """The shopper's message is part of the history before the bot answers it."""
        entry = {**turn.notes.pop("entry", {}), "at": time.time()}
        sender = turn.incoming.sender_id
        turn.notes["seq"] = entry["seq"] = await self._record(sender, entry)
        await self._emit("user_uttered", entry, sender, skip_sid=_speaking.get())

    async def start(self) -> None:
        """Hear the other processes; delete photos whose time is over."""
        sockets.open_now(self._sio)
        self.background(self._sweep(), what="deleting old photos")

    async def stop(self) -> None:
        """Pages reconnect by themselves; the history waits for them."""
        for sids in list(self._sockets.values()):
            for sid in list(sids):
                await self._sio.disconnect(sid)
        await sockets.close(self._sio)

    def blueprint(self, on_new_message: Callable[..., Awaitable[Any]]) -> Blueprint:
        """See the parent class."""
        self._sio = sockets.make(self._redis_url, self._socket_origin_allowed)
        self._sio.on("connect", self._connect)
        self._sio.on("disconnect", self._disconnect)
        for event in protocol.EVENTS:
            self._sio.on(event, self._handler(event))
        self._sio.on("*", self._unknown)
        return super().blueprint(on_new_message)

    def enable(self, app: Sanic) -> None:
        """Sockets need Sanic's websocket protocol."""
        super().enable(app)
        app.enable_websocket()

    # --- HTTP

    def routes(self, blueprint: Blueprint) -> None:
        """See `protocol`."""

        @blueprint.get("/chat")
        async def chat(request: Request) -> HTTPResponse:
            headers = {
                "Content-Security-Policy": pages.policy(request.host, self.settings.web_origins),
                "Permissions-Policy": "camera=(), geolocation=(self), microphone=(self)",
            }
            return pages.file(request, pages.STATIC, "index.html", headers)

        @blueprint.get("/embed.js")
        async def embed(request: Request) -> HTTPResponse:
            return pages.file(
                request,
                pages.STATIC,
                "embed.js",
                {"Cross-Origin-Resource-Policy": "cross-origin"},
            )

        @blueprint.get("/static/<name:str>")
        async def static(request: Request, name: str) -> HTTPResponse:
            return pages.file(request, pages.STATIC, name, {})

        @blueprint.get("/pictures/<name:str>")
        async def picture(request: Request, name: str) -> HTTPResponse:
            # A drawn picture opened by itself must not run anything.
            headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
            return pages.file(request, self.shop.pictures, name, headers)

        @blueprint.get("/config")
        async def config(request: Request) -> HTTPResponse:
            return json(
                {
                    "demo": self._is_demo(request),
                    "default_language": self.shop.default_language,
                    "max_text": self.limits.text_limit,
                    "max_photo_bytes": self.settings.photo_bytes,
                    "photo_types": list(TYPES.values()),
                },
                headers={"Cache-Control": "no-store"},
            )

        @blueprint.post("/session")
        async def session(request: Request) -> HTTPResponse:
            return await self._session(request)

        @blueprint.post("/photo")
        async def photo(request: Request) -> HTTPResponse:
            return await self._keep_photo(request)

        @blueprint.get("/photo/<name:str>")
        async def own_photo(request: Request, name: str) -> HTTPResponse:
            return await self._own_photo(request, name)

        @blueprint.get("/demo/customers")
        async def customers(request: Request) -> HTTPResponse:
            if not self._is_demo(request):
                return _error("not_found", 404)
            return json({"customers": await ask(self.accounts.samples)})

        @blueprint.post("/demo/token")
        async def token(request: Request) -> HTTPResponse:
            return await self._sample_token(request)

        async def socket(request: Request) -> HTTPResponse | None:
            return await sockets.handle(self._sio, request)

        # Lets a handler end without a response, which an upgraded connection no longer takes.
        socket.is_websocket = True  # type: ignore[attr-defined]
        blueprint.add_route(socket, "/socket.io", methods=["GET", "POST", "OPTIONS"])

    async def _session(self, request: Request) -> HTTPResponse:
        if not self._origin_allowed(request):
            return _error("origin", 403)
        body_of(request, BODY_LIMIT)
        address = client_address(request, proxies=self.settings.web_proxies)
        a_minute = self.settings.web_sessions_a_minute
        if not await self._spend(address, "sessions", a_minute):
            return _error("too_many", 429, {"Retry-After": str(round(60 / a_minute) or 1)})
        known = await self._session_of(request)
        session = self._tokens.issue(known.id if known else "")
        return json(_session(session), headers={"Cache-Control": "no-store"})

    async def _keep_photo(self, request: Request) -> HTTPResponse:
        if not self._origin_allowed(request):
            return _error("origin", 403)
        session = await self._session_of(request)
        if session is None:
            return _error("token", 401)
        content = body_of(request, self.settings.photo_bytes)
        if not await self._spend(session.sender_id, "photos", 20):
            return _error("too_many", 429, {"Retry-After": "3"})
        try:
            name = await asyncio.to_thread(self._photos.keep, session.sender_id, content)
        except NotAnImage as exc:
            logger.info("webchat: refused a photo: %s", exc)
            return _error("not_an_image", 415)
        except OSError as exc:
            raise Unavailable(f"the folder of photos: {exc.strerror}") from exc
        return json({"photo": name}, status=201)

    async def _own_photo(self, request: Request, name: str) -> HTTPResponse:
        session = await self._session_of(request)
        if session is None:
            return _error("token", 401)
        found = await asyncio.to_thread(self._photos.find, session.sender_id, name)
        if found is None:
            return _error("not_found", 404)
        headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
        return raw(found[0], content_type=found[1], headers=headers)

    async def _sample_token(self, request: Request) -> HTTPResponse:
        if not self._is_demo(request):
            return _error("not_found", 404)
        body_of(request, BODY_LIMIT)
        body = request.json
        customer = body.get("customer") if isinstance(body, dict) else None
        if isinstance(customer, bool) or not isinstance(customer, int):
            return _error("bad_request", 400)
        try:
            token = await ask(self.accounts.sample_token, customer)
        except NotFound:
            return _error("not_found", 404)
        return json({"token": token}, headers={"Cache-Control": "no-store"})

    def _is_demo(self, request: Request) -> bool:
        """Nobody but who sits at this machine may choose to be a customer."""
        return (
            self.shop.demo
            and is_loopback(self.shop.host)
            and is_local(request)
            and self._origin_allowed(request)
            # A page of another name that points here sends its name.
            and is_loopback(request.host.rsplit(":", 1)[0])
        )

    def _origin_allowed(self, request: Request) -> bool:
        return origins.allowed(
            request.headers.get("origin"), request.headers.get("host"), self.settings.web_origins
        )

    async def _session_of(self, request: Request) -> Session | None:
        """The session whose token the request bears."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return await self._open_session(token.strip())

    async def _open_session(self, token: object) -> Session | None:
        session = self._tokens.read(token)
        if session is None or await self.state.get(session.sender_id, "closed"):
            return None
        return session

    async def _spend(self, owner: str, what: str, a_minute: int) -> bool:
        """Whether one more within the limit; owners may be addresses."""
        wait = await self.state.pace(f"limit:{owner}", what, rate=a_minute / 60, burst=a_minute)
        return wait is not None

    # --- sockets

    def _socket_origin_allowed(self, origin: str | None, environ: dict[str, Any]) -> bool:
        return origins.allowed(origin, environ.get("HTTP_HOST"), self.settings.web_origins)

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        request = environ["sanic.request"]
        auth = auth if isinstance(auth, dict) else {}
        try:
            session = await self._open_session(auth.get("token"))
            last_seq = protocol.sequence_number(auth, "last_seq")
        except Unavailable as exc:
            logger.error("webchat: %s", exc)
            raise socketio.exceptions.ConnectionRefusedError("unavailable") from exc
        except protocol.BadRequest as exc:
            raise socketio.exceptions.ConnectionRefusedError("bad_request") from exc
        if session is None:
            raise socketio.exceptions.ConnectionRefusedError("token")
        address = client_address(request, proxies=self.settings.web_proxies)
        lang = auth.get("lang") if auth.get("lang") in ("zh", "en") else self.shop.default_language
        room = session.sender_id
        await self._sio.save_session(sid, Socket(session, address, str(lang)))
        await self._sio.enter_room(sid, room)
        sids = self._sockets.setdefault(room, [])
        sids.append(sid)
        if len(sids) > self.settings.web_sockets:
            self.background(self._sio.disconnect(sids[0]), what="closing a socket")
        self.background(self._welcome(sid, session, last_seq, str(lang)), what="a welcome")

    async def _disconnect(self, sid: str, reason: Any = None) -> None:
        for room, sids in list(self._sockets.items()):
            if sid in sids:
                sids.remove(sid)
                if not sids:
                    del self._sockets[room]

    async def _welcome(self, sid: str, session: Session, last_seq: int, lang: str) -> None:
        """`ready`: what the page missed; a greeting to those who come for the first time."""
        sender = session.sender_id
        entries = await self._history(sender)
        if not entries and await self.state.first(sender, "welcomed", ttl=self._history_ttl):
            greeting = from_rasa(self.sentence("utter_welcome", lang))
            await self.deliver(sender, greeting)
            entries = await self._history(sender)
        seq = entries[-1]["seq"] if entries else 0
        missed = [entry for entry in entries if entry["seq"] > last_seq or seq < last_seq]
        ready = {"session_id": session.id, "seq": seq, "entries": missed}
        await self._emit("ready", {**ready, "name": await self._name(sender)}, sid)

    def _handler(self, event: str) -> Callable[..., Awaitable[dict[str, Any]]]:
        """An event's handler that answers whatever happens."""
        handle: Callable[[Socket, Any], Awaitable[dict[str, Any]]] = getattr(self, f"_on_{event}")

        async def guarded(sid: str, *data: Any) -> dict[str, Any]:
            socket: Socket = await self._sio.get_session(sid)
            if socket.session.expired:
                self.background(self._expire(sid), what="closing a socket")
                return {"ok": False, "error": "token"}
            _speaking.set(sid)
            try:
                a_minute = self.settings.web_messages_a_minute
                if not await self._spend(socket.address, "events", a_minute):
                    return {"ok": False, "error": "too_many", "retry_after": RETRY_AFTER}
                return {"ok": True, **await handle(socket, data[0] if data else None)}
            except protocol.BadRequest:
                logger.info("webchat: a malformed %s", event)
                return {"ok": False, "error": "bad_request"}
            except BadToken as exc:
                logger.info("webchat: refused a sign-in: %s", exc.reason)
                return {"ok": False, "error": exc.reason}
            except ShopError as exc:
                logger.error("webchat: %s failed: %s", event, exc)
                return {"ok": False, "error": "unavailable", "retry_after": RETRY_AFTER}
            except Exception:
                logger.exception("webchat: %s failed", event)
                return {"ok": False, "error": "unavailable", "retry_after": RETRY_AFTER}

        return guarded

    async def _unknown(self, event: str, sid: str, *data: Any) -> dict[str, Any]:
        return {"ok": False, "error": "bad_request"}

    async def _on_user_uttered(self, socket: Socket, data: Any) -> dict[str, Any]:
        uttered = protocol.uttered(data)
        sender = socket.session.sender_id
        if await self.state.get(sender, "closed"):
            return {"ok": False, "error": "token"}
        if uttered.photo:
            await self._own(sender, uttered.photo)
        receipt = await self.receive(uttered.incoming(sender), notes={"entry": uttered.entry()})
        answer: dict[str, Any] = {"id": uttered.id}
        if receipt.accepted and receipt.turn:
            return {**answer, "seq": receipt.turn.notes["seq"]}
        if receipt.refusal == "duplicate":
            return answer
        refusals = {"too_fast": "too_fast", "too_long": "too_long", "empty": "empty"}
        answer = {**answer, "ok": False, "error": refusals.get(receipt.refusal, "unavailable")}
        if receipt.refusal in ("too_fast", "closing"):
            answer["retry_after"] = RETRY_AFTER
        return answer

    async def _on_history(self, socket: Socket, data: Any) -> dict[str, Any]:
        after = protocol.sequence_number(data, "after")
        return {"entries": await self._history(socket.session.sender_id, after)}

    async def _on_sign_in(self, socket: Socket, data: Any) -> dict[str, Any]:
        token = protocol.sign_in_token(data)
        sender = socket.session.sender_id
        before = await ask(self.accounts.customer_of, sender)
        if before is None:
            customer = await ask(self.accounts.sign_in, sender, token)
        else:
            # A conversation belongs to one customer; another one's begins anew.
            fresh = self._tokens.issue()
            customer = await ask(self.accounts.sign_in, fresh.sender_id, token)
            if customer == before:
                await ask(self.accounts.sign_out, fresh.sender_id)
            else:
                self._later(sender, lambda: self._replace(sender, fresh))
        name = await ask(self.accounts.name, customer)
        logger.info("webchat: %s signed in", pseudonym(sender))
        if before in (None, customer):
            await self._emit("identity", {"name": name}, sender)
        return {"name": name}

    async def _on_sign_out(self, socket: Socket, data: Any) -> dict[str, Any]:
        sender = socket.session.sender_id
        if await ask(self.accounts.customer_of, sender) is None:
            return {}
        self._later(sender, lambda: self._replace(sender, self._tokens.issue()))
        return {}

    async def _on_start_over(self, socket: Socket, data: Any) -> dict[str, Any]:
        sender = socket.session.sender_id

        async def start_over() -> None:
            fresh = self._tokens.issue()
            customer = await ask(self.accounts.customer_of, sender)
            if customer is not None:
                await ask(self.accounts.bind, fresh.sender_id, customer)
            await self._replace(sender, fresh)

        self._later(sender, start_over)
        return {}

    async def _on_erase(self, socket: Socket, data: Any) -> dict[str, Any]:
        sender = socket.session.sender_id

        async def erase() -> None:
            await asyncio.to_thread(self._photos.forget, sender)
            await self.erase(sender)
            await self._replace(sender, self._tokens.issue())
            logger.info("webchat: erased %s", pseudonym(sender))

        self._later(sender, erase)
        return {}

    async def _replace(self, sender: str, fresh: Session) -> None:
        """Close a session for good and send its pages to a fresh one."""
        await ask(self.accounts.sign_out, sender)
        ttl = self.settings.web_session_days * 86_400
        await self.state.put(sender, "closed", True, ttl=ttl)
        await self._emit("session", _session(fresh), sender)

    def _later(self, sender: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do something after the turns that wait; the pages hear if it failed."""

        async def guarded() -> None:
            try:
                await work()
            except ShopError as exc:
                logger.error("webchat: %s", exc)
                error = {"error": "unavailable", "retry_after": RETRY_AFTER}
                await self._emit("error", error, sender)

        self.in_order(sender, guarded)

    # --- what both sides use

    async def _record(self, sender: str, entry: dict[str, Any]) -> int:
        keep = self.settings.web_history
        return await self.state.append(sender, "log", entry, keep=keep, ttl=self._history_ttl)

    async def _history(self, sender: str, after: int = 0) -> list[dict[str, Any]]:
        kept = await self.state.since(sender, "log", after)
        return [{**entry, "seq": seq} for seq, entry in kept]

    @property
    def _history_ttl(self) -> float:
        return self.settings.web_history_hours * 3_600

    async def _name(self, sender: str) -> Name | None:
        try:
            customer = await ask(self.accounts.customer_of, sender)
            return None if customer is None else await ask(self.accounts.name, customer)
        except ShopError as exc:
            # The page can do without; signing in again tells.
            logger.error("webchat: who is signed in is not known: %s", exc)
            return None

    async def _own(self, sender: str, photo: str) -> None:
        if not await asyncio.to_thread(self._photos.find, sender, photo):
            raise protocol.BadRequest

    async def _expire(self, sid: str) -> None:
        await self._emit("error", {"error": "token"}, sid)
        await self._sio.disconnect(sid)

    async def _emit(self, event: str, data: Any, room: str, *, skip_sid: str | None = None) -> None:
        emitted = self._sio.emit(event, data, room=room, skip_sid=skip_sid)
        try:
            await asyncio.wait_for(emitted, sockets.PATIENCE)
        except asyncio.TimeoutError:
            # This process's pages have it; the others' find it in the history.
            logger.error("webchat: Redis does not take messages for other processes")

    async def _sweep(self) -> None:
        while True:
            gone = await asyncio.to_thread(self._photos.sweep, self.settings.photo_days)
            if gone:
                logger.info("webchat: deleted %d old photos", gone)
            await asyncio.sleep(SWEEP_EVERY)


def _session(session: Session) -> dict[str, Any]:
    return {"token": session.token, "session_id": session.id, "expires": session.expires}


def _error(code: str, status: int, headers: dict[str, str] | None = None) -> HTTPResponse:
    return json({"error": code}, status=status, headers=headers)
