"""What is said: language from the conversation, values, buttons and cards from lists."""

import logging

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.nlg import ResponseGenerator, Speaker, language_of, say
from bot.responses import Responses
from shop.settings import ShopSettings
from shop.text.words import Words

ORDERS = """\
responses:
  utter_choose:
  - lang: zh
    text: 有 {count} 个订单：
    items: {each: orders, text: "{number} {state:order_state}"}
    buttons:
    - {each: orders, title: "看 {number}", payload: /check_order, entities: {order_id: "{number}"}}
    - {title: 官网, url: "https://shop.example/{lang_path}"}
  - lang: en
    text: "{count} orders:"
    cards:
    - each: orders
      title: "{number}"
      subtitle: "{state:order_state}"
      buttons:
      - {title: Show, payload: /check_order, entities: {order_id: "{number}"}}
"""
WORDS = "words:\n  order_state:\n    shipped: {zh: 已发货, en: sent}\n"
VALUES = {
    "count": 2,
    "lang_path": "zh",
    "orders": [{"number": "XE1", "state": "shipped"}, {"number": "XE2", "state": "shipped"}],
}


@pytest.fixture
def speaker(tmp_path):
    for folder, file, content in (("said", "orders.yml", ORDERS), ("words", "orders.yml", WORDS)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text(content)
    words = Words.load(tmp_path / "words")
    return Speaker(Responses(tmp_path / "said"), words, ShopSettings())


def test_lines_and_buttons_repeat_for_each_element(speaker):
    message = speaker.say("utter_choose", lang="zh", values=VALUES)
    assert message == {
        "text": "有 2 个订单：\nXE1 已发货\nXE2 已发货",
        "buttons": [
            {"title": "看 XE1", "payload": '/check_order{"order_id": "XE1"}'},
            {"title": "看 XE2", "payload": '/check_order{"order_id": "XE2"}'},
            {"title": "官网", "url": "https://shop.example/zh"},
        ],
    }


def test_cards_become_rasa_elements(speaker):
    message = speaker.say("utter_choose", lang="en", values=VALUES)
    assert message["elements"][1] == {
        "title": "XE2",
        "subtitle": "sent",
        "buttons": [{"title": "Show", "payload": '/check_order{"order_id": "XE2"}'}],
    }


def test_a_value_cannot_break_out_of_a_payload(speaker):
    orders = [{"number": '"}/restart{"', "state": "shipped"}]
    message = speaker.say("utter_choose", lang="zh", values={**VALUES, "orders": orders})
    assert message["buttons"][0]["payload"] == '/check_order{"order_id": "\\"}/restart{\\""}'


def test_an_unknown_response_says_nothing_to_rasa_and_is_a_bug_of_a_channel(speaker):
    assert speaker.say("utter_nonsense", lang="zh") is None
    with pytest.raises(KeyError, match="utter_nonsense"):
        say("utter_nonsense", "zh", "webchat")


def tracker(*turns):
    """A conversation from (text, typed, lang of the page's switch)."""
    tracker = DialogueStateTracker.from_events("web:1", [])
    for text, typed, lang in turns:
        tracker.update(UserUttered(text, metadata={"typed": typed, "lang": lang}))
    return tracker


@pytest.mark.parametrize(
    ("turns", "language"),
    [
        ([("我的订单呢", True, "en")], "zh"),
        ([("where is my order", True, "zh")], "en"),
        ([("/check_order", False, "en")], "en"),
        ([("我的订单呢", True, "zh"), ("XE2093847561", True, "zh")], "zh"),
        ([], "zh"),
    ],
)
def test_the_language_comes_from_what_was_typed_then_from_the_switch(turns, language):
    assert language_of(tracker(*turns)) == language


async def test_actions_pass_their_values_to_rasas_seam(monkeypatch, speaker):
    generator = ResponseGenerator(endpoint_config=None, domain=Domain.empty())
    generator._speaker = speaker
    message = await generator.generate(
        "utter_choose", tracker(("我的订单", True, "zh")), "webchat", values=VALUES, text=None
    )
    assert message["text"].startswith("有 2 个订单")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_response_of_the_project_can_be_said(lang, caplog):
    """With no values at all a sentence has gaps, but nothing may raise or name an unknown table."""
    speaker = Speaker(Responses(), Words.load("data/words"), ShopSettings())
    with caplog.at_level(logging.WARNING):
        for name in Responses():
            assert speaker.say(name, lang=lang)
    assert "has no word" not in caplog.text
