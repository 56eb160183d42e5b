"""What `make doctor` says about Telegram."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Literal

from telegram import WebhookInfo
from telegram.error import InvalidToken, TelegramError

from bot.channels.telegram.sending import make_bot
from bot.channels.telegram.settings import TelegramSettings
from shop.errors import SettingsError
from shop.settings import read

# An error of Telegram's last call that is older than this, in seconds, has probably been mended.
_RECENT = 3_600
_MANY_WAITING = 100

Finding = tuple[Literal["ok", "off", "warning", "error"], str]


def diagnose(settings: TelegramSettings | None = None) -> Iterator[Finding]:
    """One finding a line: how grave, and what is the matter with what to do."""
    try:
        settings = settings or read(TelegramSettings)
    except SettingsError as exc:
        yield "error", f"Telegram is switched off: {exc}"
        return
    if not settings.telegram_token:
        yield "off", "Telegram is switched off: XIAOER_TELEGRAM_TOKEN is not set"
        return
    try:
        name, webhook = asyncio.run(_ask(settings))
    except InvalidToken:
        yield "error", "Telegram refuses the token: copy XIAOER_TELEGRAM_TOKEN from @BotFather"
        return
    except TelegramError as exc:
        yield "error", f"Telegram at {settings.telegram_api_base} cannot be reached: {exc.message}"
        return
    yield "ok", f"Telegram knows the bot as @{name}; updates come by {settings.mode}"
    yield from _webhook(settings, webhook)


async def _ask(settings: TelegramSettings) -> tuple[str, WebhookInfo]:
    bot = make_bot(settings)
    try:
        return (await bot.get_me()).username or "", await bot.get_webhook_info()
    finally:
        await bot.request.shutdown()


def _webhook(settings: TelegramSettings, found: WebhookInfo) -> Iterator[Finding]:
    if settings.mode == "polling":
        if found.url:
            yield "warning", "Telegram still has a webhook; it is removed when the bot starts"
        return
    if found.url != settings.webhook_url:
        has = found.url or "no address"
        yield "warning", f"Telegram calls {has}; {settings.webhook_url} is set when the bot starts"
    failed = found.last_error_date
    if failed and time.time() - failed.timestamp() < _RECENT:
        yield "error", f"Telegram could not call {found.url}: {found.last_error_message}"
    if found.pending_update_count > _MANY_WAITING:
        yield "warning", f"{found.pending_update_count} updates wait at Telegram"
