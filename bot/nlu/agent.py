"""A trained model as Rasa runs it, for the commands that ask it something."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def loaded(archive: Path) -> Iterator[Any]:
    """An `Agent`; until it is given back, Rasa and its libraries write nothing to the screen.

    They print, warn of their own code and write a line a message: whoever reads our output must not
    meet that.
    """
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            from bot import quiet  # noqa: F401  (must come before Rasa)

            # isort: split
            from rasa.core.agent import Agent
            from rasa.utils.log_utils import configure_structlog

            warnings.simplefilter("ignore")
            configure_structlog(logging.ERROR)
            yield Agent.load(str(archive))
    finally:
        logging.disable(before)
