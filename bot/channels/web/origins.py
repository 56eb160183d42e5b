"""Which pages may talk to the chat."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from bot.channels.net import as_address


def allowed(origin: str | None, host: str | None, listed: Sequence[str]) -> bool:
    """Whether a request with these Origin and Host headers may go on.

    A request without Origin comes from no browser's page: it may, and needs a token like all.
    Listed origins may. The bot's own page may where the host is an address or this machine: a
    *name* must be listed, because any name can be made to point here (DNS rebinding).
    """
    if origin is None:
        return True
    if origin in listed:
        return True
    try:
        page = urlsplit(origin)
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if page.scheme not in ("http", "https") or not host or page.netloc.lower() != host.lower():
        return False
    return name == "localhost" or (name is not None and as_address(name) is not None)


def well_formed(origin: str) -> bool:
    """Whether a setting is an origin: scheme, host, perhaps a port, and nothing after them."""
    try:
        page = urlsplit(origin)
        port = page.port
    except ValueError:
        return False
    rebuilt = f"{page.scheme}://{page.hostname}" + (f":{port}" if port else "")
    return page.scheme in ("http", "https") and bool(page.hostname) and rebuilt == origin
