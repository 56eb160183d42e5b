from __future__ import annotations

import os
import struct
import time
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from bot.channels.web.photos import NotAnImage, Photos, redraw
from tests.bot.channels.web.conftest import Start
from tests.bot.channels.web.page import BASE, new_session, page
from tests.checks.channel import until


def picture(kind: str = "JPEG", size: tuple[int, int] = (40, 20), **options: Any) -> bytes:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    target = BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def bomb() -> bytes:
    """A PNG of a few hundred bytes that claims 100,000 × 100,000 pixels."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_stays_what_it_shows(kind: str) -> None:
    drawn, kept = redraw(picture(kind))
    assert kept == kind
    with Image.open(BytesIO(drawn)) as image:
        assert image.format == kind and image.size == (40, 20)
        left, right = (image.convert("RGB").getpixel((x, 10)) for x in (5, 35))
        assert left[0] > 200 > left[2] and right[2] > 200 > right[0]  # type: ignore[index]


def test_place_time_and_comments_go_and_the_picture_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x010E] = "the shopper's home"
    content = picture(exif=exif, comment=b"secret comment")
    assert b"home" in content and b"secret" in content
    drawn, _ = redraw(content)
    assert b"home" not in drawn and b"secret" not in drawn
    with Image.open(BytesIO(drawn)) as image:
        assert image.size == (20, 40) and not image.getexif()


def test_what_hangs_behind_a_picture_is_cut_off() -> None:
    drawn, _ = redraw(picture() + b"<?php system($_GET[0]); ?>")
    assert b"php" not in drawn


def test_large_pictures_become_smaller() -> None:
    drawn, _ = redraw(picture(size=(5000, 1000)))
    with Image.open(BytesIO(drawn)) as image:
        assert image.size == (2048, 410)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html><script>alert(1)</script>",
        picture("GIF"),
        picture("BMP"),
        picture("TIFF"),
        picture()[:60],
        picture("PNG")[:-30],
        b"\xff\xd8\xff\xe0" + bytes(range(200)),
        bomb(),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(NotAnImage):
        redraw(content)


def test_only_the_sender_finds_a_photo(tmp_path: Path) -> None:
    photos = Photos(tmp_path)
    name = photos.keep("web:anna", picture())
    found = photos.find("web:anna", name)
    assert found is not None and found[1] == "image/jpeg"
    assert photos.find("web:bob", name) is None
    for other in ("", "..", "../x", "A" * 22, name + ".jpeg"):
        assert photos.find("web:anna", other) is None
    assert "anna" not in str(list(tmp_path.rglob("*")))


def test_photos_are_forgotten_by_shopper_and_by_age(tmp_path: Path) -> None:
    photos = Photos(tmp_path)
    for sender in ("web:anna", "web:bob"):
        photos.keep(sender, picture())
    photos.forget("web:anna")
    photos.forget("web:nobody")
    (bobs,) = tmp_path.glob("*/*")
    os.utime(bobs, (time.time() - 91 * 86_400,) * 2)
    assert photos.sweep(92) == 0
    assert photos.sweep(90) == 1 and not list(tmp_path.glob("*/*"))


def test_a_photo_is_sent_and_seen_again_by_its_shopper_only(start: Start) -> None:
    server = start()
    url = f"{server.url}{BASE}/photo"
    with page(server.url) as anna, page(server.url) as bob:
        headers = {"Authorization": f"Bearer {anna.token}"}
        kept = requests.post(url, data=picture(), headers=headers)
        assert kept.status_code == 201
        name = kept.json()["photo"]
        shown = requests.get(f"{url}/{name}", headers=headers)
        assert shown.status_code == 200 and shown.headers["content-type"] == "image/jpeg"
        assert requests.get(f"{url}/{name}").status_code == 401
        others = {"Authorization": f"Bearer {bob.token}"}
        assert requests.get(f"{url}/{name}", headers=others).status_code == 404
        refused = bob.utter(type="photo", photo=name)
        assert refused == {"ok": False, "error": "bad_request"}, "another's photo cannot be sent"
        assert anna.utter(id="p1", type="photo", photo=name)["ok"]
        anna.waits_for("echo /send_image")
        assert anna.utter(type="photo", photo=name, text="Is this it?")["ok"]
        anna.waits_for("echo Is this it?")
        attachment = {"type": "photo", "id": name}
        assert [m.metadata["attachments"] for m in server.agent.said] == [[attachment]] * 2
        entry = anna.call("history", {"after": 0})["entries"][1]
        assert (entry["type"], entry["photo"], entry["text"]) == ("photo", name, "")
        assert anna.call("erase", {})["ok"]
        until(lambda: bool(anna.of("session")))
        assert requests.get(f"{url}/{name}", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "content, headers, status",
    [
        (picture(), {}, 401),
        (picture(), {"Authorization": "Bearer forged"}, 401),
        (picture(), {"Authorization": "Basic x"}, 401),
        (picture(), {"Origin": "https://evil.example"}, 403),
        (b"no picture", None, 415),
        (b"", None, 415),
        (b"\xff\xd8" + b"x" * 2000, None, 413),
    ],
)
def test_a_photo_that_may_not_be_sent(
    start: Start, content: bytes, headers: dict[str, str] | None, status: int, tmp_path: Path
) -> None:
    server = start(photo_bytes=1_500)
    if headers is None:
        headers = {"Authorization": f"Bearer {new_session(server.url)['token']}"}
    answer = requests.post(f"{server.url}{BASE}/photo", data=content, headers=headers)
    assert answer.status_code == status
    assert not (tmp_path / "uploads").exists()


def test_photos_of_one_shopper_are_limited(start: Start) -> None:
    server = start()
    headers = {"Authorization": f"Bearer {new_session(server.url)['token']}"}
    url = f"{server.url}{BASE}/photo"
    codes = [requests.post(url, data=b"x", headers=headers).status_code for _ in range(21)]
    assert codes == [415] * 20 + [429]
