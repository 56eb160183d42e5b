"""Customer-service messages (客服消息) of an Official Account: quotas, order, what refusals mean.

A message of the shopper allows five within 48 hours; a tap on a menu, following and scanning allow
three within a minute. https://developers.weixin.qq.com/doc/service/api/customer/message/
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.channels.base import pseudonym
from bot.channels.state import State
from bot.channels.wechat import api
from bot.channels.wechat.api import OfficialApi, Refused, Unreachable
from bot.channels.wechat.media import Media
from bot.channels.wechat.menus import Offer, Piece
from bot.channels.wechat.parts import Article, Line, Picture, Renderer
from bot.channels.wechat.text import TEXT_BYTES, split

logger = logging.getLogger(__name__)

Occasion = Literal["message", "event"]
# How many messages an occasion allows, and for how many seconds.
ALLOWED: dict[Occasion, tuple[int, float]] = {"message": (5, 48 * 3_600.0), "event": (3, 60.0)}

SEND = "/cgi-bin/message/custom/send"
TYPING = "/cgi-bin/message/custom/typing"


class Quota:
    """How much each shopper may still be sent."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def open(self, sender: str, occasion: Occasion) -> None:
        """The shopper did something that allows messages."""
        left, seconds = ALLOWED[occasion]
        await self._put(sender, occasion, left, time.time() + seconds)

    async def left(self, sender: str, occasion: Occasion | None = None) -> int:
        """How many may be sent now; in answer to an event the few that it allows."""
        if occasion == "event":
            return (await self._get(sender, "event"))[0]
        return max((await self._get(sender, "message"))[0], (await self._get(sender, "event"))[0])

    async def spend(self, sender: str, occasion: Occasion | None) -> None:
        """One was sent."""
        order: tuple[Occasion, ...] = ("event", "message")
        for kind in order if occasion == "event" else reversed(order):
            left, until = await self._get(sender, kind)
            if left:
                await self._put(sender, kind, left - 1, until)
                return

    async def close(self, sender: str) -> None:
        """WeChat says that no more may be sent."""
        for kind in ALLOWED:
            await self._state.take(sender, f"quota:{kind}")

    async def _get(self, sender: str, kind: Occasion) -> tuple[int, float]:
        left, until = await self._state.get(sender, f"quota:{kind}") or (0, 0.0)
        return (left, until) if until > time.time() else (0, until)

    async def _put(self, sender: str, kind: Occasion, left: int, until: float) -> None:
        ttl = max(until - time.time(), 0.001)
        await self._state.put(sender, f"quota:{kind}", [left, until], ttl=ttl)


@dataclass
class Outcome:
    """What became of an attempt to send.

    Attributes:
        sent: messages that arrived, or may have.
        rest: those that did not.
        why: quota: no more may be sent now; gone: nor later; no_right: this account cannot; down:
            WeChat does not answer; refused: WeChat does not take this one, the others follow.
    """

    sent: int = 0
    rest: list[Piece] = field(default_factory=list)
    why: Literal["", "quota", "gone", "no_right", "down", "refused"] = ""


