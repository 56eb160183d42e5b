"""Rasa's command line on a clean screen: python -m tools.rasa train"""

from __future__ import annotations

import sys

from bot import quiet  # noqa: F401  (must come before Rasa)

# isort: split
from rasa.__main__ import main

if __name__ == "__main__":
    sys.argv[0] = "rasa"
    main()
