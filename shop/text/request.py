"""What a message asks of a search or a recommendation, all in one reading.

Rules and the entities of the NLU work together: words of the shop's tables decide codes; entities
add names of products and brands, and values that the rules did not see (a bare "300" that the
tagger took for a price). What stands within an exclusion is excluded; of "no black shoes" that is
the colour, and shoes are wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from shop.text.colours import colours
from shop.text.dates import DateRange, dates
from shop.text.measures import Measures, measures
from shop.text.negation import Exclusion, exclusions
from shop.text.numbers import quantities, resolve_quantity
from shop.text.ordinals import Pointer, pointers
from shop.text.paging import Paging, paging
from shop.text.prices import PriceRange, prices, resolve_price
from shop.text.recipients import Occasion, Recipient, occasions, recipients
from shop.text.sizes import resolve_size, sizes
from shop.text.words import Words

Span = tuple[int, int]
# Nobody asks for goods in more words; whoever pastes a book waits no longer than others.
LONGEST = 1_000
_AND = re.compile(r"[、,，/和或及跟与]|(?<![a-z])(?:and|or|nor)(?![a-z])", re.IGNORECASE)


class Spanned(Protocol):
    """Anything found at a place in the text."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


S = TypeVar("S", bound=Spanned)
T = TypeVar("T")


@dataclass(frozen=True)
class Excluded:
    """What is not wanted.

    Attributes:
        shown: All that was just shown.
        terms: Words that a product must not match.
        categories, kinds, colours, sizes: Codes not wanted.
        pointers: Those of the shown that are not wanted (不要第二个).
    """

    shown: bool = False
    terms: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    pointers: tuple[Pointer, ...] = ()


@dataclass(frozen=True)
class Request:
    """What one message asks for; empty where it says nothing.

    Attributes:
        categories, kinds: Codes of goods, wide and narrow (several where a word is shared: 耳机).
        terms: Names and kinds of goods, spelled right, for a search by words.
        brands: Names as they were written.
        colours, sizes: Codes of the catalogue; `size_step` is a relative size (大一码).
        price: Bounds or a wish; goods for an exact price may cost a little less or more.
        quantity: How many.
        recipient, occasion: Of a present.
        excluded: What is not wanted.
        pointers: What was pointed at among what is shown.
        paging: To turn the pages of what is shown.
        measures: Of a body.
        dates: Days named.
    """

    categories: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    size_step: int | None = None
    price: PriceRange | None = None
    quantity: int | None = None
    recipient: Recipient | None = None
    occasion: Occasion | None = None
    excluded: Excluded = field(default_factory=Excluded)
    pointers: tuple[Pointer, ...] = ()
    paging: Paging | None = None
    measures: Measures | None = None
    dates: tuple[DateRange, ...] = ()


