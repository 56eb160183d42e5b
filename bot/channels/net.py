"""Who is at the other end of a request."""

from __future__ import annotations

import ipaddress

from sanic.exceptions import PayloadTooLarge
from sanic.request import Request

# Set by a proxy, so the peer is the proxy and not the client.
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")


def is_local(request: Request) -> bool:
    """Whether the client itself runs on this machine: a loopback peer that is not a proxy."""
    return is_loopback(request.ip) and not any(name in request.headers for name in _FORWARDED)


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host == "localhost":
        return True
    address = as_address(host)
    return address is not None and address.is_loopback


def as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address a host is written as; None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def body_of(request: Request, limit: int) -> bytes:
    """The request's body. Raises: PayloadTooLarge (413) above `limit` bytes."""
    if len(request.body) > limit:
        raise PayloadTooLarge("too large")
    return bytes(request.body)


def client_address(request: Request, *, proxies: int) -> str:
    """The client's address, `proxies` of our own lying between us and it.

    Each proxy appends the address it saw to X-Forwarded-For; what stands further left was sent by
    the client and may be anything.
    """
    hops = [hop.strip() for hop in request.headers.get("x-forwarded-for", "").split(",")]
    if proxies and len(hops) >= proxies and as_address(hops[-proxies]):
        return hops[-proxies]
    return str(request.ip)
