"""The page, the widget and the pictures, as files with the headers that keep them safe."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from sanic.request import Request
from sanic.response import HTTPResponse, empty, json, raw

STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
# Worth compressing.
_PACKED = (".html", ".js", ".css", ".json", ".svg", ".txt")
# No folders, no dots in front: nothing outside the folder has such a name.
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,100}")

_HOST = re.compile(r"[A-Za-z0-9.\[\]:-]{1,255}")


def policy(host: str, origins: Sequence[str]) -> str:
    """The page's Content-Security-Policy; `origins` may show it in a frame."""
    # Safari before 15.4 does not take 'self' to mean the host's websockets too.
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            # blob: the shopper's own photos. https: pictures that a shop keeps elsewhere.
            "img-src 'self' https: data: blob:",
            "font-src 'self'",
            f"connect-src 'self'{sockets}",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            " ".join(("frame-ancestors 'self'", *origins)),
        )
    )


def file(request: Request, folder: Path, name: str, headers: dict[str, str]) -> HTTPResponse:
    """A file of a folder: 200, 304 when the browser has it, 404."""
    path = folder / name
    kind = _TYPES.get(path.suffix)
    if not _NAME.fullmatch(name) or kind is None:
        return json({"error": "not_found"}, status=404)
    try:
        content, packed = _contents(path, path.stat().st_mtime_ns)
    except OSError:
        return json({"error": "not_found"}, status=404)
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if packed and _takes_gzip(request.headers.get("accept-encoding", "")):
        content, etag = packed, etag[:-1] + '-gzip"'
        headers = {**headers, "Content-Encoding": "gzip"}
    headers = {
        "ETag": etag,
        "Vary": "Accept-Encoding",
        # Kept, but asked for again: an update is seen at once and costs a few bytes otherwise.
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        **headers,
    }
    known = request.headers.get("if-none-match", "")
    if etag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
        return empty(status=304, headers=headers)
    return raw(content, content_type=kind, headers=headers)


@lru_cache(maxsize=256)
def _contents(path: Path, changed: int) -> tuple[bytes, bytes]:
    """A file as it is, and as it travels: empty where that saves nothing. Raises: OSError."""
    content = path.read_bytes()
    packed = gzip.compress(content, mtime=0) if path.suffix in _PACKED else b""
    return content, packed if len(packed) < 0.9 * len(content) else b""


def _takes_gzip(accepted: str) -> bool:
    for item in accepted.lower().split(","):
        coding, _, quality = item.replace(" ", "").partition(";")
        if coding in ("gzip", "*"):
            return quality not in ("q=0", "q=0.0")
    return False
