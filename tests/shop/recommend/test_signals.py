"""What the sources of the hybrid say of a history, against what the definitions say."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from shop.recommend.hybrid import Hybrid
from shop.recommend.interactions import Sequences
from shop.recommend.links import Leaving, LinkRecommender
from shop.recommend.signals import CHOOSERS, SIGNALS, Signal, Signals, strongest
from tests.checks.recommender import SIZE, checker_board, has

HISTORIES = [[], [3], [5, 5], *(has(user)[:length] for user in (0, 5) for length in (2, 7, 18))]


@pytest.fixture(scope="module")
def hybrid() -> Hybrid:
    texts = np.random.default_rng(0).normal(size=(SIZE, 8)).astype(np.float32)
    return Hybrid(factors=8, embeddings=texts).fit(checker_board())


def expected(hybrid: Hybrid, signal: Signal, history: list[int]) -> np.ndarray:
    """A signal item by item, as it is defined."""
    source = hybrid.sources[signal.source]
    if not isinstance(source, LinkRecommender):
        return np.maximum(source.score(Sequences.of([history]))[0], 0)
    links = source.links.toarray()
    total = np.zeros(SIZE)
    for place, item in enumerate(reversed(history)):
        if signal.newest <= place < signal.oldest:
            total += signal.decay**place * links[item]
    return total


@pytest.mark.parametrize("history", HISTORIES, ids=len)
def test_signals_are_what_their_definitions_say(hybrid: Hybrid, history: list[int]) -> None:
    items = np.random.default_rng(1).permutation(SIZE)[:30]

    found = hybrid.signals(history).of(items)

    assert found.items.tolist() == items.tolist()
    assert (found.values[:, -1] == len(history)).all()
    for column, signal in enumerate(SIGNALS):
        np.testing.assert_allclose(
            found.values[:, column], expected(hybrid, signal, history)[items], rtol=1e-4, atol=1e-6
        )


@pytest.mark.parametrize("history", HISTORIES, ids=len)
def test_what_chooses_is_one_of_the_signals(hybrid: Hybrid, history: list[int]) -> None:
    signals = hybrid.signals(history)

    for column in CHOOSERS:
        signal = SIGNALS[column]
        said = signals.strengths.get(signal.source, np.zeros(SIZE))
        said = np.maximum(said, 0)
        np.testing.assert_allclose(said, expected(hybrid, signal, history), rtol=1e-4, atol=1e-6)


def test_a_history_says_alone_what_it_says_among_others(hybrid: Hybrid) -> None:
    items = np.arange(SIZE)
    together = Signals.of_many(hybrid.sources, Sequences.of(HISTORIES))

    for history, signals in zip(HISTORIES, together, strict=True):
        alone = hybrid.signals(history).of(items)
        np.testing.assert_allclose(signals.of(items).values, alone.values, rtol=1e-4, atol=1e-6)


def test_candidates_are_free_or_named(hybrid: Hybrid) -> None:
    free = np.arange(SIZE) % 4 == 1

    chosen = hybrid.signals(has(5)).choose(free, 3, np.array([0, 2]))

    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert {0, 2} < set(chosen.tolist())
    assert all(free[item] for item in chosen if item not in (0, 2))


def test_candidates_are_taken_with_all_that_is_known_of_them(hybrid: Hybrid) -> None:
    found = hybrid.signals([1, 3]).of(np.array([7, 9, 11]))

    some = found.take([2, 0])

    assert some.items.tolist() == [11, 7]
    assert (some.values == found.values[[2, 0]]).all()
    assert {name: table.shape for name, table in some.links.items()} == dict.fromkeys(
        ("next-item", "linear", "item-knn", "two-steps"), (2, 2)
    )
    assert (some.links["item-knn"][:, 0] == found.links["item-knn"][:, 2]).all()


def test_places_are_counted_back_from_the_newest() -> None:
    assert Signal("any", decay=0.5).weights()[:3].tolist() == [1, 0.5, 0.25]
    assert Signal("any", newest=1, oldest=3).weights()[:5].tolist() == [0, 1, 1, 0, 0]


def test_links_that_leave_items_are_products_of_matrices() -> None:
    links = sp.random(300, 300, 0.05, "csr", np.float32, random_state=0)
    items, weights = np.array([7, 0, 299, 7]), np.array([0.5, 2, 1, 3], np.float32)
    leaving = Leaving.of(links, items)

    np.testing.assert_allclose(leaving.spread(weights), weights @ links.toarray()[items], rtol=1e-5)
    to = np.array([5, 3, 250])
    assert (leaving.to(to) == links.toarray()[items][:, to]).all()


def test_no_links_leave_nothing() -> None:
    leaving = Leaving.of(sp.csr_matrix((4, 4), dtype=np.float32), np.array([1, 2]))

    assert leaving.spread(np.ones(2, np.float32)).tolist() == [0, 0, 0, 0]
    assert leaving.to(np.array([0, 3])).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("share", [1.0, 0.7, 0.01, 0.0])
@pytest.mark.parametrize("size", [5, 100, 12_000])
def test_the_strongest_are_those_of_an_ordering(size: int, share: float) -> None:
    rng = np.random.default_rng(0)
    values = rng.permutation(size) - size // 4
    free = rng.random(size) < share

    found = strongest(values.astype(np.float32), free, 20)

    values = np.maximum(values, 0)
    best = np.argsort(-values * free)[:20]
    assert sorted(found.tolist()) == sorted(i for i in best.tolist() if (values * free)[i] > 0)


def test_equally_strong_ones_are_taken_up_to_the_number() -> None:
    values = np.ones(1000, np.float32)
    values[500] = 2

    found = strongest(values, np.ones(1000, bool), 10)

    assert len(set(found.tolist())) == 10
    assert 500 in found
