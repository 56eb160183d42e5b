"""Photos that shoppers send: drawn anew, so that nothing but the picture is kept.

They lie in `<folder>/<hash of the sender id>/<random>.<type>`; only their sender gets them back.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import time
import warnings
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

# By Pillow's format. Others are refused by their content, whatever they are called.
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
# A small file can unfold to gigabytes; phones make up to 50 million pixels.
LARGEST = 50_000_000
# Larger sides are scaled down to this.
SIDE = 2_048
_NAME = re.compile(r"[A-Za-z0-9_-]{22}")


class NotAnImage(Exception):
    """The bytes are no picture of a kind we take."""


class Photos:
    """The folder of photos; blocking, so call it in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, sender_id: str, content: bytes) -> str:
        """Keep a picture; returns its id. Raises: NotAnImage, OSError."""
        drawn, kind = redraw(content)
        name = secrets.token_urlsafe(16)
        folder = self._of(sender_id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.{kind.lower()}").write_bytes(drawn)
        return name

    def find(self, sender_id: str, name: str) -> tuple[bytes, str] | None:
        """A picture of this sender's with its media type; None when there is none."""
        if not _NAME.fullmatch(name):
            return None
        for kind, media_type in TYPES.items():
            path = self._of(sender_id) / f"{name}.{kind.lower()}"
            if path.exists():
                return path.read_bytes(), media_type
        return None

    def forget(self, sender_id: str) -> None:
        """Delete all pictures of a sender."""
        shutil.rmtree(self._of(sender_id), ignore_errors=True)

    def sweep(self, days: float) -> int:
        """Delete pictures older than this; returns how many."""
        limit, gone = time.time() - days * 86_400, 0
        for path in self._folder.glob("*/*"):
            if path.stat().st_mtime < limit:
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def _of(self, sender_id: str) -> Path:
        return self._folder / hashlib.sha256(sender_id.encode()).hexdigest()[:32]


def redraw(content: bytes) -> tuple[bytes, str]:
    """The picture upright, without place, time and whatever else the file carried.

    Returns:
        The new file and its Pillow format.

    Raises:
        NotAnImage: also for one that is cut short or too large to unfold.
    """
    try:
        with warnings.catch_warnings():
            # Pillow only warns between its limit and twice that.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=tuple(TYPES)) as image:
                kind = str(image.format)
                if image.width * image.height > LARGEST:
                    raise NotAnImage("too many pixels")
                upright = ImageOps.exif_transpose(image)
                upright.thumbnail((SIDE, SIDE))
                has_alpha = "A" in upright.getbands() or "transparency" in upright.info
                picture = upright.convert("RGBA" if has_alpha and kind != "JPEG" else "RGB")
    except NotAnImage:
        raise
    # Pillow's decoders raise nearly anything for a damaged file.
    except Exception as exc:
        raise NotAnImage(type(exc).__name__) from exc
    # A new image: `info` with the old file's metadata stays behind.
    clean = Image.new(picture.mode, picture.size)
    clean.paste(picture)
    target = BytesIO()
    clean.save(target, kind, quality=85)
    return target.getvalue(), kind
