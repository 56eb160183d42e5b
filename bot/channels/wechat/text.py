"""Text within WeChat's limits, which count bytes."""

from __future__ import annotations

import re
import unicodedata

# https://developer.work.weixin.qq.com/document/path/94677; for 公众号 an observation.
TEXT_BYTES = 2048
# Where a text is best cut, best first.
_BREAKS = ("\n\n", "\n", "。", "！", "？", ". ", "! ", "? ", "；", "; ", "，", ", ", " ")
_ANCHOR = re.compile(r"<(?=/?a\b)", re.IGNORECASE)
_LINK = re.compile(r"<a\b[^>]*>.*?</a>", re.IGNORECASE | re.DOTALL)
_JOINERS = ("\u200d", "\ufe0e", "\ufe0f")


def split(text: str, limit: int = TEXT_BYTES) -> list[str]:
    """Parts of at most `limit` bytes: cut between sentences, never in a character or a link."""
    parts = []
    rest = text.strip()
    while len(rest.encode()) > limit:
        at = _cut(rest, limit)
        parts.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    if rest:
        parts.append(rest)
    return [part for part in parts if part]


def cut(text: str, limit: int) -> str:
    """At most `limit` bytes of a title."""
    if len(text.encode()) <= limit:
        return text
    return text.encode()[: limit - 3].decode(errors="ignore").rstrip() + "…"


def unlinked(text: str) -> str:
    """Plain text as WeChat shows it, since it takes `<a` for a link wherever it comes from."""
    return _ANCHOR.sub("＜", text)


def _cut(text: str, limit: int) -> int:
    """Where to cut a text that is too long, as an index."""
    most = len(text.encode()[:limit].decode(errors="ignore"))
    for link in _LINK.finditer(text):
        if 0 < link.start() < most < link.end():
            most = link.start()
    inside = [link.span() for link in _LINK.finditer(text, 0, most)]
    for sign in _BREAKS:
        at = text.rfind(sign, most // 2, most)
        if at > 0 and not any(start < at < end for start, end in inside):
            return at + len(sign)
    at = most
    while at > most // 2 and _belongs_to_former(text[at - 1 : at + 1]):
        at -= 1
    return at


def _belongs_to_former(pair: str) -> bool:
    """Whether the second of two characters is drawn with the first."""
    return len(pair) == 2 and (
        pair[1] in _JOINERS
        or pair[0] == _JOINERS[0]
        or unicodedata.combining(pair[1]) > 0
        or "\U0001f3fb" <= pair[1] <= "\U0001f3ff"
    )
