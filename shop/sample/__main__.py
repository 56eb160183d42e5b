"""Create and fill the sample shop in the database and picture folder that the settings name."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime, timezone

from sqlalchemy.engine import Engine

from shop.database import open_engine
from shop.errors import NotAllowed, ShopError, Unavailable
from shop.sample.fill import VERSION, fill, marked, redraw
from shop.settings import ShopSettings, read
from shop.sql import load_words


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m shop.sample",
        description="Create the sample shop and fill it, unless that has been done.",
    )
    parser.add_argument("--reset", action="store_true", help="empty it and fill it again")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    try:
        settings = read(ShopSettings)
        engine = open_engine(settings)
        if not options.reset and _is_filled(engine):
            if not settings.pictures.is_dir():
                redraw(engine, settings.pictures)
            print("The sample shop is there already; --reset empties and refills it.")
            return 0
        fill(
            engine,
            datetime.now(timezone.utc),
            load_words(settings),
            pictures=settings.pictures,
            say=lambda line: print(line, flush=True),
        )
    except NotAllowed as error:
        return _complain(f"This is not a sample shop, nothing was changed: {error}.")
    except Unavailable as error:
        return _complain(f"The database cannot be used: {error}")
    except (ShopError, OSError) as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        return _complain("Stopped; the database is as it was.")
    print(f"The sample shop is ready ({time.perf_counter() - start:.0f} s).")
    return 0


def _is_filled(engine: Engine) -> bool:
    try:
        return marked(engine) == VERSION
    except Unavailable:  # not there yet, or for a reason that filling will meet and name
        return False


def _complain(line: str) -> int:
    print(line, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
