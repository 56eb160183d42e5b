"""Platforms played on this machine: `make run CHANNELS=telegram-fake,wechat-fake`.

Anyone can see the bot on Telegram and WeChat without an account: a fake of the platform runs beside
the servers and shows a page that plays the phone.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.prepare import PrepareError


@dataclass(frozen=True)
class Platform:
    """A fake: its module, the settings that make the bot talk to it, and the phone's address."""

    module: str
    environ: dict[str, str]
    phone: str


def chosen(names: str) -> dict[str, Platform]:
    """The platforms in a comma-separated list, by name.

    Raises:
        PrepareError: naming one that does not exist.
    """
    platforms = {}
    for name in filter(None, (part.strip() for part in names.split(","))):
        if name not in _KNOWN:
            known = " or ".join(sorted(_KNOWN))
            raise PrepareError(f"CHANNELS={name}: expected {known}.")
        platforms[name] = _KNOWN[name]()
    return platforms


# Imported where they are used: a server without fakes needs none of it.


def _telegram() -> Platform:
    from tests.fakes.telegram import TOKEN
    from tests.fakes.telegram.__main__ import PORT

    address = f"http://127.0.0.1:{PORT}"
    environ = {"XIAOER_TELEGRAM_TOKEN": TOKEN, "XIAOER_TELEGRAM_API_BASE": address}
    return Platform("tests.fakes.telegram", environ, f"{address}/")


def _wechat() -> Platform:
    from tests.fakes.phone import PORT, environment

    return Platform("tests.fakes.wechat", environment(), f"http://127.0.0.1:{PORT}/")


_KNOWN = {"telegram-fake": _telegram, "wechat-fake": _wechat}
