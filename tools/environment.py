"""The environment of everything we start: the secrets of this machine, a clean screen."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from bot.quiet import QUIET

SECRETS = Path("var/secrets.env")
# Made at the first start of a machine; a deployment sets its own.
GENERATED = ("XIAOER_SECRET", "XIAOER_NOTIFY_SECRET")


def load() -> None:
    """Puts the secrets into the environment, made first where there are none; set ones win."""
    os.environ.update(QUIET)
    if not SECRETS.exists():
        SECRETS.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{name}={secrets.token_urlsafe(32)}\n" for name in GENERATED]
        SECRETS.touch(mode=0o600)
        SECRETS.write_text(
            "# Random, made for this machine. Never commit or share.\n" + "".join(lines)
        )
    for line in SECRETS.read_text().splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip())
