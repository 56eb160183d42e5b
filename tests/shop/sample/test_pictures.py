"""Pictures of goods: valid, small, different, and the same every time."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from shop.sample.goods import make_items
from shop.sample.pictures import COLOURS, PNG_SIDE, Picture, draw
from shop.sample.shapes import SHAPES
from shop.sql import SqlShop
from tests.shop.conftest import WORDS
from tests.shop.sample.conftest import NOW


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.png())).convert("RGB")


def test_every_kind_of_goods_has_a_shape() -> None:
    assert {item.kind for item in make_items(NOW)} == set(SHAPES)


def test_every_colour_that_has_words_can_be_painted() -> None:
    assert set(WORDS.codes("colour")) - {"none"} == set(COLOURS)


@pytest.mark.parametrize("kind", SHAPES)
def test_every_shape_can_be_drawn_both_ways(kind: str) -> None:
    picture = Picture(kind, "navy", 1)
    root = ET.fromstring(picture.svg())

    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    # Nothing from outside, nothing that runs.
    assert "href" not in picture.svg() and "<script" not in picture.svg()
    assert opened(picture).size == (PNG_SIDE, PNG_SIDE)
    assert len(picture.svg()) < 8_000 and len(picture.png()) < 60_000


@pytest.mark.parametrize("kind", ["backpack", "dress", "earbuds"])
def test_goods_have_their_colour(kind: str) -> None:
    """Red goods are redder than blue ones, on the same spot of the same picture."""
    red, blue = (opened(Picture(kind, colour, 7)).tobytes()[::3] for colour in ("red", "blue"))
    differences = [r - b for r, b in zip(red, blue, strict=True)]

    assert f'fill="{COLOURS["red"]}"' in Picture(kind, "red", 7).svg()
    assert max(differences) > 100


def test_a_picture_is_the_same_every_time_and_others_differ() -> None:
    assert Picture("tent", "olive", 3).png() == Picture("tent", "olive", 3).png()
    different = {Picture("tent", "olive", seed).svg() for seed in range(20)}
    assert len(different) == 20


def test_both_ways_show_the_same() -> None:
    """What the SVG puts into a place, the PNG has there: compared where the shape is plain."""
    picture = Picture("suitcase", "red", 2)
    image = opened(picture)
    at = PNG_SIDE // 2, PNG_SIDE // 2 + 40
    middle = image.crop((*at, at[0] + 1, at[1] + 1)).tobytes().hex()

    assert f"#{middle}" in picture.svg()


def test_a_product_of_the_shop_can_be_drawn(sample_shop: SqlShop) -> None:
    product = sample_shop.product(1)

    assert draw(product) == Picture(product.kind, product.colours[0], 1).svg()
