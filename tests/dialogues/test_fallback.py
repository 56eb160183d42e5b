"""When the bot is unsure: it offers meanings, asks again, then offers a person.

What the NLU is unsure of changes with every training, so these do not hang on one message: the
first of several murky ones that is not understood starts the dialogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.responses import Responses
from tools.webchat import Shopper

pytestmark = pytest.mark.servers

RESPONSES = Responses()
MURKY = {
    "zh": (
        "嗯那个啥就是那个东西它怎么弄来着",
        "就那个嘛你懂的",
        "上次那个事情后来怎么说的",
        "这个那个都一样吗还是怎样",
        "订单退款快递发票地址",
        "我想问一下那个可以的话怎么操作比较好呢",
        "红的三百查一下退",
        "哎呀就是它不对劲啦帮我弄弄",
    ),
    "en": (
        "the thing with the other thing you know",
        "about that stuff from before how does it go",
        "order refund parcel invoice address",
        "can you sort it so it's the way it was",
        "so it just sort of did the usual again",
        "blue return when price maybe",
        "what about doing that one for it then",
        "is that how it goes with those or not really",
    ),
}


def is_said(items: list[dict[str, Any]], name: str, lang: str) -> bool:
    texts = [v["text"].strip() for v in RESPONSES.variations(name) if v["lang"] == lang]
    return any((item.get("text") or "").strip() in texts for item in items)


@contextmanager
def shopper(servers: Any, lang: str) -> Iterator[Shopper]:
    someone = Shopper(servers.address, lang=lang)
    try:
        yield someone
    finally:
        someone.leave()


def unclear(servers: Any, lang: str) -> list[str]:
    """The murky messages that this model does not understand, at the begin of a conversation."""
    found = []
    for text in MURKY[lang]:
        with shopper(servers, lang) as someone:
            if is_said(someone.say(text), "utter_ask_meaning", lang):
                found.append(text)
        if len(found) == 2:
            return found
    raise AssertionError(f"nothing of this is unclear to the bot any more: {MURKY[lang]}")


def options(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [option for item in items for option in item.get("options", [])]


@pytest.mark.parametrize(("lang", "clear"), [("zh", "你能做什么"), ("en", "what can you do?")])
def test_unsure_the_bot_offers_meanings_asks_again_and_at_last_offers_a_person(
    servers: Any, lang: str, clear: str
) -> None:
    first, second = unclear(servers, lang)
    with shopper(servers, lang) as someone:
        offered = options(someone.say(first))
        assert 2 <= len(offered) <= 4, "likely meanings, and none of these"
        assert is_said(someone.tap(offered[-1]), "utter_ask_rephrase", lang)
        offered = options(someone.say(second))
        gives_up = someone.tap(offered[-1])
        assert is_said(gives_up, "utter_default", lang)
        assert len(options(gives_up)) == 2, "a person, and what the bot can do"
        heard = someone.say(clear)
        assert is_said(heard, "utter_ask_capabilities", lang), "and the conversation goes on"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_who_is_not_understood_twice_in_a_row_is_offered_a_person(servers: Any, lang: str) -> None:
    first, second = unclear(servers, lang)
    with shopper(servers, lang) as someone:
        someone.say(first)
        assert is_said(someone.say(second), "utter_default", lang)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_tapped_meaning_is_done(servers: Any, lang: str) -> None:
    first, _ = unclear(servers, lang)
    with shopper(servers, lang) as someone:
        offered = options(someone.say(first))
        heard = someone.tap(offered[0])
    assert heard
    for name in ("utter_ask_meaning", "utter_ask_rephrase", "utter_default", "utter_apology"):
        assert not is_said(heard, name, lang), heard
