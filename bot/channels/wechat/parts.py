"""What the bot says, as WeChat can show it: lines, menus, pictures and articles.

`parts_of` turns neutral messages into parts, `compact` merges them until they are few enough: a
message of the shopper allows five of ours. How a part looks on the wire is the connectors' affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.channels.messages import Card, Cards, Choices, Image, Message, Option, Text


@dataclass(frozen=True)
class Line:
    """Text, maybe with links."""

    text: str


@dataclass(frozen=True)
class Menu:
    """Options under a text, which may be empty; all of them carry a payload."""

    head: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Picture:
    """An image to upload."""

    url: str
    alt: str = ""


@dataclass(frozen=True)
class Article:
    """A card with a picture that opens a page (图文)."""

    title: str
    description: str
    url: str
    picture: str


Part = Line | Menu | Picture | Article
# From an address as it stands in a message to one that a phone can open, or None.
Absolute = Callable[[str], "str | None"]
# From plain text, and from title and address, to text on the wire.
Plain = Callable[[str], str]
Link = Callable[[str, str], str]


class Renderer:
    """Turns messages into parts, for a platform whose texts have links of a certain form."""

    def __init__(self, *, absolute: Absolute, plain: Plain, link: Link) -> None:
        self._absolute = absolute
        self._plain = plain
        self._link = link

    def parts_of(self, messages: Iterable[Message]) -> list[Part]:
        """All that can be shown, in order; texts that follow each other are one already."""
        found: list[Part] = []
        for message in messages:
            match message:
                case Text(text):
                    found.append(Line(self._plain(text)))
                case Choices(text, options):
                    found += self._menu(self._plain(text or ""), options)
                case Image(url, alt):
                    found.append(Picture(url, self._plain(alt)))
                case Cards(cards):
                    found += self._cards(cards)
        return _joined(found)

    def as_text(self, part: Picture | Article) -> Line:
        """What is left of a picture or an article where only text can be sent."""
        if isinstance(part, Article):
            text = "\n".join(filter(None, (part.title, part.description)))
            return Line("\n".join((text, self._link(part.title, part.url))))
        url = self._absolute(part.url)
        return Line(self._link(part.alt or url, url) if url else part.alt)

    def compact(self, parts: Sequence[Part], limit: int) -> list[Part]:
        """The same in at most `limit` parts, if need be as text; the order stays."""
        kept = _joined(parts)
        while len(kept) > max(limit, 1):
            # The last picture first: what comes first matters most.
            at = next(
                (i for i in reversed(range(len(kept))) if isinstance(kept[i], (Picture, Article))),
                None,
            )
            if at is None:
                return [_merged(kept)]
            part = kept[at]
            assert isinstance(part, (Picture, Article))
            kept = _joined([*kept[:at], self.as_text(part), *kept[at + 1 :]])
        return kept

    def _menu(self, head: str, options: Sequence[Option]) -> list[Part]:
        links = [
            self._link(option.title, url)
            for option in options
            if option.url and (url := self._absolute(option.url))
        ]
        taps = tuple(option for option in options if option.payload)
        text = "\n".join(filter(None, (head, *links)))
        if taps:
            return [Menu(text, taps)]
        return [Line(text)] if text else []

    def _cards(self, cards: Sequence[Card]) -> list[Part]:
        if len(cards) == 1:
            card = cards[0]
            url = self._absolute(card.url) if card.url else None
            picture = self._absolute(card.image) if card.image else None
            if url and picture:
                title = f"{self._plain(card.title)} {self._plain(card.price)}".rstrip()
                article = Article(title, self._plain(card.subtitle), url, picture)
                return [article, *self._menu("", card.options)]
            found: list[Part] = [Picture(card.image, self._plain(card.title))] if card.image else []
            return [*found, *self._menu(self._about(card), card.options)]
        options: list[Option] = []
        for card in cards:
            # "Details" under each card is one list here, so each says of what.
            options += [replace(o, title=f"{o.title} · {card.title}") for o in card.options]
        taps = [option for option in options if option.payload]
        return self._menu("\n\n".join(self._about(card) for card in cards), taps)

    def _about(self, card: Card) -> str:
        first = f"{self._plain(card.title)} {self._plain(card.price)}".rstrip()
        links = [(card.title, card.url), *((o.title, o.url) for o in card.options)]
        opened = [
            self._link(title, absolute)
            for title, url in links
            if url and (absolute := self._absolute(url))
        ]
        return "\n".join(filter(None, (first, self._plain(card.subtitle), *opened)))


def _joined(parts: Iterable[Part]) -> list[Part]:
    """Neighbouring texts as one; a text before a menu is its head."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, Line) and not part.text.strip():
            continue
        if isinstance(last, Line) and isinstance(part, Line):
            found[-1] = Line(_paragraphs(last.text, part.text))
        elif isinstance(last, Line) and isinstance(part, Menu):
            found[-1] = Menu(_paragraphs(last.text, part.head), part.options)
        else:
            found.append(part)
    return found


def _merged(parts: Sequence[Part]) -> Part:
    """Lines and menus as one."""
    texts: list[str] = []
    options: list[Option] = []
    for part in parts:
        assert isinstance(part, (Line, Menu))
        texts.append(part.text if isinstance(part, Line) else part.head)
        options += part.options if isinstance(part, Menu) else ()
    text = _paragraphs(*texts)
    return Menu(text, tuple(options)) if options else Line(text)


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text.strip())
