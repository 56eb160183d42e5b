"""Neutral messages as calls of the Bot API (https://core.telegram.org/bots/api#sendmessage)."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from telegram import LinkPreviewOptions
from telegram.constants import MediaGroupLimit, ParseMode

from bot.channels.messages import (
    Card,
    Cards,
    Choices,
    Custom,
    Image,
    Message,
    Option,
    Text,
    safe_url,
)
from bot.channels.telegram.splitting import TEXT_LIMIT, shorten, split, units

ALBUM = MediaGroupLimit.MAX_MEDIA_LENGTH
# Of a card, in UTF-16 units: together below the 1024 of a caption.
_TITLE, _SUBTITLE, _PRICE = 200, 600, 60
# Of a card that stands in a list.
_SUBTITLE_IN_LIST = 150
# A button wider than this has a row to itself; Chinese characters are two wide.
_NARROW = 16
_BUTTON_TITLE = 60
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

Row = tuple[Option, ...]
# A web address that everybody can open for one of this server; None when there is none.
Public = Callable[[str], "str | None"]


@dataclass(frozen=True)
class Keyboard:
    """Buttons under a message; those of a question are an answer, so only one can be pressed."""

    rows: tuple[Row, ...]
    question: bool = True


@dataclass(frozen=True)
class Post:
    """One call.

    Attributes:
        method: of `telegram.Bot`.
        arguments: of the method, without chat, buttons and pictures.
        photos: addresses of the pictures, several for an album.
        captions: of an album's pictures.
        instead: what to send when Telegram refuses this one.
    """

    method: str
    arguments: dict[str, Any] = field(default_factory=dict)
    keyboard: Keyboard | None = None
    photos: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    instead: tuple[Post, ...] = ()


@dataclass(frozen=True)
class Rich:
    """Text with markup of our own, and the same without."""

    plain: str
    html: str


def render(messages: Iterable[Message], *, choose: str, public: Public) -> list[Post]:
    """The calls, in order.

    Args:
        messages: what to say.
        choose: stands over buttons that come without a text, which Telegram needs.
        public: see `Public`.
    """
    return [post for message in messages for post in _render(message, choose, public)]


def _render(message: Message, choose: str, public: Public) -> Iterator[Post]:
    if isinstance(message, Text):
        yield from _text(message.text)
    elif isinstance(message, Choices):
        rows = arrange(message.options, public)
        yield from _text(message.text or choose, Keyboard(rows) if rows else None)
    elif isinstance(message, Image):
        yield _picture(message, public)
    elif isinstance(message, Cards) and len(message.cards) == 1:
        yield _card(message.cards[0], public)
    elif isinstance(message, Cards):
        for first in range(0, len(message.cards), ALBUM):
            yield from _list(message.cards[first : first + ALBUM], first + 1, public)
    elif isinstance(message, Custom):
        yield from _custom(message.data, public)


def arrange(options: Sequence[Option], public: Public) -> tuple[Row, ...]:
    """Rows of buttons: two narrow ones side by side, a wide one alone.

    Buttons that open a page of this server are left out where nobody could reach it.
    """
    rows: list[Row] = []
    for option in options:
        if option.url:
            url = public(option.url)
            if not url:
                continue
            option = replace(option, url=url)
        option = replace(option, title=shorten(option.title, _BUTTON_TITLE))
        if rows and len(rows[-1]) == 1 and _narrow(rows[-1][0]) and _narrow(option):
            rows[-1] = (*rows[-1], option)
        else:
            rows.append((option,))
    return tuple(rows)


def _narrow(option: Option) -> bool:
    width = sum(2 if unicodedata.east_asian_width(s) in "WF" else 1 for s in option.title)
    return width <= _NARROW


def _text(text: str, keyboard: Keyboard | None = None) -> Iterator[Post]:
    """Without markup there is nothing to escape; the buttons go under the last part."""
    parts = split(text)
    for part in parts[:-1]:
        yield Post("send_message", {"text": part})
    if parts:
        yield Post("send_message", {"text": parts[-1]}, keyboard=keyboard)


def _rich(rich: Rich, keyboard: Keyboard | None = None) -> Post:
    """Should Telegram not like the markup, the words come without."""
    plain = {"text": rich.plain, "link_preview_options": _NO_PREVIEW}
    marked = {**plain, "text": rich.html, "parse_mode": ParseMode.HTML}
    return Post("send_message", marked, keyboard, instead=(Post("send_message", plain, keyboard),))


def _picture(image: Image, public: Public) -> Post:
    caption = {"caption": shorten(image.alt, _SUBTITLE)} if image.alt else {}
    url = public(image.url)
    named = image.alt or (url and url.rsplit("/", 1)[-1]) or ""
    words = _rich(Rich(_lines(named, url or ""), _link(escape(named, quote=False), url)))
    return Post("send_photo", dict(caption), photos=(image.url,), instead=(words,) if named else ())


def _card(card: Card, public: Public) -> Post:
    rich = _words(card, public, subtitle=_SUBTITLE)
    rows = arrange(card.options, public)
    keyboard = Keyboard(rows, question=False) if rows else None
    words = _rich(rich, keyboard)
    if not card.image:
        return words
    caption = {"caption": rich.html, "parse_mode": ParseMode.HTML}
    return Post("send_photo", caption, keyboard, photos=(card.image,), instead=(words,))


def _list(cards: Sequence[Card], first: int, public: Public) -> Iterator[Post]:
    """An album of the pictures, which can have no buttons, then one list that has them.

    The list holds everything, so an album that fails needs no replacement.
    """
    numbered = list(enumerate(cards, first))
    pictures = [(card.image, f"{n}. {card.title}") for n, card in numbered if card.image]
    photos = tuple(image for image, _ in pictures)
    captions = tuple(shorten(caption, _TITLE) for _, caption in pictures)
    if len(photos) >= MediaGroupLimit.MIN_MEDIA_LENGTH:
        yield Post("send_media_group", photos=photos, captions=captions)
    elif photos:
        yield Post("send_photo", {"caption": captions[0]}, photos=photos)
    rows = [
        row
        for number, card in numbered
        for row in arrange([replace(o, title=f"{number}. {o.title}") for o in card.options], public)
    ]
    keyboard = Keyboard(tuple(rows), question=False) if rows else None
    blocks = [_words(card, public, subtitle=_SUBTITLE_IN_LIST, number=n) for n, card in numbered]
    texts = _joined(blocks)
    for text in texts[:-1]:
        yield _rich(text)
    yield _rich(texts[-1], keyboard)


def _words(card: Card, public: Public, *, subtitle: int, number: int | None = None) -> Rich:
    title, below = shorten(card.title, _TITLE), shorten(card.subtitle, subtitle)
    price = shorten(card.price, _PRICE)
    head = f"{number}. " if number else ""
    url = public(card.url) if card.url else None
    bold = f"<b>{escape(title, quote=False)}</b>"
    return Rich(
        _lines(head + title, below, price),
        _lines(head + _link(bold, url), *(escape(t, quote=False) for t in (below, price))),
    )


def _link(html: str, url: str | None) -> str:
    return f'<a href="{escape(url)}">{html}</a>' if url else html


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def _joined(blocks: Sequence[Rich]) -> list[Rich]:
    """As few texts as hold all blocks."""
    texts: list[Rich] = []
    for block in blocks:
        if texts and units(texts[-1].plain) + 2 + units(block.plain) <= TEXT_LIMIT:
            last = texts.pop()
            block = Rich(f"{last.plain}\n\n{block.plain}", f"{last.html}\n\n{block.html}")
        texts.append(block)
    return texts


def _custom(data: Any, public: Public) -> Iterator[Post]:
    """Types that Telegram shows by itself; the rest is for other channels."""
    kind = data.get("type")
    if kind in ("location", "venue"):
        spot = {key: data.get(key) for key in ("latitude", "longitude")}
        if not all(_is_number(value) for value in spot.values()):
            return
        if kind == "location":
            yield Post("send_location", spot)
        elif isinstance(data.get("title"), str) and isinstance(data.get("address"), str):
            yield Post("send_venue", {**spot, "title": data["title"], "address": data["address"]})
    elif kind in ("document", "photo"):
        address = safe_url(data.get("url"))
        url = public(address) if address else None
        if kind == "photo" and address:
            yield _picture(Image(address, str(data.get("alt") or "")), public)
        elif url:
            yield Post("send_document", {"document": url}, instead=tuple(_text(url)))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
