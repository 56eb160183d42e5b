"""What the bot says, in a form that belongs to no platform.

Rasa hands a channel one dict with text, buttons, cards and so on mixed together; `from_rasa` turns
it into the messages below, and a channel renders those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Option:
    """A button: it sends `payload` back to the bot, or opens `url`."""

    title: str
    payload: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Text:
    """Plain text; never markup."""

    text: str


@dataclass(frozen=True)
class Choices:
    """Buttons under a text, which may be missing."""

    text: str | None
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Image:
    """A picture by its address."""

    url: str
    alt: str = ""


@dataclass(frozen=True)
class Card:
    """A product, an order or a parcel."""

    title: str
    subtitle: str = ""
    price: str = ""
    image: str | None = None
    alt: str = ""
    url: str | None = None
    options: tuple[Option, ...] = ()


@dataclass(frozen=True)
class Cards:
    """Cards to show side by side."""

    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Custom:
    """What only some channels can show; each renders the types it knows and drops the others."""

    data: Mapping[str, Any] = field(default_factory=dict)


Message = Text | Choices | Image | Cards | Custom


def from_rasa(message: Mapping[str, Any]) -> list[Message]:
    """The messages in one Rasa message (the argument of `OutputChannel.send_response`).

    Parts come in Rasa's order: text or buttons, custom, image, attachment, cards. What is malformed
    or empty is left out; addresses that are not http(s) or a path of this server are dropped, and
    so are buttons that would do nothing.
    """
    found: list[Message] = []
    text = _text(message.get("text"))
    # Rasa keeps only one of the two; a response that has both means both.
    options = _options(message.get("quick_replies")) + _options(message.get("buttons"))
    if options:
        found.append(Choices(text or None, options))
    elif text:
        found.append(Text(text))
    custom = message.get("custom")
    if isinstance(custom, Mapping) and custom:
        found.append(Custom(dict(custom)))
    for key in ("image", "attachment"):
        if image := _image(message.get(key)):
            found.append(image)
    if cards := _cards(message.get("elements")):
        found.append(Cards(cards))
    return found


def safe_url(value: Any) -> str | None:
    """`value` when a page may open it: http(s), or an absolute path on this server."""
    if not isinstance(value, str) or any(ord(sign) <= 32 for sign in value):
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    if parts.scheme in ("http", "https") and parts.netloc:
        return value
    # "//host" and "/\host" are other servers to a browser.
    is_path = not parts.scheme and value.startswith("/") and value[1:2] not in ("/", "\\")
    return value if is_path else None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _options(buttons: Any) -> tuple[Option, ...]:
    options = []
    for button in buttons if isinstance(buttons, list) else ():
        if not isinstance(button, Mapping) or not (title := _text(button.get("title"))):
            continue
        payload = _text(button.get("payload")) or None
        url = safe_url(button.get("url"))
        if payload or url:
            options.append(Option(title, payload=None if url else payload, url=url))
    return tuple(options)


def _image(value: Any) -> Image | None:
    """An address, or Rasa's `{"type": "image", "payload": {"src": …}}`."""
    if isinstance(value, Mapping):
        payload = value.get("payload")
        value = payload.get("src") if isinstance(payload, Mapping) else None
    url = safe_url(value)
    return Image(url) if url else None


def _cards(elements: Any) -> tuple[Card, ...]:
    return tuple(
        Card(
            title=title,
            subtitle=_text(element.get("subtitle")),
            price=_text(element.get("price")),
            image=safe_url(element.get("image_url")),
            alt=_text(element.get("alt")),
            url=safe_url(element.get("url")),
            options=_options(element.get("buttons")),
        )
        for element in (elements if isinstance(elements, list) else ())
        if isinstance(element, Mapping) and (title := _text(element.get("title")))
    )
