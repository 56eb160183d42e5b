"""Work in pieces on several processors."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")
#: However many processors there are: what is worked on at once must fit the memory.
WORKERS = min(os.cpu_count() or 1, 8)


def in_order(call: Callable[[Piece], Result], pieces: Iterable[Piece]) -> Iterator[Result]:
    """`call` of every piece, in their order, a few pieces ahead of whoever takes the results.

    Threads suffice, since NumPy and SciPy let go of the interpreter in their long loops.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        pending: deque[Future[Result]] = deque()
        for piece in pieces:
            pending.append(pool.submit(call, piece))
            if len(pending) > WORKERS:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
