"""The chat page as a shopper sees it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect


class Chat:
    """Writes, taps and reads on an open page.

    Attributes:
        page: Playwright's.
        requests: addresses the page asked for, sockets included.
        errors: uncaught errors and error messages of the console.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self._errors: list[str] = []
        self._accepted: list[str] = []
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self._asked(socket.url))
        page.on("pageerror", lambda error: self._errors.append(str(error)))
        page.on("console", self._log)

    @property
    def errors(self) -> list[str]:
        return [
            error for error in self._errors if not any(part in error for part in self._accepted)
        ]

    def accept(self, *parts: str) -> None:
        """Errors with these words are the test's own doing."""
        self._accepted += parts

    @property
    def input(self) -> Locator:
        return self.page.locator("#text")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    @property
    def bot(self) -> Locator:
        """What the bot said, one locator an entry."""
        return self.page.locator(".entry.bot .items")

    @property
    def user(self) -> Locator:
        return self.page.locator(".entry.user")

    def wait_until_online(self) -> None:
        expect(self.page.locator("body")).to_have_attribute("data-status", "online")

    def write(self, text: str) -> None:
        """Type and press Enter."""
        self.input.fill(text)
        self.input.press("Enter")

    def ask(self, text: str) -> Locator:
        """Write, and wait for the bot's next entry."""
        before = self.bot.count()
        self.write(text)
        expect(self.bot).to_have_count(before + 1)
        return self.bot.last

    def tap(self, title: str) -> None:
        self.page.get_by_role("button", name=title, exact=True).last.click()

    def menu(self, label: str) -> None:
        """Choose from the menu."""
        self.page.locator("#menu-button").click()
        self.page.get_by_role("menu").get_by_text(label, exact=True).click()

    def texts(self) -> list[str]:
        """The bubbles from top to bottom, with who said it: "user: 你好"."""
        return self.page.eval_on_selector_all(
            ".entry .bubble",
            """bubbles => bubbles.map(bubble =>
                (bubble.closest(".user") ? "user: " : "bot: ") + bubble.textContent)""",
        )

    def evaluate(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def _asked(self, url: str) -> None:
        if not url.startswith(("data:", "blob:")):
            self.requests.append(url)

    def _log(self, message: Any) -> None:
        if message.type == "error":
            self._errors.append(message.text)
