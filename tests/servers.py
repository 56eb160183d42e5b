"""Both servers as `make run` starts them, on free ports and data of their own, for tests."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from bot.quiet import QUIET
from tools.prepare import MODEL
from tools.services import free_port

READY_TIMEOUT_S = 120


class Servers:
    """An action server and a Rasa server that talk to each other.

    Args:
        folder: for their data and logs; a filled sample shop must be there as `shop.db`.
        environ: settings that differ from the defaults.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port, self.action_port = free_port(), free_port()
        self.database = folder / "shop.db"
        self.environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith("XIAOER_")},
            **QUIET,
            "XIAOER_SECRET": secrets.token_urlsafe(32),
            "XIAOER_NOTIFY_SECRET": secrets.token_urlsafe(32),
            "XIAOER_DATABASE_URL": f"sqlite:///{self.database}",
            "XIAOER_STATE_PATH": str(folder / "state.db"),
            "XIAOER_TRACKER_URL": f"sqlite:///{folder / 'tracker.db'}",
            "XIAOER_RECOMMEND_FOLDER": str(folder / "recommend"),
            "XIAOER_PORT": str(self.port),
            "XIAOER_ACTION_PORT": str(self.action_port),
            "XIAOER_DEMO": "yes",
            **(environ or {}),
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def address(self) -> str:
        """The Rasa server's address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Servers:
        """Starts both and returns when both answer."""
        self.start_actions()
        self.start_rasa()
        return self

    def start_actions(self) -> None:
        """Starts the action server and waits for it."""
        self._start("actions", "-m", "actions")
        self._wait("actions", f"http://127.0.0.1:{self.action_port}/health")

    def start_rasa(self) -> None:
        """Starts the Rasa server and waits until it can answer a shopper."""
        self._start(
            *("rasa", "-m", "tools.rasa", "run", "--model", str(MODEL)),
            *("--interface", "127.0.0.1", "--port", str(self.port)),
        )
        self._wait("rasa", f"{self.address}/webhooks/webchat/")

    def stop(self, name: str | None = None, sign: signal.Signals = signal.SIGTERM) -> None:
        """Stops one server, or both."""
        for known in [name] if name else list(self._processes):
            process = self._processes.pop(known, None)
            if process and process.poll() is None:
                process.send_signal(sign)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def log(self, name: str) -> str:
        """What a server printed."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """A running server."""
        return self._processes[name]

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, *command], env=self.environ, stdout=log, stderr=log
            )

    def _wait(self, name: str, address: str) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline and self._processes[name].poll() is None:
            try:
                with urllib.request.urlopen(address, timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        tail = self.log(name)[-3000:]
        self.stop()
        raise RuntimeError(f"the {name} server did not start:\n{tail}")


def fill_shop(folder: Path) -> Path:
    """A filled sample shop in `folder`, copied from one that is made once a test run."""
    from shop.sample.fill import VERSION

    template = Path(f"var/test/shop-{VERSION}.db")
    template.parent.mkdir(parents=True, exist_ok=True)
    # Several test processes may ask at once.
    with FileLock(template.with_suffix(".lock")):
        if not template.exists() or template.stat().st_mtime < time.time() - 12 * 3600:
            fresh = template.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            subprocess.run(
                [sys.executable, "-m", "shop.sample"],
                env={**os.environ, "XIAOER_DATABASE_URL": f"sqlite:///{fresh}"},
                check=True,
                stdout=subprocess.DEVNULL,
            )
            fresh.rename(template)
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(template, folder / "shop.db"))


def learn(folder: Path) -> None:
    """What to recommend in the shop of a folder, without the texts of goods."""
    from shop.recommend.train import train
    from shop.settings import ShopSettings
    from shop.sql import open_shop

    shop = open_shop(ShopSettings(database_url=f"sqlite:///{folder / 'shop.db'}"))
    train(shop, folder / "recommend")
    shop.engine.dispose()
