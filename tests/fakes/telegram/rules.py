"""What the Bot API refuses (https://core.telegram.org/bots/api, and telegram.constants)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from telegram.constants import (
    BotCommandLimit,
    CallbackQueryLimit,
    InlineKeyboardButtonLimit,
    InlineKeyboardMarkupLimit,
    MediaGroupLimit,
    MessageLimit,
)

_PIECE = re.compile(r'<(/?)([a-z]+)(?: href="([^"<>]*)")?>|&(lt|gt|amp|quot);|([^<&]+)|(&)')
_TAGS = {"b": "bold", "i": "italic", "u": "underline", "s": "strikethrough", "code": "code"}
_SIGNS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


def bad(description: str) -> Refused:
    """The usual refusal."""
    return Refused(400, f"Bad Request: {description}")


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def formatted(text: str, mode: str | None) -> tuple[str, list[dict[str, Any]]]:
    """Text without markup, and its entities."""
    if not mode:
        return text, []
    if mode != "HTML":
        raise bad(f"unsupported parse_mode {mode}")
    plain, entities, opened, end = "", [], [], 0
    for piece in _PIECE.finditer(text):
        if piece.start() != end:
            break
        end = piece.end()
        closing, tag, href, entity, words, ampersand = piece.groups()
        if tag and tag not in (*_TAGS, "a"):
            raise bad(f'can\'t parse entities: Unsupported start tag "{tag}" at byte offset {end}')
        if tag and not closing:
            opened.append((tag, href, units(plain)))
        elif tag:
            if not opened or opened[-1][0] != tag:
                raise bad(f"can't parse entities: Unexpected end tag at byte offset {end}")
            _, link, offset = opened.pop()
            found = {"type": _TAGS.get(tag, "text_link"), "offset": offset}
            found["length"] = units(plain) - offset
            entities.append({**found, "url": link} if tag == "a" else found)
        else:
            plain += words or ampersand or _SIGNS[entity]
    if end != len(text) or opened:
        raise bad("can't parse entities: Can't find end of the entity")
    return plain, entities


def check_text(text: Any, limit: int = MessageLimit.MAX_TEXT_LENGTH) -> None:
    """Of a message."""
    if not isinstance(text, str) or not text.strip():
        raise bad("message text is empty")
    if units(text) > limit:
        raise bad("message is too long")


def check_caption(text: str) -> None:
    """Of a picture."""
    if units(text) > MessageLimit.CAPTION_LENGTH:
        raise bad("message caption is too long")


def check_markup(markup: Any) -> None:
    """An inline keyboard."""
    rows = markup.get("inline_keyboard") if isinstance(markup, Mapping) else None
    if not isinstance(rows, list):
        raise bad("object expected as reply markup")
    buttons = [button for row in rows for button in row]
    if len(buttons) > InlineKeyboardMarkupLimit.TOTAL_BUTTON_NUMBER or any(
        len(row) > InlineKeyboardMarkupLimit.BUTTONS_PER_ROW for row in rows
    ):
        raise bad("too many buttons")
    for button in buttons:
        if not str(button.get("text") or "").strip():
            raise bad("text buttons are not allowed to be empty")
        if ("url" in button) == ("callback_data" in button):
            raise bad("BUTTON_TYPE_INVALID")
        if "url" in button and not is_web_address(button["url"]):
            raise bad("BUTTON_URL_INVALID")
        if "callback_data" in button:
            size = len(button["callback_data"].encode())
            limit = InlineKeyboardButtonLimit
            if not limit.MIN_CALLBACK_DATA <= size <= limit.MAX_CALLBACK_DATA:
                raise bad("BUTTON_DATA_INVALID")


def check_album(media: Any) -> None:
    """Of pictures."""
    limit = MediaGroupLimit
    if not isinstance(media, list) or not (
        limit.MIN_MEDIA_LENGTH <= len(media) <= limit.MAX_MEDIA_LENGTH
    ):
        raise bad("wrong number of items in the media group")


def check_notice(text: str) -> None:
    """The answer to a press."""
    if len(text) > CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH:
        raise bad("MESSAGE_TOO_LONG")


def check_commands(commands: Any) -> None:
    """The menu."""
    if not isinstance(commands, list) or len(commands) > BotCommandLimit.MAX_COMMAND_NUMBER:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch("[a-z0-9_]{1,32}", command["command"]):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= BotCommandLimit.MAX_DESCRIPTION:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")


def check_webhook(parameters: Mapping[str, Any]) -> None:
    """An address to call; this fake also takes http on this machine."""
    parts = urlsplit(str(parameters.get("url")))
    if parts.hostname != "127.0.0.1" and (
        parts.scheme != "https" or (parts.port or 443) not in (443, 80, 88, 8443)
    ):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    secret = parameters.get("secret_token", "")
    if not re.fullmatch("[A-Za-z0-9_-]{0,256}", secret):
        raise bad("secret token contains unallowed characters")


def is_web_address(url: Any) -> bool:
    """What Telegram's servers would fetch or open."""
    parts = urlsplit(url) if isinstance(url, str) else None
    return bool(parts and parts.scheme in ("http", "https", "tg") and parts.netloc)
