"""A shopper at the chat page, without a browser: the page's protocol over a real socket.

The dialogue scripts, the benchmarks and `make chat` talk through it.
"""

from __future__ import annotations

import json
import queue
import urllib.request
import uuid
from typing import Any

import socketio

WEBCHAT = "/webhooks/webchat"
ANSWER_TIMEOUT_S = 15.0
# Answers of one turn come together; what has not come by then belongs to no answer.
QUIET_S = 0.4


class Shopper:
    """One conversation on the web."""

    def __init__(self, address: str, *, lang: str) -> None:
        self._address = address
        self._lang = lang
        self._heard: queue.Queue[dict[str, Any]] = queue.Queue()
        self._socket = socketio.Client(reconnection=False)
        self._socket.on("bot_uttered", self._heard.put)
        session = self._post("/session", {"lang": lang})
        self.session_id: str = session["session_id"]
        self._socket.connect(
            address,
            auth={"token": session["token"], "last_seq": 0, "lang": lang},
            socketio_path=f"{WEBCHAT}/socket.io",
        )
        self.welcome = self.heard()

    def sign_in(self, customer_id: int) -> None:
        """As one of the sample customers."""
        token = self._post("/demo/token", {"customer": customer_id})["token"]
        self._call("sign_in", {"token": token})

    def say(self, text: str) -> list[dict[str, Any]]:
        """Types a message; returns the items of the answer."""
        return self._send({"type": "text", "text": text})

    def tap(self, option: dict[str, Any]) -> list[dict[str, Any]]:
        """Taps a button that an answer offered."""
        return self._send({"type": "payload", "key": option["key"], "title": option["title"]})

    def leave(self) -> None:
        """Closes the page."""
        self._socket.disconnect()

    def heard(self, timeout: float = ANSWER_TIMEOUT_S) -> list[dict[str, Any]]:
        """What the bot says next; nothing when it is silent for `timeout` seconds."""
        items: list[dict[str, Any]] = []
        try:
            while True:
                items += self._heard.get(timeout=QUIET_S if items else timeout)["items"]
        except queue.Empty:
            return items

    def _send(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        self._call("user_uttered", {"id": str(uuid.uuid4()), "lang": self._lang, **message})
        return self.heard()

    def _call(self, event: str, data: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._socket.call(event, data, timeout=10)
        assert answer["ok"], f"{event}: {answer}"
        return answer

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"{self._address}{WEBCHAT}{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)
