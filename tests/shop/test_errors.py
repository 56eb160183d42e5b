"""The error tree, and that its drawing is true."""

from __future__ import annotations

import inspect
import re

from shop import errors
from shop.errors import BadToken, NotAllowed, SettingsError, ShopError


def test_the_drawing_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"^    ((?:│   |├── |└── )*)(\w+)", errors.__doc__ or "", re.MULTILINE)
    classes = inspect.getmembers(errors, inspect.isclass)
    real = {name: len(cls.__mro__) for name, cls in classes if issubclass(cls, ShopError)}
    root = len(ShopError.__mro__)

    assert {name: len(indent) // 4 for indent, name in drawn} == {
        name: depth - root for name, depth in real.items()
    }


def test_a_refusal_carries_its_reason() -> None:
    error = NotAllowed("too_late", "order XE1 was sent on Monday")

    assert error.reason == "too_late"
    assert str(error) == "order XE1 was sent on Monday"
    assert str(BadToken("token_used")) == "token_used"


def test_a_settings_error_is_one_line_with_name_and_value() -> None:
    assert str(SettingsError("XIAOER_PORT", "no", "expected a port")) == (
        "XIAOER_PORT=no: expected a port"
    )
