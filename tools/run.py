"""`make run`: prepares what is missing, starts both servers, says where to chat."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from honcho.manager import Manager

from shop.errors import SettingsError
from shop.settings import ShopSettings, read
from tools import environment, platforms, prepare

START_TIMEOUT_S = 180


def main() -> int:
    # The sample shop is for trying out on this machine; a deployment says no.
    os.environ.setdefault("XIAOER_DEMO", "yes")
    environment.load()
    try:
        phones = platforms.chosen(os.environ.get("CHANNELS", ""))
        for platform in phones.values():
            os.environ.update(platform.environ)
        settings = read(ShopSettings)
        check_ports_differ(settings)
        check_port("XIAOER_PORT", settings.host, settings.port)
        check_port("XIAOER_ACTION_PORT", "127.0.0.1", settings.action_port)
        prepare.check_yaml()
        prepare.prepare_encoder()
        prepare.prepare_shop(settings)
        prepare.prepare_recommendations(recommend_folder())
        prepare.train()
    except (SettingsError, prepare.PrepareError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.strerror}: {error.filename or '.'}", file=sys.stderr)
        return 1
    prepare.step("Starting the action server and the Rasa server")
    manager = Manager()
    for name, command in commands(settings).items():
        manager.add_process(name, command)
    for name, platform in phones.items():
        manager.add_process(name, f"{sys.executable} -m {platform.module}")
    pages = [f"{name}: {platform.phone}" for name, platform in phones.items()]
    threading.Thread(target=announce, args=(settings, manager, pages), daemon=True).start()
    manager.loop()
    # Ctrl-C is how one stops it.
    return 0 if manager.returncode in (None, 0, -2, 130) else int(manager.returncode)


def recommend_folder() -> Path:
    """Where the action server looks for what was learned. Raises: SettingsError."""
    # Scientific packages come with it.
    from shop.recommend.service import RecommendSettings

    return read(RecommendSettings).recommend_folder


def commands(settings: ShopSettings) -> dict[str, str]:
    """The servers, as shell commands by name."""
    rasa = (
        f"rasa run --interface {settings.host} --port {settings.port} --model {prepare.MODEL}"
        " --credentials credentials.yml --endpoints endpoints.yml"
    )
    return {"actions": f"{sys.executable} -m actions", "rasa": f"{sys.executable} -m tools.{rasa}"}


def check_ports_differ(settings: ShopSettings) -> None:
    """Raises PrepareError when both servers shall have the same port."""
    if settings.port == settings.action_port:
        raise prepare.PrepareError(
            f"XIAOER_ACTION_PORT={settings.action_port}: XIAOER_PORT is the same."
        )


def check_port(setting: str, host: str, port: int) -> None:
    """Raises PrepareError, naming the setting, when something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise prepare.PrepareError(
                    f"XIAOER_HOST={host}: is no address of this machine ({error.strerror})."
                ) from error
            raise prepare.PrepareError(
                f"{setting}={port}: cannot listen on {host}:{port} ({error.strerror})."
            ) from error


def announce(settings: ShopSettings, manager: Manager, pages: list[str]) -> None:
    """Waits until both servers answer, then prints the address of the chat page and of phones."""
    page = f"http://{settings.host}:{settings.port}/webhooks/webchat/"
    waited_for = (page, f"http://127.0.0.1:{settings.action_port}/health")
    deadline = time.monotonic() + START_TIMEOUT_S
    for address in waited_for:
        while not answers(address):
            if time.monotonic() > deadline:
                print(f"{address} does not answer after {START_TIMEOUT_S} s.", file=sys.stderr)
                manager.terminate()
                return
            time.sleep(0.3)
    for phone in pages:
        prepare.step(f"A phone on {phone}")
    prepare.step(f"Ready. Chat at {page}chat   (Ctrl-C stops everything)")


def answers(address: str) -> bool:
    """Whether the address answers with 200."""
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main())
