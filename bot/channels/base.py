"""One turn pipeline for every channel.

To add a channel, subclass `Channel`, give it a `name` and a `prefix` for its sender ids, and write

* `routes`   the platform's webhook: check who calls, turn what it sends into an `Incoming`, hand
             that to `await self.receive(incoming)` and acknowledge at once;
* `deliver`  send neutral messages (`bot.channels.messages`) to a recipient;

and, where the platform has it, `typing`. The rest is here and the same for all: the order of a
shopper's messages, duplicates, limits, opaque button keys, an apology instead of silence, the
deadline, proactive messages, health, shutting down. `docs/new-channel.md` walks through an example.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import time
from abc import abstractmethod
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import lru_cache, partial
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.shared.exceptions import RasaException
from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, json

from bot import fixes
from bot.channels.heads import refuse_malformed
from bot.channels.keys import ButtonKeys, Tap
from bot.channels.messages import Message, from_rasa
from bot.channels.net import is_local
from bot.channels.output import Output
from bot.channels.queues import SenderQueues
from bot.channels.state import State, StateSettings, shared
from bot.channels.text import clean, plain
from bot.channels.turns import Incoming, Receipt, Refusal, Turn
from shop.database import open_engine
from shop.errors import SettingsError, Unavailable
from shop.identity import Identity
from shop.settings import ShopSettings, read, refuse
from shop.text.language import Turn as Heard
from shop.text.language import of_conversation

logger = logging.getLogger(__name__)

# As `bot.nlg.say`: name, language, channel, values -> one message in Rasa's form.
Say = Callable[..., Mapping[str, Any]]
OnNewMessage = Callable[[UserMessage], Awaitable[Any]]

__all__ = ["Channel", "ChannelSettings", "Incoming", "Output", "Receipt", "Turn", "pseudonym"]

SENDER_ID = re.compile(r"[A-Za-z0-9:_-]{1,128}")
SECRET_HEADER = "X-Xiaoer-Secret"
LARGEST_BODY = 6 * 1024 * 1024
# Seconds between two "one moment, please" to the same shopper.
PATIENCE_NOTICE = 10.0
# Seconds in which a cancelled task should have ended.
CANCELLATION = 1.0
# Seconds for the shop's database to forget who a shopper is.
UNBINDING = 3.0
# Shoppers whose last turns are remembered to choose the language of a channel's own sentences.
LISTENED_TO = 2_000


@dataclass(frozen=True)
class ChannelSettings:
    """Limits that hold on every channel."""

    # Longest text of one message, in characters.
    text_limit: int = 2_000
    # Messages a shopper may send at once, then how many a second, and how many may wait.
    message_burst: int = 5
    message_rate: float = 1.0
    message_queue: int = 20
    # Seconds of a turn: for all its calls of the action server, until a shopper who has heard
    # nothing hears an apology, and until the turn is given up (a conversation's lock lasts longer).
    action_timeout: float = 4.0
    turn_deadline: float = 4.5
    turn_limit: float = 30.0
    # How long a delivery is known as seen, and a button stays valid.
    seen_hours: float = 48.0
    button_days: float = 30.0
    # Seconds that turns have to end when the server stops (Sanic waits for 15).
    shutdown_wait: float = 10.0
    # Opens the route for proactive messages; without it there is none.
    notify_secret: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, (int, float)) and value <= 0:
                refuse(self, item.name, "a number above 0")


class Channel(InputChannel):
    """The seam; see the module."""

    # Begins the sender ids of this channel, such as "web".
    prefix: str
    # Seconds after which the platform forgets "typing…"; None where it lasts until switched off.
    typing_every: float | None = None

    def __init__(
        self,
        *,
        limits: ChannelSettings | None = None,
        state: State | None = None,
        say: Say | None = None,
        unbind: Callable[[str], object] | None = None,
    ) -> None:
        """All arguments have defaults from the settings; tests pass their own.

        Args:
            limits: see the class.
            state: what the channels share.
            say: a response by its name, for what the channel itself says.
            unbind: ends the binding of a conversation to a customer of the shop; may block.
        """
        self.limits = limits or read(ChannelSettings)
        self.state = state or shared(read(StateSettings))
        self.keys = ButtonKeys(self.state, ttl=self.limits.button_days * 86_400)
        self.app: Sanic | None = None
        self._say = say or _say
        self._unbind = unbind or _unbind
        self._queues = SenderQueues(self.limits.message_queue)
        self._closing = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._heard: OrderedDict[str, deque[Heard]] = OrderedDict()
        self._noticed: OrderedDict[str, float] = OrderedDict()
        self._default_language = read(ShopSettings).default_language
        self._on_new_message: OnNewMessage | None = None

    # --- what a channel writes

    @abstractmethod
    def routes(self, blueprint: Blueprint) -> None:
        """Add the platform's routes; the blueprint lies at /webhooks/<name>."""

    @abstractmethod
    async def deliver(
        self, recipient: str, messages: Sequence[Message], turn: Turn | None = None
    ) -> None:
        """Send messages to a sender id; `turn` is None for proactive ones.

        May raise: it is logged in one line, and the conversation goes on.
        """

    async def typing(self, recipient: str, on: bool) -> None:
        """Show, or stop showing, that the bot is writing. May fail."""

    async def taken(self, turn: Turn) -> None:
        """A message was accepted and will be queued; the place to record it."""

    async def start(self) -> None:
        """After the server started: open clients; what may have to be retried is `background`."""

    async def stop(self) -> None:
        """Before the server stops; all turns have ended."""

    def enable(self, app: Sanic) -> None:
        """Prepare the application, before it starts."""
        # Sanic reads a body before the route sees it; the largest we take is a photo. Rasa's HTTP
        # interface, which takes models, is off.
        app.config.REQUEST_MAX_SIZE = min(app.config.REQUEST_MAX_SIZE, LARGEST_BODY)
        refuse_malformed(app)

    @property
    def disabled(self) -> str:
        """Why the channel is switched off, such as a missing setting; empty when it is on."""
        return ""

    async def health(self) -> dict[str, Any]:
        """More for the health page; a `status` other than "ok" makes it 503."""
        return {}

    # --- what a channel uses

    async def receive(
        self, incoming: Incoming, *, notes: Mapping[str, Any] | None = None
    ) -> Receipt:
        """Take a message in: returns when it is queued, long before it is answered.

        Args:
            incoming: what the shopper did.
            notes: for `Turn.notes`.

        Raises:
            Unavailable: the shared state does not answer; let the platform deliver again.
        """
        if not self.owns(incoming.sender_id):
            logger.warning("%s: refused a malformed sender id", self.name())
            return Receipt(False, "bad_sender")
        # Shielded: a platform that hangs up here delivers again, and then it must not find its
        # message marked as seen and yet not queued.
        return await asyncio.shield(self._take_in(incoming, notes or {}))

    async def _take_in(self, incoming: Incoming, notes: Mapping[str, Any]) -> Receipt:
        sender = incoming.sender_id
        async with self._queues.entrance(sender) as has_room:
            if self._closing.is_set():
                return Receipt(False, "closing")
            if not has_room:
                self._notice(incoming)
                return Receipt(False, "too_fast")
            seen, ttl = f"seen:{incoming.message_id}", self.limits.seen_hours * 3_600
            try:
                if not await self.state.first(sender, seen, ttl=ttl):
                    return Receipt(False, "duplicate")
                turn = Turn(incoming, self._language(incoming))
                turn.notes.update(notes)
                if refusal := self._refusal(incoming):
                    self._queues.put(sender, lambda: self._refuse(turn, refusal))
                    return Receipt(False, refusal, turn)
                await self.taken(turn)
            except Unavailable:
                # It may be marked all the same, if only the answer was late.
                with suppress(Unavailable):
                    await self.state.take(sender, seen)
                raise
            self._queues.put(sender, lambda: self._answer(turn))
            return Receipt(True, "", turn)

    def in_order(self, sender_id: str, job: Callable[[], Awaitable[None]]) -> None:
        """Do something after the turns of this sender that wait now."""
        self._queues.put(sender_id, job)

    def background(self, work: Awaitable[Any], *, what: str) -> None:
        """Run something beside the turns until it ends or the server stops; errors are logged."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)

        def done(task: asyncio.Future[Any]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (error := task.exception()):
                logger.warning("%s: %s failed: %r", self.name(), what, error)

        task.add_done_callback(done)

    async def end_background(self) -> None:
        """Cancel what runs in the background and wait until it has ended.

        For `stop`, before it closes what that uses.
        """
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCELLATION)

    def owns(self, sender_id: str) -> bool:
        """Whether this is a sender id of this channel."""
        return bool(SENDER_ID.fullmatch(sender_id)) and sender_id.startswith(f"{self.prefix}:")

    async def say(self, turn: Turn, name: str, **values: Any) -> None:
        """Say something of the channel's own, such as an apology, to the shopper of a turn."""
        message = self.sentence(name, turn.lang, **values)
        await self.send(turn.incoming.sender_id, from_rasa(message), turn)

    def sentence(self, name: str, lang: str, **values: Any) -> Mapping[str, Any]:
        """A response of `data/responses/` as a Rasa message, in a variation for this channel."""
        return self._say(name, lang, self.name(), **values)

    async def hand_over(self, sender_id: str, on: bool) -> None:
        """Note that people answer this shopper now: while they do, the bot may be silent."""
        await self.state.put(sender_id, "handed_over", on, ttl=self.limits.button_days * 86_400)

    async def handed_over(self, sender_id: str) -> bool:
        """Whether people answer this shopper."""
        return bool(await self.state.get(sender_id, "handed_over"))

    async def erase(self, sender_id: str) -> None:
        """Delete the conversation, who the shopper is, and what the channels know of them.

        Call it `in_order`.

        Raises:
            Unavailable: and something is left; try again.
        """
        if self.agent is None:
            raise Unavailable("no model is loaded yet")
        try:
            await asyncio.wait_for(asyncio.to_thread(self._unbind, sender_id), UNBINDING)
        except asyncio.TimeoutError as exc:
            raise Unavailable("the shop's database did not answer in time") from exc
        await self.agent.tracker_store.erase(sender_id)
        await self.state.forget(sender_id)
        self._heard.pop(sender_id, None)
        self._noticed.pop(sender_id, None)

    @property
    def agent(self) -> Any:
        """Rasa's agent, or None while no model is loaded."""
        agent = getattr(self.app.ctx, "agent", None) if self.app else None
        return agent if agent is not None and agent.is_ready() else None

    # --- Rasa's side

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> Channel:
        """From credentials.yml, which only names the channel: its settings are variables.

        Raises:
            RasaException: a setting cannot be used. (Rasa hides some other errors raised here.)
        """
        fixes.apply()
        try:
            return cls()
        except SettingsError as exc:
            raise RasaException(str(exc)) from exc

    def get_output_channel(self) -> Output:
        """Sends at once; for what the bot says by itself."""
        return Output(self)

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        """The routes of the channel, with health and proactive messages."""
        self._on_new_message = on_new_message
        blueprint = _ChannelBlueprint(self)

        # Plain functions, because Sanic leaves marks on its handlers and a method takes none.
        @blueprint.get("/")
        async def health(request: Request) -> HTTPResponse:
            return await self._health(request)

        if self.disabled:
            logger.info("%s is switched off: %s", self.name(), self.disabled)
            return blueprint

        @blueprint.post("/notify")
        async def notify(request: Request) -> HTTPResponse:
            return await self._notify(request)

        @blueprint.exception(Unavailable)  # type: ignore[untyped-decorator]
        async def unavailable(request: Request, exception: Exception) -> HTTPResponse:
            logger.error("%s: %s", request.path, exception)
            return json({"error": "unavailable"}, status=503, headers={"Retry-After": "5"})

        blueprint.listener("after_server_start")(self._started)
        blueprint.listener("before_server_stop")(self._stopping)
        self.routes(blueprint)
        return blueprint

    async def _started(self, app: Sanic, _: Any) -> None:
        self.app = app
        try:
            await self.start()
        except Exception:
            # The other channels must come up.
            logger.exception("%s could not start", self.name())

    async def _stopping(self, app: Sanic, _: Any) -> None:
        self._closing.set()
        if not await self._queues.drain(self.limits.shutdown_wait):
            logger.warning("%s: turns were cut short by the server's stop", self.name())
        try:
            await self.stop()
        except Exception:
            # The other channels must stop in good order.
            logger.exception("%s could not stop", self.name())
        await self.end_background()
        await self.state.close()

    async def _health(self, request: Request) -> HTTPResponse:
        self.app = self.app or request.app
        status: dict[str, Any] = {"channel": self.name(), "status": "ok"}
        if self.disabled:
            return json({**status, "status": "disabled", "reason": self.disabled})
        if self._closing.is_set():
            status["status"] = "stopping"
        elif self.agent is None:
            status["status"] = "starting"
        else:
            status.update(await self.health())
        return json(status, status=200 if status["status"] == "ok" else 503)

    async def _notify(self, request: Request) -> HTTPResponse:
        """`{"recipient", "intent", "entities"?}`: the bot acts as if told so by the shop.

        For other programs on this machine, such as one that knows a parcel was sent.
        """
        secret = self.limits.notify_secret
        if not secret or not is_local(request):
            return json({"error": "not_found"}, status=404)
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(errors="replace"), secret.encode()):
            return json({"error": "secret"}, status=403)
        body = request.json
        if not isinstance(body, dict):
            return json({"error": "bad_request"}, status=400)
        recipient, intent, entities = (body.get(k) for k in ("recipient", "intent", "entities"))
        if not isinstance(recipient, str) or not self.owns(recipient):
            return json({"error": "bad_request"}, status=400)
        if self.agent is None:
            return json({"error": "starting"}, status=503)
        if not isinstance(intent, str) or intent not in self.agent.domain.intents:
            return json({"error": "unknown_intent"}, status=400)
        self.in_order(recipient, partial(self._trigger, recipient, intent, entities))
        return json({"ok": True}, status=202)

    async def _trigger(self, recipient: str, intent: str, entities: Any) -> None:
        output = Output(self, hold=True)
        fixes.action_deadline.set(time.monotonic() + self.limits.action_timeout)
        async with self.agent.lock_store.lock(recipient):
            tracker = await self.agent.processor.fetch_tracker_and_update_session(recipient, output)
            await self.agent.trigger_intent(intent, entities, output, tracker)
        await output.release(recipient)

    # --- a turn

    def _refusal(self, incoming: Incoming) -> Refusal:
        if incoming.text is None:
            return ""
        if len(incoming.text) > self.limits.text_limit:
            return "too_long"
        return "" if clean(incoming.text) else "empty"

    async def _refuse(self, turn: Turn, refusal: Refusal) -> None:
        try:
            await self.say(turn, f"utter_{refusal}", limit=self.limits.text_limit)
        finally:
            turn.end()

    async def _answer(self, turn: Turn) -> None:
        try:
            await self._pace(turn)
            if self.agent is None:
                await self.say(turn, "utter_starting")
            else:
                await self._converse(turn)
        except Unavailable as exc:
            logger.error("%s: %s", self.name(), exc)
            await self.say(turn, "utter_apology")
        finally:
            turn.end()

    async def _pace(self, turn: Turn) -> None:
        """Hold a shopper who writes faster than the limit back a little."""
        wait = await self.state.pace(
            turn.incoming.sender_id,
            "pace",
            rate=self.limits.message_rate,
            burst=self.limits.message_burst,
            # The queue is what bounds the wait.
            patience=float(2**31),
        )
        if wait:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._closing.wait(), wait)

    async def _converse(self, turn: Turn) -> None:
        """Hand the message to Rasa, and see to it that the shopper hears something."""
        incoming = turn.incoming
        tap = await self.keys.redeem(incoming.sender_id, incoming.key) if incoming.key else None
        text = _text_for_rasa(incoming, tap)
        if not text:
            await self.say(turn, "utter_expired")
            return
        output = Output(self, turn=turn, hold=True)
        rasa = asyncio.ensure_future(self._rasa(turn, text, output))
        ended = asyncio.Event()
        typing = asyncio.ensure_future(self._type(incoming.sender_id, ended))
        try:
            await asyncio.wait({rasa}, timeout=self.limits.turn_deadline)
            if not rasa.done():
                # What the turn says later will still be told: its work may be done by then.
                await output.release(incoming.sender_id)
                if not turn.spoke:
                    await self.say(turn, "utter_apology")
                await asyncio.wait({rasa}, timeout=self.limits.turn_limit)
        finally:
            ended.set()
            for task in (rasa, typing):
                task.cancel()
            # Not for ever: in Python 3.10 a task may miss its cancellation (bpo-37658).
            await asyncio.wait({rasa, typing}, timeout=CANCELLATION)
        await output.release(incoming.sender_id)
        failed = not rasa.done() or rasa.cancelled() or rasa.exception() is not None
        if failed:
            self._log_failure(turn, rasa)
            if tap and incoming.key:
                await self.keys.restore(incoming.sender_id, incoming.key, tap)
        if failed or (not turn.spoke and not await self.handed_over(incoming.sender_id)):
            await self.say(turn, "utter_apology")

    async def _rasa(self, turn: Turn, text: str, output: Output) -> None:
        assert self._on_new_message is not None
        incoming = turn.incoming
        metadata = {
            **incoming.metadata,
            "channel": self.name(),
            "typed": incoming.text is not None,
        }
        if incoming.lang:
            metadata["lang"] = incoming.lang
        fixes.action_deadline.set(time.monotonic() + self.limits.action_timeout)
        await self._on_new_message(
            UserMessage(
                text,
                output,
                incoming.sender_id,
                input_channel=self.name(),
                message_id=incoming.message_id,
                metadata=metadata,
            )
        )

    async def _type(self, recipient: str, ended: asyncio.Event) -> None:
        """Show "typing…" until cancelled, or told that the turn has ended."""
        try:
            while not ended.is_set():
                await self._try_typing(recipient, True)
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(ended.wait(), self.typing_every)
        finally:
            # Shielded: the cancellation that ends the turn must not end this too.
            await asyncio.shield(self._try_typing(recipient, False))

    async def _try_typing(self, recipient: str, on: bool) -> None:
        try:
            await self.typing(recipient, on)
        except Exception as exc:
            logger.debug("%s: typing failed: %r", self.name(), exc)

    async def send(
        self, recipient: str, messages: Sequence[Message], turn: Turn | None = None
    ) -> None:
        """`deliver` that never fails: an error here would cost Rasa the whole turn."""
        if not messages:
            return
        if turn:
            turn.spoke = True
        try:
            await self.deliver(recipient, messages, turn)
        except Exception as exc:
            logger.error("%s: not delivered to %s: %r", self.name(), pseudonym(recipient), exc)

    def _notice(self, incoming: Incoming) -> None:
        """Ask a shopper whose queue is full for a moment, but not at every message."""
        now = time.monotonic()
        if now - self._noticed.get(incoming.sender_id, -PATIENCE_NOTICE) < PATIENCE_NOTICE:
            return
        _remember(self._noticed, incoming.sender_id, now)
        turn = Turn(incoming, self._language(incoming))
        self.background(self.say(turn, "utter_one_moment"), what="a notice")

    def _language(self, incoming: Incoming) -> str:
        heard = self._heard.get(incoming.sender_id) or deque(maxlen=3)
        heard.append(Heard(text=incoming.text and incoming.text[:200], lang=incoming.lang))
        _remember(self._heard, incoming.sender_id, heard)
        return of_conversation(heard, default=self._default_language)

    def _log_failure(self, turn: Turn, rasa: asyncio.Future[None]) -> None:
        sender = pseudonym(turn.incoming.sender_id)
        if not rasa.done() or rasa.cancelled():
            logger.error("%s: gave up a turn of %s: too slow", self.name(), sender)
            return
        error = rasa.exception()
        # Ours are expected and say enough in a line; of a foreign one we want to see the place.
        known = isinstance(error, Unavailable)
        logger.error(
            "%s: a turn of %s failed: %s",
            self.name(),
            sender,
            error if known else repr(error),
            exc_info=None if known else error,
        )


