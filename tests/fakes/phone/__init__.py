"""A page with two phones: one on an Official Account, one on 微信客服.

`make run CHANNELS=wechat-fake` shows the bot on WeChat without an account. The bot has to be
started with what `environment()` says.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.channels.wechat import menu
from bot.channels.wechat.settings import MENU
from tests.fakes.wechat import OfficialAccount
from tests.fakes.wecom import PERSON, QUEUE, CustomerService

PORT = 5066
KF_PORT = 5067
OPENID = "oFake_visitor_of_the_phone_page"
USER = "wmFake_visitor_of_the_phone_page"
BOT = "http://127.0.0.1:5005"
_PAGE = Path(__file__).with_name("index.html")
_MENU = menu.as_wechat(menu.load(MENU))


def environment(port: int = PORT, kf_port: int = KF_PORT) -> dict[str, str]:
    """What the bot needs to talk to the fakes."""
    account, service = OfficialAccount(port=port), CustomerService(port=kf_port)
    return {
        "XIAOER_WECHAT_APPID": account.appid,
        "XIAOER_WECHAT_SECRET": account.secret,
        "XIAOER_WECHAT_TOKEN": account.token,
        "XIAOER_WECHAT_AES_KEY": account.aes_key,
        "XIAOER_WECHAT_API_BASE": account.url,
        "XIAOER_WECHAT_DESK": "yes",
        # The phones are on this machine, too.
        "XIAOER_PUBLIC_URL": f"http://127.0.0.1:{os.environ.get('XIAOER_PORT') or 5005}",
        "XIAOER_WECHAT_KF_CORPID": service.corpid,
        "XIAOER_WECHAT_KF_SECRET": service.secret,
        "XIAOER_WECHAT_KF_TOKEN": service.token,
        "XIAOER_WECHAT_KF_AES_KEY": service.aes_key,
        "XIAOER_WECHAT_KF_API_BASE": service.url,
    }


class Phones:
    """The page, and what its buttons do; served by the Official Account's fake."""

    def __init__(self, account: OfficialAccount, service: CustomerService) -> None:
        self._account = account
        self._service = service
        self._tasks: set[asyncio.Future[Any]] = set()
        router = account._app.router
        router.add_get("/", self._page)
        router.add_get("/phone/wechat/menu", self._menu)
        router.add_get("/phone/{kind}", self._shown)
        router.add_post("/phone/{kind}", self._act)
        router.add_get("/phone/{kind}/media/{id}", self._media)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(_PAGE)

    async def _menu(self, request: web.Request) -> web.Response:
        """The account's menu, or the one that the command would make."""
        return web.json_response((self._account.menu or {}).get("button") or _MENU)

    async def _shown(self, request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        messages = self._log(kind)
        if kind == "wechat":
            phone = self._account.phone(OPENID)
            desk, typing = phone.desk, phone.typing[-1:] == ["Typing"]
        else:
            state = self._service.customer(USER).state
            desk, typing = {QUEUE: "waiting", PERSON: "open"}.get(state, ""), False
        after = int(request.query.get("after", 0))
        return web.json_response({"messages": messages[after:], "desk": desk, "typing": typing})

    async def _media(self, request: web.Request) -> web.Response:
        fake = self._account if request.match_info["kind"] == "wechat" else self._service
        content = fake.media.get(request.match_info["id"])
        if content is None:
            raise web.HTTPNotFound
        return web.Response(body=content, content_type="image/png")

    async def _act(self, request: web.Request) -> web.Response:
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise web.HTTPForbidden
        what, kind = await request.json(), request.match_info["kind"]
        if "text" in what or "tap" in what:
            content = {"content": what.get("text") or what["tap"]}
            self._log(kind).append({"msgtype": "text", "text": content, "me": True})
        elif what.get("act") in ("image", "location", "voice"):
            self._log(kind).append({"msgtype": "did", "did": what["act"], "me": True})
        elif "act" in what:
            self._log(kind).append({"msgtype": "note", "note": what["act"]})
        work = self._on_account(what) if kind == "wechat" else self._on_service(what)
        task = asyncio.ensure_future(self._try(work, kind))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return web.json_response({})

    async def _try(self, work: Any, kind: str) -> None:
        try:
            await work
        except Exception as exc:
            self._log(kind).append({"msgtype": "note", "note": f"{type(exc).__name__}: {exc}"})

    async def _on_account(self, what: dict[str, str]) -> None:
        account = self._account
        match what:
            case {"text": text}:
                await account.say(OPENID, text)
            case {"tap": title}:
                await account.tap(OPENID, title)
            case {"act": "scan"}:
                await account.event(OPENID, "SCAN", EventKey="poster")
            case {"act": "image"}:
                await account.push(OPENID, {"MsgType": "image", "MediaId": "m", "PicUrl": "x"})
            case {"act": "location"}:
                place = {"Location_X": "31.23", "Location_Y": "121.47"}
                await account.push(OPENID, {"MsgType": "location", **place})
            case {"act": "voice"}:
                await account.push(OPENID, {"MsgType": "voice", "MediaId": "m", "Format": "amr"})
            case {"menu": key}:
                await account.event(OPENID, "CLICK", EventKey=key)
            case {"act": "person_on"}:
                await account.person_takes_over(OPENID)
            case {"act": "person_off"}:
                await account.person_is_done(OPENID)
            case {"act": event}:
                await account.event(OPENID, event, EventKey="")

    async def _on_service(self, what: dict[str, str]) -> None:
        service = self._service
        match what:
            case {"text": text}:
                await service.say(USER, text)
            case {"tap": title}:
                await service.tap(USER, title)
            case {"act": "enter"}:
                await service.enter(USER)
            case {"act": "image"}:
                await service.message(USER, "image", {"media_id": "m"})
            case {"act": "location"}:
                place = {"latitude": 31.23, "longitude": 121.47, "name": "上海"}
                await service.message(USER, "location", place)
            case {"act": "voice"}:
                await service.message(USER, "voice", {"media_id": "m"})
            case {"act": "person_off"}:
                await service.person_is_done(USER)

    def _log(self, kind: str) -> list[dict[str, Any]]:
        if kind == "wechat":
            return self._account.phone(OPENID).shown
        return self._service.customer(USER).shown


def main(bot: str = BOT, port: int = PORT, kf_port: int = KF_PORT) -> None:
    """Serve until interrupted."""
    begin = int(time.time())
    account = OfficialAccount(port=port, begin=begin)
    service = CustomerService(port=kf_port, begin=begin)
    Phones(account, service)
    account.callback = f"{bot}/webhooks/wechat/callback"
    service.callback = f"{bot}/webhooks/wechat_kf/callback"
    account.start()
    service.start()
    print(f"Phones at {account.url}", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass
    finally:
        account.stop()
        service.stop()
    sys.exit(0)
