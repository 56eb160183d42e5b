"""`make doctor`: checks settings, addresses and the clock, and says what is wrong."""

from __future__ import annotations

from bot import quiet  # noqa: F401  (must come before Rasa)

# isort: split
import dataclasses
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from bot.channels.base import ChannelSettings
from bot.channels.state import StateSettings
from bot.channels.telegram.diagnosis import Finding
from bot.channels.telegram.diagnosis import diagnose as diagnose_telegram
from bot.channels.telegram.settings import TelegramSettings
from bot.channels.web.connector import WebSettings
from bot.channels.web.diagnosis import diagnose as diagnose_web
from bot.channels.wechat.diagnosis import diagnose as diagnose_wechat
from bot.channels.wechat.settings import WechatKfSettings, WechatSettings
from bot.tracker_store import TrackerSettings
from shop.errors import SettingsError, ShopError
from shop.recommend.service import RecommendSettings
from shop.settings import PREFIX, ShopSettings, read, variable
from shop.sql import open_shop
from shop.text.encoder import EncoderSettings
from tools import environment, prepare

GROUPS: tuple[type[Any], ...] = (
    *(ShopSettings, EncoderSettings, RecommendSettings),
    *(ChannelSettings, StateSettings, TrackerSettings),
    *(WebSettings, TelegramSettings, WechatSettings, WechatKfSettings),
)
# A sign-in token lives five minutes; a clock further off than this refuses good ones.
CLOCK_TOLERANCE_S = 10
TIMEOUT_S = 5


def main() -> int:
    environment.load()
    worst = 0
    for level, message in told_once(
        *(settings, secrets, shop, models, servers, clock),
        *(diagnose_web, diagnose_telegram, diagnose_wechat),
    ):
        print(f"{level:8}{message}")
        worst = max(worst, level == "error")
    return worst


def told_once(*checks: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What the checks find; the reason for several things is told with the first of them."""
    told: dict[str, str] = {}
    for check in checks:
        for level, message in check():
            if message in told:
                continue
            told[message] = level
            for reason, grade in told.items():
                if grade == "error" and message.endswith(f": {reason}"):
                    message = f"{message.removesuffix(reason)}see above"
                    break
            yield level, message


def settings() -> Iterator[Finding]:
    """Every setting that is set, and every one that cannot be."""
    known = set()
    for group in GROUPS:
        fields = dataclasses.fields(group)
        known |= {variable(field.name) for field in fields}
        try:
            values = read(group)
        except SettingsError as error:
            yield "error", str(error)
            continue
        for field in fields:
            if os.environ.get(variable(field.name)):
                shown = getattr(values, field.name) if field.repr else "(secret)"
                yield "ok", f"{variable(field.name)}={shown}"
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            yield "warning", f"{name} is no setting; is it misspelled?"


def secrets() -> Iterator[Finding]:
    """Whether this machine may be reached by strangers as it is."""
    values = _read(ShopSettings)
    if values is None:
        return
    if not values.secret:
        yield "error", "XIAOER_SECRET is not set: nobody can chat or sign in"
    if values.demo and values.host not in ("127.0.0.1", "::1", "localhost"):
        yield "error", f"XIAOER_DEMO=yes with XIAOER_HOST={values.host}: set XIAOER_DEMO=no"


def shop() -> Iterator[Finding]:
    """Whether the shop's database answers."""
    values = _read(ShopSettings)
    if values is None:
        return
    try:
        backend = open_shop(values)
        samples = backend.sample_customers()
        backend.customer(samples[0].customer.id if samples else 1)
    except ShopError as error:
        yield (
            "error",
            f"the shop's database does not answer ({error}): see XIAOER_DATABASE_URL",
        )
        return
    yield "ok", "the shop's database answers" + (" (the sample shop)" if samples else "")


def models() -> Iterator[Finding]:
    """Whether there is something to understand with."""
    if prepare.MODEL.exists():
        yield "ok", f"{prepare.MODEL} is there"
    else:
        yield "warning", f"{prepare.MODEL} is missing: make train"


def servers() -> Iterator[Finding]:
    """Whether both servers answer, and what the web channel says of itself."""
    values = _read(ShopSettings)
    if values is None:
        return
    for name, address in (
        ("the Rasa server", f"http://{values.host}:{values.port}/webhooks/webchat/"),
        ("the action server", f"http://127.0.0.1:{values.action_port}/health"),
    ):
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT_S) as response:
                status = json.load(response).get("status")
            yield ("ok" if status == "ok" else "warning"), f"{name} at {address} says: {status}"
        except (OSError, ValueError) as error:
            yield "warning", f"{name} does not answer at {address} ({error}): make run"


def clock() -> Iterator[Finding]:
    """Whether this machine's clock agrees with the shop's own page."""
    values = _read(WebSettings)
    for origin in values.web_origins if values else ():
        try:
            with urllib.request.urlopen(origin, timeout=TIMEOUT_S) as response:
                theirs = response.headers["Date"]
        except urllib.error.HTTPError as error:
            theirs = error.headers["Date"]
        except OSError as error:
            yield "warning", f"{origin} of XIAOER_WEB_ORIGINS cannot be reached ({error})"
            continue
        apart = (parsedate_to_datetime(theirs) - datetime.now(timezone.utc)).total_seconds()
        if abs(apart) > CLOCK_TOLERANCE_S:
            yield "error", f"the clock is {apart:+.0f} s off that of {origin}: sign-ins will fail"
        else:
            yield "ok", f"the clock agrees with that of {origin}"


def _read(group: type[Any]) -> Any:
    """The settings of a group; None where `settings` has said already what is wrong."""
    try:
        return read(group)
    except SettingsError:
        return None


if __name__ == "__main__":
    sys.exit(main())
