"""An Official Account: api.weixin.qq.com, WeChat's pushes, and the shoppers' phones.

It enforces what WeChat enforces: signatures, encryption, five seconds and three attempts, token
life, quotas, lengths, one article, who may use msgmenu. `python -m tests.fakes.wechat` starts it
with 微信客服 (`tests/fakes/wecom.py`) and a page that plays the phone, to try the bot by hand.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import aiohttp
import xmltodict
from aiohttp import web
from wechatpy.crypto import PrpCrypto, _get_signature
from wechatpy.utils import WeChatSigner
from yarl import URL

from tests.fakes.platform import Platform, refuse, reply

TEXT_BYTES = 2048
OUT_OF_SERVICE = "该公众号暂时无法提供服务，请稍后再试"
_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)


@dataclass
class Attempt:
    """One push: what came back, and when. Status 0: WeChat hung up."""

    status: int
    seconds: float
    body: str = ""


@dataclass
class Delivery:
    """A message of the shopper, pushed up to three times.

    Attributes:
        reply: the passive reply, opened; None when there was none.
    """

    attempts: list[Attempt] = field(default_factory=list)
    reply: dict[str, Any] | None = None


@dataclass
class Phone:
    """What one shopper sees, and may be sent.

    Attributes:
        shown: messages of the bot, in order: `{"msgtype", …}`.
        allowed: by occasion, how many messages and until when.
        desk: "waiting" after a transfer, "open" while a person holds the session.
    """

    openid: str
    shown: list[dict[str, Any]] = field(default_factory=list)
    allowed: dict[str, list[float]] = field(default_factory=dict)
    follows: bool = True
    desk: Literal["", "waiting", "open"] = ""
    typing: list[str] = field(default_factory=list)

    def allow(self, occasion: str, count: int, seconds: float) -> None:
        """The shopper did something that allows messages."""
        self.allowed[occasion] = [count, time.time() + seconds]

    def lines(self) -> list[str]:
        """Everything shown, as lines."""
        return [line for message in self.shown for line in _lines(message) if line.strip()]

    def taps(self) -> list[tuple[str, str]]:
        """Options one can tap, newest first: title and id."""
        found: list[tuple[str, str]] = []
        for message in reversed(self.shown):
            if message["msgtype"] == "msgmenu":
                found += [(item["content"], item["id"]) for item in message["msgmenu"]["list"]]
            elif message["msgtype"] == "text":
                for href, title in _LINK.findall(message["text"]["content"]):
                    if href.startswith("weixin://bizmsgmenu?"):
                        query = parse_qs(urlsplit(href).query)
                        found.append((title, query["msgmenuid"][0]))
        return found


class OfficialAccount(Platform):
    """公众号.

    Attributes:
        cut: seconds after which WeChat hangs up; `tries` is how often it pushes.
        verified: whether the account may send customer-service messages at all.
        msgmenu: whether it may send menus; WeChat tells by errcode 40200.
        callback: the bot's address.
        workers: addresses that the pushes of a message reach in turn; none: `callback`.
    """

    def __init__(
        self,
        *,
        appid: str = "wx5823bf96d3bd56c7",
        secret: str = "5ec4e7" * 5,
        token: str = "QDG6eK",
        aes_key: str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
        mode: Literal["plain", "compat", "safe"] = "safe",
        as_json: bool = False,
        cut: float = 5.0,
        begin: int = 0,
        **options: Any,
    ) -> None:
        """`begin`: message ids are greater; see `tests.fakes.telegram`."""
        super().__init__(**options)
        self.appid, self.secret, self.token, self.aes_key = appid, secret, token, aes_key
        self.mode, self.as_json, self.cut, self.tries = mode, as_json, cut, 3
        self.verified = self.msgmenu = True
        self.callback = ""
        self.workers: list[str] = []
        self.phones: dict[str, Phone] = {}
        self.access: dict[str, float] = {}
        self.media: dict[str, bytes] = {}
        self.menu: dict[str, Any] | None = None
        self.token_calls = 0
        self.deliveries: list[Delivery] = []
        # How many pushes are over, answered or not, by shopper.
        self.pushes: Counter[str] = Counter()
        self._numbers = count(7_000_000_000_000_001 + begin)
        for path, handler in {
            "/cgi-bin/stable_token": self._stable_token,
            "/cgi-bin/message/custom/send": self._custom_send,
            "/cgi-bin/message/custom/typing": self._typing,
            "/cgi-bin/media/upload": self._upload,
            "/cgi-bin/menu/create": self._create_menu,
            "/cgi-bin/menu/delete": self._delete_menu,
        }.items():
            self._app.router.add_post(path, handler)

    def phone(self, openid: str) -> Phone:
        """The phone of a shopper, who follows the account."""
        return self.phones.setdefault(openid, Phone(openid))

    def expire_tokens(self) -> None:
        """All tokens given out so far are over."""
        self.access = dict.fromkeys(self.access, 0.0)

    # --- pushes

    async def check(self, callback: str) -> web.Response | None:
        """As the console's button 提交 does. Raises: AssertionError."""
        stamp, nonce, echo = str(int(time.time())), secrets.token_hex(5), secrets.token_hex(8)
        query = {**self._signature(stamp, nonce), "echostr": echo}
        async with (
            aiohttp.ClientSession() as session,
            session.get(callback, params=query) as answer,
        ):
            assert answer.status == 200 and await answer.text() == echo
        return None

    async def say(self, openid: str, content: str, *, message_id: str = "") -> Delivery:
        """The shopper types a text."""
        return await self.push(openid, {"MsgType": "text", "Content": content}, message_id)

    async def tap(self, openid: str, title: str) -> Delivery:
        """The shopper taps an option; without one of that title, types its number or title."""
        for content, key in self.phone(openid).taps():
            if content == title:
                fields = {"MsgType": "text", "Content": title, "bizmsgmenuid": key}
                return await self.push(openid, fields)
        return await self.say(openid, title)

    async def event(self, openid: str, name: str, **fields: str) -> Delivery:
        """Something happened, such as `subscribe` or `CLICK`."""
        return await self.push(openid, {"MsgType": "event", "Event": name, **fields})

    async def person_takes_over(self, openid: str) -> None:
        """Somebody at the desk takes the shopper on."""
        self.phone(openid).desk = "open"
        await self.event(openid, "kf_create_session", KfAccount="anna@shop")

    async def person_is_done(self, openid: str) -> None:
        """Somebody at the desk closes the session."""
        self.phone(openid).desk = ""
        await self.event(openid, "kf_close_session", KfAccount="anna@shop")

    async def push(self, openid: str, fields: Mapping[str, str], message_id: str = "") -> Delivery:
        """What a shopper did, pushed until the bot takes it."""
        phone, delivery = self.phone(openid), Delivery()
        is_event = fields["MsgType"] == "event"
        if not is_event and phone.desk == "open":
            return delivery
        self._allow(phone, fields)
        message: dict[str, Any] = {
            "ToUserName": "gh_shop",
            "FromUserName": openid,
            "CreateTime": int(time.time()),
            **fields,
        }
        if not is_event:
            message["MsgId"] = message_id or str(next(self._numbers))
        self.deliveries.append(delivery)
        await self.deliver(message, delivery)
        if delivery.reply and not self._show(phone, delivery.reply, is_event):
            delivery.reply = None
        return delivery

    async def deliver(self, message: Mapping[str, Any], delivery: Delivery) -> None:
        """Up to three attempts with one signature."""
        url, body = self.sealed(message)
        kind = "application/json" if self.as_json else "text/xml"
        openid = str(message["FromUserName"])
        for number in range(self.tries):
            if self.workers:
                worker = URL(self.workers[number % len(self.workers)])
                url = str(URL(url).with_port(worker.port))
            began = time.monotonic()
            try:
                async with (
                    aiohttp.ClientSession() as session,
                    session.post(
                        url,
                        data=body,
                        headers={"Content-Type": kind},
                        timeout=aiohttp.ClientTimeout(total=self.cut),
                    ) as answer,
                ):
                    text = await answer.text()
                    attempt = Attempt(answer.status, time.monotonic() - began, text)
            except (aiohttp.ClientError, asyncio.TimeoutError):
                attempt = Attempt(0, time.monotonic() - began)
            delivery.attempts.append(attempt)
            self.pushes[openid] += 1
            if attempt.status == 200:
                if text not in ("", "success"):
                    delivery.reply = self._opened(text, openid)
                return
        self.phone(openid).shown.append({"msgtype": "text", "text": {"content": OUT_OF_SERVICE}})

    def sealed(self, message: Mapping[str, Any]) -> tuple[str, bytes]:
        """Address and body of a push."""
        stamp, nonce = str(int(time.time())), secrets.token_hex(5)
        query = {**self._signature(stamp, nonce), "openid": str(message["FromUserName"])}
        fields: dict[str, Any] = dict(message)
        if self.mode != "plain":
            plain = self._written(message)
            encrypted = PrpCrypto(aes_bytes(self.aes_key)).encrypt(plain, self.appid).decode()
            query["encrypt_type"] = "aes"
            query["msg_signature"] = _get_signature(self.token, stamp, nonce, encrypted)
            only = {"ToUserName": message["ToUserName"], "Encrypt": encrypted}
            fields = only if self.mode == "safe" else {**fields, "Encrypt": encrypted}
        address = str(URL(self.callback).with_query(query))
        return address, self._written(fields).encode()

    def _written(self, fields: Mapping[str, Any]) -> str:
        if self.as_json:
            return json.dumps(fields, ensure_ascii=False)

        def element(name: str, value: Any) -> str:
            content = value if isinstance(value, int) else f"<![CDATA[{_printable(value)}]]>"
            return f"<{name}>{content}</{name}>"

        values = "".join(element(*item) for item in fields.items())
        return f"<xml>{values}</xml>"

    def _signature(self, stamp: str, nonce: str) -> dict[str, str]:
        signer = WeChatSigner()
        signer.add_data(self.token, stamp, nonce)
        return {"signature": signer.signature, "timestamp": stamp, "nonce": nonce}

    def _allow(self, phone: Phone, fields: Mapping[str, str]) -> None:
        event = fields.get("Event")
        if event == "unsubscribe":
            phone.follows = False
        elif event in ("subscribe", "SCAN", "CLICK") or "bizmsgmenuid" in fields:
            phone.follows = True
            phone.allow("event", 3, 60)
        elif not event:
            phone.allow("message", 5, 48 * 3600)

    def _opened(self, body: str, openid: str) -> dict[str, Any] | None:
        """A passive reply, if it is one that WeChat would show."""
        try:
            fields = json.loads(body) if self.as_json else xmltodict.parse(body)["xml"]
            if self.mode != "plain":
                stamp, nonce, encrypted = (
                    str(fields[name]) for name in ("TimeStamp", "Nonce", "Encrypt")
                )
                assert fields["MsgSignature"] == _get_signature(self.token, stamp, nonce, encrypted)
                plain = PrpCrypto(aes_bytes(self.aes_key)).decrypt(encrypted, self.appid)
                fields = json.loads(plain) if self.as_json else xmltodict.parse(plain)["xml"]
            assert fields["ToUserName"] == openid and fields["FromUserName"] == "gh_shop"
            assert str(fields["CreateTime"]).isdigit()
        except Exception as exc:
            self.violations.append(f"a passive reply that WeChat cannot read: {exc!r}")
            return None
        return dict(fields)

    def _show(self, phone: Phone, fields: dict[str, Any], is_event: bool) -> bool:
        kind = fields["MsgType"]
        if kind == "transfer_customer_service":
            if is_event:
                self.violations.append("a transfer in answer to an event")
            phone.desk = "waiting"
            return True
        if kind == "text":
            content = fields.get("Content") or ""
            if not 0 < len(content.encode()) <= TEXT_BYTES:
                self.violations.append(f"a passive text of {len(content.encode())} bytes")
                return False
            phone.shown.append({"msgtype": "text", "text": {"content": content}})
        elif kind == "image":
            if fields["Image"]["MediaId"] not in self.media:
                self.violations.append("an image that was not uploaded")
                return False
            media = {"media_id": fields["Image"]["MediaId"]}
            phone.shown.append({"msgtype": "image", "image": media})
        elif kind == "news":
            item = fields["Articles"]["item"]
            item = item[0] if isinstance(item, list) and len(item) == 1 else item
            if str(fields["ArticleCount"]) != "1" or not isinstance(item, dict):
                self.violations.append("more than one article")
                return False
            article = {key.lower(): item[key] for key in ("Title", "Description", "PicUrl", "Url")}
            phone.shown.append({"msgtype": "news", "news": {"articles": [article]}})
        else:
            self.violations.append(f"a passive reply of type {kind}")
            return False
        return True

    # --- the API

    async def _stable_token(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.calls.append((request.path, body))
        self.token_calls += 1
        if body.get("grant_type") != "client_credential" or body.get("appid") != self.appid:
            return refuse(40013, "invalid appid")
        if body.get("secret") != self.secret:
            return refuse(40125, "invalid appsecret")
        for token, until in self.access.items():
            if until - time.time() > 300:
                return reply({"access_token": token, "expires_in": int(until - time.time())})
        token = secrets.token_urlsafe(60)
        self.access[token] = time.time() + 7200
        return reply({"access_token": token, "expires_in": 7200})

    async def _json(self, request: web.Request) -> dict[str, Any] | web.Response:
        raw = await request.read()
        body = json.loads(raw)
        self.calls.append((request.path, body))
        if b"\\u" in raw:
            self.violations.append("text is escaped")
        if not request.content_type.startswith("application/json"):
            self.violations.append(f"content type {request.content_type}")
        error = self._token_error(request)
        return body if error is None else error

    def _token_error(self, request: web.Request) -> web.Response | None:
        until = self.access.get(request.query.get("access_token", ""))
        if until is None:
            return refuse(40001, "invalid credential")
        return refuse(42001, "access_token expired") if until < time.time() else None

    async def _custom_send(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        if isinstance(body, web.Response):
            return body
        if not self.verified:
            return refuse(48001, "api unauthorized")
        phone = self.phones.get(str(body.get("touser")))
        if phone is None:
            return refuse(40003, "invalid openid")
        kind = body.get("msgtype", "")
        if (code := self._flaw(kind, body.get(kind) or {})) is not None:
            return refuse(code)
        if not phone.follows:
            return refuse(43004, "require subscribe")
        open_ = [a for a in phone.allowed.values() if a[1] > time.time()]
        if not open_:
            return refuse(45015, "response out of time limit")
        spendable = next((a for a in open_ if a[0] > 0), None)
        if spendable is None:
            self.violations.append("the quota was exceeded")
            return refuse(45047, "out of response count limit")
        spendable[0] -= 1
        phone.shown.append({"msgtype": kind, kind: body[kind]})
        return reply({"errcode": 0, "errmsg": "ok"})

    def _flaw(self, kind: str, content: dict[str, Any]) -> int | None:
        if kind == "text":
            text = content.get("content", "")
            return None if 0 < len(text.encode()) <= TEXT_BYTES else 45002
        if kind == "image":
            return None if content.get("media_id") in self.media else 40007
        if kind == "news":
            return None if len(content.get("articles", [])) == 1 else 45008
        if kind == "msgmenu":
            if not self.msgmenu:
                return 40200
            items = content.get("list", [])
            return None if 1 <= len(items) <= 10 and content.get("head_content") else 45098
        return 40008

    async def _typing(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        if isinstance(body, web.Response):
            return body
        if not self.verified:
            return refuse(48001)
        phone = self.phone(body["touser"])
        last = phone.typing[-1:] or ["CancelTyping"]
        if last == [body["command"]]:
            return refuse(45081)
        phone.typing.append(body["command"])
        return reply({"errcode": 0})

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.calls.append((request.path, request.query.get("type")))
        if (error := self._token_error(request)) is not None:
            return error
        file = form["media"]
        assert isinstance(file, web.FileField)
        with file.file:
            content = file.file.read()
        if len(content) > 2_000_000 or file.content_type not in (
            "image/png",
            "image/jpeg",
            "image/gif",
        ):
            return refuse(40009)
        media_id = secrets.token_urlsafe(30)
        self.media[media_id] = content
        return reply({"type": "image", "media_id": media_id, "created_at": int(time.time())})

    async def _create_menu(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        if isinstance(body, web.Response):
            return body
        buttons = body["button"]
        if not 1 <= len(buttons) <= 3 or any(len(b.get("sub_button", [])) > 5 for b in buttons):
            return refuse(40016)
        self.menu = body
        return reply({"errcode": 0})

    async def _delete_menu(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        if isinstance(body, web.Response):
            return body
        self.menu = None
        return reply({"errcode": 0})


def aes_bytes(aes_key: str) -> bytes:
    """The key itself."""
    return base64.b64decode(aes_key + "=")


def _printable(text: str) -> str:
    """What XML can hold; WeChat's clients send nothing else."""
    kept = "".join(sign for sign in text if sign in "\t\n\r" or sign >= " ")
    return kept.replace("]]>", "]]]]><![CDATA[>").encode(errors="replace").decode()


def _lines(message: dict[str, Any]) -> list[str]:
    kind = message["msgtype"]
    content = message[kind]
    if kind == "text":
        return _LINK.sub(r"\2", content["content"]).split("\n")
    if kind == "msgmenu":
        return [*content["head_content"].split("\n"), *(o["content"] for o in content["list"])]
    if kind == "news":
        (article,) = content["articles"]
        return [article["title"], article["description"], article["url"]]
    return [kind]


def main() -> None:
    """With 微信客服 and the page; the bot listens on XIAOER_PORT."""
    from tests.fakes import phone

    phone.main(bot=f"http://127.0.0.1:{os.environ.get('XIAOER_PORT') or 5005}")


if __name__ == "__main__":
    main()
