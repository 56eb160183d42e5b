"""Finding products by words, in Chinese, English or both, without a segmenter.

English is matched by words, Chinese by pairs of neighbouring characters: a product matches
蓝牙耳机 if pairs it contains (蓝牙, 耳机) cover all four characters, wherever they stand.
A product that matches every word is exact, one that matches some is near.
"""

from __future__ import annotations

import math
import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from shop.text.normalize import normalize

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

# How much a match in a field counts. From HEAD upwards it says what the product is, below that
# how it is; in a description it may also say what goes with it, so alone it proves nothing.
NAME, KIND, BRAND, CATEGORY, HEAD, ATTRIBUTE, DESCRIPTION = 3.0, 3.0, 2.0, 1.5, 1.5, 1.0, 0.4
# Near products match at least this share of those words that say what any product is.
NEAR = 0.5
LONGEST_TEXT = 200

_RUN = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?|[\u3400-\u9fff]+")
_STOP_EN = {
    *("a", "an", "the", "some", "any", "something", "what", "which", "there"),
    *("i", "me", "my", "you", "your", "it", "is", "are", "do", "can", "would", "have"),
    *("want", "need", "get", "give", "show", "find", "looking", "look", "please"),
    *("and", "or", "of", "in", "on", "for", "from", "to", "with", "by"),
}
_STOP_ZH = re.compile(
    "有没有|没有|有什么|有(?![机线氧])|我想|想[要买]|帮我|给|买|找一?下|看看|来一?[个款双件条台]"
    "|一[个款双件条台只瓶盒]|你们|[这那]种|什么样|请问?|谢谢|[的了吗呢吧啊呀]"
)
# Characters that are words by themselves: 女鞋 means 女 and 鞋, though no product says "女鞋".
# Those that say how a thing is count anywhere, those that say what it is only at the end of its
# name: 保温杯 is a 杯, 杯垫 is not.
_HOW_ZH = frozenset("红橙黄绿青蓝紫黑白灰粉棕金银男女春夏秋冬厚薄")
_WHAT_ZH = frozenset("鞋靴裙裤衣帽包伞锅壶杯灯茶刀枕")


@dataclass(frozen=True)
class Document:
    """A product as search sees it: its texts with the weight of their field."""

    product_id: int
    category: str
    kind: str
    brands: tuple[str, ...]
    sold: int
    texts: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Matches:
    """Products found, by position in the index; higher scores are better."""

    exact: Mask
    near: Mask
    score: Floats


