"""What `make doctor` says, of a machine that is well and of one that is not."""

import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tools import doctor


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    monkeypatch.setenv("XIAOER_SECRET", "s" * 32)
    monkeypatch.setenv("XIAOER_DATABASE_URL", f"sqlite:///{tmp_path}/missing.db")


@pytest.fixture
def origin():
    """A shop's page on this machine, whose clock can be set."""

    class Page(http.server.BaseHTTPRequestHandler):
        date = None

        def do_GET(self):
            self.send_response_only(200)
            self.send_header("Date", self.date or self.date_time_string())
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Page, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_secrets_are_never_shown():
    said = list(doctor.settings())
    assert ("ok", "XIAOER_SECRET=(secret)") in said
    assert not any("s" * 32 in message for _, message in said)


def test_a_wrong_value_is_named(monkeypatch):
    monkeypatch.setenv("XIAOER_PORT", "many")
    assert ("error", "XIAOER_PORT=many: expected a whole number") in list(doctor.settings())


def test_a_misspelled_setting_is_noticed(monkeypatch):
    monkeypatch.setenv("XIAOER_PROT", "1")
    assert ("warning", "XIAOER_PROT is no setting; is it misspelled?") in list(doctor.settings())


def test_sample_customers_for_strangers_are_an_error(monkeypatch):
    monkeypatch.setenv("XIAOER_DEMO", "yes")
    monkeypatch.setenv("XIAOER_HOST", "0.0.0.0")
    assert [level for level, _ in doctor.secrets()] == ["error"]


def test_a_missing_database_is_an_error_that_names_the_setting():
    ((level, message),) = doctor.shop()
    assert level == "error"
    assert "XIAOER_DATABASE_URL" in message


def test_servers_that_do_not_run_are_named_with_what_to_do(monkeypatch):
    monkeypatch.setenv("XIAOER_PORT", "1")
    monkeypatch.setenv("XIAOER_ACTION_PORT", "2")
    said = list(doctor.servers())
    assert [level for level, _ in said] == ["warning", "warning"]
    assert all(message.endswith("make run") for _, message in said)


def test_a_clock_that_agrees(monkeypatch, origin):
    _, address = origin
    monkeypatch.setenv("XIAOER_WEB_ORIGINS", address)
    assert list(doctor.clock()) == [("ok", f"the clock agrees with that of {address}")]


def test_a_clock_that_is_off_is_an_error(monkeypatch, origin):
    page, address = origin
    page.date = "Sun, 01 Jan 2023 00:00:00 GMT"
    monkeypatch.setenv("XIAOER_WEB_ORIGINS", address)
    ((level, message),) = doctor.clock()
    assert level == "error"
    assert "sign-ins will fail" in message


def test_it_looks_at_every_part_and_says_with_its_exit_that_something_is_wrong(tmp_path, origin):
    _, address = origin
    environ = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "XIAOER_SECRET": "s" * 32,
        "XIAOER_WEB_ORIGINS": address,
        "XIAOER_PORT": "1",
        "XIAOER_ACTION_PORT": "2",
    }
    command = [sys.executable, "-m", "tools.doctor"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    for finding in (
        "ok      XIAOER_SECRET=(secret)",
        "warning the Rasa server does not answer",
        f"ok      the clock agrees with that of {address}",
        f"error   None of {address} is the chat",
        "off     Telegram is switched off",
        "XIAOER_WECHAT_KF_SECRET",
    ):
        assert finding in done.stdout
    assert "Traceback" not in done.stderr
