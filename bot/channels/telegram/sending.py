"""Calls the Bot API: in order within a chat, within Telegram's limits, and whatever goes wrong.

What Telegram answers (https://core.telegram.org/bots/api#making-requests) and what we do:

    429 with retry_after   wait as told, three times; other chats go on
    403                    the shopper blocked the bot or left: note it, drop the rest
    400                    send the plainer form, if there is one
    401, 404               the token is wrong: drop, health says so
    group became a supergroup   go on with its new id
    5xx, no connection     it was not sent: wait and try again, for a day
    cut off, no answer     it may have been sent: try once more, which may repeat it once
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import httpx
from telegram import Bot, InlineKeyboardMarkup, InputMediaPhoto
from telegram.constants import FileSizeLimit
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)
from telegram.request import HTTPXRequest

from bot.channels.clock import Clock
from bot.channels.net import is_loopback
from bot.channels.queues import SenderQueues
from bot.channels.state import State
from bot.channels.telegram.pace import DAY, OWNER, Pace
from bot.channels.telegram.rendering import Post
from bot.channels.telegram.settings import TelegramSettings
from bot.channels.telegram.updates import WANTED
from shop.errors import Unavailable

logger = logging.getLogger(__name__)

# `RetryAfter` warns until it is told to hold a timedelta, which it will always hold from
# python-telegram-bot 23 on.
os.environ.setdefault("PTB_TIMEDELTA", "1")
# httpx prints every address, and with it the token, at INFO; telegram prints what shoppers get, at
# DEBUG, and a traceback for each answer that is not JSON. What matters is logged here.
for _noisy, _level in (("httpx", logging.WARNING), ("telegram", logging.CRITICAL)):
    logging.getLogger(_noisy).setLevel(_level)

# Waits that Telegram asks for are kept up to this, and this often.
_LONGEST_WAIT, _WAITS = 60.0, 3
# Seconds between attempts while Telegram is away.
_FIRST_DELAY, _LONGEST_DELAY = 1.0, 30.0
# What may wait: turns of one chat, and chats.
_TURNS_WAITING, _CHATS_WAITING = 50, 20_000
# A picture's file id is used again for this long.
_PICTURE_DAYS = 7

Status = Literal["ok", "unreachable", "unauthorised"]


@dataclass(frozen=True)
class Parcel:
    """A post with its buttons made."""

    post: Post
    markup: InlineKeyboardMarkup | None = None


class _Dropped(Exception):
    """Nothing more can be sent to this chat for now."""


class Sender:
    """Sends to chats; `send` returns soon, whatever happens to Telegram."""

    # Seconds that `send` waits until the messages are through; then they go on by themselves.
    patience = 10.0

    def __init__(
        self, settings: TelegramSettings, *, state: State, own_url: str, clock: Clock | None = None
    ) -> None:
        """`own_url`: where this server answers this machine, to read its pictures."""
        self._settings = settings
        self._state = state
        self._own_url = own_url
        self._clock = clock or Clock()
        self._queues = SenderQueues(_TURNS_WAITING)
        self.status: Status = "ok"
        self._pace = Pace(state, self._clock)
        # A poll is one long call, which must not hold up others.
        self._polling = make_request(settings, connections=1)
        self.bot = make_bot(settings)

    async def close(self, seconds: float = 3.0) -> None:
        """Send what can be sent within `seconds`, then close the connections."""
        if not await self._queues.drain(seconds):
            logger.warning("telegram: the server's stop cut off messages that were waiting")
        await self.bot.request.shutdown()
        await self._polling.shutdown()

    async def updates(self, offset: int, *, timeout: int) -> list[tuple[int, Any]]:
        """What happened from `offset` on, numbered; waits up to `timeout` seconds for something.

        As it comes: `Bot.get_updates` fails for all of them when it cannot read one.

        Raises:
            TelegramError: it could not be had.
        """
        wanted = {"offset": offset, "timeout": timeout, "allowed_updates": json.dumps(WANTED)}
        address = f"{self.bot.base_url}/getUpdates?{urlencode(wanted)}"
        answer = await self._polling.retrieve(address, read_timeout=timeout + 10)
        try:
            updates = json.loads(answer)["result"]
            return [(int(update["update_id"]), update) for update in updates]
        except (ValueError, KeyError, TypeError) as exc:
            raise TelegramError("not the answer to getUpdates") from exc

    async def send(self, chat: int, parcels: Sequence[Parcel]) -> None:
        """Send in order, after what waits for this chat already."""
        through = asyncio.Event()

        async def job() -> None:
            try:
                await self._send_all(chat, parcels)
            except _Dropped as why:
                logger.log(logging.INFO, "telegram: messages dropped: %s", why)
            finally:
                through.set()

        async with self._queues.entrance(str(chat)) as has_room:
            if not has_room or len(self._queues) > _CHATS_WAITING:
                logger.error("telegram: messages dropped: too many wait already")
                return
            self._queues.put(str(chat), job)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(through.wait(), self.patience)

    async def quietly(self, what: Callable[[Bot], Awaitable[Any]]) -> None:
        """A call that is nice to have: made once, and no error leaves it."""
        try:
            await what(self.bot)
        except TelegramError as exc:
            logger.debug("telegram: left out: %s", exc)

    async def address(self, chat: int) -> int:
        """The id under which a chat is reached now."""
        moved = await self._state.get(OWNER, f"moved:{chat}") if chat < 0 else None
        return int(moved or chat)

    async def home(self, chat: int) -> int:
        """The id under which a chat was known first."""
        was = await self._state.get(OWNER, f"was:{chat}") if chat < 0 else None
        return int(was or chat)

    async def move(self, old: int, new: int) -> None:
        """Note that a group has a new id; its conversations keep the old one."""
        home = await self.home(old)
        await self._state.put(OWNER, f"moved:{home}", new, ttl=3_650 * DAY)
        await self._state.put(OWNER, f"was:{new}", home, ttl=3_650 * DAY)

    async def block(self, chat: int, on: bool) -> None:
        """Note whether the bot may speak in a chat at all."""
        if on:
            await self._state.put(f"tg:{chat}", "blocked", True, ttl=365 * DAY)
        else:
            await self._state.take(f"tg:{chat}", "blocked")

    async def blocked(self, chat: int) -> bool:
        """Whether it may not."""
        return bool(await self._state.get(f"tg:{chat}", "blocked"))

    async def _send_all(self, chat: int, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            await self._send_one(chat, parcel)

    async def _send_one(self, chat: int, parcel: Parcel) -> None:
        try:
            await self._persist(chat, parcel)
        except BadRequest as exc:
            if "chat not found" in exc.message.lower():
                raise _Dropped("there is no such chat") from exc
            if await self._forget_pictures(parcel.post):
                # Telegram did not know one of the ids any more.
                await self._send_one(chat, parcel)
                return
            if not parcel.post.instead:
                logger.warning("telegram: %s refused: %s", parcel.post.method, exc.message)
            for post in parcel.post.instead:
                same = post.keyboard is parcel.post.keyboard
                await self._send_one(chat, Parcel(post, parcel.markup if same else None))

    async def _persist(self, chat: int, parcel: Parcel) -> None:
        """Until it is sent, or cannot be."""
        since, delay, waits, unsure = self._clock.time(), _FIRST_DELAY, 0, 0
        while True:
            await self._pace.wait(chat)
            try:
                async with self._pace.gate:
                    result = await self._call(await self.address(chat), parcel)
            except RetryAfter as exc:
                waits += 1
                if waits > _WAITS:
                    logger.error("telegram: gave a message up: asked to wait %d times", waits)
                    return
                await self._clock.sleep(min(seconds(exc), _LONGEST_WAIT) + 0.1)
            except ChatMigrated as exc:
                await self.move(chat, exc.new_chat_id)
            except Forbidden as exc:
                await self.block(chat, True)
                raise _Dropped(f"the shopper does not want them ({exc.message})") from exc
            except InvalidToken as exc:
                self._now("unauthorised", "Telegram refused the token")
                raise _Dropped("Telegram refused the token") from exc
            except BadRequest:
                self._now("ok")
                raise
            except TelegramError as exc:
                self._now("unreachable", f"{exc.message or type(exc).__name__}; trying again")
                unsure += _may_be_sent(exc)
                late = self._clock.time() - since > self._settings.telegram_patience_hours * 3_600
                if unsure > 1 or late:
                    logger.error("telegram: gave a message up: %s", exc.message)
                    return
                await self._clock.sleep(delay * random.uniform(0.8, 1.2))
                delay = min(delay * 2, _LONGEST_DELAY)
            else:
                self._now("ok")
                await self._remember_pictures(parcel.post, result)
                return

    async def _call(self, chat: int, parcel: Parcel) -> Any:
        post = parcel.post
        arguments = {"chat_id": chat, **post.arguments}
        if parcel.markup:
            arguments["reply_markup"] = parcel.markup
        if post.method == "send_media_group":
            pictures = [await self._picture(url) for url in post.photos]
            arguments["media"] = [
                InputMediaPhoto(picture, caption=caption)
                for picture, caption in zip(pictures, post.captions, strict=True)
            ]
        elif post.photos:
            arguments["photo"] = await self._picture(post.photos[0])
        return await getattr(self.bot, post.method)(**arguments)

    async def _picture(self, url: str) -> str | bytes:
        """What Telegram takes for a picture: the id it has it under, its address, or the file."""
        with suppress(Unavailable):
            if known := await self._state.get(OWNER, self._picture_key(url)):
                return str(known)
        if address := public(url, self._settings):
            return address
        try:
            return await self._read(self._own_url + url)
        except (httpx.HTTPError, ValueError) as exc:
            raise BadRequest(f"no picture: {exc!r}") from exc

    async def _read(self, url: str) -> bytes:
        """A file of this server, which is all that may be read here."""
        limit = FileSizeLimit.PHOTOSIZE_UPLOAD
        async with (
            httpx.AsyncClient(trust_env=False, timeout=5) as client,
            client.stream("GET", url) as response,
        ):
            response.raise_for_status()
            content = b""
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > limit:
                    raise ValueError("larger than Telegram takes")
        return content

    async def _remember_pictures(self, post: Post, result: Any) -> None:
        sent = result if isinstance(result, (list, tuple)) else [result]
        for url, message in zip(post.photos, sent, strict=False):
            if getattr(message, "photo", None):
                with suppress(Unavailable):
                    identifier = message.photo[-1].file_id
                    ttl = _PICTURE_DAYS * DAY
                    await self._state.put(OWNER, self._picture_key(url), identifier, ttl=ttl)

    async def _forget_pictures(self, post: Post) -> bool:
        """Whether there was anything to forget."""
        known = False
        for url in post.photos:
            with suppress(Unavailable):
                known |= bool(await self._state.take(OWNER, self._picture_key(url)))
        return known

    def _picture_key(self, url: str) -> str:
        # Another bot knows the file by another id.
        name = f"{self._settings.bot_id} {url}"
        return "picture:" + hashlib.sha256(name.encode()).hexdigest()[:32]

    def _now(self, status: Status, why: str = "") -> None:
        """Log only when it changes."""
        if status != self.status:
            level = logging.INFO if status == "ok" else logging.ERROR
            logger.log(level, "telegram: %s", why or "reached again")
        self.status = status


def make_bot(settings: TelegramSettings) -> Bot:
    """The library's client; opens no connection yet."""
    base = settings.telegram_api_base.rstrip("/")
    return Bot(
        settings.telegram_token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=make_request(settings, connections=32),
    )


