"""The menu at the foot of an Official Account's chat (自定义菜单), from a YAML file.

`python -m bot.channels.wechat.menu` shows what it would do; with `--apply` it does it, with
`--delete` it removes the menu. A menu made here replaces one made in the console.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.channels.state import StateSettings, shared
from bot.channels.wechat.api import ApiFault, OfficialApi
from bot.channels.wechat.settings import WechatSettings
from shop.errors import SettingsError, Unavailable
from shop.settings import read

# https://developers.weixin.qq.com/doc/service/api/custommenu/api_createcustommenu.html
_BUTTONS, _BELOW = 3, 5
_NAME_BYTES, _BELOW_NAME_BYTES = 16, 60
_INTENT = re.compile(r"[a-z][a-z_]{0,63}")


@dataclass(frozen=True)
class Button:
    """A button: it means an intent, opens an address, or has buttons below it."""

    name: str
    intent: str = ""
    url: str = ""
    below: tuple[Button, ...] = ()


def load(path: Path) -> tuple[Button, ...]:
    """The menu in a file.

    Raises:
        SettingsError: it is not there, or not a menu that WeChat takes.
    """
    try:
        content = YAML(typ="safe").load(path)
        return _buttons(content["menu"], _BUTTONS, _NAME_BYTES)
    except (OSError, YAMLError, TypeError, KeyError, ValueError) as exc:
        why = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        raise SettingsError("XIAOER_WECHAT_MENU", str(path), f"expected a menu ({why})") from exc


def payloads(buttons: Sequence[Button]) -> dict[str, str]:
    """What the keys stand for that WeChat sends when a button is tapped."""
    found: dict[str, str] = {}
    for button in buttons:
        found.update(payloads(button.below))
        if button.intent:
            found[button.intent] = f"/{button.intent}"
    return found


def as_wechat(buttons: Sequence[Button]) -> list[dict[str, Any]]:
    """As `/cgi-bin/menu/create` takes them."""
    made: list[dict[str, Any]] = []
    for button in buttons:
        if button.below:
            made.append({"name": button.name, "sub_button": as_wechat(button.below)})
        elif button.intent:
            made.append({"type": "click", "name": button.name, "key": button.intent})
        else:
            made.append({"type": "view", "name": button.name, "url": button.url})
    return made


def _buttons(items: Any, most: int, name_bytes: int) -> tuple[Button, ...]:
    if not isinstance(items, list) or not 1 <= len(items) <= most:
        raise ValueError(f"1 to {most} buttons")
    return tuple(_button(item, name_bytes) for item in items)


def _button(item: Mapping[str, Any], name_bytes: int) -> Button:
    name = str(item["name"]).strip()
    if not name or len(name.encode()) > name_bytes:
        raise ValueError(f"{name}: a name of at most {name_bytes} bytes")
    kinds = {"intent", "url", "buttons"} & set(item)
    if len(kinds) != 1:
        raise ValueError(f"{name}: one of intent, url, buttons")
    if "buttons" in item:
        if name_bytes == _BELOW_NAME_BYTES:
            raise ValueError(f"{name}: no third level")
        return Button(name, below=_buttons(item["buttons"], _BELOW, _BELOW_NAME_BYTES))
    intent, url = str(item.get("intent", "")), str(item.get("url", ""))
    if intent and not _INTENT.fullmatch(intent):
        raise ValueError(f"{name}: the name of an intent")
    if url and not (url.startswith(("https://", "http://")) and len(url.encode()) <= 1024):
        raise ValueError(f"{name}: an address")
    return Button(name, intent=intent, url=url)


async def _call(settings: WechatSettings, path: str, body: Mapping[str, Any]) -> None:
    state = shared(read(StateSettings))
    client = OfficialApi(
        settings.wechat_api_base,
        state,
        settings.wechat_appid,
        settings.wechat_secret,
        timeout=settings.wechat_api_timeout,
    )
    try:
        await client.post(path, body)
    finally:
        await client.close()
        await state.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m bot.channels.wechat.menu", description=__doc__)
    parser.add_argument("--apply", action="store_true", help="make this the account's menu")
    parser.add_argument("--delete", action="store_true", help="remove the account's menu")
    options = parser.parse_args(arguments)
    try:
        settings = read(WechatSettings)
        menu = {"button": as_wechat(load(settings.wechat_menu))}
        if not options.apply and not options.delete:
            print(json.dumps(menu, ensure_ascii=False, indent=2))
            print("This is what --apply would make of it.")
            return 0
        if not settings.wechat_appid or not settings.wechat_secret:
            print("XIAOER_WECHAT_APPID and XIAOER_WECHAT_SECRET are needed.", file=sys.stderr)
            return 1
        path, body = ("/cgi-bin/menu/delete", {}) if options.delete else (_CREATE, menu)
        asyncio.run(_call(settings, path, body))
    except (SettingsError, ApiFault, Unavailable) as exc:
        print(exc, file=sys.stderr)
        return 1
    print("Removed." if options.delete else "Done; it shows within some minutes.")
    return 0


_CREATE = "/cgi-bin/menu/create"

if __name__ == "__main__":
    sys.exit(main())
