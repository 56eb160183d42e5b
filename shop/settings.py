"""Settings from environment variables, read once at start and checked there.

A group of settings is a frozen dataclass; `read(Group)` fills it. The variable of a field is
`XIAOER_<FIELD_UPPER>`. Channels keep their own groups in their own modules and read them likewise.
"""

from __future__ import annotations

import dataclasses
import os
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar
from zoneinfo import ZoneInfo

from shop.errors import SettingsError

PREFIX = "XIAOER_"
# HS256 keys shorter than the hash weaken the signature (RFC 7518, 3.2).
SECRET_BYTES = 32
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")

T = TypeVar("T")


def read(cls: type[T], environ: Mapping[str, str] = os.environ) -> T:
    """Fill the dataclass `cls` from environment variables.

    Fields may be str, int, float, bool, Path, Literal, tuple[str, ...] (comma separated) or one of
    these or None. An empty variable counts as unset. Put checks of a value into `__post_init__`,
    with `refuse`. A field with `repr=False` is a secret: its value appears in no message.

    Raises:
        SettingsError: a value does not fit its field.
    """
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for item in dataclasses.fields(cls):  # type: ignore[arg-type]
        raw = environ.get(variable(item.name), "").strip()
        if not raw:
            continue
        try:
            values[item.name] = _convert(raw, hints[item.name])
        except ValueError as exc:
            raise SettingsError(
                variable(item.name), raw if item.repr else "(secret)", f"expected {exc}"
            ) from None
    return cls(**values)


def variable(name: str) -> str:
    """The environment variable of a field."""
    return PREFIX + name.upper()


def refuse(settings: object, name: str, expected: str) -> NoReturn:
    """Raise the error for a field whose value cannot be used; for `__post_init__`."""
    secret = any(f.name == name and not f.repr for f in dataclasses.fields(settings))  # type: ignore[arg-type]
    value = "(secret)" if secret else str(getattr(settings, name))
    raise SettingsError(variable(name), value, f"expected {expected}")


@dataclass(frozen=True)
class ShopSettings:
    """What the shop and both servers share."""

    # SQLite file (relative to the working folder) or postgresql://user:password@host/name.
    # A secret, since it may hold a password.
    database_url: str = field(default="sqlite:///var/shop.db", repr=False)
    # Longest wait for a connection and for one statement on PostgreSQL, in seconds.
    database_timeout: float = 2.0
    # Folder of words, sentences and articles.
    data: Path = Path("data")
    # Folder of the drawn product pictures.
    pictures: Path = Path("var/pictures")
    # Zone in which shoppers read dates.
    timezone: str = "Asia/Shanghai"
    # Spoken when nothing tells the shopper's language.
    default_language: Literal["zh", "en"] = "zh"
    # ISO 4217 code of all prices.
    currency: str = "CNY"
    # What an order number looks like, whole, in upper case.
    order_pattern: str = r"XE\d{10}"
    # Signs sign-in tokens (HS256) and what the bot itself signs; at least 32 bytes.
    secret: str = field(default="", repr=False)
    # PEM file with the shop's public key, where its page signs tokens with EdDSA instead.
    sign_in_key: Path | None = None
    # Lets a visitor on this machine choose a sample customer.
    demo: bool = False
    # Address and port of the Rasa server, and port of the action server beside it.
    host: str = "127.0.0.1"
    port: int = 5005
    action_port: int = 5055

    def __post_init__(self) -> None:
        if not re.match(r"sqlite:///.|postgresql(\+psycopg2)?://.", self.database_url):
            refuse(self, "database_url", "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")
        if not 0 < self.database_timeout <= 60:
            refuse(self, "database_timeout", "seconds from above 0 to 60")
        try:
            ZoneInfo(self.timezone)
        except (ValueError, OSError, KeyError):
            refuse(self, "timezone", "the name of a time zone, such as Asia/Shanghai")
        if not re.fullmatch("[A-Z]{3}", self.currency):
            refuse(self, "currency", "an ISO 4217 code, such as CNY")
        try:
            re.compile(self.order_pattern)
        except re.error as exc:
            refuse(self, "order_pattern", f"a regular expression ({exc})")
        if self.secret and len(self.secret.encode()) < SECRET_BYTES:
            refuse(self, "secret", f"at least {SECRET_BYTES} bytes")
        for name in ("port", "action_port"):
            if not 1 <= getattr(self, name) <= 65535:
                refuse(self, name, "a port from 1 to 65535")


def _convert(raw: str, kind: Any) -> Any:
    """Turn `raw` into `kind`, or raise ValueError with what was expected."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        (kind,) = (k for k in typing.get_args(kind) if k is not type(None))
        return _convert(raw, kind)
    if origin is Literal:
        if raw not in typing.get_args(kind):
            raise ValueError("one of " + ", ".join(typing.get_args(kind)))
        return raw
    if origin is tuple:
        return tuple(part.strip() for part in raw.split(",") if part.strip())
    if kind is bool:
        if raw.lower() in _TRUE:
            return True
        if raw.lower() in _FALSE:
            return False
        raise ValueError("yes or no")
    if kind in (int, float):
        try:
            return kind(raw)
        except ValueError:
            raise ValueError("a whole number" if kind is int else "a number") from None
    return kind(raw)
