"""What suits whom a present is for, by departments (table `category`) of the shop."""

from __future__ import annotations

from typing import Final

#: Departments to look in, by gender and age of the recipient; None: it was not said.
SUITS: Final[dict[tuple[str | None, str | None], frozenset[str]]] = {
    ("female", "adult"): frozenset({"womenswear", "beauty", "bags", "shoes"}),
    ("male", "adult"): frozenset({"menswear", "digital", "audio", "outdoor"}),
    ("female", "elder"): frozenset({"food", "home", "kitchen"}),
    ("male", "elder"): frozenset({"food", "home", "kitchen"}),
    (None, "elder"): frozenset({"food", "home", "kitchen"}),
    ("female", None): frozenset({"womenswear", "beauty", "bags", "shoes"}),
    ("male", None): frozenset({"menswear", "digital", "audio", "outdoor"}),
    (None, "adult"): frozenset({"food", "home", "audio", "digital"}),
}
#: Ages of children, who get these departments and nothing else, unless another is named.
CHILDREN: Final = ("baby", "child")
FOR_CHILDREN: Final = frozenset({"toys"})
#: What is not given to whom.
UNSUITABLE: Final[dict[str, frozenset[str]]] = {
    "female": frozenset({"menswear", "toys"}),
    "male": frozenset({"womenswear", "toys"}),
}
#: How goods of any department say whom they are made for.
MADE_FOR: Final[dict[str, tuple[str, ...]]] = {
    "female": ("女士", "女款", "women's"),
    "male": ("男士", "男款", "men's"),
}


def wanted(gender: str | None, age: str | None) -> frozenset[str]:
    """Departments that suit; empty where nothing is known."""
    if age in CHILDREN:
        return FOR_CHILDREN
    return SUITS.get((gender, age), frozenset())


def unwanted(gender: str | None, age: str | None) -> frozenset[str]:
    """Departments to leave out, unless they are asked for by name."""
    if age in CHILDREN:
        return frozenset()
    return UNSUITABLE.get(gender or "", frozenset({"toys"}) if age else frozenset())


def made_for_others(gender: str | None) -> tuple[str, ...]:
    """Words of goods that are made for the other gender; none where none was said."""
    return tuple(
        word for other, words in MADE_FOR.items() if gender and other != gender for word in words
    )
