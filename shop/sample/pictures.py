"""Pictures of the sample goods, drawn by us: SVG for web pages, PNG for messaging apps.

The two come from the same shapes, so a product looks the same everywhere. What a product looks
like follows from its kind, its first colour and its id alone.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

from PIL import Image, ImageDraw

from shop.models import Product
from shop.sample.shapes import PAINTS, SHAPES

SIDE: Final = 200
PNG_SIDE: Final = 480
# PNGs are drawn this much larger and then reduced, which smooths the edges.
_FINER: Final = 2

COLOURS: Final = {
    "black": "#3a3d46",
    "white": "#f4f4f1",
    "grey": "#a3a8b0",
    "charcoal": "#585d66",
    "silver": "#cfd4da",
    "red": "#d8434a",
    "burgundy": "#8a2b41",
    "coral": "#f2806b",
    "orange": "#f08a3c",
    "yellow": "#f5cb4b",
    "mustard": "#d3a035",
    "gold": "#d8b25a",
    "green": "#4f8f63",
    "olive": "#7b8250",
    "mint": "#9fd8c0",
    "blue": "#3f74c9",
    "navy": "#2f4573",
    "sky_blue": "#96c4ea",
    "denim": "#587fae",
    "purple": "#7c5bb0",
    "lavender": "#bda9de",
    "pink": "#f2a7b9",
    "rose": "#d9668b",
    "brown": "#8c5d3f",
    "camel": "#c4935f",
    "coffee": "#65452f",
    "beige": "#e2cfb0",
    "khaki": "#b8a77c",
    "cream": "#f1e6cf",
    "ivory": "#f3eede",
    "multicolour": "#ec9a5b",
    "transparent": "#cfe6ee",
    "natural": "#c99b66",
}
# Goods whose colour nobody asks for.
_PACKAGES: Final = ("#e9d9c6", "#c8dcc6", "#f1c3ba", "#c7d3ea", "#e6c27e", "#b5654f", "#7fae7b")
_GROUNDS: Final = (
    ("#fdf3e7", "#f7d9bd"),
    ("#eef6f1", "#c5e2d2"),
    ("#eef3fb", "#c9d9f2"),
    ("#fbeff2", "#f3cfd8"),
    ("#f4f1fb", "#d8cff0"),
    ("#fbf8e6", "#efe2ae"),
    ("#edf7f9", "#bfe0e8"),
    ("#f5f3f0", "#dcd5cb"),
)


def draw(product: Product) -> str:
    """The picture of a product as SVG."""
    return Picture(product.kind, product.colours[0], product.id).svg()


@dataclass(frozen=True)
class Picture:
    """How one product looks; `seed` tells those of a kind and colour apart."""

    kind: str
    colour: str
    seed: int

    def svg(self) -> str:
        """SVG text, 200 by 200, without anything from outside."""
        look = self._look
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}">',
            '<defs><linearGradient id="g" x2="0" y2="1">',
            f'<stop stop-color="{look.ground[0]}"/>',
            f'<stop offset="1" stop-color="{look.ground[1]}"/></linearGradient></defs>',
            f'<rect width="{SIDE}" height="{SIDE}" fill="url(#g)"/>',
        ]
        for x, y, r in look.bubbles:
            parts.append(f'<circle cx="{x}" cy="{y}" r="{r}" fill="#fff" opacity=".45"/>')
        parts.append('<ellipse cx="100" cy="174" rx="62" ry="8" fill="#000" opacity=".1"/>')
        parts.append(
            f'<g transform="translate(100 100) rotate({look.tilt}) '
            f'scale({look.scale * look.mirror} {look.scale}) translate(-100 -100)" '
            'stroke-linecap="round" stroke-linejoin="round">'
        )
        for paint, path, *width in SHAPES[self.kind]:
            colour = look.paints[paint]
            brush = (
                f'fill="none" stroke="{colour}" stroke-width="{width[0]}"'
                if width
                else f'fill="{colour}"'
            )
            parts.append(_svg_element(path, brush))
        parts.append("</g></svg>")
        return "".join(parts)

    def png(self) -> bytes:
        """The same as PNG, 480 by 480."""
        look = self._look
        side = PNG_SIDE * _FINER
        unit = side / SIDE
        image = _gradient(*look.ground, side).copy()
        brush = ImageDraw.Draw(image, "RGBA")
        for x, y, r in look.bubbles:
            brush.ellipse(_box(x, y, r, r, unit), fill=(255, 255, 255, 115))
        brush.ellipse(_box(100, 174, 62, 8, unit), fill=(0, 0, 0, 26))
        place = self._placed(unit)
        for paint, path, *width in SHAPES[self.kind]:
            colour = look.paints[paint]
            for points in _flat(path):
                corners = [place(*point) for point in points]
                if not width:
                    brush.polygon(corners, fill=colour)
                    continue
                thick = width[0] * unit * look.scale
                brush.line(corners, fill=colour, width=round(thick), joint="curve")
                for x, y in (corners[0], corners[-1]):
                    brush.ellipse(_box(x, y, thick / 2, thick / 2, 1), fill=colour)
        out = io.BytesIO()
        image.reduce(_FINER).save(out, "PNG", compress_level=4)
        return out.getvalue()

    def _placed(self, unit: float) -> Callable[[float, float], tuple[float, float]]:
        """What the SVG's transform does, and then to pixels."""
        look = self._look
        sin, cos = math.sin(math.radians(look.tilt)), math.cos(math.radians(look.tilt))

        def place(x: float, y: float) -> tuple[float, float]:
            dx, dy = (x - 100) * look.scale * look.mirror, (y - 100) * look.scale
            return (100 + dx * cos - dy * sin) * unit, (100 + dx * sin + dy * cos) * unit

        return place

    @cached_property
    def _look(self) -> _Look:
        chance = random.Random(f"{self.kind} {self.colour} {self.seed}")
        main = COLOURS.get(self.colour) or chance.choice(_PACKAGES)
        return _Look(
            paints={
                **PAINTS,
                "main": main,
                "light": _mixed(main, "#ffffff", 0.35),
                "dark": _mixed(main, "#1d2330", 0.22),
            },
            ground=chance.choice(_GROUNDS),
            bubbles=tuple(
                (chance.randint(0, SIDE), chance.randint(0, SIDE), chance.randint(8, 46))
                for _ in range(4)
            ),
            tilt=chance.randint(-6, 6),
            scale=chance.choice((0.88, 0.92, 0.96)),
            mirror=chance.choice((1, -1)),
        )


