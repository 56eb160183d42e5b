"""What every test needs: the quiet environment of our commands, and no settings of this machine."""

import os

from tools.environment import QUIET

os.environ.update(QUIET)
for name in [name for name in os.environ if name.startswith("XIAOER_") and "TEST" not in name]:
    del os.environ[name]
