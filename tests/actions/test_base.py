"""What every action does alike: its name, its errors, the time it may take."""

import logging
import re
import time
from pathlib import Path

import pytest

from actions import base
from actions.orders import ActionCheckOrder
from actions.shipping import ActionTrackShipment
from bot.responses import Responses
from shop.errors import NotAllowed, NotSignedIn, Unavailable
from tests.actions.conftest import Chat


class ActionProbe(base.ShopAction):
    """Does what a test tells it to."""

    def __init__(self, work=lambda turn: None):
        self._work = work

    def work(self, turn):
        turn.say("utter_greet")
        self._work(turn)


def failing(error):
    def work(turn):
        raise error

    return ActionProbe(work)


def test_the_name_in_the_domain_follows_from_the_class():
    assert ActionProbe().name() == "action_probe"


@pytest.mark.parametrize(
    ("error", "response"),
    [
        (NotSignedIn("orders"), ("utter_sign_in", {"again": "inform"})),
        (Unavailable("locked"), ("utter_unavailable", {})),
        (ZeroDivisionError(), ("utter_apology", {})),
    ],
)
async def test_an_error_becomes_one_sentence_and_nothing_half_said(chat, error, response):
    assert (await chat(failing(error), "你好")).said == [response]


@pytest.mark.parametrize(
    ("text", "entities", "again"),
    [
        ("我的订单", {}, "check_order"),
        (
            "查订单XE1234567890",
            {"order_id": "XE1234567890"},
            'check_order{"order_id": "XE1234567890"}',
        ),
        ("my 黑色 one", {"color": "黑色"}, 'check_order{"color": "黑色"}'),
    ],
)
async def test_whoever_has_signed_in_goes_on_by_a_tap(chat, text, entities, again):
    answer = await chat(ActionCheckOrder(), text, "check_order", **entities)
    assert answer.said == [("utter_sign_in", {"again": again})]


async def test_a_database_that_is_gone_is_an_apology_and_comes_back(chat, database):
    chat.sign_in("several_orders")
    base.shop().engine.dispose()
    base.identity()._engine.dispose()
    away = database.rename(database.with_suffix(".away"))
    assert (await chat(ActionCheckOrder(), "订单", "check_order")).names == ["utter_unavailable"]
    away.rename(database)
    assert (await chat(ActionCheckOrder(), "订单", "check_order")).names == ["utter_choose_order"]


@pytest.mark.parametrize(
    ("action", "text", "intent"),
    [
        (ActionCheckOrder(), "我的订单", "check_order"),
        (ActionCheckOrder(), "where is my order", "check_order"),
        (ActionTrackShipment(), "查物流", "track_shipment"),
    ],
)
@pytest.mark.parametrize(
    ("metadata", "link"),
    [({"private_chat": "https://t.me/xiaoer_bot"}, "https://t.me/xiaoer_bot"), ({}, "")],
)
async def test_in_a_group_personal_data_are_for_the_private_chat(
    database, action, text, intent, metadata, link
):
    member = Chat("tg:-1001234567890:42")
    answer = await member(action, text, intent, metadata=metadata)
    assert answer.said == [("utter_private", {"link": link})]


async def test_who_asks_in_private_is_asked_to_sign_in(database):
    assert (await Chat("tg:42")(ActionCheckOrder(), "我的订单")).names == ["utter_sign_in"]


async def test_another_rule_that_is_broken_is_no_matter_of_groups(chat):
    assert (await chat(failing(NotAllowed("too_late")), "你好")).names == ["utter_unavailable"]


async def test_work_that_takes_too_long_is_an_apology_in_time(chat, monkeypatch):
    monkeypatch.setattr(base, "WORK_TIMEOUT_S", 0.1)
    started = time.monotonic()
    slow = ActionProbe(lambda turn: time.sleep(0.5))
    assert (await chat(slow, "你好")).names == ["utter_unavailable"]
    assert time.monotonic() - started < 0.4


async def test_what_a_shopper_wrote_stays_out_of_the_log(chat, caplog):
    with caplog.at_level(logging.INFO):
        await chat(failing(Unavailable("locked")), "我的手机号13800138000")
    assert "13800138000" not in caplog.text


@pytest.mark.parametrize(
    ("texts", "lang"),
    [(["查订单"], "zh"), (["check my order"], "en"), (["where is it", "/check_order"], "en")],
)
async def test_the_language_is_that_of_the_last_typed_text(chat, texts, lang):
    heard = []
    for text in texts:
        await chat(ActionProbe(lambda turn: heard.append(turn.lang)), text)
    assert heard[-1] == lang


def test_every_response_that_an_action_says_exists():
    said = {
        name
        for path in Path("actions").glob("*.py")
        for name in re.findall(r'"(utter_\w+)"', path.read_text())
    }
    assert said
    assert said <= set(Responses())
