"""Find a trained model among Rasa's archives, and look into it."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.nlu.store import FILES


class NoModelError(Exception):
    """There is no model that can be used; the message is one line that says what to do."""


def newest(place: Path) -> Path:
    """An archive itself, or the newest in a folder.

    Raises:
        NoModelError: There is none.
    """
    if place.is_file():
        return place
    found = sorted(place.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise NoModelError(f"there is no model in {place}: make train")
    return found[-1]


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """The folder with the transformer's files, for as long as the context lasts.

    Raises:
        NoModelError: The archive cannot be read or holds no transformer.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found = set()
        try:
            with tarfile.open(archive) as tar:
                for member in tar:
                    name = Path(member.name).name
                    # Told by the files' names; each is written under its bare name alone.
                    if "TransformerNLU" in member.name and name in FILES and member.isfile():
                        source = tar.extractfile(member)
                        assert source is not None
                        (folder / name).write_bytes(source.read())
                        found.add(name)
        except (OSError, tarfile.TarError) as error:
            raise NoModelError(f"{archive} cannot be read ({error}): make train") from error
        if found != set(FILES):
            raise NoModelError(f"{archive} holds no trained TransformerNLU: make train")
        yield folder
