from __future__ import annotations

import threading
import time

import pytest

from shop.recommend.parallel import WORKERS, in_order


def test_results_come_in_the_order_of_the_pieces() -> None:
    def slowest_first(piece: int) -> int:
        time.sleep(0.02 / (1 + piece))
        return piece * piece

    assert list(in_order(slowest_first, range(20))) == [k * k for k in range(20)]


def test_nothing_to_do_gives_nothing() -> None:
    assert list(in_order(abs, [])) == []


def test_only_a_few_pieces_are_ahead() -> None:
    """The results of a million pieces must not fill the memory."""
    begun: list[int] = []
    results = in_order(begun.append, range(1000))

    next(results)

    assert 1 <= len(begun) <= WORKERS + 1


def test_an_error_arrives_where_the_results_are_taken() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda piece: 1 // piece, [1, 0, 1]))


@pytest.mark.skipif(WORKERS < 2, reason="there is one processor")
def test_pieces_are_worked_on_at_once() -> None:
    both = threading.Barrier(2, timeout=10)

    # Neither goes on before the other has begun.
    assert sorted(in_order(lambda _: both.wait(), [0, 0])) == [0, 1]
