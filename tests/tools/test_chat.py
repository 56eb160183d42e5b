"""`make chat` where it cannot begin: one line, and what to do."""

import pytest

from tools import chat, environment
from tools.services import free_port


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch):
    monkeypatch.setattr(environment, "load", lambda: None)


def test_a_wrong_setting_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("XIAOER_PORT", "abc")
    assert chat.main() == 1
    assert capsys.readouterr().err == "XIAOER_PORT=abc: expected a whole number\n"


def test_without_a_bot_it_says_how_to_start_one(monkeypatch, capsys):
    monkeypatch.setenv("XIAOER_PORT", str(free_port()))
    assert chat.main() == 1
    assert "Start the bot: make run" in capsys.readouterr().out
