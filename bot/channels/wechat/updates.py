"""What a shopper did, from the fields of a push of an Official Account.

https://developers.weixin.qq.com/doc/service/guide/product/message/Receiving_standard_messages.html
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.channels.wechat.sender import Occasion

_OPENID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_SCENE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KINDS = {
    "image": "/send_image",
    "voice": "/send_voice",
    "video": "/send_image",
    "shortvideo": "/send_image",
    "location": "/share_location",
    "link": "/unsupported_message",
    "file": "/unsupported_message",
}


@dataclass(frozen=True)
class Said:
    """A message, or an event that stands for one. One of `text`, `payload` and `tapped` is set.

    Attributes:
        delivery: the same whenever WeChat repeats it.
        occasion: which quota it opens.
        tapped: the key of an option of a msgmenu; then `text` is what the option says.
        is_message: only a message may be answered by handing over to the desk.
    """

    sender: str
    delivery: str
    occasion: Occasion = "message"
    text: str | None = None
    payload: str | None = None
    tapped: str | None = None
    is_message: bool = True
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Left:
    """The shopper does not follow the account any more (取消关注)."""

    sender: str


@dataclass(frozen=True)
class Desk:
    """A person took over at WeChat's desk, or is done."""

    sender: str
    opened: bool


Update = Said | Left | Desk


def understand(fields: Mapping[str, str], menu: Mapping[str, str]) -> Update | None:
    """What happened; None for what does not concern the dialogue.

    Args:
        fields: of the push.
        menu: payloads by the keys of the account's menu.
    """
    openid = fields.get("FromUserName", "")
    if not _OPENID.fullmatch(openid):
        return None
    sender = f"wx:{openid}"
    kind = fields.get("MsgType", "")
    if kind == "event":
        return _event(sender, fields, menu)
    message_id = fields.get("MsgId", "")
    if not message_id:
        return None
    delivery = f"m{_short(message_id)}"
    if kind == "text":
        content = fields.get("Content", "")
        if tapped := fields.get("bizmsgmenuid"):
            return Said(sender, delivery, "event", text=content, tapped=tapped[:64])
        return Said(sender, delivery, text=content)
    if kind == "voice" and (heard := fields.get("Recognition", "").strip()):
        return Said(sender, delivery, text=heard, metadata={"voice": True})
    payload = _KINDS.get(kind, "/unsupported_message")
    return Said(sender, delivery, payload=payload, metadata=_place(fields))


def _event(sender: str, fields: Mapping[str, str], menu: Mapping[str, str]) -> Update | None:
    event, key = fields.get("Event", ""), fields.get("EventKey", "")
    if event == "unsubscribe":
        return Left(sender)
    if event in ("kf_create_session", "kf_close_session"):
        return Desk(sender, event == "kf_create_session")
    payload, metadata = None, {}
    if event in ("subscribe", "SCAN"):
        payload = "/greet"
        scene = key.removeprefix("qrscene_")
        if _SCENE.fullmatch(scene):
            metadata["start_param"] = scene
    elif event == "CLICK":
        payload = menu.get(key)
    if payload is None:
        return None
    # An event has no id.
    delivery = f"e{_short('.'.join((fields.get('CreateTime', ''), event, key)))}"
    return Said(sender, delivery, "event", payload=payload, is_message=False, metadata=metadata)


def _place(fields: Mapping[str, str]) -> dict[str, Any]:
    try:
        latitude, longitude = (float(fields[name]) for name in ("Location_X", "Location_Y"))
    except (KeyError, ValueError):
        return {}
    if not math.isfinite(latitude + longitude) or abs(latitude) > 90 or abs(longitude) > 180:
        return {}
    return {"location": {"lat": latitude, "lng": longitude}}


def _short(name: str) -> str:
    return name if name.isalnum() and len(name) <= 64 else hashlib.sha1(name.encode()).hexdigest()
