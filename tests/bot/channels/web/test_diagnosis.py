from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.channels.web.connector import WebSettings
from bot.channels.web.diagnosis import Finding, diagnose
from shop.settings import ShopSettings
from tests.bot.channels.web.conftest import Start
from tests.bot.channels.web.page import SECRET


def findings(*origins: str, **shop: Any) -> list[Finding]:
    settings = ShopSettings(**{"secret": SECRET, **shop})
    return list(diagnose(WebSettings(web_origins=origins), settings))


def test_without_a_secret_it_is_off() -> None:
    assert findings(secret="") == [
        ("off", "The web chat is switched off: XIAOER_SECRET is not set")
    ]


@pytest.mark.parametrize("host, level", [("127.0.0.1", "ok"), ("0.0.0.0", "warning")])
def test_without_names_it_is_for_this_machine(host: str, level: str) -> None:
    ((found, message),) = findings(host=host)
    assert found == level and "XIAOER_WEB_ORIGINS" in message


def test_a_chat_that_answers_is_well(start: Start) -> None:
    server = start()
    ((level, message),) = findings(server.url, "http://127.0.0.1:1")
    assert level == "ok" and server.url in message


def test_origins_that_are_not_the_chat_are_an_error() -> None:
    ((level, message),) = findings("http://127.0.0.1:1")
    assert level == "error" and "http://127.0.0.1:1" in message


def test_a_proxy_that_takes_no_websockets_is_told() -> None:
    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"channel": "webchat"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        ((level, message),) = findings(f"http://127.0.0.1:{proxy.server_port}")
        proxy.shutdown()
    assert level == "error" and "websockets do not get through" in message


def test_a_wrong_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOER_WEB_ORIGINS", "www.shop.example")
    ((level, message),) = diagnose()
    assert level == "error" and "XIAOER_WEB_ORIGINS=www.shop.example" in message
