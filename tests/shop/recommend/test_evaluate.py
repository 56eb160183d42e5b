"""Reading files, holding back, and the measures, on data small enough to count by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from shop.errors import InvalidValue
from shop.recommend import __main__ as command
from shop.recommend.evaluate import bootstrap, evaluate, measure
from shop.recommend.interactions import Interactions, Sequences, read_file
from shop.recommend.popularity import Popularity
from shop.recommend.split import leave_out, time_split


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "u1 a b c\nu2 b\n",
        "u1,a\nu1,b\nu1,c\nu2,b\n",
        "u1\ta\t5\t1\nu1\tb\t4\t2\nu1\tc\t3\t3\nu2\tb\t2\t1\n",
        "user,item,timestamp\nu1,c,3\nu1,b,2\nu2,b,1\nu1,a,1\n",
        "\ufeffuser_id,item_id\nu1,a\n\nu1,b\nu1,c\nu2,b\n",
    ],
)
def test_files_of_all_kinds_say_the_same(tmp_path: Path, text: str) -> None:
    data = read_file(write(tmp_path / "file", text))

    assert data.item_ids[data.items].tolist() == ["a", "b", "c", "b"]
    assert data.user_ids[data.users].tolist() == ["u1", "u1", "u1", "u2"]


def test_ratings_and_times_are_read(tmp_path: Path) -> None:
    data = read_file(write(tmp_path / "file", "1,7,4.5,100\n1,8,2,50\n"))

    assert data.ratings.tolist() == [2, 4.5]
    assert data.times.tolist() == [50, 100]
    assert data.timed


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no interactions"),
        ("user,item\n", "no interactions"),
        ("1,2\n1\n", "line 2: 1 columns, expected 2"),
        ("1,2,3,4,5\n", "line 1: 5 columns, expected 2 to 4"),
        ("1,2,nan\n", "line 1: rating 'nan' is not a number"),
        ("1,2,3\n1,3,inf\n", "line 2: rating 'inf' is not a number"),
        ("1,2,3,4\n1,3,3,1e30\n", "line 2: timestamp '1e30' is not a number"),
        ("1,2,3,soon\n", "line 1: timestamp 'soon' is not a number"),
        ("1,\n", "line 1: user or item is empty"),
        ("u1 a b c d e\nu2\n", "line 2: a user without items"),
        ("u1 a b c d e\nu1 a b c d e\n", "line 2: user u1 came before"),
    ],
)
def test_broken_files_are_refused_with_their_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(InvalidValue, match=complaint):
        read_file(write(tmp_path / "file", text))


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="cannot be read"):
        read_file(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InvalidValue, match="cannot be read"):
        read_file(tmp_path / "binary")


@pytest.mark.parametrize("column", ["weights", "ratings"])
def test_infinite_numbers_are_refused(column: str) -> None:
    with pytest.raises(InvalidValue):
        Interactions.of([1, 2], [1, 2], **{column: [1.0, np.inf]})  # type: ignore[arg-type]


def test_items_that_are_not_in_the_catalogue_are_refused() -> None:
    with pytest.raises(InvalidValue, match="not in the catalogue"):
        Interactions.of([1], [9], item_ids=np.array([7, 8]))


def test_the_newest_items_weigh_most() -> None:
    weights = Sequences.of([[0, 1, 2], [], [2]]).weighted(4, decay=0.5).toarray()

    assert weights.tolist() == [[0.25, 0.5, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]]


def test_the_last_item_is_held_back() -> None:
    data = Interactions.of([1, 1, 1, 2, 2, 3, 3, 3], [0, 1, 2, 0, 1, 0, 1, 0])

    known, tasks = leave_out(data)

    # User 2 did too little, and user 3 ends with what they had before.
    assert tasks.users.tolist() == [0]
    assert tasks.wanted[0].tolist() == [2]
    assert tasks.histories[0].tolist() == [0, 1]
    assert len(known) == 6


def test_what_came_after_a_moment_is_held_back() -> None:
    data = Interactions.of([1, 1, 1, 2, 2], [0, 1, 2, 0, 3], times=[1, 2, 9, 3, 10])

    known, tasks = time_split(data, share=0.4)

    assert known.times.max() < 9
    assert [wanted.tolist() for wanted in tasks.wanted] == [[2], [3]]


def test_the_measures_are_exact() -> None:
    """Popularity 3, 2, 1 for items 0, 1, 2. After 0, user 5 wants 1 and 2, the first two places of
    what is left, and user 6 wants 2, the second."""
    data = Interactions.of([1, 2, 3, 1, 2, 1], [0, 0, 0, 1, 1, 2], item_ids=np.arange(5))
    model = Popularity().fit(data)
    later = Interactions.of(
        [5, 5, 5, 6, 6, 7], [0, 1, 2, 0, 2, 0], times=[0, 9, 9, 0, 9, 0], item_ids=np.arange(5)
    )
    _, tasks = time_split(later, share=0.5)

    found = measure(model, tasks)

    assert found["hr@10"].tolist() == [1, 1]
    assert found["ndcg@10"].tolist() == pytest.approx([1, 1 / np.log2(3)])
    assert found["mrr"].tolist() == pytest.approx([1, 1 / 2])
    assert found["recall@20"].tolist() == [1, 1]


def test_equal_scores_share_their_places() -> None:
    """With 101 items nobody ever chose, none of them is in the first ten by luck of its row."""
    data = Interactions.of([1, 1], [0, 1], item_ids=np.arange(102))
    _, tasks = time_split(
        Interactions.of([1, 1], [0, 2], times=[0, 9], item_ids=np.arange(102)), share=0.5
    )

    assert measure(Popularity().fit(data), tasks)["hr@10"].tolist() == [0]


def test_the_bootstrap_covers_the_mean() -> None:
    values = np.random.default_rng(0).random(400)

    low, high = bootstrap(values)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.2)
    assert bootstrap(values, against=values) == (1, 1)


def _chains(path: Path) -> Path:
    """Two circles of ten items: whoever is at an item goes on to the next one."""
    lines = []
    rng = np.random.default_rng(0)
    for user in range(300):
        start, circle = rng.integers(10), 10 * (user % 2)
        items = [circle + (start + step) % 10 for step in range(6)]
        lines.append(f"{user} " + " ".join(map(str, items)))
    return write(path, "\n".join(lines) + "\n")


@pytest.mark.parametrize("protocol", ["leave-one-out", "time-split"])
def test_the_command_reports_all_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], protocol: str
) -> None:
    file = _chains(tmp_path / "chains.txt")
    models = ["popularity", "item-knn", "next-item", "hybrid"]
    arguments = ["evaluate", "--interactions", str(file), "--protocol", protocol, "--json"]

    assert command.main([*arguments, "--models", *models]) == 0

    report = json.loads(capsys.readouterr().out)
    assert report["protocol"] == protocol
    assert list(report["models"]) == models
    assert report["models"]["next-item"]["ndcg@10"] > report["models"]["popularity"]["ndcg@10"]
    for measures in report["models"].values():
        low, high = measures["interval"]["ndcg@10"]
        assert low <= measures["ndcg@10"] <= high
        assert 0 < measures["coverage@10"] <= 1
        assert measures["novelty@10"] > 0
    assert len(report["ratio"]) == 3


def test_ratings_are_measured_where_there_are_any(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{u},{i},{1 + (u + i) % 5},{rng.integers(100)}" for u in range(40) for i in range(12)]

    report = evaluate(
        read_file(write(tmp_path / "stars.csv", "\n".join(rows))),
        models=["popularity", "svd"],
        tune=False,
    )

    assert 0 < report.models["svd"].means["mae"] <= report.models["svd"].means["rmse"] < 2.5
    assert "rmse" not in report.models["popularity"].means


@pytest.mark.parametrize("text", ["1,2\n", "1,2,x\n"])
def test_the_command_refuses_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file = write(tmp_path / "few.csv", text)

    assert command.main(["evaluate", "--interactions", str(file)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(InvalidValue, match="oracle"):
        evaluate(Interactions.of([1], [1]), models=["oracle"])
