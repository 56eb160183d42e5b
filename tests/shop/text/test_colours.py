"""Colours in either language, as codes of the catalogue."""

from __future__ import annotations

import pytest

from shop.text.colours import colours
from shop.text.words import Words

COLOURS = [
    ("要黑色和白色的", {"black": "黑色", "white": "白色"}),
    ("黑的还有吗", {"black": "黑"}),
    ("藏青", {"navy": "藏青"}),
    ("深蓝的", {"navy": "深蓝"}),
    ("深藍色", {"navy": "深藍色"}),  # traditional
    ("navy", {"navy": "navy"}),
    ("Navy-Blue or BLACK", {"navy": "Navy-Blue", "black": "BLACK"}),
    ("the grey one", {"grey": "grey"}),
    ("gray", {"grey": "gray"}),
    ("有 black 的吗", {"black": "black"}),
    # a shade that the table lacks is its plain colour
    ("浅粉色", {"pink": "浅粉色"}),
    ("a dark red one", {"red": "dark red"}),
    ("pale pink", {"pink": "pale pink"}),
    # colours inside other words are none
    ("黑科技", {}),
    ("红包", {}),
    ("蓝牙耳机", {}),
    ("双十一黑五", {}),
    ("Redmi", {}),
    ("Black Friday", {}),
    ("gold member", {}),
    ("clear my history", {}),
    ("face cream", {}),
    ("in cream", {"cream": "cream"}),
    ("blackberry", {}),
]


@pytest.mark.parametrize(("text", "expected"), COLOURS)
def test_colours_are_codes(words: Words, text: str, expected: dict[str, str]) -> None:
    assert {each.code: text[each.start : each.end] for each in colours(text, words)} == expected


def test_a_misspelled_colour_is_found_where_it_was_typed(words: Words) -> None:
    (colour,) = colours(words.read("有没有篮色的"), words)
    assert (colour.code, colour.start, colour.end) == ("blue", 3, 5)
