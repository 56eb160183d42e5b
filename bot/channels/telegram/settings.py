"""Settings of the Telegram channel."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from bot.channels.net import is_loopback
from shop.settings import refuse

WEBHOOK_PATH = "/webhooks/telegram/webhook"
# The only ones Telegram calls (setWebhook in the Bot API).
WEBHOOK_PORTS = (443, 80, 88, 8443)
TOKEN = re.compile(r"\d{5,20}:[A-Za-z0-9_-]{30,100}")


@dataclass(frozen=True)
class TelegramSettings:
    """Only the token is needed; without an address the bot polls."""

    # From @BotFather, such as 123456789:AAE…; without it Telegram is switched off.
    telegram_token: str = field(default="", repr=False)
    # webhook: Telegram calls this server. polling: this server asks Telegram, which needs no public
    # address and is meant for development. Unset: webhook where there is an address.
    telegram_mode: Literal["webhook", "polling"] | None = None
    # Public https address of this server, such as https://bot.shop.example; Telegram calls
    # /webhooks/telegram/webhook there and fetches pictures from it.
    telegram_webhook_url: str = ""
    # What Telegram must send with each call. Unset: derived from the token.
    telegram_secret: str = field(default="", repr=False)
    # Where the Bot API is; a Bot API server of one's own, or a fake.
    telegram_api_base: str = "https://api.telegram.org"
    # http://host:port to reach it through; a secret, since it may hold a password.
    telegram_proxy: str = field(default="", repr=False)
    # Calls of Telegram at the same time, at most.
    telegram_connections: int = 40
    # Hours that messages wait while Telegram does not answer.
    telegram_patience_hours: float = 24.0

    def __post_init__(self) -> None:
        if self.telegram_token and not TOKEN.fullmatch(self.telegram_token):
            refuse(self, "telegram_token", "the token that @BotFather gave, such as 1234567:AAE…")
        if self.telegram_secret and not re.fullmatch("[A-Za-z0-9_-]{16,256}", self.telegram_secret):
            refuse(self, "telegram_secret", "16 to 256 letters, digits, _ or -")
        if not is_address(self.telegram_api_base):
            refuse(self, "telegram_api_base", "an address such as https://api.telegram.org")
        if self.telegram_proxy and not is_address(self.telegram_proxy):
            refuse(self, "telegram_proxy", "an address such as http://proxy.example:3128")
        if self.telegram_webhook_url and not is_address(self.telegram_webhook_url):
            refuse(self, "telegram_webhook_url", "an address such as https://bot.shop.example")
        if self.mode == "webhook" and self.telegram_token:
            self._check_webhook()
        if not 1 <= self.telegram_connections <= 100:
            refuse(self, "telegram_connections", "a number from 1 to 100")

    def _check_webhook(self) -> None:
        url = self.telegram_webhook_url
        if not url:
            refuse(self, "telegram_webhook_url", "the public https address, for mode webhook")
        # A fake on this machine may call us without TLS.
        if is_loopback(urlsplit(self.telegram_api_base).hostname or ""):
            return
        parts = urlsplit(url)
        if parts.scheme != "https" or (parts.port or 443) not in WEBHOOK_PORTS:
            refuse(self, "telegram_webhook_url", "https on port 443, 80, 88 or 8443")

    @property
    def mode(self) -> Literal["webhook", "polling"]:
        """How updates come."""
        return self.telegram_mode or ("webhook" if self.telegram_webhook_url else "polling")

    @property
    def public_url(self) -> str:
        """The public address without a slash at its end; empty when there is none."""
        return self.telegram_webhook_url.rstrip("/").removesuffix(WEBHOOK_PATH)

    @property
    def webhook_url(self) -> str:
        """What Telegram calls."""
        return self.public_url + WEBHOOK_PATH

    @property
    def secret(self) -> str:
        """What Telegram sends with each call.

        Every worker derives the same one from the token, which only Telegram and we know; the
        token cannot be found from it.
        """
        if self.telegram_secret:
            return self.telegram_secret
        digest = hmac.new(self.telegram_token.encode(), b"xiaoer webhook", hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    @property
    def bot_id(self) -> int:
        """The bot's user id, which begins the token."""
        return int(self.telegram_token.split(":", 1)[0])


def is_address(url: str) -> bool:
    """Whether it is http(s) with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
