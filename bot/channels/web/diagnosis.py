"""What `make doctor` says about the web chat, seen from outside as a shopper's browser sees it."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from bot.channels.net import is_loopback
from bot.channels.web.connector import WebSettings
from shop.errors import SettingsError
from shop.settings import ShopSettings, read

BASE = "/webhooks/webchat"
TIMEOUT_S = 5.0

Finding = tuple[Literal["ok", "off", "warning", "error"], str]


def diagnose(web: WebSettings | None = None, shop: ShopSettings | None = None) -> Iterator[Finding]:
    """One finding a line: how grave, and what is the matter with what to do."""
    try:
        web, shop = web or read(WebSettings), shop or read(ShopSettings)
    except SettingsError as exc:
        yield "error", f"The web chat cannot start: {exc}"
        return
    if not shop.secret:
        yield "off", "The web chat is switched off: XIAOER_SECRET is not set"
        return
    if not web.web_origins:
        level: Literal["ok", "warning"] = "ok" if is_loopback(shop.host) else "warning"
        yield level, "The web chat is open by address only: XIAOER_WEB_ORIGINS lists no names"
        return
    chats = [origin for origin in web.web_origins if _is_chat(origin)]
    if not chats:
        listed = ", ".join(web.web_origins)
        yield "error", f"None of {listed} is the chat: does the proxy hand {BASE}/ on to the bot?"
        return
    if not web.web_proxies and not all(is_loopback(_host(origin)) for origin in chats):
        yield "warning", "If a proxy stands in front, set XIAOER_WEB_PROXIES to the number of them"
    for origin in chats:
        if _takes_websockets(origin):
            yield "ok", f"The web chat answers at {origin}{BASE}/chat"
        else:
            yield "error", f"At {origin} websockets do not get through: see docs/web.en.md, step 1"


def _is_chat(origin: str) -> bool:
    try:
        _, body = _ask(origin, f"{BASE}/", {})
        found = json.loads(body)
    except (OSError, http.client.HTTPException, ValueError):
        return False
    return isinstance(found, dict) and found.get("channel") == "webchat"


def _takes_websockets(origin: str) -> bool:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Origin": origin,
        "Sec-WebSocket-Version": "13",
        # Any 16 bytes do; the example of RFC 6455.
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    try:
        path = f"{BASE}/socket.io/?EIO=4&transport=websocket"
        status, _ = _ask(origin, path, headers)
    except (OSError, http.client.HTTPException):
        return False
    return status == http.client.SWITCHING_PROTOCOLS


def _ask(origin: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """The status of an answer, and the beginning of its body."""
    address = urlsplit(origin).netloc
    connection: http.client.HTTPConnection
    if origin.startswith("https:"):
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(address, timeout=TIMEOUT_S, context=context)
    else:
        connection = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        # A websocket's stream has no end.
        upgraded = answer.status == http.client.SWITCHING_PROTOCOLS
        return answer.status, b"" if upgraded else answer.read(10_000)
    finally:
        connection.close()


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""
