"""A fake Bot API: keeps Telegram's rules, delivers updates, and fails when told to.

Give `url` to the bot as XIAOER_TELEGRAM_API_BASE. In tests, `shopper()` is somebody with a phone;
`python -m tests.fakes.telegram` shows the phone in a browser.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from tests.fakes.server import free_port
from tests.fakes.telegram import rules
from tests.fakes.telegram.rules import Refused, bad

T = TypeVar("T")

TOKEN = "1234567890:FAKE-token-of-the-fake-Bot-API-01234"
BOT_ID = 1234567890
# Messages a second in all, and a minute in a group.
OVERALL, IN_A_GROUP = 30, 20
SENDS = {"sendMessage", "sendPhoto", "sendMediaGroup", "sendLocation", "sendVenue", "sendDocument"}


@dataclass
class Call:
    """One call of the API; `at` by `time.monotonic`."""

    method: str
    parameters: dict[str, Any]
    at: float
    code: int = 0


@dataclass
class Fault:
    """What is to go wrong with the next calls of a method.

    Attributes:
        code: status to answer.
        cut: close the connection instead of answering.
        delay: seconds until the answer.
        garbage: an answer that is not JSON.
        after: do what was asked first.
    """

    method: str
    code: int = 0
    description: str = "made to fail"
    retry_after: int | None = None
    cut: bool = False
    delay: float = 0.0
    garbage: bool = False
    after: bool = False
    times: int = 1
    chat: int | None = None


@dataclass
class Chat:
    """A chat as Telegram keeps it."""

    id: int
    kind: str = "private"
    blocked: bool = False
    moved_to: int | None = None
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)


class FakeTelegram:
    """The server, in a thread of its own.

    Attributes:
        calls: all calls of the bot, in order.
        broken: addresses of pictures that Telegram cannot fetch.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        token: str = TOKEN,
        username: str = "xiaoer_bot",
        begin: int = 0,
    ) -> None:
        """`begin`: ids are greater; a fake that follows another must not use its ids again."""
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token, self.username = token, username
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.chats: dict[int, Chat] = {}
        self.broken: set[str] = set()
        self.files: dict[str, bytes | str] = {}
        self.webhook: dict[str, Any] = {}
        self.commands: dict[str, list[dict[str, str]]] = {}
        self.queries: set[str] = set()
        # (update id, status) of every attempt to deliver.
        self.deliveries: list[tuple[int, int]] = []
        self.pending: deque[dict[str, Any]] = deque()
        self.notices: list[str] = []
        self._confirmed = 0
        self._numbers = count(begin + 1)
        self._updates = count(begin + 7_000)
        self._sent_at: deque[tuple[float, int]] = deque()
        self._polling = False
        self._busy: set[int] = set()
        self._letters: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None
        self._postman: asyncio.Task[None] | None = None
        self._news: asyncio.Event

    # --- running it

    def start(self) -> FakeTelegram:
        """Listen."""
        self._thread.start()
        self._run(self._begin())
        return self

    def stop(self) -> None:
        """Close everything."""
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def down(self) -> None:
        """Refuse connections, as in an outage; what was to be delivered waits."""
        self._run(self._stop_listening())

    def up(self) -> None:
        """Listen again, on the same port."""
        self._run(self._listen())

    def __enter__(self) -> FakeTelegram:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _begin(self) -> None:
        self._news = asyncio.Event()
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))
        self._postman = asyncio.create_task(self._deliver_all())
        await self._listen()

    async def _end(self) -> None:
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        await self._stop_listening()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.close()

    async def _listen(self) -> None:
        app = web.Application(client_max_size=60 * 1024 * 1024)
        app.router.add_route("*", "/bot{token}/{method}", self._answer)
        self.add_pages(app)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def _stop_listening(self) -> None:
        if self._runner:
            await self._runner.cleanup()
        self._runner = None

    def add_pages(self, app: web.Application) -> None:
        """More routes; see `tests.fakes.telegram.phone`."""

    # --- for tests

    def fail(self, method: str, **what: Any) -> Fault:
        """Let the next call of a method (`*`: any) go wrong; see `Fault`."""
        fault = Fault(method, **what)
        self.faults.append(fault)
        return fault

    def called(self, method: str, chat: int | None = None) -> list[Call]:
        """Calls of a method, those that failed included."""
        return [
            call
            for call in list(self.calls)
            if call.method == method and chat in (None, call.parameters.get("chat_id"))
        ]

    def shopper(
        self, number: int = 1, *, language: str = "zh-hans", chat: int | None = None
    ) -> Any:
        """Somebody with a phone, in a private chat or in the group `chat`."""
        from tests.fakes.telegram.shopper import Shopper

        kind = "supergroup" if str(chat).startswith("-100") else "group" if chat else "private"
        self.chats.setdefault(chat or number, Chat(chat or number, kind))
        return Shopper(self, number, language=language, chat=chat or number, kind=kind)

    def said(self, chat: int) -> list[dict[str, Any]]:
        """What the bot's messages in a chat look like now, in order."""
        known = self.chats.get(chat)
        return [m for m in list(known.messages.values()) if m["from"]["is_bot"]] if known else []

    def texts(self, chat: int) -> list[str]:
        """Only their words."""
        return [m.get("text") or m.get("caption") or "" for m in self.said(chat)]

    def wait(self, condition: Callable[[], Any], seconds: float = 60) -> Any:
        """Until the condition holds; returns its value."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"in vain; calls: {self.calls[-10:]}"
            time.sleep(0.01)
        return value

    def push(self, update: dict[str, Any]) -> int:
        """Let something happen; the bot is told as it asked to be. Returns the update's id."""
        number = next(self._updates)
        self._run(self._push({"update_id": number, **update}))
        return number

    def quiet(self) -> bool:
        """Whether everything was delivered."""
        return not self.pending and not self._busy

    async def _push(self, update: dict[str, Any]) -> None:
        self.pending.append(update)
        self._news.set()

    # --- delivering

    async def _deliver_all(self) -> None:
        """To the webhook: in order within a chat, again and again until it is taken."""
        while True:
            self._news.clear()
            if self.webhook.get("url"):
                for update in list(self.pending):
                    chat = _chat_of(update)
                    if chat not in self._busy:
                        # In this order: `quiet` may look between the two.
                        self._busy.add(chat)
                        self.pending.remove(update)
                        letter = asyncio.create_task(self._deliver(chat, update))
                        self._letters.add(letter)
                        letter.add_done_callback(self._letters.discard)
            await self._news.wait()

    async def _deliver(self, chat: int, update: dict[str, Any]) -> None:
        delay = 0.05
        while True:
            url, secret = self.webhook.get("url"), self.webhook.get("secret_token")
            status = 0
            with suppress(aiohttp.ClientError, asyncio.TimeoutError):
                headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
                async with self._http.post(url, json=update, headers=headers) as response:
                    status = response.status
            self.deliveries.append((update["update_id"], status))
            if 200 <= status < 300:
                break
            self.webhook["last_error_date"] = int(time.time())
            self.webhook["last_error_message"] = f"Wrong response from the webhook: {status}"
            await asyncio.sleep(delay)
            delay = min(delay * 2, 2)
        self._busy.discard(chat)
        self._news.set()

    # --- answering

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        parameters = await _parameters(request)
        call = Call(method, parameters, time.monotonic())
        self.calls.append(call)
        fault = self._fault(call)
        result: dict[str, Any] = {}
        try:
            if request.match_info["token"] != self.token:
                raise Refused(401, "Unauthorized")
            if fault and not fault.after:
                await self._go_wrong(fault, request)
            result = {"ok": True, "result": await self._do(method, parameters)}
            call.code = 200
            if fault and fault.after:
                await self._go_wrong(fault, request)
        except Refused as refused:
            call.code = refused.code
            result = {"ok": False, "error_code": refused.code, "description": refused.description}
            if refused.parameters:
                result["parameters"] = refused.parameters
        if fault and fault.garbage:
            return web.Response(text="<html>Bad Gateway</html>", status=fault.code or 200)
        return web.json_response(result, status=call.code or 200)

    def _fault(self, call: Call) -> Fault | None:
        for fault in self.faults:
            right_chat = fault.chat in (None, call.parameters.get("chat_id"))
            if fault.times > 0 and fault.method in ("*", call.method) and right_chat:
                fault.times -= 1
                return fault
        return None

    async def _go_wrong(self, fault: Fault, request: web.Request) -> None:
        await asyncio.sleep(fault.delay)
        if fault.cut and request.transport:
            request.transport.abort()
            raise Refused(499, "nobody hears this")
        if fault.retry_after is not None:
            text = f"Too Many Requests: retry after {fault.retry_after}"
            raise Refused(429, text, retry_after=fault.retry_after)
        if fault.code:
            raise Refused(fault.code, fault.description)

    async def _do(self, method: str, parameters: dict[str, Any]) -> Any:
        work = getattr(self, "do_" + re.sub("[A-Z]", lambda m: "_" + m[0].lower(), method), None)
        if work is None:
            raise Refused(404, "Not Found")
        if method in SENDS:
            self._hold_back(parameters.get("chat_id"))
        result = work(parameters)
        return await result if asyncio.iscoroutine(result) else result

    def _hold_back(self, chat: Any) -> None:
        now = time.monotonic()
        while self._sent_at and now - self._sent_at[0][0] > 60:
            self._sent_at.popleft()
        in_all = sum(now - at < 1 for at, _ in self._sent_at)
        in_group = sum(other == chat for _, other in self._sent_at)
        if in_all >= OVERALL or (isinstance(chat, int) and chat < 0 and in_group >= IN_A_GROUP):
            wait = 1 if in_all >= OVERALL else 30
            raise Refused(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        self._sent_at.append((now, chat))

    def _chat(self, parameters: dict[str, Any]) -> Chat:
        chat = self.chats.get(parameters.get("chat_id", 0))
        if chat is None:
            raise bad("chat not found")
        if chat.moved_to:
            text = "group chat was upgraded to a supergroup chat"
            raise Refused(400, f"Bad Request: {text}", migrate_to_chat_id=chat.moved_to)
        if chat.blocked:
            why = "blocked by the user" if chat.id > 0 else "kicked from the group chat"
            raise Refused(403, f"Forbidden: bot was {why}")
        return chat

    def _keep(self, parameters: dict[str, Any], **content: Any) -> dict[str, Any]:
        chat = self._chat(parameters)
        if markup := parameters.get("reply_markup"):
            rules.check_markup(markup)
            content["reply_markup"] = markup
        if reply := parameters.get("reply_parameters"):
            content["reply_to"] = reply["message_id"]
        return self.keep(chat, self.me(), **content)

    def keep(self, chat: Chat, sender: dict[str, Any], **content: Any) -> dict[str, Any]:
        """Put a message into a chat."""
        message = {
            "message_id": next(self._numbers),
            "date": int(time.time()),
            "chat": {"id": chat.id, "type": chat.kind},
            "from": sender,
            **{key: value for key, value in content.items() if value},
        }
        chat.messages[message["message_id"]] = message
        return message

    def me(self) -> dict[str, Any]:
        """The bot."""
        return {
            "id": BOT_ID,
            "is_bot": True,
            "first_name": "小二",
            "username": self.username,
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }

    # --- methods

    def do_get_me(self, _: dict[str, Any]) -> Any:
        return self.me()

    def do_set_webhook(self, parameters: dict[str, Any]) -> bool:
        rules.check_webhook(parameters)
        self.webhook = dict(parameters)
        self._news.set()
        return True

    def do_delete_webhook(self, _: dict[str, Any]) -> bool:
        self.webhook = {}
        return True

    def do_get_webhook_info(self, _: dict[str, Any]) -> Any:
        told = ("url", "max_connections", "allowed_updates", "last_error_date")
        return {
            "url": "",
            "has_custom_certificate": False,
            "pending_update_count": len(self.pending) + len(self._busy),
            **{k: v for k, v in self.webhook.items() if k in (*told, "last_error_message")},
        }

    async def do_get_updates(self, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        if self.webhook.get("url"):
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active")
        if self._polling:
            raise Refused(409, "Conflict: terminated by other getUpdates request")
        self._polling = True
        try:
            while self.pending and self.pending[0]["update_id"] < parameters.get("offset", 0):
                self.pending.popleft()
            if not self.pending:
                self._news.clear()
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._news.wait(), parameters.get("timeout", 0) or 0.01)
            return list(self.pending)[:100]
        finally:
            self._polling = False

    def do_send_message(self, parameters: dict[str, Any]) -> Any:
        rules.check_text(parameters.get("text"), 4096 * 10)
        text, entities = rules.formatted(parameters["text"], parameters.get("parse_mode"))
        rules.check_text(text)
        return self._keep(parameters, text=text.strip(), entities=entities)

    def do_send_photo(self, parameters: dict[str, Any]) -> Any:
        photo = self._photo(parameters.get("photo"))
        caption, entities = self._caption(parameters)
        return self._keep(parameters, photo=photo, caption=caption, caption_entities=entities)

    def do_send_media_group(self, parameters: dict[str, Any]) -> Any:
        media = parameters.get("media")
        rules.check_album(media)
        if "reply_markup" in parameters:
            raise bad("an album has no buttons")
        pictures = []
        for item in media or ():
            name = item["media"].removeprefix("attach://")
            pictures.append((self._photo(parameters.get(name, name)), *self._caption(item)))
        album = f"album{next(self._numbers)}"
        return [
            self._keep(parameters, photo=p, caption=c, caption_entities=e, media_group_id=album)
            for p, c, e in pictures
        ]

    def _photo(self, photo: Any) -> list[dict[str, Any]]:
        if isinstance(photo, str) and photo in self.files:
            identifier = photo
        elif isinstance(photo, bytes) and photo.startswith((b"\x89PNG", b"\xff\xd8", b"RIFF")):
            identifier = self._file(photo)
        elif isinstance(photo, bytes):
            raise bad("IMAGE_PROCESS_FAILED")
        elif not rules.is_web_address(photo):
            raise bad("wrong file identifier/HTTP URL specified")
        elif photo in self.broken:
            raise bad("failed to get HTTP URL content")
        else:
            identifier = self._file(photo)
        size = {"width": 600, "height": 600, "file_unique_id": f"u{identifier}"}
        return [{"file_id": f"{identifier}", **size}]

    def _file(self, content: bytes | str) -> str:
        identifier = f"file{next(self._numbers)}"
        self.files[identifier] = content
        return identifier

    def _caption(self, parameters: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
        text, entities = rules.formatted(
            parameters.get("caption", ""), parameters.get("parse_mode")
        )
        rules.check_caption(text)
        return text, entities

    def do_send_location(self, parameters: dict[str, Any]) -> Any:
        spot = {key: float(parameters[key]) for key in ("latitude", "longitude")}
        return self._keep(parameters, location=spot)

    def do_send_venue(self, parameters: dict[str, Any]) -> Any:
        spot = {key: float(parameters[key]) for key in ("latitude", "longitude")}
        names = {key: parameters[key] for key in ("title", "address")}
        return self._keep(parameters, venue={"location": spot, **names}, location=spot)

    def do_send_document(self, parameters: dict[str, Any]) -> Any:
        address = parameters.get("document")
        if not rules.is_web_address(address) or address in self.broken:
            raise bad("wrong file identifier/HTTP URL specified")
        file = self._file(str(address))
        return self._keep(parameters, document={"file_id": file, "file_unique_id": f"u{file}"})

    def do_send_chat_action(self, parameters: dict[str, Any]) -> bool:
        self._chat(parameters)
        return True

    def do_edit_message_reply_markup(self, parameters: dict[str, Any]) -> Any:
        message = self._chat(parameters).messages.get(parameters.get("message_id", 0))
        if message is None:
            raise bad("message to edit not found")
        markup = parameters.get("reply_markup") or {"inline_keyboard": []}
        rules.check_markup(markup)
        if markup == message.get("reply_markup"):
            raise bad("message is not modified")
        message["reply_markup"] = markup
        return message

    def do_answer_callback_query(self, parameters: dict[str, Any]) -> bool:
        rules.check_notice(parameters.get("text", ""))
        if parameters.get("callback_query_id") not in self.queries:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        self.queries.discard(parameters["callback_query_id"])
        if parameters.get("text"):
            self.notices.append(parameters["text"])
        return True

    def do_set_my_commands(self, parameters: dict[str, Any]) -> bool:
        rules.check_commands(parameters.get("commands"))
        self.commands[parameters.get("language_code", "")] = parameters["commands"]
        return True

    def do_get_file(self, parameters: dict[str, Any]) -> Any:
        name = parameters.get("file_id")
        if name not in self.files:
            raise bad("wrong file_id or the file is temporarily unavailable")
        return {"file_id": name, "file_unique_id": f"u{name}", "file_path": name}


async def _parameters(request: web.Request) -> dict[str, Any]:
    """The library sends forms, in which objects, numbers and truth values are JSON."""
    found: dict[str, Any] = {}
    for key, value in (*request.query.items(), *(await request.post()).items()):
        if isinstance(value, web.FileField):
            with value.file:
                found[key] = value.file.read()
        elif key in ("text", "caption", "callback_query_id", "secret_token", "url"):
            found[key] = value
        else:
            try:
                found[key] = json.loads(value)
            except (ValueError, TypeError):
                found[key] = value
    return found


def _chat_of(update: dict[str, Any]) -> int:
    """For the order of deliveries."""
    for content in update.values():
        if isinstance(content, dict):
            content = content.get("message", content)
            if isinstance(content, dict) and isinstance(content.get("chat"), dict):
                return int(content["chat"].get("id") or 0)
    return 0
