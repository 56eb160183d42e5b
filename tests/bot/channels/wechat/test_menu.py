"""The menu at the foot of the chat, and what the doctor says."""

import json
from dataclasses import replace

import pytest

from bot.channels.state import SqliteState
from bot.channels.wechat import menu
from bot.channels.wechat.diagnosis import diagnose
from bot.channels.wechat.kf import WechatKf
from bot.channels.wechat.official import Wechat
from bot.channels.wechat.settings import MENU, WechatKfSettings, WechatSettings
from shop.errors import SettingsError
from shop.settings import read
from tests.bot.channels.wechat.conftest import settings_for
from tests.fakes.agent import say


def test_the_menu_of_the_shop_is_one_that_wechat_takes():
    buttons = menu.load(MENU)
    made = menu.as_wechat(buttons)
    assert len(made) == 3 and all(len(b.get("sub_button", [])) <= 5 for b in made)
    keys = menu.payloads(buttons)
    assert keys["check_order"] == "/check_order"
    assert {"name": "查订单", "type": "click", "key": "check_order"} in made[0]["sub_button"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "menu: []",
        "menu: [{name: a}]",
        "menu: [{name: a, intent: b, url: 'https://c'}]",
        "menu: [{name: a, intent: /restart}]",
        "menu: [{name: a, url: 'javascript:1'}]",
        "menu: [{name: 名字实在是太长了放不下, intent: b}]",
        "menu: [{name: a, buttons: [{name: b, buttons: [{name: c, intent: d}]}]}]",
        "menu: [1, 2]",
        ": [",
    ],
)
def test_a_menu_that_wechat_would_refuse_is_refused_with_a_line(tmp_path, content):
    path = tmp_path / "menu.yml"
    path.write_text(content)
    with pytest.raises(SettingsError, match="XIAOER_WECHAT_MENU") as error:
        menu.load(path)
    assert "\n" not in str(error.value)


def test_the_command_shows_makes_and_removes_the_menu(account, monkeypatch, tmp_path, capsys):
    assert menu.main([]) == 0
    assert "check_order" in capsys.readouterr().out
    assert menu.main(["--apply"]) == 1, "it needs the app id"
    monkeypatch.setenv("XIAOER_WECHAT_APPID", account.appid)
    monkeypatch.setenv("XIAOER_WECHAT_SECRET", account.secret)
    monkeypatch.setenv("XIAOER_WECHAT_API_BASE", account.url)
    monkeypatch.setenv("XIAOER_STATE_PATH", str(tmp_path / "state.db"))
    assert menu.main(["--apply"]) == 0
    assert account.menu == {"button": menu.as_wechat(menu.load(MENU))}
    assert "\\u" not in json.dumps(account.menu, ensure_ascii=False)
    assert menu.main(["--delete"]) == 0
    assert account.menu is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("XIAOER_WECHAT_AES_KEY", "short"),
        ("XIAOER_WECHAT_TOKEN", "my token!"),
        ("XIAOER_WECHAT_TOKEN", "t" * 33),
        ("XIAOER_WECHAT_MODE", "safest"),
        ("XIAOER_WECHAT_MODE", "safe"),
        ("XIAOER_WECHAT_API_BASE", "ftp://x"),
        ("XIAOER_WECHAT_MENU", "/nowhere.yml"),
    ],
)
def test_a_wrong_setting_switches_wechat_off_with_a_line(monkeypatch, tmp_path, name, value):
    monkeypatch.setenv(name, value)
    channel = Wechat(state=SqliteState(tmp_path / "state.db"), say=say)
    assert name in channel.disabled and "\n" not in channel.disabled
    if "KEY" in name or "TOKEN" in name:
        assert value not in channel.disabled


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("XIAOER_WECHAT_KF_AES_KEY", "short"),
        ("XIAOER_WECHAT_KF_TOKEN", "密码"),
        ("XIAOER_WECHAT_KF_API_BASE", "qyapi"),
    ],
)
def test_a_wrong_setting_switches_kf_off_with_a_line(monkeypatch, tmp_path, name, value):
    monkeypatch.setenv(name, value)
    channel = WechatKf(state=SqliteState(tmp_path / "state.db"), say=say)
    assert name in channel.disabled and "\n" not in channel.disabled
    assert value not in channel.disabled or "BASE" in name
    (official, kf) = diagnose(state=SqliteState(tmp_path / "state.db"))
    assert (official[0], kf[0]) == ("off", "error") and name in kf[1]


def test_the_mode_follows_from_the_key():
    assert read(WechatSettings, {}).mode == "plain"
    assert read(WechatSettings, {"XIAOER_WECHAT_AES_KEY": "a" * 43}).mode == "safe"


def test_the_doctor_says_what_is_wrong(account, tmp_path):
    def findings(**changes):
        state = SqliteState(tmp_path / f"{len(changes)}{sorted(changes)}.db")
        settings = settings_for(account, **changes)
        return list(diagnose(settings, WechatKfSettings(), state=state))

    assert [grade for grade, _ in findings()] == ["warning", "ok", "off"]
    grades = dict(findings(wechat_secret="wrong", public_url="https://b.example"))
    assert "XIAOER_WECHAT_SECRET" in grades["error"]
    assert "app id" in dict(findings(wechat_appid="wx1", public_url="https://b.example"))["error"]
    assert "reached" in dict(findings(wechat_api_base="http://127.0.0.1:9"))["error"]
    off = list(diagnose(WechatSettings(), replace(WechatKfSettings(), wechat_kf_corpid="ww1")))
    assert [grade for grade, _ in off] == ["off", "error"]
