"""Every recommender against the checks of all, and what is its own."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from shop.errors import InvalidValue
from shop.recommend.base import Recommender
from shop.recommend.baskets import Baskets
from shop.recommend.content import Content
from shop.recommend.factors import ALS, BPR
from shop.recommend.hybrid import Hybrid
from shop.recommend.interactions import Interactions, Sequences
from shop.recommend.linear import Linear
from shop.recommend.links import keep_strongest
from shop.recommend.neighbours import BM25, Cosine
from shop.recommend.popularity import Popularity
from shop.recommend.ratings import Ratings
from shop.recommend.sequence import NextItem, TwoSteps
from tests.checks.recommender import SIZE, RecommenderChecks, checker_board, has

DAY = 86_400


def _texts() -> np.ndarray:
    """Texts of even items point one way, of odd ones another, each with a little of its own."""
    own = 0.1 * np.random.default_rng(0).normal(size=(SIZE, 8)).astype(np.float32)
    own[::2, 0] += 1
    own[1::2, 1] += 1
    return own


class TestPopularity(RecommenderChecks):
    personal = False

    def make(self) -> Recommender:
        return Popularity()


class TestCosine(RecommenderChecks):
    def make(self) -> Recommender:
        return Cosine()


class TestBM25(RecommenderChecks):
    def make(self) -> Recommender:
        return BM25()


class TestLinear(RecommenderChecks):
    def make(self) -> Recommender:
        return Linear(ridge=5.0)


class TestNextItem(RecommenderChecks):
    def make(self) -> Recommender:
        return NextItem(reach=40)


class TestTwoSteps(RecommenderChecks):
    def make(self) -> Recommender:
        return TwoSteps(decay=1.0)


class TestBaskets(RecommenderChecks):
    def make(self) -> Recommender:
        return Baskets()


class TestALS(RecommenderChecks):
    def make(self) -> Recommender:
        return ALS(factors=4)


class TestBPR(RecommenderChecks):
    def make(self) -> Recommender:
        return BPR(factors=4)


class TestContent(RecommenderChecks):
    def make(self) -> Recommender:
        return Content(embeddings=_texts())

    def test_recommends_what_the_user_lacks(self, fitted: Recommender, user: int = 7) -> None:
        found = fitted.recommend(has(user), 1)[0].item

        # Texts know the kind of item, not who has it.
        assert found % 2 == user % 2

    def test_refuses_to_learn_from_nothing(self) -> None:
        data = checker_board()

        assert self.make().fit(data.where(np.zeros(len(data), bool))).n_items == SIZE


class TestRatings(RecommenderChecks):
    personal = False

    def make(self) -> Recommender:
        return Ratings(factors=4, epochs=2)


class TestHybrid(RecommenderChecks):
    repeats = False

    def make(self) -> Recommender:
        return Hybrid(factors=4)


class TestHybridWithTexts(RecommenderChecks):
    repeats = False

    def make(self) -> Recommender:
        return Hybrid(factors=4, embeddings=_texts())


def test_popularity_forgets() -> None:
    """Item 0 was chosen three times long ago, item 1 twice now."""
    data = Interactions.of([1, 2, 3, 4, 5], [0, 0, 0, 1, 1], times=[0, 0, 0, 90 * DAY, 90 * DAY])

    assert Popularity(half_life=30).fit(data).recommend([], 1)[0].item == 1
    assert Popularity(half_life=1e9).fit(data).recommend([], 1)[0].item == 0


def test_popularity_halves_with_each_half_life() -> None:
    data = Interactions.of([1, 2], [0, 1], times=[0, 30 * DAY])

    assert Popularity(half_life=30).fit(data).counts.tolist() == [0.5, 1.0]


def test_the_cosine_of_neighbours_is_exact() -> None:
    """Items 0 and 1 share one of the users, of whom they have 1 and 4."""
    data = Interactions.of([1, 1, 2, 3, 4], [0, 1, 1, 1, 1])

    assert Cosine().fit(data).links[0, 1] == pytest.approx(1 / np.sqrt(4))


def test_bm25_takes_little_from_users_who_have_everything() -> None:
    """User 9 has all items; users 1 and 2 have only 0 and 1."""
    pairs = [(1, 0), (1, 1), (2, 0), (2, 1)] + [(9, i) for i in range(10)] + [(3, 2), (4, 3)]
    users, items = zip(*pairs, strict=True)

    links = BM25(b=0.9).fit(Interactions.of(users, items)).links

    assert links[0, 1] > 2 * links[0, 2]


def test_the_linear_model_is_what_its_paper_says() -> None:
    data = checker_board(12)
    matrix = data.matrix().toarray()
    inverse = np.linalg.inv(matrix.T @ matrix + 7 * np.eye(12))
    expected = -inverse / np.diag(inverse)[None, :]

    # The paper divides each column by its diagonal; the row is where a link comes from.
    learned = Linear(ridge=7).fit(data).links.toarray()

    mask = (expected > 1e-5) & ~np.eye(12, dtype=bool)
    assert np.allclose(learned[mask], expected[mask], atol=1e-4)
    assert not learned[~mask].any()


def test_the_linear_model_leaves_rare_items_out_of_a_large_catalogue() -> None:
    pairs = [(u, i) for u in range(6) for i in (0, 1, 2)] + [(0, 3)]
    users, items = zip(*pairs, strict=True)

    model = Linear(ridge=1, largest=3).fit(Interactions.of(users, items))

    assert model.n_items == 4
    assert model.links[3].nnz == 0


def test_the_next_item_is_what_came_next() -> None:
    chains = [(u, i) for u in range(5) for i in (3, 1, 4, 0)]
    users, items = zip(*chains, strict=True)
    times = list(range(len(chains)))
    data = Interactions.of(users, items, times=times, item_ids=np.arange(5))

    model = NextItem(reach=2).fit(data)

    assert [s.item for s in model.recommend([3], 3)] == [1, 4]
    assert model.recommend([0], 3) == []


def test_what_was_touched_last_counts_most() -> None:
    pairs = [(u, i) for u in range(4) for i in (0, 1)] + [
        (u, i) for u in range(4, 8) for i in (2, 3)
    ]
    users, items = zip(*pairs, strict=True)
    model = NextItem().fit(Interactions.of(users, items))

    assert model.recommend([0, 2], 1)[0].item == 3
    assert model.recommend([2, 0], 1)[0].item == 1


def test_two_steps_reach_what_was_never_seen_together() -> None:
    """0 leads to 1 and 1 to 2, but nobody went from 0 to 2."""
    pairs = [(u, i) for u in range(4) for i in (0, 1)] + [
        (u, i) for u in range(4, 8) for i in (1, 2)
    ]
    users, items = zip(*pairs, strict=True)
    data = Interactions.of(users, items)

    assert [s.item for s in NextItem().fit(data).recommend([0], 5)] == [1]
    assert 2 in [s.item for s in TwoSteps().fit(data).recommend([0], 5)]


def test_baskets_are_what_was_bought_at_once() -> None:
    """Tent 0 and bag 1 are bought together, and 2 by the same people, but a month later."""
    users = [1, 1, 1, 2, 2, 2, 3]
    items = [0, 1, 2, 0, 1, 2, 2]
    times = [0, 60, 30 * DAY, 0, 60, 30 * DAY, 0]

    model = Baskets().fit(Interactions.of(users, items, times=times))

    assert [s.item for s in model.similar(0)] == [1]


def test_als_of_a_stranger_with_the_same_history_is_that_user() -> None:
    model = ALS(factors=4).fit(checker_board())
    theirs = model.score(Sequences.of([has(4)]), np.array([4]))
    alike = model.score(Sequences.of([has(4)]))

    # The library's last step was on items, so the user's vector is half an iteration older.
    assert np.allclose(theirs, alike, atol=0.02)


def test_fitting_factors_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ALS(factors=2, iterations=1).fit(checker_board())
        BPR(factors=2, iterations=1).fit(checker_board())


def test_texts_find_a_new_item_that_nobody_touched() -> None:
    texts = _texts()
    data = checker_board()
    untouched = data.where(data.items != 6)

    found = [s.item for s in Content(embeddings=texts).fit(untouched).recommend([0, 2, 4], SIZE)]

    assert 6 in found[: SIZE // 2]


def test_texts_of_another_catalogue_are_refused() -> None:
    with pytest.raises(InvalidValue, match="one embedding for each item"):
        Content(embeddings=_texts()[:5]).fit(checker_board())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_texts_that_are_no_numbers_are_refused(bad: float) -> None:
    texts = _texts()
    texts[3, 3] = bad

    with pytest.raises(InvalidValue):
        Content(embeddings=texts)


def test_ratings_recover_biases() -> None:
    """User 1 gives a star less than user 0; item 1 gets two less than item 0."""
    users, items = np.repeat(np.arange(20), 20), np.tile(np.arange(20), 20)
    stars = 4.0 - (users % 2) - 2 * (items % 2) + 1
    model = Ratings(factors=2, epochs=300, batch=64).fit(
        Interactions.of(users, items, ratings=stars)
    )

    predicted = model.predict(np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))

    assert np.allclose(predicted, [5, 4, 3, 2], atol=0.15)


def test_ratings_of_a_stranger_are_the_mean_and_the_item() -> None:
    model = Ratings(factors=2).fit(checker_board())

    assert model.predict(np.array([-1]), np.array([3])) == pytest.approx([5.0])


def test_ratings_need_ratings() -> None:
    with pytest.raises(InvalidValue, match="no ratings"):
        Ratings().fit(Interactions.of([1, 2], [1, 2]))


def test_a_hybrid_too_small_to_be_taught_still_answers() -> None:
    """Two users cannot teach the ranker, so the places in the sources' lists decide."""
    model = Hybrid(factors=2).fit(Interactions.of([1, 1, 2, 2], [0, 1, 0, 2]))

    assert model.ranker is None
    assert {s.item for s in model.recommend([0], 2)} == {1, 2}


def test_a_hybrid_goes_on_from_an_earlier_one() -> None:
    data = checker_board()
    before = Hybrid(factors=4).fit(data)

    after = Hybrid(factors=4, before=before, keep_ranker=True).fit(data)

    assert after.ranker is before.ranker
    assert after.recommend(has(5), 1)[0].item == 5


def test_only_the_strongest_links_are_kept() -> None:
    links = np.array([[9, 1, 3, 2], [0, 0, 0, 0], [1, 1, 9, -4], [5, 6, 7, 8]], np.float32)

    kept = keep_strongest(links, 2).toarray()

    assert kept.tolist() == [[0, 0, 3, 2], [0, 0, 0, 0], [1, 1, 0, 0], [0, 6, 7, 0]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Cosine(decay=0),
        lambda: Cosine(decay=1.5),
        lambda: NextItem(keep=0),
        lambda: NextItem(reach=0),
        lambda: Linear(ridge=0),
        lambda: Popularity(half_life=0),
        lambda: Hybrid(per_source=0),
    ],
)
def test_settings_that_make_no_sense_are_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidValue):
        make()
