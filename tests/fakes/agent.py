"""An agent with a script instead of a model: it implements what Rasa's channels ask of `Agent`.

`handle_message` runs the script's line for the message's text and keeps a tracker by Rasa's rules:
what the user said is in it only if nothing was raised.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.lock_store import LockError

Line = Callable[[UserMessage], Awaitable[None]]


class ScriptedAgent:
    """Answers from `script` by the message's text, with `default` otherwise.

    A line is a list of Rasa messages to say, an exception to raise, or a coroutine function.

    Attributes:
        said: texts that reached the agent, with sender and metadata, in order of arrival.
        tracker: by sender, the texts of finished turns.
    """

    def __init__(self, script: dict[str, Any] | None = None, *, ready: bool = True) -> None:
        self.script = script or {}
        self.ready = ready
        self.said: list[UserMessage] = []
        self.tracker: dict[str, list[str]] = defaultdict(list)
        self.erased: list[str] = []
        self.triggered: list[tuple[str, str, Any]] = []
        self.running: set[str] = set()
        self.domain = SimpleNamespace(intents=["parcel_shipped", "send_image", "share_location"])
        self.tracker_store = self
        self.lock_store = self
        self.processor = self

    def is_ready(self) -> bool:
        return self.ready

    async def default(self, message: UserMessage) -> None:
        await message.output_channel.send_response(
            message.sender_id, {"text": f"echo {message.text}"}
        )

    async def handle_message(self, message: UserMessage) -> None:
        if not self.ready:
            return
        async with self.lock(message.sender_id):
            self.said.append(message)
            line = self.script.get(message.text or "", self.default)
            if isinstance(line, Exception):
                raise line
            if isinstance(line, list):
                for response in line:
                    await message.output_channel.send_response(message.sender_id, dict(response))
            else:
                await line(message)
            self.tracker[message.sender_id].append(message.text or "")

    async def trigger_intent(
        self, intent: str, entities: Any, output: OutputChannel, tracker: Any
    ) -> None:
        self.triggered.append((tracker, intent, entities))
        await output.send_response(tracker, {"text": f"news: {intent}"})

    async def fetch_tracker_and_update_session(self, sender_id: str, output: OutputChannel) -> str:
        return sender_id

    async def erase(self, sender_id: str) -> None:
        self.tracker.pop(sender_id, None)
        self.erased.append(sender_id)

    @asynccontextmanager
    async def lock(self, conversation_id: str) -> AsyncIterator[None]:
        """As strict as a lock can be: two turns of one sender at once are an error."""
        if conversation_id in self.running:
            raise LockError("two turns of one sender at once")
        self.running.add(conversation_id)
        try:
            yield
        finally:
            self.running.discard(conversation_id)

    def texts(self, sender_id: str | None = None) -> list[str]:
        """What reached the agent, from one sender or from all."""
        return [m.text for m in self.said if sender_id in (None, m.sender_id)]


def slow(seconds: float, *responses: dict[str, Any]) -> Line:
    """A line that says its responses after a while."""

    async def line(message: UserMessage) -> None:
        await asyncio.sleep(seconds)
        for response in responses or ({"text": f"slow {message.text}"},):
            await message.output_channel.send_response(message.sender_id, dict(response))

    return line


class Gate:
    """A line that answers, by echoing, only when the test opens it."""

    def __init__(self) -> None:
        self._open = threading.Event()

    def open(self) -> None:
        """Let those who wait go on, and all who come."""
        self._open.set()

    async def line(self, message: UserMessage) -> None:
        """The line of the script."""
        while not self._open.is_set():
            await asyncio.sleep(0.01)
        await message.output_channel.send_response(
            message.sender_id, {"text": f"echo {message.text}"}
        )


async def silence(message: UserMessage) -> None:
    """A line that says nothing."""


def say(name: str, lang: str, channel: str, **values: Any) -> dict[str, Any]:
    """Stands for `bot.nlg.say`: says which sentence would be said, and in which language."""
    return {"text": " ".join([name, lang, *(str(value) for value in values.values())])}
