"""What every test needs: the quiet environment of our commands, and no settings of this machine."""

import os

import pytest
from hypothesis import settings

from bot.quiet import QUIET

os.environ.update(QUIET)
# How long an example takes says how busy the machine is; what must be quick has tests that say so.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
for name in [name for name in os.environ if name.startswith("XIAOER_") and "TEST" not in name]:
    del os.environ[name]


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    """Both servers on a sample shop of their own; skipped where there is no trained model."""
    from tests.servers import Servers, fill_shop, learn
    from tools.prepare import MODEL

    if not MODEL.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{MODEL} is missing: make train")
        pytest.skip(f"{MODEL} is missing: make train")
    folder = tmp_path_factory.mktemp("servers")
    fill_shop(folder)
    learn(folder)
    running = Servers(folder).start()
    yield running
    running.stop()
