"""Calls to api.weixin.qq.com and qyapi.weixin.qq.com: the token, and what errors mean.

    ApiFault
    ├── Refused        the platform said no; `code` is its errcode
    └── Unreachable    no answer; `arrived` says whether it may have been carried out all the same

`Api` renews the token and repeats what may be repeated; everything else it raises. What follows
from a refused message is decided where messages are sent (`sender.py`, `kf.py`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import aiohttp

from bot.channels.clock import Clock
from bot.channels.state import State

logger = logging.getLogger(__name__)

# errcodes, https://developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html
BUSY = frozenset({-1})
TOKEN = frozenset({40001, 40014, 42001})
SLOW_DOWN = frozenset({45011, 45033})
# Wrong app id or secret, or an address that is not on the account's IP list.
SETUP = frozenset({40013, 40125, 40164, 41002, 41004, 48002, 60020})
DAILY_LIMIT = frozenset({45009})
NO_SUCH_RIGHT = frozenset({40200, 48001})
NO_MENUS = frozenset({40200})
BAD_MEDIA = frozenset({40007})
TOO_LONG = frozenset({45002})
MENU_TOO_LONG = frozenset({45098})
# The shopper left, never was here, or wrote too long ago.
GONE = frozenset({40003, 43004, 45015})
QUOTA = frozenset({45047, 95001})
# 微信客服: the conversation is with a person, or over.
WRONG_STATE = frozenset({95018})

# A token is renewed that many seconds before it expires; WeChat then has two valid ones.
EARLY = 300
# Seconds without another try after the platform did not answer, and after its daily limit.
PAUSE = 10.0
LIMIT_PAUSE = 600.0
_BACK_OFF = (0.3, 1.0)
_REPEATED_AFTER_5XX = (500, 502, 503)


class ApiFault(Exception):
    """A call did not do what it should."""


class Refused(ApiFault):
    """The platform said no."""

    def __init__(self, code: int, call: str) -> None:
        super().__init__(f"{call}: errcode {code}")
        self.code = code


class Unreachable(ApiFault):
    """The platform did not answer."""

    def __init__(self, call: str, why: str, *, arrived: bool) -> None:
        super().__init__(f"{call}: {why}")
        self.arrived = arrived


class Api(ABC):
    """One account's side of a platform's API. Subclasses say where a token comes from.

    Attributes:
        trouble: what an operator has to mend, in a line; empty when all is well.
    """

    def __init__(
        self, base: str, state: State, owner: str, *, timeout: float, clock: Clock | None = None
    ) -> None:
        """`owner`: under which name the workers share the token."""
        self._clock = clock or Clock()
        self._base = base.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._state = state
        self._owner = owner
        self._session: aiohttp.ClientSession | None = None
        self._renewing = asyncio.Lock()
        self._token: tuple[str, float] | None = None
        self._paused_until = 0.0
        self._worker = secrets.token_hex(8)
        self.trouble = ""

    @abstractmethod
    async def fetch_token(self) -> Mapping[str, Any]:
        """Ask the platform: `{"access_token", "expires_in"}`; use `request`."""

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A call with the token.

        Raises:
            Refused, Unreachable
        """
        # Readable text as it is: escaped as \\uXXXX it shows up literally with some accounts.
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return await self._with_token(path, lambda: {"data": data, "headers": headers})

    async def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """A call that only asks, with the token.

        Raises:
            Refused, Unreachable
        """
        return await self._with_token(path, lambda: {"params": parameters}, method="GET")

    async def upload(self, kind: str, name: str, content: bytes, content_type: str) -> str:
        """Upload media; returns the media id, which lives three days.

        Raises:
            Refused, Unreachable
        """

        def form() -> dict[str, Any]:
            fields = aiohttp.FormData()
            fields.add_field("media", content, filename=name, content_type=content_type)
            return {"data": fields}

        answer = await self._with_token(f"/cgi-bin/media/upload?type={kind}", form)
        return str(answer["media_id"])

    @property
    def paused(self) -> bool:
        """Whether the platform did not answer just now, and is left in peace for a moment."""
        return self._clock.time() < self._paused_until

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session:
            await self._session.close()
        self._session = None

    async def _with_token(self, path: str, options: Any, *, method: str = "POST") -> dict[str, Any]:
        call, sign = path.partition("?")[0], "&" if "?" in path else "?"
        renewed, waits = False, list(_BACK_OFF)
        token = await self.token()
        while True:
            answer = await self.request(method, f"{path}{sign}access_token={token}", **options())
            code = int(answer.get("errcode") or 0)
            if not code:
                self.trouble = ""
                return answer
            if code in TOKEN and not renewed:
                renewed = True
                token = await self.token(instead_of=token)
            elif code in BUSY | SLOW_DOWN and waits:
                await asyncio.sleep(waits.pop(0))
            else:
                self._note(code, call)
                raise Refused(code, call)

    def _note(self, code: int, call: str) -> None:
        """Say once what needs an operator."""
        if code in DAILY_LIMIT:
            self._paused_until = self._clock.time() + LIMIT_PAUSE
        if code in TOKEN | SETUP | DAILY_LIMIT:
            trouble = f"errcode {code} at {call}"
            if trouble != self.trouble:
                logger.error("%s: %s; see docs/wechat.en.md", self._owner, trouble)
            self.trouble = trouble

    # --- the token

    async def token(self, *, instead_of: str | None = None) -> str:
        """The token that all workers use; a fresh one if it is the one that was refused.

        Raises:
            Refused, Unreachable
        """
        if (token := self._known(instead_of)) is not None:
            return token
        async with self._renewing:
            if (token := self._known(instead_of)) is not None:
                return token
            if (token := await self._shared(instead_of)) is not None:
                return token
            # Another worker may be at it; it takes no longer than a call. Two are no fault either.
            for _ in range(20):
                ttl = self._timeout.total or 5.0
                if await self._state.lead(self._owner, "renewing", self._worker, ttl=ttl):
                    break
                await asyncio.sleep(0.1)
                if (token := await self._shared(instead_of)) is not None:
                    return token
            try:
                return await self._renew()
            finally:
                await self._state.lead(self._owner, "renewing", self._worker, ttl=0)

    async def _renew(self) -> str:
        answer = await self.fetch_token()
        if code := int(answer.get("errcode") or 0):
            trouble = f"no access token: errcode {code}"
            if trouble != self.trouble:
                logger.error("%s: %s; see docs/wechat.en.md", self._owner, trouble)
            self.trouble = trouble
            raise Refused(code, "token")
        token, lives = str(answer["access_token"]), float(answer["expires_in"])
        until = time.time() + max(lives - EARLY, 1.0)
        self._token = (token, until)
        await self._state.put(self._owner, "token", [token, until], ttl=max(lives - EARLY, 1.0))
        return token

    def _known(self, refused: str | None) -> str | None:
        if self._token and self._token[1] > time.time() and self._token[0] != refused:
            return self._token[0]
        return None

    async def _shared(self, refused: str | None) -> str | None:
        if found := await self._state.get(self._owner, "token"):
            self._token = (str(found[0]), float(found[1]))
        return self._known(refused)

    # --- the wire

    async def request(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """One request, as it is; the answer may hold an errcode.

        Raises:
            Unreachable
        """
        call = path.partition("?")[0]
        if self.paused:
            raise Unreachable(call, "paused after a failure", arrived=False)
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.request(method, self._base + path, **options) as response:
                status, content = response.status, await response.read()
        except aiohttp.ClientConnectorError as exc:
            raise self._unreachable(call, type(exc).__name__, arrived=False) from None
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as exc:
            # Not `from exc`: its text holds the address, and the address holds the token.
            raise self._unreachable(call, type(exc).__name__, arrived=True) from None
        try:
            # WeChat calls its JSON text/plain.
            answer = json.loads(content)
        except ValueError:
            answer = None
        if status != 200 or not isinstance(answer, dict):
            arrived = status not in _REPEATED_AFTER_5XX
            raise self._unreachable(call, f"HTTP {status}", arrived=arrived)
        return answer

    def _unreachable(self, call: str, why: str, *, arrived: bool) -> Unreachable:
        self._paused_until = self._clock.time() + PAUSE
        return Unreachable(call, why, arrived=arrived)


class OfficialApi(Api):
    """公众号."""

    def __init__(
        self,
        base: str,
        state: State,
        appid: str,
        secret: str,
        *,
        timeout: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(base, state, f"wechat.{appid}", timeout=timeout, clock=clock)
        self._credentials = {"appid": appid, "secret": secret}

    async def fetch_token(self) -> Mapping[str, Any]:
        """A stable token: another call of ours does not make it invalid."""
        body = {"grant_type": "client_credential", **self._credentials, "force_refresh": False}
        return await self.request("POST", "/cgi-bin/stable_token", json=body)


class KfApi(Api):
    """微信客服, through WeCom."""

    def __init__(
        self, base: str, state: State, corpid: str, secret: str, *, timeout: float = 5.0
    ) -> None:
        super().__init__(base, state, f"wechat_kf.{corpid}", timeout=timeout)
        self._credentials = {"corpid": corpid, "corpsecret": secret}

    async def fetch_token(self) -> Mapping[str, Any]:
        """The token of the application that may call 微信客服."""
        return await self.request("GET", "/cgi-bin/gettoken", params=self._credentials)
