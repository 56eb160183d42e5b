"""微信客服 tells only that there is something: it has to be pulled, from a cursor on.

One worker pulls an account at a time. The cursor is stored when everything before it has been dealt
with, so that a crash loses nothing; what is pulled twice is known by its msgid.
https://developer.work.weixin.qq.com/document/path/94670
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.channels.state import State
from bot.channels.wechat.api import ApiFault, KfApi
from shop.errors import Unavailable

logger = logging.getLogger(__name__)

# WeCom keeps messages for three days.
CURSOR_KEPT = 7 * 86_400.0
ACCOUNTS_KEPT = 365 * 86_400.0
LEASE = 30.0
FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0

# Takes a message in; what it returns ends when the message has been dealt with.
Take = Callable[[Mapping[str, Any]], Awaitable["Awaitable[None] | None"]]


class Puller:
    """Pulls the messages of all accounts."""

    def __init__(
        self, client: KfApi, state: State, owner: str, take: Take, *, backlog: float
    ) -> None:
        """`backlog`: seconds; what is older when an account is first seen is left alone."""
        self._client = client
        self._state = state
        self._owner = owner
        self._take = take
        self._backlog = backlog
        self._worker = secrets.token_hex(8)
        self._tokens: dict[str, str] = {}
        self._wanted: set[str] = set()
        self._running: dict[str, asyncio.Task[None]] = {}
        # Where the next pull goes on, ahead of the stored cursor.
        self._ahead: dict[str, str] = {}
        self._saving: dict[str, asyncio.Future[bool]] = {}

    async def accounts(self) -> list[str]:
        """The accounts that ever called."""
        return list(await self._state.get(self._owner, "accounts") or [])

    def wake(self, account: str, token: str = "") -> None:
        """There is something; the token that comes with the call is good for ten minutes."""
        self._wanted.add(account)
        self._tokens[account] = token
        if account not in self._running:
            self._running[account] = asyncio.ensure_future(self._run(account))

    async def stop(self) -> None:
        """Pull no more; the cursors of what is done are stored."""
        for task in self._running.values():
            task.cancel()
        waiting: list[asyncio.Future[Any]] = [*self._running.values(), *self._saving.values()]
        if waiting:
            await asyncio.wait(waiting, timeout=5.0)

    async def _run(self, account: str) -> None:
        delay = FIRST_DELAY
        try:
            await self._remember(account)
            while account in self._wanted:
                self._wanted.discard(account)
                if not await self._lead(account, LEASE):
                    # Whoever pulls now will see this, or has just stopped.
                    token = self._tokens.get(account, "")
                    await self._state.put(self._owner, f"wake:{account}", token, ttl=600.0)
                    await asyncio.sleep(0.3)
                    if not await self._lead(account, LEASE):
                        return
                try:
                    await self._pull(account)
                    delay = FIRST_DELAY
                except (ApiFault, Unavailable) as exc:
                    if delay == FIRST_DELAY:
                        logger.warning("wechat_kf: pulling failed: %s; trying again", exc)
                    self._wanted.add(account)
                    await self._lead(account, delay + LEASE)
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, LONGEST_DELAY)
                if (token := await self._state.take(self._owner, f"wake:{account}")) is not None:
                    self.wake(account, str(token))
        except Unavailable as exc:
            logger.error("wechat_kf: %s", exc)
        finally:
            self._running.pop(account, None)
            await self._let_go(account)

    async def _pull(self, account: str) -> None:
        stored = await self._state.get(self._owner, f"cursor:{account}")
        cursor = self._ahead.get(account) or stored or ""
        oldest = 0.0 if cursor else time.time() - self._backlog
        more = True
        while more:
            body = {
                "cursor": cursor,
                "token": self._tokens.get(account, ""),
                "limit": 1000,
                "voice_format": 0,
                "open_kfid": account,
            }
            answer = await self._client.post("/cgi-bin/kf/sync_msg", body)
            # The list may be empty though there is more.
            taken = [
                done
                for message in answer.get("msg_list") or []
                if message.get("send_time", 0) >= oldest
                and (done := await self._take(message)) is not None
            ]
            cursor = str(answer.get("next_cursor") or cursor)
            more = bool(answer.get("has_more"))
            self._ahead[account] = cursor
            before = self._saving.get(account)
            self._saving[account] = asyncio.ensure_future(
                self._save(account, cursor, taken, before)
            )
            await self._lead(account, LEASE)

    async def _save(
        self,
        account: str,
        cursor: str,
        taken: list[Awaitable[None]],
        before: asyncio.Future[bool] | None,
    ) -> bool:
        """Store the cursor when all messages before it are done."""
        done = await asyncio.gather(*taken, return_exceptions=True)
        failed = [result for result in done if isinstance(result, BaseException)]
        if failed or (before and not await before):
            # They are pulled once more, next time.
            self._ahead.pop(account, None)
            logger.warning("wechat_kf: not all messages were dealt with: %r", failed[:1])
            return False
        try:
            await self._state.put(self._owner, f"cursor:{account}", cursor, ttl=CURSOR_KEPT)
        except Unavailable as exc:
            logger.error("wechat_kf: %s", exc)
        return True

    async def _remember(self, account: str) -> None:
        known = await self.accounts()
        if account not in known:
            accounts = [*known, account]
            await self._state.put(self._owner, "accounts", accounts, ttl=ACCOUNTS_KEPT)

    async def _lead(self, account: str, seconds: float) -> bool:
        return await self._state.lead(self._owner, f"pull:{account}", self._worker, ttl=seconds)

    async def _let_go(self, account: str) -> None:
        try:
            await self._lead(account, 0)
        except Unavailable as exc:
            logger.error("wechat_kf: %s", exc)