class Sender:
    """Sends pieces to shoppers.

    Attributes:
        usable: False once WeChat said that this account has no customer-service messages.
        menus: how to show choices; falls back to numbers where the account has no msgmenu.
    """

    def __init__(
        self,
        client: OfficialApi,
        media: Media,
        quota: Quota,
        renderer: Renderer,
        *,
        menus: Literal["msgmenu", "links", "numbers"],
        hint: Callable[[str], str],
        choose: Callable[[str], str],
    ) -> None:
        """`hint`: by language, how to answer a numbered menu; `choose`: heads one to tap."""
        self._client = client
        self._media = media
        self._quota = quota
        self._renderer = renderer
        self._hint = hint
        self._choose = choose
        self._shows_typing = True
        self.menus = menus
        self.usable = True

    async def send(
        self, sender: str, pieces: Sequence[Piece], *, lang: str, occasion: Occasion | None
    ) -> Outcome:
        """Send in order, until something stops it. Raises nothing of the API's."""
        outcome = Outcome(rest=list(pieces))
        while outcome.rest:
            if not await self._quota.left(sender, occasion):
                outcome.why = "quota"
                break
            try:
                await self._send(sender, outcome.rest[0], lang, occasion)
            except Unreachable as exc:
                outcome.why = "down"
                logger.error("wechat: not sent to %s: %s", pseudonym(sender), exc)
                if exc.arrived:
                    # Said twice is worse than a message lost on a bad line.
                    outcome.sent += 1
                    outcome.rest.pop(0)
                break
            except Refused as exc:
                if not await self._weigh(sender, exc, outcome):
                    break
                continue
            outcome.sent += 1
            outcome.rest.pop(0)
        return outcome

    async def typing(self, sender: str, on: bool) -> None:
        """Best effort: not every account may."""
        if not self._shows_typing or not self.usable:
            return
        command = "Typing" if on else "CancelTyping"
        try:
            await self._client.post(TYPING, {"touser": openid(sender), "command": command})
        except Refused as exc:
            self._shows_typing = exc.code not in api.NO_SUCH_RIGHT

    async def _weigh(self, sender: str, refused: Refused, outcome: Outcome) -> bool:
        """What follows from a refusal; True to go on with the next piece."""
        code = refused.code
        logger.warning("wechat: not sent to %s: %s", pseudonym(sender), refused)
        if code in api.NO_SUCH_RIGHT:
            logger.info("wechat: this account has no customer-service messages; answers only")
            self.usable = False
            outcome.why = "no_right"
        elif code in api.QUOTA:
            await self._quota.close(sender)
            outcome.why = "quota"
        elif code in api.GONE:
            await self._quota.close(sender)
            outcome.why = "gone"
        elif code in api.TOKEN | api.SETUP | api.DAILY_LIMIT | api.BUSY | api.SLOW_DOWN:
            outcome.why = "down"
        else:
            outcome.why = "refused"
            outcome.rest.pop(0)
            return True
        return False

    async def _send(self, sender: str, piece: Piece, lang: str, occasion: Occasion | None) -> None:
        match piece:
            case Line(text):
                await self._send_text(sender, text, occasion)
            case Offer():
                await self._send_offer(sender, piece, lang, occasion)
            case Article():
                article = {
                    "title": piece.title,
                    "description": piece.description,
                    "url": piece.url,
                    "picurl": piece.picture,
                }
                # One article; more are refused (45008).
                await self._post(sender, occasion, "news", {"articles": [article]})
            case Picture():
                await self._send_picture(sender, piece, occasion)

    async def _send_text(self, sender: str, text: str, occasion: Occasion | None) -> None:
        try:
            await self._post(sender, occasion, "text", {"content": text})
        except Refused as exc:
            if exc.code not in api.TOO_LONG:
                raise
            for part in split(text, min(len(text.encode()), TEXT_BYTES) // 2 + 2):
                await self._post(sender, occasion, "text", {"content": part})

    async def _send_offer(
        self, sender: str, offer: Offer, lang: str, occasion: Occasion | None
    ) -> None:
        if self.menus == "msgmenu":
            listed = [{"id": entry.key, "content": entry.title} for entry in offer.entries]
            menu = {"head_content": offer.head or self._choose(lang), "list": listed}
            try:
                await self._post(sender, occasion, "msgmenu", menu)
                return
            except Refused as exc:
                if exc.code in api.NO_MENUS:
                    logger.info("wechat: this account has no msgmenu; choices get numbers")
                    self.menus = "numbers"
                elif exc.code not in api.MENU_TOO_LONG:
                    raise
        linked = self.menus == "links"
        text = offer.linked() if linked else offer.numbered(self._hint(lang))
        for part in split(text):
            await self._send_text(sender, part, occasion)

    async def _send_picture(self, sender: str, piece: Picture, occasion: Occasion | None) -> None:
        for again in (True, False):
            media_id = await self._media.media_id(piece.url)
            if media_id is None:
                # Said with words and, where a phone can open it, its address.
                if text := self._renderer.as_text(piece).text:
                    await self._send_text(sender, text, occasion)
                return
            try:
                await self._post(sender, occasion, "image", {"media_id": media_id})
                return
            except Refused as exc:
                if exc.code not in api.BAD_MEDIA or not again:
                    raise
                await self._media.forget(piece.url)

    async def _post(
        self, sender: str, occasion: Occasion | None, kind: str, content: dict[str, Any]
    ) -> None:
        body = {"touser": openid(sender), "msgtype": kind, kind: content}
        await self._client.post(SEND, body)
        await self._quota.spend(sender, occasion)


def openid(sender: str) -> str:
    """WeChat's id in a sender id `wx:<openid>`."""
    return sender.split(":", 1)[1]
