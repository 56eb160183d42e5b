"""Settings are read from the environment, and wrong ones are named."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from shop.errors import SettingsError
from shop.settings import ShopSettings, read, refuse


@dataclass(frozen=True)
class Kettle:
    kettle_name: str = "Pip"
    kettle_litres: float = 1.5
    kettle_cups: int = 4
    kettle_whistles: bool = False
    kettle_colour: Literal["red", "blue"] = "red"
    kettle_manual: Path | None = None
    kettle_lids: tuple[str, ...] = ()
    kettle_code: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.kettle_cups < 1:
            refuse(self, "kettle_cups", "at least one cup")
        if self.kettle_code == "1234":
            refuse(self, "kettle_code", "a code that is harder to guess")


def test_without_variables_the_defaults_hold() -> None:
    assert read(Kettle, {}) == Kettle()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("XIAOER_KETTLE_NAME", "壶", "壶"),
        ("XIAOER_KETTLE_LITRES", "0.75", 0.75),
        ("XIAOER_KETTLE_CUPS", " 7 ", 7),
        ("XIAOER_KETTLE_WHISTLES", "1", True),
        ("XIAOER_KETTLE_WHISTLES", "Yes", True),
        ("XIAOER_KETTLE_WHISTLES", "on", True),
        ("XIAOER_KETTLE_WHISTLES", "FALSE", False),
        ("XIAOER_KETTLE_WHISTLES", "off", False),
        ("XIAOER_KETTLE_COLOUR", "blue", "blue"),
        ("XIAOER_KETTLE_MANUAL", "/a/b", Path("/a/b")),
        ("XIAOER_KETTLE_LIDS", "tin, glass,", ("tin", "glass")),
        ("XIAOER_KETTLE_CODE", "secret", "secret"),
    ],
)
def test_a_variable_sets_its_field(variable: str, value: str, expected: Any) -> None:
    name = variable.removeprefix("XIAOER_").lower()

    assert getattr(read(Kettle, {variable: value}), name) == expected


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_variable_counts_as_unset(value: str) -> None:
    assert read(Kettle, {"XIAOER_KETTLE_CUPS": value}).kettle_cups == 4


def test_variables_of_others_are_left_alone() -> None:
    assert read(Kettle, {"KETTLE_CUPS": "9", "XIAOER_PAN": "x"}) == Kettle()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("XIAOER_KETTLE_LITRES", "much", "a number"),
        ("XIAOER_KETTLE_CUPS", "4.5", "a whole number"),
        ("XIAOER_KETTLE_WHISTLES", "maybe", "yes or no"),
        ("XIAOER_KETTLE_COLOUR", "green", "one of red, blue"),
        ("XIAOER_KETTLE_CUPS", "0", "at least one cup"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(variable: str, value: str, expected: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(Kettle, {variable: value})

    assert str(caught.value) == f"{variable}={value}: expected {expected}"


def test_a_secret_is_never_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        read(Kettle, {"XIAOER_KETTLE_CODE": "1234"})

    assert "1234" not in str(caught.value)
    assert "hunter2" not in repr(read(Kettle, {"XIAOER_KETTLE_CODE": "hunter2"}))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("XIAOER_DATABASE_URL", "mysql://x/y"),
        ("XIAOER_DATABASE_URL", "sqlite://"),
        ("XIAOER_DATABASE_URL", "var/shop.db"),
        ("XIAOER_DATABASE_TIMEOUT", "0"),
        ("XIAOER_DATABASE_TIMEOUT", "nan"),
        ("XIAOER_TIMEZONE", "Mars/Olympus"),
        ("XIAOER_TIMEZONE", "../../etc/passwd"),
        ("XIAOER_DEFAULT_LANGUAGE", "fr"),
        ("XIAOER_CURRENCY", "yuan"),
        ("XIAOER_ORDER_PATTERN", "XE["),
        ("XIAOER_SECRET", "short"),
        ("XIAOER_PORT", "0"),
        ("XIAOER_ACTION_PORT", "65536"),
        ("XIAOER_DEMO", "perhaps"),
    ],
)
def test_the_shop_refuses_settings_it_cannot_use(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable}=") as caught:
        read(ShopSettings, {variable: value})

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///var/shop.db",
        "sqlite:////abs/shop.db",
        "postgresql://u:p@host:5432/shop",
        "postgresql+psycopg2://host/shop",
    ],
)
def test_the_shop_takes_both_databases(url: str) -> None:
    settings = read(ShopSettings, {"XIAOER_DATABASE_URL": url})

    assert settings.database_url == url
    assert "p@host" not in repr(settings)


def test_the_shop_listens_on_this_machine_only_unless_told_otherwise() -> None:
    assert (ShopSettings().host, ShopSettings().demo) == ("127.0.0.1", False)