class Index:
    """An immutable index of the catalogue; share it between threads."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.ids: Ids = np.array([d.product_id for d in documents], dtype=np.int64)
        self.sold: Floats = np.array([d.sold for d in documents], dtype=np.float32)
        self._category = np.array([d.category for d in documents], dtype=object)
        self._kind = np.array([d.kind for d in documents], dtype=object)
        self._brands = [{fold(b) for b in d.brands} - {""} for d in documents]
        found: dict[str, tuple[array[int], array[float]]] = {}
        for position, document in enumerate(documents):
            best: dict[str, float] = {}
            # The strongest field is written last, so it stays.
            for weight, text in sorted(document.texts):
                best.update(dict.fromkeys(_terms(text, weight), weight))
            for term, weight in best.items():
                if term not in found:
                    found[term] = array("q"), array("f")
                positions, weights = found[term]
                positions.append(position)
                weights.append(weight)
        self._postings: dict[str, tuple[Ids, Floats]] = {
            term: (np.frombuffer(positions, dtype=np.int64), np.frombuffer(weights, np.float32))
            for term, (positions, weights) in found.items()
        }
        # "powerbank" for what products write in two words.
        self._pairs = {t.replace("-", ""): [t] for t in self._postings if "-" in t}
        # Spelling is corrected towards words only, of letters only, by first letter and length.
        self._spellings: dict[tuple[str, int], list[str]] = defaultdict(list)
        for term in self._postings:
            if term.isascii() and term.isalpha() and len(term) >= 5:
                self._spellings[term[0], len(term)].append(term)

    def __len__(self) -> int:
        return len(self.ids)

    def everything(self) -> Matches:
        """All products, the best sold first."""
        every = np.ones(len(self), dtype=bool)
        return Matches(every, np.zeros(len(self), dtype=bool), np.log1p(self.sold))

    def within(self, *, category: str | None = None, brand: str | None = None) -> Mask:
        """The products of a category or kind, and of a brand (its name in either language)."""
        mask = np.ones(len(self), dtype=bool)
        if category is not None:
            mask &= (self._category == category) | (self._kind == category)
        if brand is not None:
            wanted = fold(brand)
            mask &= np.fromiter((wanted in b for b in self._brands), dtype=bool, count=len(self))
        return mask

    def match(self, text: str) -> Matches:
        """Products that match the words of `text`: all of them (exact) or many (near).

        A text without any word, such as only "please", matches everything.
        """
        units = self._units(text)
        if not units:
            return self.everything()
        size = len(self)
        score = np.zeros(size, dtype=np.float32)
        named = np.zeros(size, dtype=np.float32)
        best = np.zeros(size, dtype=np.float32)
        # The weakest field that any word had to be found in, 0 where one was not found at all.
        least = np.full(size, np.inf, dtype=np.float32)
        all_named = 0.0
        for terms in units:
            field = np.zeros(size, dtype=np.float32)
            for term in terms:
                positions, weights = self._postings[term]
                np.maximum.at(field, positions, weights)
            rarity = math.log(1 + size / (1 + np.count_nonzero(field)))
            score += rarity * (field > 0) * (1 + field)
            if (field >= HEAD).any():
                # A speaker that mentions headphones is none, but what is good for rainy days is.
                field[field < ATTRIBUTE] = 0
                if not _only_how(terms):
                    all_named += rarity
                    named += rarity * (field >= HEAD)
            best = np.maximum(best, field)
            least = np.minimum(least, field)
        head = best >= HEAD
        exact = (least > 0) & (head | (least >= ATTRIBUTE))
        near = ~exact & (named > 0) & (named >= NEAR * all_named)
        return Matches(exact, near, score * (1 + 0.04 * np.log1p(self.sold)))

    def _units(self, text: str) -> list[list[str]]:
        """What must be matched, each by any of some terms; none where the catalogue lacks it."""
        units: list[list[str]] = []
        folded = _STOP_ZH.sub(" ", fold(text[:LONGEST_TEXT]))
        latin: list[str] = []
        for run in _RUN.findall(folded):
            if run[0].isascii():
                if run not in _STOP_EN:
                    latin.append(stem(run))
                continue
            units += self._latin(latin)
            latin = []
            units += self._chinese(run)
        return units + self._latin(latin)

    def _latin(self, words: Sequence[str]) -> list[list[str]]:
        units: list[list[str]] = []
        at = 0
        while at < len(words):
            word, following = words[at], words[at + 1] if at + 1 < len(words) else ""
            at += 1
            joined = word + following
            if following and joined in self._postings:  # "ear phones"
                units.append([joined])
                at += 1
            elif word in self._postings:
                units.append([word])
            else:
                units.append(self._pairs.get(word) or self._corrected(word))
        return units

    def _corrected(self, word: str) -> list[str]:
        """Words one typing error away; short ones and those with digits are left as they are."""
        if len(word) < 6 or not word.isalpha():
            return []
        lengths = (len(word) - 1, len(word), len(word) + 1)
        candidates = (t for n in lengths for t in self._spellings.get((word[0], n), ()))
        return [term for term in candidates if _one_error(word, term)]

    def _chinese(self, run: str) -> list[list[str]]:
        units = []
        for at, character in enumerate(run):
            terms = [run[at - 1 : at + 1]] if at else []
            if at + 1 < len(run):
                terms.append(run[at : at + 2])
            if len(run) == 1 or character in _HOW_ZH or character in _WHAT_ZH:
                terms.append(character)
            units.append([t for t in terms if t in self._postings])
        return units


def fold(text: str) -> str:
    """One form for all widths, scripts and cases, and "women's" without its ending."""
    return re.sub(r"'s?\b", "", normalize(text).lower())


def stem(word: str) -> str:
    """An English word without its plural ending."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _terms(text: str, weight: float) -> Iterable[str]:
    """What a text in a field of some weight can be found by."""
    return _cached_terms(text, weight) if len(text) <= _SHORT else _new_terms(text, weight)


def _new_terms(text: str, weight: float) -> list[str]:
    terms: list[str] = []
    before = ""
    for run in _RUN.findall(fold(text)):
        if not run[0].isascii():
            before = ""
            terms += [run[at : at + 2] for at in range(len(run) - 1)]
            if weight >= HEAD:
                terms += [run[-1], *(c for c in run if c in _HOW_ZH)]
            elif weight >= ATTRIBUTE:
                terms += run
            continue
        word = stem(run)
        terms.append(word)
        if before and weight >= ATTRIBUTE:
            # "power bank" is found by "powerbank", "T-shirt" by "tshirt"; the hyphen marks that
            # no product has it in one piece.
            terms.append(f"{before}-{word}")
        before = run
    return terms


# Words for kinds, colours and sizes come again with many products.
_SHORT = 24
_cached_terms = lru_cache(maxsize=20_000)(_new_terms)


def _only_how(terms: Sequence[str]) -> bool:
    """Whether terms say nothing of what is meant: 15, or the 女 of 女朋友."""
    return all(term.isdigit() or term in _HOW_ZH for term in terms)


def _one_error(word: str, other: str) -> bool:
    """One letter is wrong, missing, too much, or changed places with its neighbour."""
    if abs(len(word) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(word), len(other)) and word[start] == other[start]:
        start += 1
    a, b = word[start:], other[start:]
    if len(a) != len(b):
        longer, shorter = (a, b) if len(a) > len(b) else (b, a)
        return longer[1:] == shorter
    return a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
