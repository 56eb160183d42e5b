"""WeChat's XML: one level of fields below `<xml>`, read with suspicion and written with CDATA."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

# What XML 1.0 cannot hold, even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class BadXml(ValueError):
    """Not a message: malformed, or with parts that WeChat never sends."""


def parse(body: bytes) -> dict[str, str]:
    """The fields of a message; nested ones are left out.

    Declarations are refused before the parser sees them: no entities, no external files, and no
    second encoding that would hide them.

    Raises:
        BadXml: not one flat message.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadXml("not UTF-8") from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text or "\0" in text:
        raise BadXml("a declaration")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as exc:
        raise BadXml("malformed") from exc
    if root.tag != "xml":
        raise BadXml("another root")
    fields: dict[str, str] = {}
    for child in root:
        if child.tag in fields:
            raise BadXml("a field twice")
        if not len(child):
            fields[child.tag] = child.text or ""
    return fields


def build(fields: Mapping[str, Any]) -> str:
    """`<xml>` with the fields: text in CDATA, numbers bare, mappings nested, lists repeated."""
    return f"<xml>{_content(fields)}</xml>"


def _content(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(_element(name, part) for name, part in value.items())
    if isinstance(value, int):
        return str(value)
    text = _FORBIDDEN.sub("", str(value))
    # The only thing CDATA cannot hold is its own end.
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _element(name: str, value: Any) -> str:
    assert _NAME.fullmatch(name), name
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "".join(_element(name, part) for part in value)
    return f"<{name}>{_content(value)}</{name}>"
