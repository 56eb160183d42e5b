"""What a shopper typed, made safe to hand on."""

from __future__ import annotations

import unicodedata

# Kept of the control characters.
_LAYOUT = {"\n": "\n", "\t": " "}
# Only a slash, in a form that means nothing to Rasa.
_FULL_WIDTH_SLASH = "／"


def clean(text: str) -> str:
    """Text in NFC without control characters, lone surrogates and blanks around it."""
    normal = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    # Cc: control. Cs: half of a character, which no database takes.
    kept = (
        _LAYOUT.get(sign, "") if unicodedata.category(sign) in ("Cc", "Cs") else sign
        for sign in normal
    )
    return "".join(kept).strip()


def plain(text: str) -> str:
    """Clean text that Rasa reads as text: `/restart` typed by a shopper becomes `restart`.

    Rasa takes any text that begins with a slash as an intent with full confidence
    (`YAMLStoryReader.unpack_regex_message`).
    """
    cleaned = clean(text)
    bare = cleaned.lstrip("/").lstrip()
    while bare.startswith("/"):
        bare = bare.lstrip("/").lstrip()
    return bare or (_FULL_WIDTH_SLASH if cleaned else "")
