"""Bare values, leaving, meanings."""

import pytest

from actions.smalltalk import ActionDefaultAskAffirmation, ActionInform, ActionStop


@pytest.mark.parametrize(
    ("text", "entities", "response"),
    [
        ("XE1896015191", {"order_id": "XE1896015191"}, "utter_sign_in"),
        ("SF1234567890123", {"tracking_number": "SF1234567890123"}, "utter_sign_in"),
        ("耳机", {"category": "耳机"}, "utter_found_products"),
        ("Canada", {"region": "Canada"}, "utter_unclear_value"),
    ],
)
async def test_a_value_nobody_asked_for_does_what_one_most_likely_wants(
    chat, text, entities, response
):
    assert (await chat(ActionInform(), text, **entities)).names == [response]


async def test_leaving_forgets_what_was_asked_and_shown(chat):
    chat.slots = {"asked": "product", "shown": {"kind": "products", "ids": ["1"]}, "search": {}}
    answer = await chat(ActionStop(), "算了", "stop")
    assert answer.names == ["utter_stop"]
    assert answer.slots == {"asked": None, "shown": None, "search": None}


async def test_the_likely_meanings_are_offered_without_those_nobody_chooses(chat):
    ranking = ("nlu_fallback", "track_shipment", "send_image", "check_order", "inform", "stop")
    answer = await chat(ActionDefaultAskAffirmation(), "单子", "nlu_fallback", ranking=ranking)
    offered = [meaning["intent"] for meaning in answer.values["meanings"]]
    assert offered == ["track_shipment", "check_order", "stop"]
