"""A page that plays the phone, so that anyone sees the bot on Telegram without an account.

GET  /            the page
GET  /phone/chat  the messages of a phone's chat with the bot, and the menu of commands
POST /phone/do    {"phone", "language", "do": "say" | "press" | …}
GET  /phone/file/<id>
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.shopper import Shopper

PAGE = Path(__file__).with_name("phone.html")
# The group that all phones are in.
GROUP = -1_000_777
# What the buttons of the page send.
SAMPLES: dict[str, dict[str, Any]] = {
    "location": {"location": {"latitude": 31.2304, "longitude": 121.4737}},
    "photo": {"photo": [{"file_id": "phone-photo", "file_size": 1}]},
    "voice": {"voice": {"file_id": "phone-voice", "duration": 3}},
    "sticker": {"sticker": {"file_id": "phone-sticker", "emoji": "🙂"}},
}


class Phones(FakeTelegram):
    """The fake with the page."""

    def add_pages(self, app: web.Application) -> None:
        """See the parent class."""
        app.router.add_get("/", self._page)
        app.router.add_get("/phone/chat", self._chat_page)
        app.router.add_post("/phone/do", self._act)
        app.router.add_get("/phone/file/{name}", self._file_page)

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=PAGE.read_text(encoding="utf-8"), content_type="text/html")

    async def _chat_page(self, request: web.Request) -> web.Response:
        number = GROUP if request.query.get("group") else int(request.query["phone"])
        chat = self.chats.get(number)
        language = request.query.get("language", "")
        menu = self.commands.get(language[:2]) or self.commands.get("") or []
        return web.json_response(
            {
                "messages": list(chat.messages.values()) if chat else [],
                "notices": self.notices[-1:],
                "notice_count": len(self.notices),
                "menu": menu,
                "connected": bool(self.webhook.get("url") or self._polling),
                "typing": self._is_typing(number),
                "blocked": bool(chat and chat.blocked),
                "bot": self.username,
            }
        )

    def _is_typing(self, chat: int) -> bool:
        """Telegram shows it for five seconds, or until the next message."""
        for call in reversed(self.calls[-50:]):
            if call.parameters.get("chat_id") == chat:
                recent = asyncio.get_running_loop().time() - call.at < 5
                return call.method == "sendChatAction" and recent
        return False

    async def _act(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        number, language = int(wanted["phone"]), str(wanted["language"])
        chat = GROUP if wanted.get("group") else None
        shopper = self.shopper(number, language=language, chat=chat)
        # In a thread: what a shopper does waits for this loop.
        await asyncio.to_thread(self._do_as, shopper, wanted)
        return web.json_response({})

    def _do_as(self, shopper: Shopper, wanted: dict[str, Any]) -> None:
        what = wanted["do"]
        if what == "say":
            shopper.says(str(wanted["text"]))
        elif what == "press":
            message = self.chats[shopper.chat].messages.get(int(wanted["message"]))
            shopper.presses("", data=str(wanted["data"]), message=message and dict(message))
        elif what == "block":
            shopper.blocks(not self.chats[shopper.chat].blocked)
        elif what == "contact":
            phone = {"phone_number": "+8613800000000", "first_name": "小王"}
            shopper.sends(contact={**phone, "user_id": shopper.number})
        elif what in SAMPLES:
            shopper.sends(**SAMPLES[what])

    async def _file_page(self, request: web.Request) -> web.StreamResponse:
        content = self.files.get(request.match_info["name"])
        if isinstance(content, str):
            raise web.HTTPFound(content)
        if content is None:
            raise web.HTTPNotFound
        return web.Response(body=content, content_type="image/png")
