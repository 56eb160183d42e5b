"""`make train`: a model of the present data."""

from __future__ import annotations

import sys

from shop.errors import SettingsError
from shop.settings import ShopSettings, read
from tools import environment, prepare


def main() -> int:
    environment.load()
    try:
        prepare.check_yaml()
        prepare.prepare_encoder()
        # The NLU looks up the catalogue's words.
        prepare.prepare_shop(read(ShopSettings))
        prepare.train()
    except (SettingsError, prepare.PrepareError) as error:
        print(error, file=sys.stderr)
        return 1
    prepare.step(f"{prepare.MODEL} is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
