"""Secrets of a machine: made once, kept private, never in the way of a deployment's own."""

import os

import pytest

from tools import environment


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in environment.GENERATED:
        # Registered, so that what `load` sets is taken away again.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_the_first_start_writes_random_secrets_that_only_the_owner_reads(tmp_path):
    environment.load()
    assert len(os.environ["XIAOER_SECRET"]) >= 32
    assert os.environ["XIAOER_SECRET"] != os.environ["XIAOER_NOTIFY_SECRET"]
    assert environment.SECRETS.stat().st_mode & 0o777 == 0o600


def test_later_starts_use_the_same_ones(monkeypatch):
    environment.load()
    first = os.environ["XIAOER_SECRET"]
    monkeypatch.delenv("XIAOER_SECRET")
    environment.load()
    assert os.environ["XIAOER_SECRET"] == first


def test_a_deployments_own_secret_wins(monkeypatch):
    monkeypatch.setenv("XIAOER_SECRET", "x" * 32)
    environment.load()
    assert os.environ["XIAOER_SECRET"] == "x" * 32
