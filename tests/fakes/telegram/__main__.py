"""`python -m tests.fakes.telegram [port]`: Telegram on this machine, with a phone to play with."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress

from tests.fakes.telegram import TOKEN
from tests.fakes.telegram.phone import Phones

PORT = 5081


def main(port: int = PORT) -> None:
    """Run until Ctrl-C."""
    with Phones(port=port, begin=int(time.time())) as fake:
        print(f"The phone is at {fake.url}/   To connect a bot, set before it starts:", flush=True)
        print(f"  XIAOER_TELEGRAM_TOKEN={TOKEN}", flush=True)
        print(f"  XIAOER_TELEGRAM_API_BASE={fake.url}", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
