"""The Telegram channel: takes updates in by webhook or polling, and says what the bot says."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, empty
from telegram import Bot, InlineKeyboardMarkup, ReplyParameters
from telegram.constants import CallbackQueryLimit, ChatAction

from bot.channels.base import Channel, Incoming, Receipt, Turn, pseudonym
from bot.channels.clock import Clock
from bot.channels.messages import Choices, Message
from bot.channels.net import body_of
from bot.channels.telegram import keyboards
from bot.channels.telegram.keyboards import Keyboards
from bot.channels.telegram.link import Link
from bot.channels.telegram.pace import DAY
from bot.channels.telegram.rendering import Post, render
from bot.channels.telegram.sending import Parcel, Sender, public
from bot.channels.telegram.settings import TelegramSettings
from bot.channels.telegram.updates import (
    Me,
    Membership,
    Moved,
    Place,
    Pressed,
    Said,
    understand,
)
from shop.errors import SettingsError, Unavailable
from shop.settings import ShopSettings, read

logger = logging.getLogger(__name__)

BODY_LIMIT = 256 * 1024
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
# Turns faster than this need no "typing…".
TYPING_DELAY = 0.25
# One answer to a rush of stickers, or of pictures sent together, in seconds.
BURST = 30.0
ALBUM_SPAN = 600.0


class Telegram(Channel):
    """Shoppers on Telegram: `tg:<chat>`, in groups `tg:<chat>:<user>`."""

    prefix = "tg"
    # Telegram shows it for five seconds.
    typing_every = 4.0 - TYPING_DELAY

    @classmethod
    def name(cls) -> str:
        """As in `channel: telegram` of a response."""
        return "telegram"

    def __init__(
        self,
        settings: TelegramSettings | None = None,
        *,
        clock: Clock | None = None,
        **options: Any,
    ) -> None:
        """Settings that cannot be used switch the channel off; the others go on."""
        super().__init__(**options)
        self._wrong = ""
        try:
            self.settings = settings or read(TelegramSettings)
        except SettingsError as exc:
            self.settings, self._wrong = TelegramSettings(), str(exc)
        shop = read(ShopSettings)
        host = "127.0.0.1" if shop.host in ("0.0.0.0", "::") else shop.host
        self._own_url = f"http://{host}:{shop.port}"
        self._clock = clock or Clock()
        # Seconds for which a button counts.
        self._keys_ttl = self.limits.button_days * DAY
        self._keyboards = Keyboards(self.state, self.keys, ttl=self._keys_ttl)
        self._sender: Sender | None = None
        self._link: Link | None = None

    @property
    def disabled(self) -> str:
        """Without a usable token there is no Telegram."""
        if self._wrong:
            return self._wrong
        return "" if self.settings.telegram_token else "XIAOER_TELEGRAM_TOKEN is not set"

    @property
    def sender(self) -> Sender:
        """Exists while the server runs."""
        assert self._sender is not None
        return self._sender

    async def start(self) -> None:
        """Telegram need not be reachable yet."""
        self._sender = Sender(
            self.settings, state=self.state, own_url=self._own_url, clock=self._clock
        )
        self._link = Link(
            self.settings,
            sender=self._sender,
            state=self.state,
            clock=self._clock,
            menu=self._menu,
            take_in=self.take_in,
        )
        self.background(self._link.run(), what="the connection to Telegram")

    async def stop(self) -> None:
        """The webhook stays: Telegram keeps what comes in the meantime."""
        if self._sender and self._link:
            await self.end_background()
            await self._link.leave()
            await self._sender.close()

    @property
    def me(self) -> Me:
        """The bot, as far as it is known."""
        return self._link.me if self._link else Me(0)

    def _menu(self, lang: str) -> Mapping[str, str]:
        return self.sentence("utter_commands", lang).get("custom") or {}

    async def health(self) -> dict[str, Any]:
        """Whether Telegram answers, and takes the token."""
        return {"status": self._sender.status if self._sender else "ok", "mode": self.settings.mode}

    # --- what comes in

    def routes(self, blueprint: Blueprint) -> None:
        """One route, which Telegram calls."""

        @blueprint.post("/webhook")
        async def webhook(request: Request) -> HTTPResponse:
            return await self._webhook(request)

    async def _webhook(self, request: Request) -> HTTPResponse:
        """What cannot be read is accepted all the same, or Telegram would send it again."""
        given = request.headers.get(SECRET_HEADER, "").encode(errors="replace")
        if not hmac.compare_digest(given, self.settings.secret.encode()):
            return empty(403)
        try:
            update = json.loads(body_of(request, BODY_LIMIT))
        except (ValueError, RecursionError):
            return empty(400)
        if await self.take_in(update):
            return empty(200)
        return empty(503, headers={"Retry-After": "2"})

    async def take_in(self, update: Any) -> bool:
        """Deal with an update; False when Telegram should send it again.

        Raises:
            Unavailable: it should do so, too.
        """
        event = understand(update, self.me)
        if isinstance(event, Said):
            return await self._hear(event)
        if isinstance(event, Pressed):
            return await self._feel(event)
        if isinstance(event, Membership):
            await self.sender.block(await self.sender.home(event.chat), event.out)
        elif isinstance(event, Moved):
            await self.sender.move(event.old, event.new)
        return True

    async def _hear(self, said: Said) -> bool:
        place = await self._at_home(said.place)
        sender = place.sender_id
        # `lead` and not `first`: the same update, delivered again, leads again.
        if said.album and not await self._leads(said, sender, f"album:{said.album}", ALBUM_SPAN):
            return True
        rush = said.payload == "/unsupported_message"
        if rush and not await self._leads(said, sender, "unsupported", BURST):
            return True
        incoming = Incoming(
            sender,
            said.delivery,
            text=said.text,
            payload=said.payload,
            lang=await self.state.get(sender, "lang") or said.lang,
            metadata=said.metadata,
        )
        if said.command:
            await self._obey(said, incoming)
            return True
        return _taken(await self.receive(incoming))

    async def _leads(self, said: Said, sender: str, name: str, ttl: float) -> bool:
        """Whether this is the message that stands for several; a caption always speaks."""
        return await self.state.lead(sender, name, said.delivery, ttl=ttl) or said.text is not None

    async def _obey(self, said: Said, incoming: Incoming) -> None:
        """Commands that are for the channel and not for the conversation."""
        sender = incoming.sender_id
        if not await self.state.first(sender, f"seen:{said.delivery}", ttl=2 * DAY):
            return
        if not await self._has_patience(sender):
            return
        lang = self._language(incoming)
        name, values = "utter_private", {"link": self.me.link}
        if said.command == "lang":
            name, values = "utter_ask_language", {}
            if said.argument in ("zh", "en"):
                lang, name = said.argument, "utter_language"
                await self.state.put(sender, "lang", lang, ttl=365 * DAY)
                incoming = replace(incoming, lang=lang)
        elif said.command == "reset":
            self.in_order(sender, partial(self._begin_anew, Turn(incoming, lang)))
            return
        turn = Turn(incoming, lang)
        self.in_order(sender, lambda: self.say(turn, name, **values))

    async def _begin_anew(self, turn: Turn) -> None:
        try:
            await self.erase(turn.incoming.sender_id)
        except Unavailable as exc:
            logger.error("telegram: a conversation was not erased: %s", exc)
            await self.say(turn, "utter_apology")
        else:
            await self.say(turn, "utter_welcome")

    async def _feel(self, press: Pressed) -> bool:
        """A button was pressed. Telegram's app waits for an answer, so that comes first."""
        place = await self._at_home(press.place)
        press = replace(press, place=place)
        if press.data == keyboards.SPENT:
            self._answer_press(press)
            return True
        if wanted := keyboards.page(press.data):
            await self._turn_page(press, *wanted)
            return True
        chosen = keyboards.choice(press.data)
        if chosen is None:
            self._answer_press(press, "utter_expired")
            return True
        sender = place.sender_id
        known = await self.keys.peek(sender, chosen.key)
        # The words on a button whose key has expired still say what is wanted; but in a group it
        # may be another member's button.
        if known is None and (place.group or not press.title):
            self._answer_press(press, "utter_expired")
            return True
        answered = self._answer_press(press)
        receipt = await self._choose(press, chosen, answered)
        if receipt is None and known and await self._has_patience(sender):

            async def again() -> None:
                await self._choose(press, chosen, answered)

            # The turn of an earlier press may fail, and then this one counts.
            self.in_order(sender, again)
        return _taken(receipt)

    async def _choose(
        self, press: Pressed, chosen: keyboards.Choice, answered: asyncio.Future[None]
    ) -> Receipt | None:
        """Act on a press; None when the same question was answered already."""
        sender = press.place.sender_id
        mark = f"pressed:{press.message}" + ("" if chosen.question else f":{chosen.key}")
        if not await self.state.lead(sender, mark, press.delivery, ttl=self._keys_ttl):
            return None
        incoming = Incoming(
            sender,
            press.delivery,
            key=chosen.key,
            title=press.title or None,
            lang=await self.state.get(sender, "lang") or press.lang,
            metadata=press.metadata,
        )
        receipt = await self.receive(incoming, notes={"answered": answered})
        if receipt.accepted:
            self.in_order(sender, partial(self._after_press, press, chosen, mark))
        elif receipt.refusal != "duplicate":
            await self.state.take(sender, mark)
        return receipt

    async def _has_patience(self, sender: str) -> bool:
        """Whether what a shopper does beside the conversation stays within reason."""
        return await self.state.pace(sender, "commands", rate=0.5, burst=5) is not None

    async def _after_press(self, press: Pressed, chosen: keyboards.Choice, mark: str) -> None:
        """Tick what was pressed, unless the turn failed: then it may be pressed again."""
        sender = press.place.sender_id
        if await self.keys.peek(sender, chosen.key):
            await self.state.take(sender, mark)
        elif press.message and press.keyboard:
            shown = keyboards.marked(press.keyboard, press.data, chosen)
            await self._show_keyboard(press, shown)

    async def _show_keyboard(self, press: Pressed, shown: InlineKeyboardMarkup) -> None:
        chat = await self.sender.address(press.place.chat)
        change = partial(
            Bot.edit_message_reply_markup,
            chat_id=chat,
            message_id=press.message,
            reply_markup=shown,
        )
        self.background(self.sender.quietly(change), what="changing a keyboard")

    async def _turn_page(self, press: Pressed, name: str, number: int) -> None:
        shown = await self._keyboards.turn_to(press.place.sender_id, name, number)
        if shown is None or not press.message:
            self._answer_press(press, "utter_expired")
            return
        self._answer_press(press)
        await self._show_keyboard(press, shown)

    def _answer_press(self, press: Pressed, notice: str = "") -> asyncio.Future[None]:
        """Answer the press, with a notice that pops up or without."""
        text = None
        if notice:
            lang = press.lang or self._default_language
            text = str(self.sentence(notice, lang).get("text") or "")
            text = text[: CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH]
        answered = asyncio.ensure_future(
            self.sender.quietly(
                lambda bot: bot.answer_callback_query(press.query, text=text, show_alert=bool(text))
            )
        )
        self.background(answered, what="answering a press")
        return answered

    async def _at_home(self, place: Place) -> Place:
        """A group that became a supergroup keeps its conversations."""
        return replace(place, chat=await self.sender.home(place.chat))

    async def taken(self, turn: Turn) -> None:
        """Whoever writes has not blocked the bot (any more)."""
        await self.sender.block(_chat_of(turn.incoming.sender_id), False)

    # --- what goes out

    async def typing(self, recipient: str, on: bool) -> None:
        """Telegram takes it away by itself."""
        if not on or self.sender.status != "ok":
            return
        await asyncio.sleep(TYPING_DELAY)
        chat = await self.sender.address(_chat_of(recipient))
        await self.sender.bot.send_chat_action(chat, ChatAction.TYPING)

    async def deliver(
        self, recipient: str, messages: Sequence[Message], turn: Turn | None = None
    ) -> None:
        """Send; what Telegram does not take now goes on by itself."""
        chat = _chat_of(recipient)
        if turn is None and await self.sender.blocked(chat):
            logger.info("telegram: %s has blocked the bot", pseudonym(recipient))
            return
        if turn and (answered := turn.notes.get("answered")):
            await asyncio.wait({answered}, timeout=3)
        lang = turn.lang if turn else self._default_language
        bare = any(isinstance(m, Choices) and not m.text for m in messages)
        choose = str(self.sentence("utter_choose", lang).get("text")) if bare else ""
        posts = render(messages, choose=choose, public=partial(public, settings=self.settings))
        if turn and ":" in recipient.removeprefix("tg:") and posts:
            posts[0] = _as_reply(posts[0], turn)
        await self.sender.send(chat, [await self._parcel(recipient, post) for post in posts])

    async def _parcel(self, recipient: str, post: Post) -> Parcel:
        if post.keyboard is None:
            return Parcel(post)
        try:
            return Parcel(post, await self._keyboards.make(recipient, post.keyboard))
        except Unavailable as exc:
            # Without the store no button works: say at least the words.
            logger.error("telegram: buttons left out: %s", exc)
            return Parcel(post)


def _taken(receipt: Receipt | None) -> bool:
    return receipt is None or receipt.refusal != "closing"


def _chat_of(recipient: str) -> int:
    return int(recipient.split(":")[1])


def _as_reply(post: Post, turn: Turn) -> Post:
    """In a group, so that everybody sees who is being answered, and in the right topic."""
    message = turn.incoming.metadata.get("message_id")
    if not isinstance(message, int):
        return post
    reply = ReplyParameters(message, allow_sending_without_reply=True)
    instead = tuple(_as_reply(other, turn) for other in post.instead[:1]) + post.instead[1:]
    arguments = {**post.arguments, "reply_parameters": reply}
    return replace(post, arguments=arguments, instead=instead)