def make_request(settings: TelegramSettings, *, connections: int) -> HTTPXRequest:
    """How the Bot API is reached."""
    host = urlsplit(settings.telegram_api_base).hostname or ""
    return HTTPXRequest(
        connection_pool_size=connections,
        connect_timeout=5,
        read_timeout=15,
        write_timeout=15,
        # The library's second is too short for a rush.
        pool_timeout=5,
        proxy=settings.telegram_proxy or None,
        # The machine's proxy is no way to the machine itself.
        httpx_kwargs={"trust_env": False} if is_loopback(host) else None,
    )


def public(url: str, settings: TelegramSettings) -> str | None:
    """A web address as others may open it; None for a page of a server without a public one."""
    if not url.startswith("/"):
        return url
    return settings.public_url + url if settings.public_url else None


def seconds(error: RetryAfter) -> float:
    """How long Telegram asks to wait."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def _may_be_sent(error: TelegramError) -> bool:
    """Whether Telegram may have done what it was asked to in spite of the error."""
    cause = error.__cause__
    if isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
        return False
    # What has another cause was answered, by Telegram or a proxy before it: a 5xx. An answer that
    # is neither an error nor JSON is a plain TelegramError.
    return isinstance(cause, httpx.HTTPError) or not isinstance(error, NetworkError)
