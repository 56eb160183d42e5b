"""Which of the things shown is meant."""

from __future__ import annotations

import pytest

from shop.text.ordinals import Pointer, pointers

PLACES = [
    ("第二个", (2,)),
    ("我要第２個", (2,)),
    ("第十二款", (12,)),
    ("第一", (1,)),
    ("第二、三个", (2, 3)),
    ("前两个", (1, 2)),
    ("最后一个", (-1,)),
    ("最后那双", (-1,)),
    ("倒数第二个", (-2,)),
    ("2", (2,)),
    ("２", (2,)),
    ("2️⃣", (2,)),
    ("选2", (2,)),
    ("就3吧", (3,)),
    ("2号", (2,)),
    ("the second one", (2,)),
    ("the third", (3,)),
    ("2nd", (2,)),
    ("#2", (2,)),
    ("no. 2", (2,)),
    ("number two", (2,)),
    ("option 3 please", (3,)),
    ("two please", (2,)),
    ("the first two", (1, 2)),
    ("the last one", (-1,)),
    ("last three", (-3, -2, -1)),
    ("要 the second one", (2,)),
]


@pytest.mark.parametrize(("text", "indexes"), PLACES)
def test_a_place_is_a_number(text: str, indexes: tuple[int, ...]) -> None:
    (pointer,) = pointers(text)
    assert (pointer.kind, pointer.indexes) == ("index", indexes)


KINDS = [
    ("这个多少钱", "this", "这个"),
    ("这双有42码吗", "this", "这双"),
    ("is this one waterproof", "this", "this one"),
    ("does it fit", "this", "it"),
    ("那款呢", "that", "那款"),
    ("上面那个", "that", "上面那个"),
    ("刚才推荐的那款", "that", "刚才推荐的那款"),
    ("that one", "that", "that one"),
    ("另一个", "other", "另一个"),
    ("the other one", "other", "the other one"),
    ("这两款哪个好", "both", "这两款"),
    ("两个都要", "both", "两个都"),
    ("both of them", "both", "both"),
    ("都要", "all", "都要"),
    ("all of them", "all", "all of them"),
    ("这些", "these", "这些"),
    ("these are nice", "these", "these"),
]


@pytest.mark.parametrize(("text", "kind", "span"), KINDS)
def test_a_pronoun_is_a_kind(text: str, kind: str, span: str) -> None:
    (pointer,) = pointers(text)
    assert (pointer.kind, text[pointer.start : pointer.end]) == (kind, span)


def test_several_stand_in_order() -> None:
    found = pointers("不是这个，是第二个")
    assert [(each.kind, each.indexes) for each in found] == [("this", ()), ("index", (2,))]


NOTHING = [
    *("第一次买", "第三方", "第2页", "第二天", "second hand", "first time buyer", "last week"),
    *("the last 3 days", "the 23rd", "2.5", "20231105001", "its", "其它", "两件", "twenty"),
]


@pytest.mark.parametrize("text", NOTHING)
def test_what_points_at_nothing(text: str) -> None:
    assert pointers(text) == []


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        (Pointer("index", (2,), 0, 1), ["b"]),
        (Pointer("index", (-1,), 0, 1), ["c"]),
        (Pointer("index", (1, 3, 9), 0, 1), ["a", "c"]),
        (Pointer("index", (-9,), 0, 1), []),
        (Pointer("all", (), 0, 1), ["a", "b", "c"]),
        (Pointer("both", (), 0, 1), []),  # of three
        (Pointer("this", (), 0, 1), []),
    ],
)
def test_a_pointer_picks_from_what_is_shown(pointer: Pointer, expected: list[str]) -> None:
    assert pointer.pick(["a", "b", "c"]) == expected


def test_both_are_two() -> None:
    assert Pointer("both", (), 0, 1).pick(["a", "b"]) == ["a", "b"]