@dataclass(frozen=True)
class _Look:
    """Everything about a picture that chance decides."""

    paints: dict[str, str]
    ground: tuple[str, str]
    bubbles: tuple[tuple[float, float, float], ...]
    tilt: int
    scale: float
    mirror: int


def _svg_element(path: str, brush: str) -> str:
    name, *numbers = path.split()
    if name == "E":
        x, y, rx, ry = numbers
        return f'<ellipse cx="{x}" cy="{y}" rx="{rx}" ry="{ry}" {brush}/>'
    if name == "R":
        x, y, width, height, r = numbers
        return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{r}" {brush}/>'
    return f'<path d="{path}" {brush}/>'


def _flat(path: str) -> Iterator[list[tuple[float, float]]]:
    """The path as polygons or lines of points."""
    words = path.split()
    if words[0] == "E":
        x, y, rx, ry = map(float, words[1:])
        yield [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in _angles(0, 360, 40)]
        return
    if words[0] == "R":
        x, y, width, height, r = map(float, words[1:])
        r = min(r, width / 2, height / 2)
        centres = (
            (x + width - r, y + r, 270),
            (x + width - r, y + height - r, 0),
            (x + r, y + height - r, 90),
            (x + r, y + r, 180),
        )
        yield [
            (cx + r * math.cos(a), cy + r * math.sin(a))
            for cx, cy, start in centres
            for a in _angles(start, start + 90, 8)
        ]
        return
    points: list[tuple[float, float]] = []
    at = 0

    def pair() -> tuple[float, float]:
        nonlocal at
        at += 2
        return float(words[at - 2]), float(words[at - 1])

    while at < len(words):
        command = words[at]
        at += 1
        if command == "M":
            if points:
                yield points
            points = [pair()]
        elif command == "L":
            points.append(pair())
        elif command == "C":
            points += _curve(points[-1], pair(), pair(), pair())
        elif command == "Z":
            points.append(points[0])
        else:
            raise ValueError(f"path command {command}")
    yield points


def _angles(start: float, end: float, steps: int) -> Iterator[float]:
    return (math.radians(start + (end - start) * i / steps) for i in range(steps + 1))


def _curve(*p: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """Points of a cubic Bézier curve after its first."""
    for step in range(1, 17):
        t = step / 16
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        yield (
            a * p[0][0] + b * p[1][0] + c * p[2][0] + d * p[3][0],
            a * p[0][1] + b * p[1][1] + c * p[2][1] + d * p[3][1],
        )


def _box(x: float, y: float, rx: float, ry: float, unit: float) -> Any:
    return [(x - rx) * unit, (y - ry) * unit, (x + rx) * unit, (y + ry) * unit]


@lru_cache(maxsize=len(_GROUNDS))
def _gradient(top: str, bottom: str, side: int) -> Image.Image:
    shade = Image.linear_gradient("L").resize((1, side)).resize((side, side))
    return Image.composite(
        Image.new("RGB", (side, side), bottom), Image.new("RGB", (side, side), top), shade
    )


def _mixed(colour: str, other: str, share: float) -> str:
    """`colour` with a share of `other` in it."""
    channels = (
        round(int(colour[i : i + 2], 16) * (1 - share) + int(other[i : i + 2], 16) * share)
        for i in (1, 3, 5)
    )
    return "#" + "".join(f"{channel:02x}" for channel in channels)