class _ChannelBlueprint(Blueprint):
    """Tells the channel when it becomes part of an application."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel.name())
        self.ctx.channel = channel

    def register(self, app: Sanic, options: dict[str, Any]) -> None:
        """See the parent class."""
        if not self.ctx.channel.disabled:
            self.ctx.channel.enable(app)
        super().register(app, options)


def pseudonym(sender_id: str) -> str:
    """A sender id as it may stand in a log: the prefix, and a hash that tells shoppers apart."""
    prefix = sender_id.split(":", 1)[0]
    return f"{prefix}#{hashlib.sha256(sender_id.encode()).hexdigest()[:8]}"


def _say(name: str, lang: str, channel: str, **values: Any) -> Mapping[str, Any]:
    # Imported when the first sentence is said: a test with its own needs no folder of sentences.
    from bot import nlg

    return nlg.say(name, lang, channel, **values)


def _unbind(sender_id: str) -> None:
    """Sign a conversation out, in the shop of the settings. Raises: Unavailable."""
    _identity(read(ShopSettings)).unbind(sender_id)


@lru_cache(maxsize=1)
def _identity(settings: ShopSettings) -> Identity:
    return Identity.open(open_engine(settings), settings)


def _text_for_rasa(incoming: Incoming, tap: Tap | None) -> str:
    """The text of the `UserMessage`; empty for a button that is no longer known."""
    if incoming.text is not None:
        return plain(incoming.text)
    if incoming.payload is not None:
        return incoming.payload
    if tap:
        return tap.payload
    return plain(incoming.title or "")


def _remember(memory: OrderedDict[str, Any], key: str, value: Any) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > LISTENED_TO:
        memory.popitem(last=False)
