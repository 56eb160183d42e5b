"""Phones to play with."""

import pytest

from tools import platforms, prepare


def test_none_by_default():
    assert platforms.chosen("") == {}


@pytest.mark.parametrize(
    ("name", "setting"),
    [("telegram-fake", "XIAOER_TELEGRAM_TOKEN"), ("wechat-fake", "XIAOER_WECHAT_APPID")],
)
def test_a_platform_brings_the_settings_that_open_its_channel(name, setting):
    (platform,) = platforms.chosen(name).values()
    assert platform.environ[setting]
    assert platform.phone.startswith("http://127.0.0.1:")


def test_an_unknown_one_is_named():
    with pytest.raises(prepare.PrepareError, match="CHANNELS=icq: expected telegram-fake or"):
        platforms.chosen("telegram-fake, icq")
