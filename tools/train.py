"""`make train`: a model of the present data."""

from __future__ import annotations

import sys

from tools import environment, prepare


def main() -> int:
    environment.load()
    try:
        prepare.check_yaml()
        prepare.prepare_encoder()
        prepare.train()
    except prepare.PrepareError as error:
        print(error, file=sys.stderr)
        return 1
    prepare.step(f"{prepare.MODEL} is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
