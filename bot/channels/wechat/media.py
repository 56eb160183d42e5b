"""Pictures: fetched from our own server or the shop's hosts, uploaded once, then known by id."""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
from urllib.parse import urlsplit

import aiohttp
from PIL import Image, UnidentifiedImageError

from bot.channels.state import State
from bot.channels.wechat.api import Api

logger = logging.getLogger(__name__)

# WeChat keeps an upload for three days.
KEPT = 2.5 * 86_400
# The documentation says 2 MB and 10 MB; this is below both.
LARGEST = 2_000_000
FETCH_SECONDS = 3.0
# Of what is decompressed, so that a small file cannot become a large one.
_PIXELS = 20_000_000
_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}


class Media:
    """The pictures of one account."""

    def __init__(
        self, api: Api, state: State, owner: str, *, server: str, hosts: tuple[str, ...]
    ) -> None:
        """`server`: where paths lie, this very server; `hosts`: others that are the shop's."""
        self._api = api
        self._state = state
        self._owner = owner
        self._server = server
        self._hosts = frozenset(host.lower() for host in hosts)
        # One upload at a time, so that ten shoppers who see a product cause one.
        self._uploading = asyncio.Lock()

    async def media_id(self, url: str) -> str | None:
        """The id under which WeChat has the picture; None when it is none that we would send.

        Raises:
            Refused, Unreachable
        """
        async with self._uploading:
            known = await self._state.get(self._owner, _name(url))
            if known:
                return str(known)
            picture = await self._fetch(url)
            if picture is None:
                return None
            content, kind = picture
            name = f"picture.{kind.removeprefix('image/')}"
            media_id = await self._api.upload("image", name, content, kind)
            await self._state.put(self._owner, _name(url), media_id, ttl=KEPT)
            return media_id

    async def forget(self, url: str) -> None:
        """WeChat does not know the id any more."""
        await self._state.take(self._owner, _name(url))

    def allowed(self, url: str) -> str | None:
        """The address to fetch from; None for one that is not ours."""
        if url.startswith("/") and url[1:2] not in ("/", "\\"):
            return self._server + url
        parts = urlsplit(url)
        ours = parts.scheme in ("http", "https") and (parts.hostname or "") in self._hosts
        return url if ours else None

    async def _fetch(self, url: str) -> tuple[bytes, str] | None:
        address = self.allowed(url)
        if address is None:
            logger.warning("%s: a picture on a host that is not ours: not fetched", self._owner)
            return None
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                # A redirect would lead past the list of hosts.
                session.get(address, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise ValueError(f"HTTP {response.status}")
                content = b""
                async for chunk in response.content.iter_chunked(64 * 1024):
                    content += chunk
                    if len(content) > LARGEST:
                        raise ValueError("too large")
            return await asyncio.to_thread(_readable, content)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as exc:
            why = type(exc).__name__
            logger.warning("%s: a picture could not be fetched: %s", self._owner, why)
            return None


def _readable(content: bytes) -> tuple[bytes, str]:
    """The picture in a form that WeChat takes. Raises: ValueError, OSError."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > _PIXELS:
                raise ValueError("too many pixels")
            if image.format in _TYPES:
                return content, _TYPES[image.format]
            made = io.BytesIO()
            image.convert("RGB").save(made, "JPEG", quality=88)
            return made.getvalue(), "image/jpeg"
    except (UnidentifiedImageError, Image.DecompressionBombError) as exc:
        raise ValueError("not an image") from exc


def _name(url: str) -> str:
    return f"media:{hashlib.sha256(url.encode()).hexdigest()}"