def understand(
    text: str,
    entities: Iterable[Mapping[str, Any]] = (),
    *,
    now: datetime,
    words: Words,
    zone: str = "Asia/Shanghai",
) -> Request:
    """Gather what a message asks for.

    Args:
        text: The message as it was typed; what comes after `LONGEST` characters is not read.
        entities: As Rasa reports them: entity, value, start, end.
        now: The moment it was written.
        words: The shop's words for codes.
        zone: The shop's time zone.
    """
    text = text[:LONGEST]
    read = words.read(text)
    by_type = _by_type(entities)
    unwanted = exclusions(read)
    out = [(each.start, each.end) for each in unwanted]

    body = measures(read)
    price = prices(read) or _resolved(by_type, "price", resolve_price)
    days = dates(read, now=now, zone=zone)
    # One number is one thing: 1米75 is no size, "on the 5th" no place in a list.
    taken = [*_spans([body] if body else []), *_spans(price), *_spans(days)]
    fits = _free(sizes(read, words), taken)
    fits = fits or _resolved(by_type, "size", lambda value: resolve_size(value, words))
    taken += _spans(fits)
    counts = [each.count for each in _free(quantities(read), taken)]
    counts = counts or _resolved(by_type, "quantity", resolve_quantity)
    points = _free(pointers(read), taken)

    kind_words = words.find("kind", read)
    # The department is not asked for by "running shoes", nor a colour by "green tea".
    within = [(start, end) for _, start, end in kind_words]
    tints = _free(colours(read, words), within)
    # Where a colour or a size is not wanted, the goods beside it are not refused.
    property_spans = [*_spans(tints), *_spans(fits)]
    out_goods = [span for span in out if not _inside(*span, property_spans)]
    category_words = [
        each for each in words.find("category", read) if not _inside(each[1], each[2], within)
    ]
    kinds, no_kinds = _split(kind_words, out_goods)
    categories, no_categories = _split(category_words, out_goods)
    wanted_colours, no_colours = _split(((t.code, t.start, t.end) for t in tints), out)
    wanted_sizes, no_sizes = _split(((s.code, s.start, s.end) for s in fits), out)
    names = [*by_type.get("product", []), *by_type.get("category", [])]
    goods = [(each, start, end) for each, start, end in names if not _inside(start, end, out)]
    if not goods:
        found = sorted([*kind_words, *category_words], key=lambda each: each[1])
        goods = [(text[start:end], start, end) for _, start, end in found]
    terms, _ = _split(((words.read(each).text, a, b) for each, a, b in goods), out_goods)
    brands, no_brands = _split(by_type.get("brand", []), out)
    points_out = [each for each in points if _inside(each.start, each.end, out)]
    presents, reasons = recipients(read, words), occasions(read, words)
    return Request(
        categories=categories,
        kinds=kinds,
        terms=terms,
        brands=brands,
        colours=wanted_colours,
        sizes=wanted_sizes,
        size_step=next((each.step for each in fits if each.step), None),
        price=_best(_free(price, out)),
        quantity=counts[0] if counts else None,
        recipient=presents[0] if presents else None,
        occasion=reasons[0] if reasons else None,
        excluded=Excluded(
            shown=any(each.kind == "shown" for each in unwanted),
            terms=(*_refused(unwanted, [*property_spans, *_spans(points)]), *no_brands),
            categories=no_categories,
            kinds=no_kinds,
            colours=no_colours,
            sizes=no_sizes,
            pointers=tuple(points_out),
        ),
        pointers=tuple(each for each in points if each not in points_out),
        paging=paging(read),
        measures=body,
        dates=tuple(days),
    )


def _by_type(entities: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[str, int, int]]]:
    found: dict[str, list[tuple[str, int, int]]] = {}
    for each in entities:
        start, end = int(each.get("start") or 0), int(each.get("end") or 0)
        value = str(each.get("value") or "")
        found.setdefault(str(each.get("entity")), []).append((value, start, end))
    return found


def _resolved(
    by_type: dict[str, list[tuple[str, int, int]]],
    entity: str,
    resolve: Callable[[str], T | None],
) -> list[T]:
    """What the tagger saw and the rules did not; spans are those within the entity."""
    values = (resolve(value) for value, _, _ in by_type.get(entity, []))
    return [value for value in values if value is not None]


def _free(found: Iterable[S], taken: list[Span]) -> list[S]:
    return [each for each in found if not _inside(each.start, each.end, taken)]


def _refused(unwanted: list[Exclusion], known: list[Span]) -> Iterator[str]:
    """The words that are refused, without those that are colours, sizes or places in a list."""
    for each in unwanted:
        if each.kind == "thing" and not _inside(each.start, each.end, known):
            for word in _AND.split(each.what):
                if word.strip():
                    yield word.strip()


def _spans(found: Iterable[Spanned]) -> list[Span]:
    return [(each.start, each.end) for each in found]


def _inside(start: int, end: int, spans: Iterable[Span]) -> bool:
    return any(start < b and a < end for a, b in spans)


def _split(
    found: Iterable[tuple[str | None, int, int]], out: list[Span]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Wanted ones and unwanted ones, each once and in order."""
    wanted: dict[str, None] = {}
    unwanted: dict[str, None] = {}
    for code, start, end in found:
        if code:
            (unwanted if _inside(start, end, out) else wanted)[code] = None
    return tuple(wanted), tuple(unwanted)


def _best(found: list[PriceRange]) -> PriceRange | None:
    """An amount says more than "cheap"; of several amounts the last is the second thought."""
    amounts = [each for each in found if each.relative is None]
    if amounts:
        return amounts[-1].around()
    return found[-1] if found else None
