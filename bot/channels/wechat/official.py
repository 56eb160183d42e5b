"""The channel `wechat`: an Official Account (公众号).

WeChat pushes what a shopper does and takes one message as the answer (a passive reply), if it comes
within five seconds of one of its three attempts; everything else goes through the API as
customer-service messages, which only verified accounts may send, and few. So what a turn says is
held until its end, made into as few messages as need be, and told in the way that works.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from rasa.core.lock_store import LockError
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, text

from bot.channels.base import Channel, ChannelSettings, Incoming, Receipt, Turn, pseudonym
from bot.channels.clock import Clock
from bot.channels.messages import Message
from bot.channels.net import body_of
from bot.channels.queues import SenderQueues
from bot.channels.wechat import menu
from bot.channels.wechat.api import ApiFault, OfficialApi, Refused
from bot.channels.wechat.callback import BODY_LIMIT, BadMessage, Gate, Push
from bot.channels.wechat.crypto import BadCallback, Envelope
from bot.channels.wechat.handover import asks_for_a_person
from bot.channels.wechat.media import Media
from bot.channels.wechat.menus import Entry, Menus, Offer, Piece, sized
from bot.channels.wechat.outbox import Outbox
from bot.channels.wechat.parts import Article, Line, Part, Picture, Renderer
from bot.channels.wechat.sender import ALLOWED, Occasion, Outcome, Quota, Sender
from bot.channels.wechat.settings import WechatSettings
from bot.channels.wechat.text import split, unlinked
from bot.channels.wechat.updates import Desk, Left, Said, understand
from bot.channels.wechat.windows import Answer, Times, Window, Windows
from shop.errors import SettingsError, Unavailable
from shop.settings import ShopSettings, read
from shop.text.language import detect

logger = logging.getLogger(__name__)

SUCCESS = "success"
TRANSFER = "transfer_customer_service"
# A turn may take as long as WeChat's three attempts, and then some; the conversation's lock lasts
# a minute.
TURN_DEADLINE, TURN_LIMIT = 35.0, 10.0
# Room in a text for "there is more".
TEXT_BYTES = 1_900
# How long unread answers wait for the shopper to ask for them.
PENDING = 1_800.0
# A shopper whom nobody at the desk took on comes back to the bot after that; one who was, when
# WeChat tells that it is over.
DESK_WAITING, DESK_OPEN = 1_800.0, 12 * 3_600.0
TYPING_DELAY = 1.5
# Marks a shopper who left until all of theirs is erased.
LEAVING, LEAVING_KEPT = "leaving", 90 * 86_400.0
FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0


class Wechat(Channel):
    """Shoppers on an Official Account: `wx:<openid>`."""

    prefix = "wx"
    # WeChat shows it for fifteen seconds.
    typing_every = 14.0

    @classmethod
    def name(cls) -> str:
        """As in `channel: wechat` of a response."""
        return "wechat"

    def __init__(
        self,
        settings: WechatSettings | None = None,
        *,
        times: Times | None = None,
        clock: Clock | None = None,
        limits: ChannelSettings | None = None,
        **options: Any,
    ) -> None:
        """Settings that cannot be used switch the channel off; the others go on."""
        limits = limits or replace(
            read(ChannelSettings), turn_deadline=TURN_DEADLINE, turn_limit=TURN_LIMIT
        )
        super().__init__(limits=limits, **options)
        shop = read(ShopSettings)
        self._language_by_default = shop.default_language
        host = "127.0.0.1" if shop.host in ("0.0.0.0", "::") else shop.host
        self._wrong = ""
        try:
            self.settings = settings or read(WechatSettings)
            self._menu_keys = menu.payloads(menu.load(self.settings.wechat_menu))
        except SettingsError as exc:
            self.settings, self._menu_keys, self._wrong = WechatSettings(), {}, str(exc)
        given = self.settings
        self._clock = clock or Clock()
        self._gate = _gate(given)
        self.client = OfficialApi(
            given.wechat_api_base,
            self.state,
            given.wechat_appid,
            given.wechat_secret,
            timeout=given.wechat_api_timeout,
            clock=self._clock,
        )
        owner = f"wechat.{given.wechat_appid}"
        media = Media(
            self.client,
            self.state,
            owner,
            server=f"http://{host}:{shop.port}",
            hosts=given.media_hosts,
        )
        self._media = media
        self._renderer = Renderer(absolute=self._absolute, plain=unlinked, link=_link)
        self._quota = Quota(self.state)
        self._menus = Menus(self.state, self.keys)
        self._sender = Sender(
            self.client,
            media,
            self._quota,
            self._renderer,
            menus=given.wechat_menus,
            hint=partial(self._words, "utter_menu_hint"),
            choose=partial(self._words, "utter_choose"),
        )
        self._windows = Windows(self.state, times or Times(), owner=owner)
        self._outbox: Outbox[Piece] = Outbox(
            "wechat", self._send_late, kept=ALLOWED["message"][0], clock=self._clock
        )
        # What is sent to a shopper keeps its order, whichever turn or route it comes from.
        self._sending = SenderQueues(limit=2**31)
        # How often a shopper who comes and goes is still to be forgotten.
        self._leaving: Counter[str] = Counter()

    @property
    def disabled(self) -> str:
        """Without its settings, or with some that cannot be used, there is no WeChat."""
        return self._wrong or self.settings.missing

    @property
    def active(self) -> bool:
        """Whether customer-service messages are an option."""
        return self.settings.wechat_reply != "passive" and self._sender.usable

    async def start(self) -> None:
        """WeChat need not be reachable yet."""
        if self.settings.mode == "plain":
            logger.info("wechat: plain mode (明文) cannot protect messages; prefer safe (安全)")
        self.background(self._finish_forgetting(), what="erasing who left")
        if self.settings.wechat_reply != "passive":
            self.background(self._sign_in(), what="asking WeChat for a token")
            self.background(self._outbox.work(), what="sending what could not be sent")

    async def stop(self) -> None:
        """All turns have ended; what they said is still on its way."""
        if not await self._sending.drain(self.limits.shutdown_wait):
            logger.warning("wechat: messages were cut short by the server's stop")
        if len(self._outbox):
            logger.warning("wechat: messages to %d shoppers were not sent", len(self._outbox))
        await self.end_background()
        await self.client.close()

    async def health(self) -> dict[str, Any]:
        """Whether WeChat takes our calls."""
        about = {"mode": self.settings.mode, "reply": self.settings.wechat_reply}
        if self.client.paused or len(self._outbox):
            about["api"] = "does not answer"
        if self.client.trouble:
            return {**about, "status": "failing", "reason": self.client.trouble}
        if self.settings.wechat_reply != "passive" and not self._sender.usable:
            about["reply"] = "passive: this account may not send customer-service messages"
        return about

    async def _sign_in(self) -> None:
        """See early whether secret and IP list are right; as long as it takes."""
        delay = FIRST_DELAY
        while True:
            try:
                await self.client.token()
                return
            except Refused:
                # It was logged; somebody has to mend it, and may do so while we run.
                pass
            except (ApiFault, Unavailable) as exc:
                if delay == FIRST_DELAY:
                    logger.warning("wechat: %s; trying again", exc)
            await self._clock.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)

    # --- what comes in

    def routes(self, blueprint: Blueprint) -> None:
        """One address, which WeChat checks by GET and pushes to by POST."""

        @blueprint.get("/callback")
        async def check(request: Request) -> HTTPResponse:
            try:
                return text(self._gate.echo(request.args))
            except BadCallback:
                return _refused()

        @blueprint.post("/callback")
        async def callback(request: Request) -> HTTPResponse:
            try:
                push = self._gate.open(request.args, body_of(request, BODY_LIMIT))
            except BadCallback:
                return _refused()
            except BadMessage:
                logger.info("wechat: a push that cannot be read")
                return text(SUCCESS)
            return await self._take(push)

    async def _take(self, push: Push) -> HTTPResponse:
        update = understand(push.fields, self._menu_keys)
        if update is None or not self.owns(update.sender):
            return text(SUCCESS)
        if isinstance(update, Left):
            await self._note_leaving(update.sender)
            return text(SUCCESS)
        if isinstance(update, Desk):
            await self._note_desk(update)
            return text(SUCCESS)
        if not await self._unused(push.stamp, update):
            return _refused()
        return await self._hear(push, update)

    async def _unused(self, stamp: str, said: Said) -> bool:
        """Whether nobody used timestamp and nonce for another message.

        In plain mode the signature covers no more than these two, so an address that somebody got
        hold of would let them say anything in anybody's name.
        """
        owner = f"wechat.{self.settings.wechat_appid}"
        name, mark = f"nonce:{stamp}", f"{said.sender} {said.delivery}"
        if await self.state.first(owner, f"first {name}", ttl=1_300.0):
            await self.state.put(owner, name, mark, ttl=1_300.0)
            return True
        return await self.state.get(owner, name) in (None, mark)

    async def _hear(self, push: Push, said: Said) -> HTTPResponse:
        fresh = False
        window = Window(said.sender, said.delivery, said.occasion, said.is_message)
        # Pushes of a shopper are taken in as they arrived, though each asks the state first.
        async with self._sending.entrance(said.sender):
            number = await self._windows.count(said.sender, said.delivery)
            window, fresh = self._windows.enter(window)
            if fresh:
                try:
                    taken = await self._open(window, said)
                except BaseException:
                    self._windows.leave(window)
                    raise
                if not taken:
                    self._windows.leave(window)
                    # It is pushed again, to a server that does not stop.
                    return text("", status=503)
        try:
            return await self._reply(push, window, number)
        finally:
            if not window.mine and not window.waiters:
                self._windows.leave(window)

    async def _open(self, window: Window, said: Said) -> bool:
        """Begin with a message that was not known here; False: it has to be pushed again."""
        sender = said.sender
        window.lang = detect(said.text or "") or self._language_by_default
        if self.settings.wechat_desk and await self._with_people(sender):
            # Only this way the person sees it.
            answer = {"MsgType": TRANSFER} if said.is_message else {}
            await self._windows.publish(window, answer)
            return True
        if said.text is not None and await self._asks_for_more(said):
            if await self.state.first(sender, f"seen:{said.delivery}", ttl=86_400.0):
                window.mine = True
                self._sending.put(sender, partial(self._go_on, window))
            return True
        if not await self._windows.begin(window):
            return True
        try:
            receipt = await self.receive(await self._incoming(said))
        except Unavailable:
            with suppress(Unavailable):
                await self._windows.begin_again(window)
            raise
        if receipt.refusal == "closing":
            await self._windows.begin_again(window)
            return False
        if receipt.refusal == "too_fast":
            window.mine = True
            self.background(self._settle(window, receipt), what="a notice")
        elif receipt.refusal != "duplicate":
            window.mine = True
            # No await since `receive`, so the order is that of the turns.
            self._sending.put(sender, partial(self._settle, window, receipt))
        return True

    async def _incoming(self, said: Said) -> Incoming:
        entry = None
        if said.tapped:
            entry = Entry(said.text or "", said.tapped)
        elif said.text is not None and "voice" not in said.metadata:
            entry = await self._menus.chosen(said.sender, said.text)
        if entry:
            return Incoming(
                said.sender,
                said.delivery,
                key=entry.key,
                title=entry.title,
                metadata=said.metadata,
            )
        return Incoming(
            said.sender,
            said.delivery,
            text=said.text,
            payload=said.payload,
            metadata=said.metadata,
        )

    async def _reply(self, push: Push, window: Window, number: int) -> HTTPResponse:
        """Answer a push, or let WeChat hang up and ask again."""
        times = self._windows.times
        # An account that may speak for itself need not keep WeChat waiting.
        is_final = number >= times.pushes or self.settings.wechat_reply == "active"
        patience = times.last_patience if is_final else times.patience
        answer = await self._windows.wait(window, patience)
        if answer is None and is_final:
            answer = await self._last_word(window)
        if answer is None:
            await asyncio.sleep(max(times.hung_up - patience, 0))
            return text("", status=503)
        if not answer:
            window.heard.set()
            return text(SUCCESS)
        if not await self._windows.is_last(window, number):
            # WeChat has hung up on this one, and a later one is told.
            return text(SUCCESS)
        await self._windows.tell(window)
        fields = {
            "ToUserName": push.fields.get("FromUserName", ""),
            "FromUserName": push.fields.get("ToUserName", ""),
            "CreateTime": int(time.time()),
            **answer,
        }
        kind = "application/json" if push.is_json else "application/xml"
        return text(self._gate.answer(push, fields), content_type=f"{kind}; charset=utf-8")

    async def _last_word(self, window: Window) -> Answer:
        """What to tell when WeChat waits no longer and the turn is not over."""
        if not await self._windows.claim(window):
            # The answer is being made right now.
            return await self._windows.wait(window, 0.5) or {}
        if self.active:
            return {}
        await self.state.put(window.sender, "late", True, ttl=PENDING)
        return _text(self._words("utter_still_working", window.lang))

    async def _note_leaving(self, sender: str) -> None:
        """The shopper unfollowed: WeChat requires that their data go, whatever happens to us.

        Raises:
            Unavailable: WeChat pushes it again.
        """
        await self.state.put(sender, LEAVING, True, ttl=LEAVING_KEPT)
        self._forget_in_order(sender)

    async def _finish_forgetting(self) -> None:
        """Go on with those who left when the server stopped in the middle."""
        delay = FIRST_DELAY
        while True:
            try:
                for sender in filter(self.owns, await self.state.owners(LEAVING)):
                    self._forget_in_order(sender)
                return
            except Unavailable as exc:
                logger.error("wechat: %s", exc)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)

    def _forget_in_order(self, sender: str) -> None:
        """After the turns that wait now, and what they say."""
        told = asyncio.Event()

        async def tell() -> None:
            told.set()

        self._leaving[sender] += 1
        self._sending.put(sender, tell)
        self.in_order(sender, partial(self._forget, sender, told))

    async def _forget(self, sender: str, told: asyncio.Event) -> None:
        """Erase all of a shopper, as long as it takes."""
        await told.wait()
        self._outbox.forget(sender)
        while not self._closing.is_set():
            try:
                if self.agent is None:
                    raise Unavailable("no model is loaded yet")
                # Their last turn may run on another worker, and would be stored after this.
                async with self.agent.lock_store.lock(sender):
                    await self.erase(sender)
                if self._leaving[sender] > 1:
                    # They came back and left again; the mark of that is gone, too.
                    await self.state.put(sender, LEAVING, True, ttl=LEAVING_KEPT)
                break
            except (Unavailable, LockError) as exc:
                logger.error("wechat: %s is not erased yet: %s", pseudonym(sender), exc)
                await asyncio.sleep(FIRST_DELAY)
        self._leaving -= Counter([sender])

    # --- WeChat's desk

    async def _note_desk(self, desk: Desk) -> None:
        if desk.opened:
            await self._hand_to_desk(desk.sender, DESK_OPEN)
        else:
            await self._take_back(desk.sender)

    async def _hand_to_desk(self, sender: str, seconds: float) -> None:
        await self.hand_over(sender, True)
        await self.state.put(sender, "desk", seconds, ttl=seconds)

    async def _take_back(self, sender: str) -> None:
        await self.state.take(sender, "desk")
        await self.hand_over(sender, False)

    async def _with_people(self, sender: str) -> bool:
        """Whether the desk answers this shopper, or will."""
        if not await self.handed_over(sender):
            return False
        seconds = await self.state.get(sender, "desk")
        if seconds is None:
            await self._take_back(sender)
            return False
        await self.state.put(sender, "desk", seconds, ttl=seconds)
        return True

    # --- what goes out

    async def deliver(
        self, recipient: str, messages: Sequence[Message], turn: Turn | None = None
    ) -> None:
        """Hold what a turn says until its end; what belongs to no turn goes out by itself."""
        window = self._windows.find(recipient, turn.incoming.message_id) if turn else None
        if window and turn and not window.answer.done():
            window.held += messages
            window.lang = turn.lang
            return
        lang = turn.lang if turn else self._language_by_default
        parts = self._renderer.parts_of(messages)
        self._sending.put(recipient, partial(self._send_apart, recipient, parts, lang))

    async def typing(self, recipient: str, on: bool) -> None:
        """For turns that take a while, on accounts that may."""
        if not self.active or self.client.trouble:
            return
        if on:
            await asyncio.sleep(TYPING_DELAY)
            await self._sender.typing(recipient, on)

    async def _settle(self, window: Window, receipt: Receipt) -> None:
        """When a turn has ended, tell what it said."""
        try:
            # Without a turn it was one message too many, and a notice may be on its way.
            await (receipt.turn.wait() if receipt.turn else asyncio.sleep(0.1))
            await self._quota.open(window.sender, window.occasion)
            in_time = await self._windows.claim(window)
            menu_before = await self._menu_of_a_failed_turn(window.sender, receipt.turn)
            answer = await self._answer_of(window, in_time=in_time)
            if menu_before and not await self._menus.last(window.sender):
                await self._menus.show(window.sender, menu_before)
            await self._windows.publish(window, answer)
            await self._see_it_told(window)
        except Unavailable as exc:
            logger.error("wechat: not delivered to %s: %s", pseudonym(window.sender), exc)
            if not window.answer.done():
                window.answer.set_result({})
        finally:
            self._windows.leave(window)

    async def _menu_of_a_failed_turn(self, sender: str, turn: Turn | None) -> list[Entry]:
        """The menu from which an option was chosen in vain: it may be chosen again."""
        key = turn.incoming.key if turn else None
        if key and await self.keys.peek(sender, key):
            return await self._menus.last(sender)
        return []

    async def _answer_of(self, window: Window, *, in_time: bool) -> Answer:
        """Say what the turn said; what is left for the passive reply is returned."""
        parts = self._renderer.parts_of(window.held)
        if self.settings.wechat_desk and asks_for_a_person(window.held):
            await self._hand_to_desk(window.sender, DESK_WAITING)
            if in_time and window.is_message:
                if parts and self.active:
                    await self._send(window.sender, parts, window.lang, window.occasion)
                return {"MsgType": TRANSFER}
        if not parts:
            return {}
        told = self.active and (not in_time or self._needs_api(parts))
        if told and await self._send_or_keep(window, parts, in_time=in_time):
            return {}
        if in_time:
            return await self._passive(window.sender, parts, window.lang)
        await self._put_aside(window.sender, await self._texts(window.sender, parts, window.lang))
        return {}

    def _needs_api(self, parts: Sequence[Part]) -> bool:
        """Whether a passive reply could not show this as well."""
        if self.settings.wechat_reply == "active" or len(parts) > 1:
            return True
        (part,) = parts
        if isinstance(part, Line):
            return len(part.text.encode()) > TEXT_BYTES
        return not isinstance(part, (Article, Picture)) and self._sender.menus != "numbers"

    async def _see_it_told(self, window: Window) -> None:
        """Where no push waits for the answer any more, WeChat may not ask again."""
        answer = window.answer.result()
        if not answer:
            return
        if window.waiters:
            # The next answer must not overtake this one.
            await asyncio.wait({asyncio.ensure_future(window.heard.wait())}, timeout=1.0)
            return
        self.background(self._tell_later(window), what="telling what no push asked for")

    async def _tell_later(self, window: Window) -> None:
        await asyncio.sleep(self._windows.times.hung_up)
        if await self._windows.told(window):
            return
        parts = self._renderer.parts_of(window.held)
        if not self.active or not await self._send_or_keep(window, parts, in_time=False):
            texts = await self._texts(window.sender, parts, window.lang)
            await self._put_aside(window.sender, texts)

    # --- by a passive reply

    async def _passive(self, sender: str, parts: Sequence[Part], lang: str) -> Answer:
        """All of it as one message, and the rest for when the shopper asks."""
        if len(parts) == 1:
            (part,) = parts
            if isinstance(part, Article):
                await self._menus.show(sender, [])
                return _news(part)
            if isinstance(part, Picture) and (media_id := await self._upload(part)):
                await self._menus.show(sender, [])
                return {"MsgType": "image", "Image": {"MediaId": media_id}}
        texts, entries = await self._texts(sender, parts, lang)
        return await self._first_of(sender, texts, entries, lang)

    async def _first_of(
        self, sender: str, texts: list[str], entries: list[Entry], lang: str
    ) -> Answer:
        """The first text; the others wait until the shopper asks for more."""
        if not texts:
            return {}
        first, rest = texts[0], texts[1:]
        if rest:
            first = f"{first}\n{self._words('utter_more', lang)}"
            await self._keep(sender, rest, entries)
        await self._menus.show(sender, entries)
        return _text(first)

    async def _upload(self, part: Picture) -> str | None:
        try:
            return await self._media.media_id(part.url) if self.active else None
        except ApiFault as exc:
            logger.warning("wechat: a picture was not uploaded: %s", exc)
            return None

    async def _texts(
        self, sender: str, parts: Sequence[Part], lang: str
    ) -> tuple[list[str], list[Entry]]:
        """Everything as texts of a size that WeChat takes."""
        as_text = [
            self._renderer.as_text(part) if isinstance(part, (Picture, Article)) else part
            for part in parts
        ]
        compact = self._renderer.compact(as_text, 1)
        made, entries = await self._menus.offer(sender, compact)
        texts: list[str] = []
        for part in made:
            if isinstance(part, Offer):
                texts += split(part.numbered(self._words("utter_menu_hint", lang)), TEXT_BYTES)
            elif isinstance(part, Line):
                texts += split(part.text, TEXT_BYTES)
        return texts, entries

    # --- more, when the shopper asks for it

    async def _asks_for_more(self, said: Said) -> bool:
        words = {self._words("utter_continue", lang) for lang in ("zh", "en")}
        wanted = (said.text or "").strip(" \n「」“”\"'。.!！").casefold()
        if wanted not in {word.casefold() for word in words}:
            return False
        waits = await self.state.get(said.sender, "pending")
        return bool(waits or await self.state.get(said.sender, "late"))

    async def _keep(self, sender: str, texts: Sequence[str], entries: Sequence[Entry]) -> None:
        pairs = [[entry.title, entry.key] for entry in entries]
        await self.state.put(sender, "pending", [list(texts), pairs], ttl=PENDING)

    async def _put_aside(self, sender: str, said: tuple[list[str], list[Entry]]) -> None:
        """Keep an answer that came too late, after others."""
        earlier, _ = await self.state.get(sender, "pending") or ([], [])
        await self._keep(sender, [*earlier, *said[0]], said[1])

    async def _go_on(self, window: Window) -> None:
        """The shopper asked for what is left."""
        try:
            sender = window.sender
            await self._quota.open(sender, "message")
            texts, pairs = await self.state.take(sender, "pending") or ([], [])
            if not await self._windows.claim(window):
                await self._keep(sender, texts, [Entry(*pair) for pair in pairs])
                return
            await self.state.take(sender, "late")
            entries = [Entry(*pair) for pair in pairs]
            answer = await self._first_of(sender, texts, entries, window.lang)
            await self._windows.publish(window, answer)
            await self._see_it_told(window)
        finally:
            self._windows.leave(window)

    # --- by the API

    async def _send_or_keep(self, window: Window, parts: Sequence[Part], *, in_time: bool) -> bool:
        """Send; False when nothing was sent and something else has to be done."""
        sender, lang = window.sender, window.lang
        if self._outbox.waits(sender) and in_time:
            return False
        outcome = await self._send(sender, parts, lang, window.occasion)
        if not outcome.rest and (outcome.sent or outcome.why != "refused"):
            return True
        if not outcome.sent and (in_time or outcome.why in ("no_right", "quota")):
            return False
        self._follow_up(sender, outcome, lang)
        return True

    def _follow_up(self, sender: str, outcome: Outcome, lang: str) -> None:
        """What to do with messages that were not sent."""
        if outcome.why == "down":
            self._outbox.put(sender, outcome.rest, lang)
        elif outcome.rest:
            logger.warning(
                "wechat: %d messages to %s were not sent: %s",
                len(outcome.rest),
                pseudonym(sender),
                outcome.why,
            )

    async def _send(
        self, sender: str, parts: Sequence[Part], lang: str, occasion: Occasion | None
    ) -> Outcome:
        allowed = await self._quota.left(sender, occasion)
        made, entries = await self._menus.offer(
            sender, self._renderer.compact(parts, max(allowed, 1))
        )
        pieces = sized(made, text_bytes=TEXT_BYTES)
        if not allowed:
            return Outcome(rest=pieces, why="quota")
        if self._outbox.waits(sender):
            return Outcome(rest=pieces, why="down")
        if len(pieces) > allowed:
            pieces = await self._within(sender, pieces, allowed, entries, lang)
        await self._menus.show(sender, entries)
        return await self._sender.send(sender, pieces, lang=lang, occasion=occasion)

    async def _within(
        self, sender: str, pieces: list[Piece], allowed: int, entries: list[Entry], lang: str
    ) -> list[Piece]:
        """As many as are allowed; the others wait until the shopper asks for more."""
        kept, rest = pieces[: allowed - 1], pieces[allowed - 1 :]
        texts: list[str] = []
        for piece in rest:
            if isinstance(piece, Offer):
                texts.append(piece.numbered(self._words("utter_menu_hint", lang)))
            elif isinstance(piece, Line):
                texts.append(piece.text)
            else:
                texts.append(self._renderer.as_text(piece).text)
        texts = [part for text in texts for part in split(text, TEXT_BYTES)]
        if len(texts) < 2:
            return [*kept, *map(Line, texts)]
        await self._keep(sender, texts[1:], entries)
        return [*kept, Line(f"{texts[0]}\n{self._words('utter_more', lang)}")]

    async def _send_apart(self, sender: str, parts: Sequence[Part], lang: str) -> None:
        """Say what belongs to no turn."""
        if not parts:
            return
        try:
            if self.active:
                outcome = await self._send(sender, parts, lang, None)
                self._follow_up(sender, outcome, lang)
            else:
                logger.warning("wechat: a passive account cannot write to %s", pseudonym(sender))
        except Unavailable as exc:
            logger.error("wechat: not delivered to %s: %s", pseudonym(sender), exc)

    async def _send_late(self, sender: str, pieces: list[Piece], lang: str) -> list[Piece]:
        outcome = await self._sender.send(sender, pieces, lang=lang, occasion=None)
        if outcome.why == "down":
            return outcome.rest
        self._follow_up(sender, outcome, lang)
        return []

    # --- words and addresses

    def _words(self, name: str, lang: str) -> str:
        return str(self.sentence(name, lang).get("text") or "")

    def _absolute(self, url: str) -> str | None:
        """An address as a phone may open it."""
        if not url.startswith("/"):
            return url
        base = self.settings.public_url.rstrip("/")
        return base + url if base else None


def _gate(settings: WechatSettings) -> Gate:
    keys = [settings.wechat_aes_key, settings.wechat_previous_aes_key]
    keys = [key for key in keys if key]
    sealed = settings.mode != "plain" and keys
    envelope = Envelope(settings.wechat_appid, keys) if sealed else None
    return Gate(settings.wechat_token, envelope, plain=settings.mode != "safe")


def _refused() -> HTTPResponse:
    return text("refused", status=403)


def _text(content: str) -> Answer:
    return {"MsgType": "text", "Content": content}


def _news(article: Article) -> Answer:
    item: Mapping[str, Any] = {
        "Title": article.title,
        "Description": article.description,
        "PicUrl": article.picture,
        "Url": article.url,
    }
    return {"MsgType": "news", "ArticleCount": 1, "Articles": {"item": [item]}}


def _link(title: str, url: str) -> str:
    address = url.replace('"', "%22").replace("<", "%3C").replace(">", "%3E")
    return f'<a href="{address}">{unlinked(title)}</a>'
