"""Settings of both WeChat channels."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from bot.channels.wechat.crypto import decode_key
from shop.settings import refuse, variable

MENU = Path(__file__).with_name("menu.yml")
# As both consoles demand.
_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}")


@dataclass(frozen=True)
class WechatSettings:
    """公众号. `docs/wechat.en.md` says where to find each."""

    # AppID and AppSecret of the account, from its console under 设置与开发 → 开发接口管理.
    wechat_appid: str = ""
    wechat_secret: str = field(default="", repr=False)
    # Token and EncodingAESKey as entered there; the key that was there before, while it changes.
    wechat_token: str = field(default="", repr=False)
    wechat_aes_key: str = field(default="", repr=False)
    wechat_previous_aes_key: str = field(default="", repr=False)
    # As chosen there: 明文 plain, 兼容 compat, 安全 safe. Unset: safe with a key, plain without.
    wechat_mode: Literal["plain", "compat", "safe"] | None = None
    # passive: only answers to WeChat's calls (any account). active: only 客服消息 (verified ones).
    # auto: whichever fits; falls back to passive where the account may not do the other.
    wechat_reply: Literal["passive", "active", "auto"] = "auto"
    # How to offer choices: msgmenu (verified accounts), links in a text, or numbers to type.
    wechat_menus: Literal["msgmenu", "links", "numbers"] = "msgmenu"
    # Whether people answer in WeChat's own desk (公众平台客服); 转人工 then leads there.
    wechat_desk: bool = False
    # Buttons at the foot of the chat; see the file.
    wechat_menu: Path = MENU
    # Where the API is; a proxy with a fixed address, or a fake.
    wechat_api_base: str = "https://api.weixin.qq.com"
    # Seconds for one call of it.
    wechat_api_timeout: float = 4.0
    # Public address of this server, such as https://bot.shop.example: pictures and pages of ours
    # that are told as paths lie there.
    public_url: str = ""
    # Other hosts whose pictures may be fetched and sent on.
    media_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_token(self, "wechat_token")
        for name in ("wechat_aes_key", "wechat_previous_aes_key"):
            _check_key(self, name)
        if self.wechat_mode in ("safe", "compat") and not self.wechat_aes_key:
            refuse(self, "wechat_mode", "plain, or XIAOER_WECHAT_AES_KEY with it")
        _check_address(self, "wechat_api_base")
        _check_address(self, "public_url")
        if not 0 < self.wechat_api_timeout <= 60:
            refuse(self, "wechat_api_timeout", "seconds from above 0 to 60")

    @property
    def mode(self) -> str:
        """How WeChat's calls come."""
        return self.wechat_mode or ("safe" if self.wechat_aes_key else "plain")

    @property
    def missing(self) -> str:
        """What is needed and not set, as a line; empty when all is there."""
        wanted = ["wechat_appid", "wechat_token"]
        if self.wechat_reply != "passive":
            wanted.append("wechat_secret")
        return _missing(self, wanted)


@dataclass(frozen=True)
class WechatKfSettings:
    """微信客服, through WeCom."""

    # 企业ID, and Secret of the application that may call 微信客服.
    wechat_kf_corpid: str = ""
    wechat_kf_secret: str = field(default="", repr=False)
    # Token and EncodingAESKey of its callback; the key before it, while it changes.
    wechat_kf_token: str = field(default="", repr=False)
    wechat_kf_aes_key: str = field(default="", repr=False)
    wechat_kf_previous_aes_key: str = field(default="", repr=False)
    # Accounts (open_kfid) to answer; unset: all that call.
    wechat_kf_accounts: tuple[str, ...] = ()
    # Seconds: what is older when an account is seen for the first time is left alone.
    wechat_kf_backlog: float = 600.0
    wechat_kf_api_base: str = "https://qyapi.weixin.qq.com"
    wechat_kf_api_timeout: float = 4.0
    # As for the Official Account.
    public_url: str = ""
    media_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_token(self, "wechat_kf_token")
        for name in ("wechat_kf_aes_key", "wechat_kf_previous_aes_key"):
            _check_key(self, name)
        _check_address(self, "wechat_kf_api_base")
        _check_address(self, "public_url")
        if not 0 < self.wechat_kf_api_timeout <= 60:
            refuse(self, "wechat_kf_api_timeout", "seconds from above 0 to 60")

    @property
    def missing(self) -> str:
        """What is needed and not set, as a line; empty when all is there."""
        wanted = ("corpid", "secret", "token", "aes_key")
        return _missing(self, [f"wechat_kf_{name}" for name in wanted])


def _missing(settings: object, names: list[str]) -> str:
    missing = [variable(name) for name in names if not getattr(settings, name)]
    if not missing:
        return ""
    return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set"


def _check_token(settings: object, name: str) -> None:
    token = getattr(settings, name)
    if token and not _TOKEN.fullmatch(token):
        refuse(settings, name, "the 3 to 32 letters and digits entered as Token in the console")


def _check_key(settings: object, name: str) -> None:
    key = getattr(settings, name)
    if not key:
        return
    try:
        decode_key(key)
    except ValueError as exc:
        refuse(settings, name, str(exc))


def _check_address(settings: object, name: str) -> None:
    address = getattr(settings, name)
    if address and not (
        urlsplit(address).scheme in ("http", "https") and urlsplit(address).hostname
    ):
        refuse(settings, name, "an address such as https://bot.shop.example")
