from __future__ import annotations

from typing import Any

import pytest

from bot.channels.messages import (
    Card,
    Cards,
    Choices,
    Custom,
    Image,
    Message,
    Option,
    Text,
    from_rasa,
    safe_url,
)

BLUE = {"title": "蓝色", "payload": '/choose{"colour": "blue"}'}
BLUE_OPTION = Option("蓝色", payload='/choose{"colour": "blue"}')


@pytest.mark.parametrize(
    "message, expected",
    [
        ({"text": "你好"}, [Text("你好")]),
        ({"text": "  \n two lines\nhere "}, [Text("two lines\nhere")]),
        ({"text": "Which?", "buttons": [BLUE]}, [Choices("Which?", (BLUE_OPTION,))]),
        ({"text": None, "buttons": [BLUE]}, [Choices(None, (BLUE_OPTION,))]),
        ({"text": "Which?", "quick_replies": [BLUE]}, [Choices("Which?", (BLUE_OPTION,))]),
        (
            {"text": "Which?", "quick_replies": [BLUE], "buttons": [BLUE]},
            [Choices("Which?", (BLUE_OPTION, BLUE_OPTION))],
        ),
        (
            {"text": "Read on", "buttons": [{"title": "Shop", "url": "https://shop.example"}]},
            [Choices("Read on", (Option("Shop", url="https://shop.example"),))],
        ),
        (
            {"image": "/webhooks/webchat/pictures/p1.svg"},
            [Image("/webhooks/webchat/pictures/p1.svg")],
        ),
        (
            {"attachment": {"type": "image", "payload": {"src": "https://shop.example/a.png"}}},
            [Image("https://shop.example/a.png")],
        ),
        ({"custom": {"type": "order", "n": 1}}, [Custom({"type": "order", "n": 1})]),
        (
            {
                "elements": [
                    {"title": "Kettle", "price": "¥129", "image_url": "/k.svg", "alt": "red"}
                ]
            },
            [Cards((Card("Kettle", price="¥129", image="/k.svg", alt="red"),))],
        ),
        (
            {"elements": [{"title": "Kettle", "buttons": [BLUE], "url": "https://shop.example/1"}]},
            [Cards((Card("Kettle", url="https://shop.example/1", options=(BLUE_OPTION,)),))],
        ),
    ],
)
def test_a_rasa_message_becomes_neutral_ones(
    message: dict[str, Any], expected: list[Message]
) -> None:
    assert from_rasa(message) == expected


def test_all_parts_come_in_rasas_order() -> None:
    message = {
        "elements": [{"title": "Kettle"}],
        "attachment": "https://shop.example/b.png",
        "image": "https://shop.example/a.png",
        "custom": {"type": "x"},
        "text": "hello",
        "timestamp": 1.0,
        "utter_action": "utter_x",
    }
    kinds = [type(part).__name__ for part in from_rasa(message)]
    assert kinds == ["Text", "Custom", "Image", "Image", "Cards"]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"text": None},
        {"text": "  "},
        {"text": 5},
        {"text": None, "buttons": []},
        {"buttons": [{"title": "does nothing"}]},
        {"buttons": [{"payload": "/untitled"}]},
        {"buttons": ["text", None, 5]},
        {"buttons": {"title": "no list"}},
        {"custom": []},
        {"custom": "text"},
        {"image": None},
        {"image": "javascript:alert(1)"},
        {"attachment": {"type": "template"}},
        {"elements": [{"subtitle": "untitled"}, 5]},
        {"elements": "text"},
    ],
)
def test_what_is_empty_or_malformed_is_left_out(message: dict[str, Any]) -> None:
    assert from_rasa(message) == []


@pytest.mark.parametrize(
    "url",
    ["https://shop.example/a?b=1#c", "http://127.0.0.1:5005/x", "/webhooks/webchat/pictures/p.svg"],
)
def test_addresses_a_page_may_open(url: str) -> None:
    assert safe_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>",
        "file:///etc/passwd",
        "//evil.example/a",
        "/\\evil.example",
        "https:",
        "https:///path",
        "http://[::1",
        "shop.example",
        "",
        None,
        5,
    ],
)
def test_addresses_a_page_must_not_open(url: Any) -> None:
    assert safe_url(url) is None
