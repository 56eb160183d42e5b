"""The connection to Telegram: introduces the bot at start, and polls where that is wanted."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from telegram import Bot, BotCommand
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.channels.clock import Clock
from bot.channels.state import State
from bot.channels.telegram.pace import DAY, OWNER
from bot.channels.telegram.sending import Sender, seconds
from bot.channels.telegram.settings import TelegramSettings
from bot.channels.telegram.updates import WANTED, Me
from shop.errors import Unavailable

logger = logging.getLogger(__name__)

# Seconds between attempts.
FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
# How long Telegram holds a poll open; how long a poller that died keeps others away.
POLL, LEASE = 20, 45.0


class Link:
    """Runs beside the turns, as long as it takes, for Telegram may be away.

    Attributes:
        me: the bot; without a name until Telegram has told it.
    """

    def __init__(
        self,
        settings: TelegramSettings,
        *,
        sender: Sender,
        state: State,
        clock: Clock,
        menu: Callable[[str], Mapping[str, str]],
        take_in: Callable[[Any], Awaitable[bool]],
    ) -> None:
        """Args:
        menu: the commands in a language, each with its description.
        take_in: what to do with an update that was polled.
        """
        self.me = Me(settings.bot_id)
        self._settings = settings
        self._sender = sender
        self._state = state
        self._clock = clock
        self._menu = menu
        self._take_in = take_in
        # Tells the pollers of several processes apart.
        self._holder = secrets.token_hex(8)

    async def run(self) -> None:
        """Until the bot is known to Telegram, or, where it polls, for ever."""
        if await self._introduced() and self._settings.mode == "polling":
            await self._poll()

    async def leave(self) -> None:
        """Let another process poll."""
        if self._settings.mode == "polling":
            try:
                await self._state.lead(OWNER, "polling", self._holder, ttl=0)
            except Unavailable as exc:
                logger.warning("telegram: %s", exc)

    async def _introduced(self) -> bool:
        """Try until it works; False when the token is wrong."""
        delay, said = FIRST_DELAY, ""
        while True:
            try:
                await self._introduce()
                self._sender.status = "ok"
                return True
            except InvalidToken:
                self._sender.status = "unauthorised"
                logger.error(
                    "telegram is switched off: Telegram refused the token in XIAOER_TELEGRAM_TOKEN"
                )
                return False
            except RetryAfter as exc:
                delay = seconds(exc)
            except (TelegramError, Unavailable) as exc:
                self._sender.status = "unreachable"
                if said != str(exc):
                    logger.warning("telegram: cannot be set up yet: %s; trying again", exc)
                said = str(exc)
            await self._clock.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)

    async def _introduce(self) -> None:
        bot, settings = self._sender.bot, self._settings
        me = await bot.get_me()
        self.me = Me(me.id, me.username or "")
        if settings.mode == "polling":
            await bot.delete_webhook()
            await self._set_commands()
            return
        setup = json.dumps([settings.webhook_url, settings.secret, WANTED])
        done = hashlib.sha256(setup.encode()).hexdigest()
        # So that many workers starting at once do not run into Telegram's limits.
        known = await self._state.get(OWNER, "webhook")
        if known == done and (await bot.get_webhook_info()).url == settings.webhook_url:
            return
        await bot.set_webhook(
            settings.webhook_url,
            secret_token=settings.secret,
            allowed_updates=WANTED,
            max_connections=settings.telegram_connections,
        )
        await self._set_commands()
        await self._state.put(OWNER, "webhook", done, ttl=DAY)

    async def _set_commands(self) -> None:
        """The menu: Chinese where Telegram is Chinese, English elsewhere."""
        for lang, code in (("zh", "zh"), ("en", None)):
            commands = [BotCommand(name, text) for name, text in self._menu(lang).items()]
            if commands:
                setting = partial(Bot.set_my_commands, commands=commands, language_code=code)
                await self._sender.quietly(setting)

    async def _poll(self) -> None:
        """Ask for updates, in one process at a time."""
        offset, delay, alone = 0, FIRST_DELAY, True
        while True:
            try:
                if not await self._state.lead(OWNER, "polling", self._holder, ttl=LEASE):
                    if alone:
                        logger.info("telegram: another process polls; waiting")
                    alone = False
                    await self._clock.sleep(LEASE / 4)
                    continue
                alone = True
                for number, update in await self._sender.updates(offset, timeout=POLL):
                    if not await self._take_in(update):
                        # The server stops; who polls next gets it again.
                        return
                    offset = number + 1
                delay = FIRST_DELAY
            except (TelegramError, Unavailable) as exc:
                if delay == FIRST_DELAY:
                    other = "another program polls with this token"
                    why = other if isinstance(exc, Conflict) else exc
                    logger.warning("telegram: polling failed: %s; trying again", why)
                await self._clock.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY)
