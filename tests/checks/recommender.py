"""What every recommender must do, on data in which the right answer can be seen.

The data is a checker board: even users like even items, odd users odd ones, and nobody has the
item of their own number. So that is what each user lacks.
"""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from shop.errors import InvalidValue
from shop.recommend.base import LAYOUT, Recommender
from shop.recommend.interactions import Interactions

SIZE = 40


def checker_board(size: int = SIZE) -> Interactions:
    """Every user touches all items of their own parity, except the one of their own number."""
    pairs = [(u, i) for u in range(size) for i in range(u % 2, size, 2) if i != u]
    # In no order, so that nothing always comes before something else.
    np.random.default_rng(0).shuffle(pairs)
    users, items = zip(*pairs, strict=True)
    ratings = [5.0] * len(pairs)
    return Interactions.of(users, items, ratings=ratings, item_ids=np.arange(size))


def has(user: int) -> list[int]:
    """What a user of the checker board has."""
    return [i for i in range(user % 2, SIZE, 2) if i != user]


class RecommenderChecks:
    """Inherit it and write `make`."""

    #: Whether a history decides; otherwise all get the same.
    personal = True
    #: Whether it scores what the history holds.
    repeats = True

    def make(self) -> Recommender:
        """A recommender that was not fitted."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    def fitted(self) -> Recommender:
        return self.make().fit(checker_board())

    @pytest.mark.parametrize("user", [0, 1, 7, 38])
    def test_recommends_what_the_user_lacks(self, fitted: Recommender, user: int) -> None:
        found = [scored.item for scored in fitted.recommend(has(user), 1)]

        if self.personal:
            assert found == [user]
        else:
            assert not set(found) & set(has(user))

    def test_scores_fall(self, fitted: Recommender) -> None:
        scores = [scored.score for scored in fitted.recommend([0, 2, 4], 10)]

        assert scores == sorted(scores, reverse=True)

    def test_never_recommends_the_history_unless_told(self, fitted: Recommender) -> None:
        history = has(3)

        assert not {s.item for s in fitted.recommend(history, SIZE)} & set(history)
        if self.repeats:
            assert {s.item for s in fitted.recommend(history, SIZE, seen=True)} & set(history)

    def test_keeps_to_what_is_allowed(self, fitted: Recommender) -> None:
        allowed = np.zeros(SIZE, bool)
        allowed[[10, 11, 12]] = True

        assert {s.item for s in fitted.recommend([0, 2], 10, allowed=allowed)} <= {10, 11, 12}

    def test_similar_items_are_of_the_same_colour(self, fitted: Recommender) -> None:
        found = [scored.item for scored in fitted.similar(6, 5)]

        assert 6 not in found
        if self.personal:
            assert len(found) == 5
            assert all(item % 2 == 0 for item in found)

    @pytest.mark.parametrize("n", [0, 1, SIZE, 10 * SIZE])
    def test_gives_at_most_as_many_as_asked(self, fitted: Recommender, n: int) -> None:
        assert len(fitted.recommend([1], n)) <= min(n, SIZE - 1)

    def test_a_stranger_is_no_error(self, fitted: Recommender) -> None:
        assert len(fitted.recommend([], 5)) <= 5

    @pytest.mark.parametrize("history", [[-1], [SIZE], [0, 10**9]])
    def test_refuses_unknown_items(self, fitted: Recommender, history: list[int]) -> None:
        with pytest.raises(InvalidValue):
            fitted.recommend(history, 5)

    def test_refuses_a_negative_number(self, fitted: Recommender) -> None:
        with pytest.raises(InvalidValue):
            fitted.recommend([0], -1)

    def test_a_history_of_a_million_is_no_burden(self, fitted: Recommender) -> None:
        history = [k % 20 for k in range(1_000_000)]

        assert not {s.item for s in fitted.recommend(history, 5)} & set(range(20))

    def test_fitting_again_gives_the_same(self, fitted: Recommender) -> None:
        again = self.make().fit(checker_board())

        assert again.recommend([0, 2], 5) == fitted.recommend([0, 2], 5)

    def test_refuses_to_learn_from_nothing(self) -> None:
        data = checker_board()

        with pytest.raises(InvalidValue):
            self.make().fit(data.where(np.zeros(len(data), bool)))

    def test_many_threads_get_the_same(self, fitted: Recommender) -> None:
        alone = [fitted.recommend(has(user), 3) for user in range(SIZE)]

        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda user: fitted.recommend(has(user), 3), range(SIZE)))

        assert together == alone

    def test_a_saved_one_answers_alike(self, fitted: Recommender, tmp_path: Path) -> None:
        fitted.save(tmp_path)

        loaded = type(fitted).load(tmp_path)

        assert loaded.settings() == fitted.settings()
        assert loaded.n_items == SIZE
        for user in (0, 7):
            before, after = fitted.recommend(has(user), 1), loaded.recommend(has(user), 1)
            if self.personal:
                assert [s.item for s in after] == [s.item for s in before]
            # Saved in two bytes a number.
            assert [s.score for s in after] == pytest.approx([s.score for s in before], rel=0.02)

    def test_saving_leaves_nothing_else_behind(self, fitted: Recommender, tmp_path: Path) -> None:
        fitted.save(tmp_path)
        fitted.save(tmp_path)

        assert [path.name for path in tmp_path.iterdir()] == [f"{fitted.name}.npz"]

    @pytest.mark.parametrize("damage", ["missing", "empty", "cut", "text", "pickle", "other"])
    def test_a_damaged_file_is_refused(
        self, fitted: Recommender, tmp_path: Path, damage: str
    ) -> None:
        path = fitted.save(tmp_path)
        whole = path.read_bytes()
        if damage == "missing":
            path.unlink()
        elif damage == "other":
            about = f'{{"name": "other", "layout": {LAYOUT}, "settings": {{}}}}'
            np.savez(path, about=np.array(about))
        else:
            bad = {
                "empty": b"",
                "cut": whole[: len(whole) // 2],
                "text": b"hello",
                "pickle": pickle.dumps({"about": 1}),
            }
            path.write_bytes(bad[damage])

        with pytest.raises(InvalidValue, match=f"{fitted.name}.npz"):
            type(fitted).load(tmp_path)
