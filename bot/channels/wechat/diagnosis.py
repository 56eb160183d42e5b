"""What `make doctor` says about WeChat."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Literal

from bot.channels.state import State, StateSettings, shared
from bot.channels.wechat import menu
from bot.channels.wechat.api import Api, ApiFault, KfApi, OfficialApi, Refused
from bot.channels.wechat.settings import WechatKfSettings, WechatSettings
from shop.errors import SettingsError, Unavailable
from shop.settings import read

Finding = tuple[Literal["ok", "off", "warning", "error"], str]

_WRONG_ID, _WRONG_SECRET, _WRONG_ADDRESS = {40013}, {40001, 40125, 41004}, {40164, 60020}


def diagnose(
    settings: WechatSettings | None = None,
    kf_settings: WechatKfSettings | None = None,
    *,
    state: State | None = None,
) -> Iterator[Finding]:
    """One finding a line: how grave, and what is the matter with what to do."""
    yield from _official(settings, state)
    yield from _kf(kf_settings, state)


def _official(settings: WechatSettings | None, state: State | None) -> Iterator[Finding]:
    try:
        settings = settings or read(WechatSettings)
        menu.load(settings.wechat_menu)
    except SettingsError as exc:
        yield "error", f"The Official Account is switched off: {exc}"
        return
    if settings.missing:
        # A setting or two without the others is a mistake, none at all is a choice.
        names = ("wechat_appid", "wechat_token", "wechat_secret", "wechat_aes_key")
        some = any(getattr(settings, name) for name in names)
        yield "error" if some else "off", f"The Official Account is off: {settings.missing}"
        return
    if settings.mode == "plain":
        yield "warning", "WeChat's messages come unprotected (明文): choose 安全模式 and set a key"
    if not settings.public_url:
        yield "warning", "XIAOER_PUBLIC_URL is not set: product cards go out without their links"
    if settings.wechat_reply == "passive":
        yield "ok", "The Official Account only answers WeChat's calls (passive)"
        return
    state = state or shared(read(StateSettings))
    client = OfficialApi(
        settings.wechat_api_base, state, settings.wechat_appid, settings.wechat_secret
    )
    yield asyncio.run(_token(client, state, "The Official Account", "XIAOER_WECHAT_SECRET"))


def _kf(settings: WechatKfSettings | None, state: State | None) -> Iterator[Finding]:
    try:
        settings = settings or read(WechatKfSettings)
    except SettingsError as exc:
        yield "error", f"微信客服 is switched off: {exc}"
        return
    if settings.missing:
        names = ("corpid", "secret", "token", "aes_key")
        some = any(getattr(settings, f"wechat_kf_{name}") for name in names)
        yield "error" if some else "off", f"微信客服 is off: {settings.missing}"
        return
    state = state or shared(read(StateSettings))
    client = KfApi(
        settings.wechat_kf_api_base, state, settings.wechat_kf_corpid, settings.wechat_kf_secret
    )
    yield asyncio.run(_token(client, state, "微信客服", "XIAOER_WECHAT_KF_SECRET"))


async def _token(client: Api, state: State, what: str, secret: str) -> Finding:
    try:
        await client.token()
        return "ok", f"{what}: WeChat takes the secret and this machine's address"
    except Refused as exc:
        if exc.code in _WRONG_ADDRESS:
            return "error", f"{what}: put this machine's address on the account's IP list"
        if exc.code in _WRONG_SECRET:
            return "error", f"{what}: WeChat refuses {secret}; copy it again from the console"
        if exc.code in _WRONG_ID:
            return "error", f"{what}: WeChat does not know this app id or corp id"
        return "error", f"{what}: WeChat gives no token ({exc})"
    except (ApiFault, Unavailable) as exc:
        return "error", f"{what} cannot be reached: {exc}"
    finally:
        await client.close()
        await state.close()
