"""`make test` proves everything, from nothing; `make check` (--quick) what needs no model."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack

from shop.settings import ShopSettings
from tools import environment, prepare, services

SOURCES = ("bot", "actions", "shop", "tools", "bench", "tests")
CI = os.environ.get("CI") == "true"


def main() -> int:
    environment.load()
    # Tests choose their settings themselves; the secrets of this machine are none of theirs.
    for name in [name for name in os.environ if name.startswith("XIAOER_")]:
        del os.environ[name]
    started = time.monotonic()
    try:
        if "--quick" in sys.argv:
            quick()
        else:
            everything()
    except prepare.PrepareError as error:
        print(f"\nFAILED: {error}", file=sys.stderr)
        return 1
    prepare.step(f"All of it passed in {time.monotonic() - started:.0f} s")
    return 0


def quick() -> None:
    """Lint, types, data validation and unit tests."""
    stage("Lint", "ruff", "check", *SOURCES)
    stage("Format", "ruff", "format", "--check", *SOURCES)
    stage("Types", "mypy")
    prepare.check_yaml()
    prepare.prepare_encoder()
    stage("Data", "tools.rasa", "data", "validate", "--fail-on-warnings")
    # Many wait for sockets and clocks: more processes than cores pay, and on a busy machine one may
    # be late, so a failed test is shown and tried once more.
    unit = ("-n", "3", "--reruns", "2", "-m", "not servers and not browser and not slow")
    stage("Unit tests", "pytest", *unit)


def everything() -> None:
    """All stages, with the servers that some of them need."""
    with ExitStack() as running:
        provide_services(running)
        quick()
        prepare.prepare_shop(ShopSettings())
        prepare.train()
        stage(
            "Test stories",
            *("tools.rasa", "test", "core", "--stories", "tests/conversations"),
            *("--fail-on-prediction-errors", "--no-plot", "--out", "var/test/rasa"),
        )
        stage("Dialogues and browser", "pytest", "--reruns", "2", "-m", "servers or browser")


def provide_services(running: ExitStack) -> None:
    """Redis and PostgreSQL for the tests; what cannot be had is named loudly, and fails in CI."""
    for tool in services.install():
        print(f"!!! {tool.name} is missing: apt-get install {tool.package}", file=sys.stderr)
        if CI:
            raise prepare.PrepareError(f"{tool.name} is missing and CI=true")
    if services.program("redis-server"):
        os.environ["XIAOER_TEST_REDIS_URL"] = running.enter_context(services.redis())
    if services.program("initdb"):
        os.environ["XIAOER_TEST_POSTGRES_URL"] = running.enter_context(services.postgres())


def stage(title: str, *command: str) -> None:
    """Runs one stage with its output shown; raises PrepareError when it fails."""
    prepare.step(title)
    started = time.monotonic()
    if subprocess.run([sys.executable, "-m", *command]).returncode:
        raise prepare.PrepareError(f"{title}: {' '.join(command)}")
    print(f"    {title}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
