"""The channel `wechat_kf`: 微信客服, customer service in WeChat through WeCom (企业微信).

WeCom says that there are messages and we pull them (`pulling.py`); answers go through its API,
where a msgid makes repeating harmless. A conversation is ours, or waits for or is with a person.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, text

from bot.channels.base import Channel, Incoming, Receipt, Turn, pseudonym
from bot.channels.messages import Message, from_rasa
from bot.channels.net import body_of
from bot.channels.wechat import api
from bot.channels.wechat.allowance import ALLOWED, Allowance
from bot.channels.wechat.api import ApiFault, KfApi, Refused, Unreachable
from bot.channels.wechat.callback import BODY_LIMIT, BadMessage, Gate
from bot.channels.wechat.crypto import BadCallback, Envelope
from bot.channels.wechat.handover import asks_for_a_person
from bot.channels.wechat.media import Media
from bot.channels.wechat.menus import Menus, Offer, Piece, sized
from bot.channels.wechat.outbox import Outbox
from bot.channels.wechat.parts import Article, Line, Picture, Renderer
from bot.channels.wechat.pulling import Puller
from bot.channels.wechat.settings import WechatKfSettings
from bot.channels.wechat.text import cut
from shop.errors import SettingsError, Unavailable
from shop.settings import ShopSettings, read

logger = logging.getLogger(__name__)

SEND = "/cgi-bin/kf/send_msg"
# msglist.origin
CUSTOMER, SYSTEM = 3, 4
# service_state
BOT, QUEUE, PERSON = 1, 2, 3
# session_status_change.change_type
SESSION_ENDED = 3
# A welcome code is good for twenty seconds.
WELCOME = 20.0
# How long a done message is known: longer than WeCom keeps it.
DONE = 4 * 86_400.0
# Who works at a message says so again and again; silence for that long means a crash.
LEASE = 10.0
# Seconds without a message, after which nobody is in a rush any more.
RUSH = 1.0
# Messages that wait for the next answer when no more may be sent.
HELD = 20
# Seconds for which a conversation is believed to be still with people.
TRUST = 30.0
_ID = re.compile(r"[A-Za-z0-9_-]{1,60}")
_KINDS = {
    "image": "/send_image",
    "video": "/send_image",
    "voice": "/send_voice",
    "location": "/share_location",
}


@dataclass(frozen=True)
class Post:
    """A message to send, with the id that makes repeating it harmless."""

    body: Mapping[str, Any]


class WechatKf(Channel):
    """Shoppers at 微信客服: `kf:<open_kfid>:<external_userid>`."""

    prefix = "kf"

    @classmethod
    def name(cls) -> str:
        """As in `channel: wechat_kf` of a response."""
        return "wechat_kf"

    def __init__(self, settings: WechatKfSettings | None = None, **options: Any) -> None:
        """Settings that cannot be used switch the channel off; the others go on."""
        super().__init__(**options)
        shop = read(ShopSettings)
        self._language_by_default = shop.default_language
        host = "127.0.0.1" if shop.host in ("0.0.0.0", "::") else shop.host
        self._wrong = ""
        try:
            self.settings = settings or read(WechatKfSettings)
        except SettingsError as exc:
            self.settings, self._wrong = WechatKfSettings(), str(exc)
        given = self.settings
        self._owner = f"wechat_kf.{given.wechat_kf_corpid}"
        keys = [key for key in (given.wechat_kf_aes_key, given.wechat_kf_previous_aes_key) if key]
        envelope = Envelope(given.wechat_kf_corpid, keys) if keys else None
        self._gate = Gate(given.wechat_kf_token, envelope, plain=False)
        self.client = KfApi(
            given.wechat_kf_api_base,
            self.state,
            given.wechat_kf_corpid,
            given.wechat_kf_secret,
            timeout=given.wechat_kf_api_timeout,
        )
        self._media = Media(
            self.client,
            self.state,
            self._owner,
            server=f"http://{host}:{shop.port}",
            hosts=given.media_hosts,
        )
        self._renderer = Renderer(
            absolute=self._absolute, plain=str, link=lambda title, url: f"{title} {url}"
        )
        self._allowance = Allowance(self.state)
        self._menus = Menus(self.state, self.keys)
        self._puller = Puller(
            self.client, self.state, self._owner, self._take, backlog=given.wechat_kf_backlog
        )
        self._outbox: Outbox[Post] = Outbox("wechat_kf", self._send_late, kept=ALLOWED)
        self._worker = secrets.token_hex(8)
        # Messages that are being dealt with here, by msgid.
        self._busy: dict[str, asyncio.Future[None]] = {}
        # How many turns of a shopper are not over, and what waits to be told with the last.
        self._turns: Counter[str] = Counter()
        self._held: dict[str, list[Message]] = {}

    @property
    def disabled(self) -> str:
        """Without its settings, or with some that cannot be used, there is no 微信客服."""
        return self._wrong or self.settings.missing

    async def start(self) -> None:
        """WeCom need not be reachable yet; what came while we were away is pulled."""
        for account in self.settings.wechat_kf_accounts or await self._puller.accounts():
            self._puller.wake(account)
        self.background(self._outbox.work(), what="sending what could not be sent")

    async def stop(self) -> None:
        """All turns have ended."""
        await self._puller.stop()
        if len(self._outbox):
            logger.warning("wechat_kf: messages to %d shoppers were not sent", len(self._outbox))
        await self.end_background()
        await self.client.close()

    async def health(self) -> dict[str, Any]:
        """Whether WeCom takes our calls."""
        if self.client.trouble:
            return {"status": "failing", "reason": self.client.trouble}
        return {"api": "does not answer"} if self.client.paused else {}

    # --- what comes in

    def routes(self, blueprint: Blueprint) -> None:
        """One address, which WeCom checks by GET and calls by POST."""

        @blueprint.get("/callback")
        async def check(request: Request) -> HTTPResponse:
            try:
                return text(self._gate.sealed_echo(request.args))
            except BadCallback:
                return text("refused", status=403)

        @blueprint.post("/callback")
        async def callback(request: Request) -> HTTPResponse:
            try:
                push = self._gate.open(request.args, body_of(request, BODY_LIMIT))
            except BadCallback:
                return text("refused", status=403)
            except BadMessage:
                logger.info("wechat_kf: a call that cannot be read")
                return text("success")
            self._wake(push.fields)
            return text("success")

    def _wake(self, fields: Mapping[str, str]) -> None:
        account = fields.get("OpenKfId", "")
        wanted = self.settings.wechat_kf_accounts
        if fields.get("Event") != "kf_msg_or_event" or not _ID.fullmatch(account):
            return
        if not wanted or account in wanted:
            self._puller.wake(account, fields.get("Token", ""))

    async def _take(self, message: Mapping[str, Any]) -> Awaitable[None] | None:
        """A pulled message; see `pulling.Take`."""
        if message.get("origin") == SYSTEM or message.get("msgtype") == "event":
            await self._note(message)
            return None
        account, user = message.get("open_kfid", ""), message.get("external_userid", "")
        message_id = str(message.get("msgid", ""))
        known = isinstance(user, str) and _ID.fullmatch(str(account)) and _ID.fullmatch(user)
        if message.get("origin") != CUSTOMER or not known or not message_id:
            return None
        if message_id in self._busy:
            return self._busy[message_id]
        sender = f"kf:{account}:{user}"
        done = asyncio.get_running_loop().create_future()
        self._busy[message_id] = done
        try:
            work = await self._hear(sender, message_id, message)
        except BaseException:
            self._busy.pop(message_id, None)
            done.cancel()
            raise
        task = asyncio.ensure_future(self._finish(sender, message_id, message, work))
        task.add_done_callback(partial(self._done, message_id, done))
        return done

    def _done(
        self, message_id: str, done: asyncio.Future[None], task: asyncio.Future[None]
    ) -> None:
        self._busy.pop(message_id, None)
        if done.done():
            return
        error = RuntimeError("cut short") if task.cancelled() else task.exception()
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)

    async def _hear(
        self, sender: str, message_id: str, message: Mapping[str, Any]
    ) -> Receipt | None:
        """Hand a message to the dialogue; None when there is nothing (more) to do here."""
        if await self.state.get(sender, f"done:{message_id}"):
            return None
        if not await self._lease(sender, message_id):
            return Receipt(False, "duplicate")
        if await self._with_people(sender):
            return None
        incoming = await self._incoming(sender, message_id, message)
        notes = {"written": float(message.get("send_time", 0))}
        receipt = await self.receive(incoming, notes=notes)
        if receipt.refusal == "duplicate":
            # It was taken in, and whoever did so is no more: begin again. What was answered
            # already is not heard twice, since the answers have the same ids.
            await self.state.take(sender, f"seen:{message_id}")
            receipt = await self.receive(incoming, notes=notes)
        if receipt.turn:
            self._turns[sender] += 1
        return receipt

    async def _finish(
        self,
        sender: str,
        message_id: str,
        message: Mapping[str, Any],
        receipt: Receipt | None,
    ) -> None:
        """Until the message has been answered, here or by another worker."""
        while receipt and receipt.refusal == "duplicate":
            await asyncio.sleep(LEASE / 4)
            receipt = await self._hear(sender, message_id, message)
        if receipt and receipt.refusal == "closing":
            raise Unavailable("the server stops")
        if receipt and receipt.turn:
            try:
                await self._hold_lease(sender, message_id, receipt.turn)
            finally:
                await self._end(sender, receipt.turn)
        await self.state.put(sender, f"done:{message_id}", True, ttl=DONE)

    async def _hold_lease(self, sender: str, message_id: str, turn: Turn) -> None:
        """Let other workers know that the turn goes on here, until it has ended."""
        waiting = asyncio.ensure_future(turn.wait())
        while not waiting.done():
            await asyncio.wait({waiting}, timeout=LEASE / 3)
            await self._lease(sender, message_id)

    async def _end(self, sender: str, turn: Turn) -> None:
        """A turn is over; after the last one nothing is held any more."""
        self._turns[sender] -= 1
        if self._turns[sender] > 0:
            return
        del self._turns[sender]
        if sender in self._held:
            seconds = 0.0 if self._closing.is_set() else RUSH
            self.background(self._flush(sender, turn, seconds), what="telling what was held")

    async def _lease(self, sender: str, message_id: str) -> bool:
        return await self.state.lead(sender, f"at:{message_id}", self._worker, ttl=LEASE)

    async def _incoming(self, sender: str, message_id: str, message: Mapping[str, Any]) -> Incoming:
        kind = str(message.get("msgtype", ""))
        content = message.get(kind)
        content = content if isinstance(content, Mapping) else {}
        metadata: dict[str, Any] = {}
        if scene := await self.state.get(sender, "scene"):
            metadata["start_param"] = scene
        if kind == "text":
            said = str(content.get("content", ""))
            if tapped := content.get("menu_id"):
                return Incoming(
                    sender, message_id, key=str(tapped)[:64], title=said, metadata=metadata
                )
            if entry := await self._menus.chosen(sender, said):
                return Incoming(
                    sender, message_id, key=entry.key, title=entry.title, metadata=metadata
                )
            return Incoming(sender, message_id, text=said, metadata=metadata)
        if kind == "location":
            latitude, longitude = content.get("latitude"), content.get("longitude")
            if isinstance(latitude, (int, float)) and isinstance(longitude, (int, float)):
                metadata["location"] = {"lat": latitude, "lng": longitude}
        payload = _KINDS.get(kind, "/unsupported_message")
        return Incoming(sender, message_id, payload=payload, metadata=metadata)

    async def taken(self, turn: Turn) -> None:
        """A message of the shopper allows five of ours, and shows that we are heard."""
        sender = turn.incoming.sender_id
        await self._allowance.open(sender, turn.notes.get("written", time.time()))
        await self.state.take(sender, "send_failed")

    # --- events

    async def _note(self, message: Mapping[str, Any]) -> None:
        event = message.get("event")
        if not isinstance(event, Mapping):
            return
        account, user = (str(event.get(name, "")) for name in ("open_kfid", "external_userid"))
        if not _ID.fullmatch(account) or not _ID.fullmatch(user):
            return
        sender = f"kf:{account}:{user}"
        match event.get("event_type"):
            case "enter_session":
                age = time.time() - float(message.get("send_time", 0))
                await self._enter(sender, event, age)
            case "session_status_change":
                await self.hand_over(sender, event.get("change_type") != SESSION_ENDED)
            case "msg_send_fail":
                why = event.get("fail_type")
                logger.warning("wechat_kf: not delivered to %s: type %s", pseudonym(sender), why)
                await self.state.put(sender, "send_failed", why, ttl=48 * 3_600.0)

    async def _enter(self, sender: str, event: Mapping[str, Any], age: float) -> None:
        if scene := str(event.get("scene_param") or ""):
            await self.state.put(sender, "scene", scene[:64], ttl=3_600.0)
        code = event.get("welcome_code")
        if not code or age > WELCOME:
            return
        mark = hashlib.sha256(str(code).encode()).hexdigest()
        if await self.state.first(sender, f"welcome:{mark}", ttl=86_400.0):
            self.background(self._welcome(sender, str(code)), what="a welcome")

    async def _welcome(self, sender: str, code: str) -> None:
        lang = self._language_by_default
        parts = self._renderer.parts_of(from_rasa(self.sentence("utter_welcome", lang)))
        made, entries = await self._menus.offer(sender, self._renderer.compact(parts, 1))
        await self._menus.show(sender, entries)
        for piece in sized(made)[:1]:
            body = await self._body(piece, lang)
            if body:
                body = {"code": code, "msgid": _msgid(), **body}
                try:
                    await self.client.post("/cgi-bin/kf/send_msg_on_event", body)
                except ApiFault as exc:
                    logger.warning("wechat_kf: no welcome to %s: %s", pseudonym(sender), exc)

    # --- people

    async def hand_over(self, sender_id: str, on: bool) -> None:
        """See the base; WeCom is asked now and then whether it is still so."""
        await super().hand_over(sender_id, on)
        if on:
            await self.state.put(sender_id, "trusted", True, ttl=TRUST)

    async def _with_people(self, sender: str) -> bool:
        """Whether a person answers this shopper, or will."""
        if not await self.handed_over(sender):
            return False
        if await self.state.get(sender, "trusted"):
            return True
        return await self._ask_state(sender)

    async def _ask_state(self, sender: str) -> bool:
        """Ask WeCom who has the conversation; True when it is people."""
        try:
            answer = await self.client.post("/cgi-bin/kf/service_state/get", _address(sender))
        except ApiFault as exc:
            logger.warning("wechat_kf: whose turn it is with %s: %s", pseudonym(sender), exc)
            return await self.handed_over(sender)
        people = answer.get("service_state") in (QUEUE, PERSON)
        await self.hand_over(sender, people)
        return people

    async def _on_duty(self, account: str) -> list[str]:
        """The people who take shoppers now."""
        try:
            answer = await self.client.get("/cgi-bin/kf/servicer/list", open_kfid=account)
        except ApiFault as exc:
            logger.warning("wechat_kf: who is on duty: %s", exc)
            return []
        servicers = answer.get("servicer_list") or []
        return [str(s["userid"]) for s in servicers if s.get("status") == 0 and "userid" in s]

    async def _transfer(self, sender: str, on_duty: Sequence[str]) -> None:
        """Let people answer: whoever is free, or the first on duty."""
        for choice in ({"service_state": QUEUE}, _to(on_duty[0])):
            try:
                body = {**_address(sender), **choice}
                await self.client.post("/cgi-bin/kf/service_state/trans", body)
            except Refused as exc:
                logger.warning("wechat_kf: %s was not handed over: %s", pseudonym(sender), exc)
                continue
            await self.hand_over(sender, True)
            return

    # --- what goes out

    async def deliver(
        self, recipient: str, messages: Sequence[Message], turn: Turn | None = None
    ) -> None:
        """Send; what WeCom does not take now goes on by itself."""
        if turn is None and await self.state.get(recipient, "send_failed"):
            logger.info("wechat_kf: %s cannot be reached", pseudonym(recipient))
            return
        said = [*self._held.pop(recipient, []), *messages]
        left = await self._allowance.left(recipient)
        if turn and left <= 1:
            # Who writes in a rush allows five messages of ours after the last of theirs, not five
            # after each: the fifth tells all that is left.
            self._held[recipient] = said[-HELD:]
        else:
            await self._deliver(recipient, said, turn, max(left - 1, 1))

    async def _flush(self, recipient: str, turn: Turn, seconds: float) -> None:
        """Tell what was held, if nothing more comes."""
        await asyncio.sleep(seconds)
        if self._turns[recipient] or recipient not in self._held:
            return
        held = self._held.pop(recipient)
        if await self._allowance.left(recipient):
            await self._deliver(recipient, held, turn, 1)
        else:
            self._held[recipient] = held

    async def _deliver(
        self, recipient: str, messages: Sequence[Message], turn: Turn | None, allowed: int
    ) -> None:
        lang = turn.lang if turn else self._language_by_default
        said, on_duty = list(messages), []
        if asks_for_a_person(said):
            on_duty = await self._on_duty(_address(recipient)["open_kfid"])
            if not on_duty:
                said += from_rasa(self.sentence("utter_nobody_on_duty", lang))
        posts = await self._posts(recipient, said, lang, turn, allowed)
        rest = await self._send(recipient, posts)
        if rest:
            self._outbox.put(recipient, rest, lang)
        if on_duty:
            try:
                await self._transfer(recipient, on_duty)
            except ApiFault as exc:
                logger.error("wechat_kf: %s not handed over: %s", pseudonym(recipient), exc)

    async def _posts(
        self,
        sender: str,
        messages: Sequence[Message],
        lang: str,
        turn: Turn | None,
        allowed: int,
    ) -> list[Post]:
        parts = self._renderer.parts_of(messages)
        if not parts:
            return []
        made, entries = await self._menus.offer(sender, self._renderer.compact(parts, allowed))
        pieces = sized(made)
        if len(pieces) > allowed:
            logger.warning("wechat_kf: %d messages too many: cut", len(pieces) - allowed)
        await self._menus.show(sender, entries)
        posts = []
        for piece in pieces[:allowed]:
            if body := await self._body(piece, lang):
                user = _address(sender)
                address = {"touser": user["external_userid"], "open_kfid": user["open_kfid"]}
                posts.append(Post({**address, "msgid": _msgid(turn), **body}))
        return posts

    async def _body(self, piece: Piece, lang: str) -> dict[str, Any] | None:
        """A piece as WeCom takes it."""
        match piece:
            case Line(content):
                return {"msgtype": "text", "text": {"content": content}}
            case Offer():
                clicks = [
                    {"type": "click", "click": {"id": entry.key, "content": entry.title}}
                    for entry in piece.entries
                ]
                head = piece.head or self._words("utter_choose", lang)
                return {"msgtype": "msgmenu", "msgmenu": {"head_content": head, "list": clicks}}
            case Article():
                if media_id := await self._upload(piece.picture):
                    link = {
                        "title": cut(piece.title, 128),
                        "desc": cut(piece.description, 512),
                        "url": piece.url,
                        "thumb_media_id": media_id,
                    }
                    return {"msgtype": "link", "link": link}
            case Picture():
                if media_id := await self._upload(piece.url):
                    return {"msgtype": "image", "image": {"media_id": media_id}}
        content = self._renderer.as_text(piece).text
        return {"msgtype": "text", "text": {"content": cut(content, 2048)}} if content else None

    async def _upload(self, url: str) -> str | None:
        try:
            return await self._media.media_id(url)
        except ApiFault as exc:
            logger.warning("wechat_kf: a picture was not uploaded: %s", exc)
            return None

    async def _send(self, sender: str, posts: Sequence[Post]) -> list[Post]:
        """Send in order; returns what has to wait because WeCom does not answer."""
        waiting = list(posts)
        if waiting and self._outbox.waits(sender):
            return waiting
        return await self._send_late(sender, waiting, "")

    async def _send_late(self, sender: str, posts: list[Post], lang: str) -> list[Post]:
        waiting = list(posts)
        while waiting:
            try:
                await self.client.post(SEND, waiting[0].body)
                await self._allowance.spend(sender, time.time())
            except Unreachable as exc:
                logger.error("wechat_kf: not sent to %s: %s", pseudonym(sender), exc)
                return waiting
            except Refused as exc:
                logger.warning("wechat_kf: not sent to %s: %s", pseudonym(sender), exc)
                if exc.code in api.WRONG_STATE:
                    await self._ask_state(sender)
                    return []
                if exc.code in api.QUOTA:
                    await self._allowance.close(sender)
                    return []
                if exc.code in api.TOKEN | api.SETUP | api.DAILY_LIMIT | api.BUSY | api.SLOW_DOWN:
                    return waiting
            waiting.pop(0)
        return []

    def _words(self, name: str, lang: str) -> str:
        return str(self.sentence(name, lang).get("text") or "")

    def _absolute(self, url: str) -> str | None:
        """An address as a phone may open it."""
        if not url.startswith("/"):
            return url
        base = self.settings.public_url.rstrip("/")
        return base + url if base else None


def _address(sender: str) -> dict[str, str]:
    """WeCom's ids in a sender id."""
    _, account, user = sender.split(":", 2)
    return {"open_kfid": account, "external_userid": user}


def _to(servicer: str) -> dict[str, Any]:
    return {"service_state": PERSON, "servicer_userid": servicer}


def _msgid(turn: Turn | None = None) -> str:
    """At most 32 characters; in a turn always the same for its first, second … message."""
    if turn is None:
        return secrets.token_hex(16)
    number = turn.notes.get("sent", 0)
    turn.notes["sent"] = number + 1
    name = f"{turn.incoming.sender_id} {turn.incoming.message_id} {number}"
    return hashlib.sha256(name.encode()).hexdigest()[:32]
