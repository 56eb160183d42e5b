"""A real Chromium, the chat page in it, and what must hold on every page that a test opens."""

from __future__ import annotations

import os
import shutil
from urllib.parse import urlsplit

import pytest

from tests.browser.page import Chat
from tests.fakes.web_server import WebServer

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Of the package, not of the session: Playwright keeps an event loop running in this thread, in
# which no asynchronous test of another folder could run.
@pytest.fixture(scope="package")
def browser():
    """Chromium; a machine without it skips loudly, CI fails."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing: apt-get install chromium fonts-noto-cjk")
        pytest.skip("chromium is missing: apt-get install chromium fonts-noto-cjk")
    from playwright.sync_api import expect, sync_playwright

    # Patient with machines that have much else to do; a test that passes does not wait.
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def server():
    """The scripted chat server."""
    running = WebServer()
    yield running
    running.close()


@pytest.fixture
def visit(browser):
    """Opens pages: `visit(address, lang="zh", context=None, **of the context)` -> Chat.

    At the end of the test none of them may have asked another host, thrown an error, or written
    one to the console; `chat.accept("part of a message")` excepts what the test provokes.
    """
    opened: list[Chat] = []
    contexts = []

    def open_page(address, lang="zh", *, context=None, script="", ready=True, **options):
        if context is None:
            options = {"locale": {"zh": "zh-CN", "en": "en-GB"}[lang], **options}
            context = browser.new_context(**options)
            context.set_default_timeout(30_000)
            contexts.append(context)
        page = context.new_page()
        chat = Chat(page)
        opened.append(chat)
        if script:
            page.add_init_script(script)
        page.goto(address)
        if ready:
            chat.wait_until_online()
        return chat

    yield open_page
    hosts = {urlsplit(address).hostname for chat in opened for address in chat.requests}
    errors = [error for chat in opened for error in chat.errors]
    for context in contexts:
        context.close()
    assert hosts <= {"127.0.0.1", "localhost"}
    assert errors == []
