"""微信客服: qyapi.weixin.qq.com, its callbacks, and the customers' phones.

It enforces states, quotas, lengths, unique msgids, token life and cursors.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from wechatpy.crypto import PrpCrypto, _get_signature
from yarl import URL

from tests.fakes.platform import Platform, refuse, reply
from tests.fakes.wechat import Attempt, aes_bytes

_MSGID = re.compile(r"[0-9A-Za-z_-]{1,32}")
FREE, BOT, QUEUE, PERSON, ENDED = range(5)
# From which state one may go where.
_TRANSITIONS = {FREE: {BOT, QUEUE, PERSON}, BOT: {QUEUE, PERSON}, QUEUE: {PERSON}, PERSON: {3, 4}}


@dataclass
class Customer:
    """What one customer sees, and whose turn it is."""

    user: str
    shown: list[dict[str, Any]] = field(default_factory=list)
    state: int = FREE
    left: int = 0
    until: float = 0.0

    def lines(self) -> list[str]:
        """Everything shown, as lines."""
        return [line for message in self.shown for line in _lines(message) if line.strip()]

    def taps(self) -> list[tuple[str, str]]:
        """Options one can tap, newest first: title and id."""
        return [
            (item["click"]["content"], item["click"]["id"])
            for message in reversed(self.shown)
            if message["msgtype"] == "msgmenu"
            for item in message["msgmenu"]["list"]
            if item["type"] == "click"
        ]


class CustomerService(Platform):
    """A company with one 微信客服 account.

    Attributes:
        on_duty: the people who take customers, by user id.
        page: how many messages one pull returns; `empty_pages` come before the next full one.
        queueing: whether a customer may be put into the queue (state 2).
    """

    def __init__(
        self,
        *,
        corpid: str = "wx5823bf96d3bd56c7",
        secret: str = "c0ffee" * 5,
        token: str = "QDG6eK",
        aes_key: str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
        account: str = "wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q",
        cut: float = 5.0,
        begin: int = 0,
        **options: Any,
    ) -> None:
        """`begin`: cursors are greater; one of an earlier fake means the beginning."""
        super().__init__(**options)
        self.corpid, self.secret, self.token, self.aes_key = corpid, secret, token, aes_key
        self.account, self.cut, self.tries = account, cut, 3
        self.callback, self._first = "", begin
        self.customers: dict[str, Customer] = {}
        self.log: list[dict[str, Any]] = []
        self.access: dict[str, float] = {}
        self.media: dict[str, bytes] = {}
        self.codes: dict[str, str] = {}
        self.msgids: set[str] = set()
        self.callback_tokens: set[str] = set()
        self.attempts: list[Attempt] = []
        self.on_duty: list[str] = ["zhangsan"]
        self.queueing = True
        self.page, self.empty_pages = 1000, 0
        self.pulling = self.most_pulling = 0
        self.pull_seconds = 0.0
        router = self._app.router
        router.add_get("/cgi-bin/gettoken", self._gettoken)
        router.add_get("/cgi-bin/kf/servicer/list", self._servicers)
        for path, handler in {
            "/cgi-bin/kf/sync_msg": self._sync,
            "/cgi-bin/kf/send_msg": self._send,
            "/cgi-bin/kf/send_msg_on_event": self._welcome,
            "/cgi-bin/kf/service_state/get": self._get_state,
            "/cgi-bin/kf/service_state/trans": self._trans,
            "/cgi-bin/media/upload": self._upload,
        }.items():
            router.add_post(path, handler)

    def customer(self, user: str) -> Customer:
        """The phone of a customer."""
        return self.customers.setdefault(user, Customer(user))

    # --- what happens

    async def say(self, user: str, text: str, *, message_id: str = "") -> None:
        """The customer types."""
        await self.message(user, "text", {"content": text}, message_id=message_id)

    async def tap(self, user: str, title: str) -> None:
        """The customer taps an option."""
        for content, key in self.customer(user).taps():
            if content == title:
                await self.message(user, "text", {"content": title, "menu_id": key})
                return
        await self.say(user, title)

    async def message(
        self, user: str, kind: str, content: dict[str, Any], *, message_id: str = ""
    ) -> None:
        """The customer sends something."""
        customer = self.customer(user)
        customer.left, customer.until = 5, time.time() + 48 * 3600
        if customer.state == ENDED:
            customer.state = FREE
        self.add(user, kind, content, origin=3, message_id=message_id)
        await self.call()

    async def event(self, user: str, kind: str, **fields: Any) -> None:
        """Something happened."""
        event = {
            "event_type": kind,
            "open_kfid": self.account,
            "external_userid": user,
            **fields,
        }
        self.add(user, "event", event, origin=4)
        await self.call()

    async def enter(self, user: str, scene_param: str = "") -> str:
        """The customer opens the chat; returns the welcome code."""
        self.customer(user)
        code = secrets.token_urlsafe(12)
        self.codes[code] = user
        await self.event(
            user, "enter_session", scene="1", scene_param=scene_param, welcome_code=code
        )
        return code

    async def person_is_done(self, user: str) -> None:
        """The person who answers closes the session."""
        self.customer(user).state = ENDED
        await self.event(user, "session_status_change", change_type=3, old_servicer_userid="z")

    def add(
        self,
        user: str,
        kind: str,
        content: dict[str, Any],
        *,
        origin: int,
        message_id: str = "",
        age: float = 0.0,
    ) -> None:
        """Append to what can be pulled."""
        self.log.append(
            {
                "msgid": message_id or secrets.token_hex(12),
                "open_kfid": self.account,
                "external_userid": user,
                "send_time": int(time.time() - age),
                "origin": origin,
                "msgtype": kind,
                kind: content,
            }
        )

    async def call(self) -> Attempt | None:
        """Tell the bot that there is something: up to three more attempts."""
        fields = {
            "ToUserName": self.corpid,
            "CreateTime": str(int(time.time())),
            "MsgType": "event",
            "Event": "kf_msg_or_event",
            "Token": secrets.token_urlsafe(16),
            "OpenKfId": self.account,
        }
        self.callback_tokens.add(fields["Token"])
        url, body = self.sealed(fields)
        for _ in range(1 + self.tries):
            began = time.monotonic()
            timeout = aiohttp.ClientTimeout(total=self.cut)
            try:
                async with (
                    aiohttp.ClientSession(timeout=timeout) as session,
                    session.post(url, data=body) as answer,
                ):
                    text = await answer.text()
                    attempt = Attempt(answer.status, time.monotonic() - began, text)
            except (aiohttp.ClientError, asyncio.TimeoutError):
                attempt = Attempt(0, time.monotonic() - began)
            self.attempts.append(attempt)
            if attempt.status == 200:
                return attempt
        return None

    async def check(self, callback: str) -> float:
        """As the console's button 保存 does; returns the seconds. Raises: AssertionError."""
        stamp, nonce, echo = str(int(time.time())), secrets.token_hex(5), secrets.token_hex(8)
        sealed = PrpCrypto(aes_bytes(self.aes_key)).encrypt(echo, self.corpid).decode()
        query = self._query(stamp, nonce, sealed, echostr=sealed)
        began = time.monotonic()
        async with aiohttp.ClientSession() as session, session.get(callback, params=query) as got:
            assert got.status == 200 and await got.text() == echo
        return time.monotonic() - began

    def sealed(self, fields: dict[str, str]) -> tuple[str, bytes]:
        """Address and body of a callback."""
        stamp, nonce = str(int(time.time())), secrets.token_hex(5)
        inner = "".join(f"<{name}><![CDATA[{text}]]></{name}>" for name, text in fields.items())
        crypto = PrpCrypto(aes_bytes(self.aes_key))
        encrypted = crypto.encrypt(f"<xml>{inner}</xml>", self.corpid).decode()
        body = (
            f"<xml><ToUserName><![CDATA[{self.corpid}]]></ToUserName>"
            f"<Encrypt><![CDATA[{encrypted}]]></Encrypt><AgentID></AgentID></xml>"
        )
        address = URL(self.callback).with_query(self._query(stamp, nonce, encrypted))
        return str(address), body.encode()

    def _query(self, stamp: str, nonce: str, encrypted: str, **more: str) -> dict[str, str]:
        signature = _get_signature(self.token, stamp, nonce, encrypted)
        return {"msg_signature": signature, "timestamp": stamp, "nonce": nonce, **more}

    # --- the API

    async def _gettoken(self, request: web.Request) -> web.Response:
        self.calls.append((request.path, dict(request.query)))
        if request.query.get("corpid") != self.corpid:
            return refuse(40013, "invalid corpid")
        if request.query.get("corpsecret") != self.secret:
            return refuse(40001, "invalid credential")
        token = secrets.token_urlsafe(60)
        self.access[token] = time.time() + 7200
        return reply({"errcode": 0, "access_token": token, "expires_in": 7200})

    def expire_tokens(self) -> None:
        """All tokens given out so far are over."""
        self.access = dict.fromkeys(self.access, 0.0)

    async def _json(self, request: web.Request) -> dict[str, Any] | web.Response:
        raw = await request.read()
        body = json.loads(raw)
        self.calls.append((request.path, body))
        if b"\\u" in raw:
            self.violations.append("text is escaped")
        error = self._token_error(request)
        return body if error is None else error

    def _token_error(self, request: web.Request) -> web.Response | None:
        until = self.access.get(request.query.get("access_token", ""))
        if until is None:
            return refuse(40014, "invalid access_token")
        return refuse(42001, "access_token expired") if until < time.time() else None

    async def _sync(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        if isinstance(body, web.Response):
            return body
        if body["token"] and body["token"] not in self.callback_tokens:
            return refuse(95007, "invalid msg token")
        self.pulling += 1
        self.most_pulling = max(self.most_pulling, self.pulling)
        await asyncio.sleep(self.pull_seconds)
        self.pulling -= 1
        start = max(int(body["cursor"] or 0) - self._first, 0)
        if self.empty_pages:
            self.empty_pages -= 1
            messages = []
        else:
            messages = self.log[start : start + min(self.page, body["limit"])]
        cursor = start + len(messages)
        return reply(
            {
                "errcode": 0,
                "next_cursor": str(self._first + cursor),
                "has_more": int(cursor < len(self.log)),
                "msg_list": messages,
            }
        )

    async def _send(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        if isinstance(body, web.Response):
            return body
        customer = self.customers.get(str(body.get("touser")))
        if customer is None or body.get("open_kfid") != self.account:
            return refuse(40096, "invalid external userid")
        if customer.state not in (FREE, BOT):
            return refuse(95018, "send msg session status invalid")
        if (code := self._flaw(body)) is not None:
            return refuse(code)
        if body["msgid"] in self.msgids:
            return reply({"errcode": 0, "msgid": body["msgid"]})
        if customer.left < 1 or customer.until < time.time():
            return refuse(95001, "send msg count limit")
        customer.left -= 1
        self._show(customer, body)
        return reply({"errcode": 0, "msgid": body["msgid"]})

    async def _welcome(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        if isinstance(body, web.Response):
            return body
        user = self.codes.pop(str(body.get("code")), None)
        if user is None:
            return refuse(40029, "invalid code")
        if body["msgtype"] not in ("text", "msgmenu") or (code := self._flaw(body)):
            return refuse(40008 if body["msgtype"] not in ("text", "msgmenu") else code)
        self._show(self.customer(user), body)
        return reply({"errcode": 0, "msgid": body["msgid"]})

    def _show(self, customer: Customer, body: dict[str, Any]) -> None:
        self.msgids.add(body["msgid"])
        kind = body["msgtype"]
        customer.shown.append({"msgtype": kind, kind: body[kind]})

    def _flaw(self, body: dict[str, Any]) -> int | None:
        if not _MSGID.fullmatch(str(body.get("msgid", ""))):
            return 40058
        kind = body.get("msgtype", "")
        content = body.get(kind) or {}
        if kind == "text":
            return None if 0 < len(content["content"].encode()) <= 2048 else 40058
        if kind == "image":
            return None if content["media_id"] in self.media else 40007
        if kind == "link":
            short = len(content["title"].encode()) <= 128 and len(content["desc"].encode()) <= 512
            return None if short and content["thumb_media_id"] in self.media else 40058
        if kind == "msgmenu":
            fits = len(content.get("head_content", "").encode()) <= 1024
            items = content["list"]
            fits = fits and 1 <= len(items) <= 10
            for item in items:
                click = item.get("click", {})
                fits = fits and len(click["id"].encode()) <= 64
                fits = fits and 0 < len(click["content"].encode()) <= 128
            return None if fits else 40058
        return 40008

    async def _get_state(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        if isinstance(body, web.Response):
            return body
        return reply({"errcode": 0, "service_state": self.customer(body["external_userid"]).state})

    async def _trans(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        if isinstance(body, web.Response):
            return body
        customer, wanted = self.customer(body["external_userid"]), body["service_state"]
        if wanted not in _TRANSITIONS.get(customer.state, set()):
            return refuse(95016, "invalid transition")
        if wanted == QUEUE and not self.queueing:
            return refuse(95014, "no queue")
        if wanted == PERSON and body.get("servicer_userid") not in self.on_duty:
            return refuse(95013, "servicer not on duty")
        customer.state = wanted
        return reply({"errcode": 0, "msg_code": secrets.token_hex(8)})

    async def _servicers(self, request: web.Request) -> web.Response:
        self.calls.append((request.path, dict(request.query)))
        if (error := self._token_error(request)) is not None:
            return error
        listed = [{"userid": user, "status": 0} for user in self.on_duty]
        return reply({"errcode": 0, "servicer_list": [*listed, {"userid": "lisi", "status": 1}]})

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.calls.append((request.path, request.query.get("type")))
        if (error := self._token_error(request)) is not None:
            return error
        file = form["media"]
        assert isinstance(file, web.FileField)
        media_id = secrets.token_urlsafe(30)
        with file.file:
            self.media[media_id] = file.file.read()
        return reply({"errcode": 0, "type": "image", "media_id": media_id})


def _lines(message: dict[str, Any]) -> list[str]:
    kind = message["msgtype"]
    content = message[kind]
    if kind == "text":
        return content["content"].split("\n")
    if kind == "msgmenu":
        options = [item["click"]["content"] for item in content["list"]]
        return [*content.get("head_content", "").split("\n"), *options]
    if kind == "link":
        return [content["title"], content["desc"], content["url"]]
    return [kind]
