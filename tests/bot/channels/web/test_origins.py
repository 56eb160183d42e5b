from __future__ import annotations

import pytest

from bot.channels.web.connector import WebSettings
from bot.channels.web.origins import allowed
from shop.errors import SettingsError
from shop.settings import read

LISTED = ("https://www.shop.example", "http://shop.test:8080")


@pytest.mark.parametrize(
    "origin, host",
    [
        (None, "anything"),
        ("https://www.shop.example", "chat.shop.example"),
        ("http://shop.test:8080", "shop.test:8080"),
        ("http://127.0.0.1:5005", "127.0.0.1:5005"),
        ("http://localhost:5005", "localhost:5005"),
        ("http://LOCALHOST:5005", "localhost:5005"),
        ("http://192.168.1.7:5005", "192.168.1.7:5005"),
        ("http://[::1]:5005", "[::1]:5005"),
        ("https://127.0.0.1", "127.0.0.1"),
    ],
)
def test_pages_that_may(origin: str | None, host: str) -> None:
    assert allowed(origin, host, LISTED)


@pytest.mark.parametrize(
    "origin, host",
    [
        ("https://evil.example", "127.0.0.1:5005"),
        ("http://127.0.0.1:5006", "127.0.0.1:5005"),
        ("http://127.0.0.1", "127.0.0.1:5005"),
        ("https://www.shop.example.evil.example", "x"),
        ("http://www.shop.example", "x"),
        ("https://shop.example", "x"),
        ("null", "null"),
        ("", ""),
        ("", None),
        ("file://", "127.0.0.1"),
        ("http://", ""),
        ("http://[::1", "[::1"),
        # The same origin for a browser, under a name that anybody can point here.
        ("http://evil.example:5005", "evil.example:5005"),
    ],
)
def test_pages_that_may_not(origin: str, host: str | None) -> None:
    assert not allowed(origin, host, LISTED)


@pytest.mark.parametrize(
    "listed",
    [
        "*",
        "www.shop.example",
        "https://www.shop.example/",
        "https://*.shop.example/x",
        "null",
        "a b",
    ],
)
def test_a_setting_that_is_no_origin_is_refused(listed: str) -> None:
    with pytest.raises(SettingsError, match="XIAOER_WEB_ORIGINS"):
        read(WebSettings, {"XIAOER_WEB_ORIGINS": f"https://ok.example,{listed}"})


def test_origins_are_read_from_the_environment() -> None:
    settings = read(
        WebSettings, {"XIAOER_WEB_ORIGINS": " https://a.example , http://b.example:81 "}
    )
    assert settings.web_origins == ("https://a.example", "http://b.example:81")


@pytest.mark.parametrize("name", ["WEB_SOCKETS", "WEB_SESSIONS_A_MINUTE", "PHOTO_DAYS"])
def test_a_limit_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"XIAOER_{name}=0"):
        read(WebSettings, {f"XIAOER_{name}": "0"})
