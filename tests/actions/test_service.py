"""Asking for a person."""

from actions.service import ActionRequestHuman

HUMAN = ActionRequestHuman()


async def test_a_request_is_recorded_once_and_repeated_with_its_reference(chat):
    first = await chat(HUMAN, "转人工", "request_human")
    second = await chat(HUMAN, "talk to a person", "request_human")
    assert first.names == ["utter_human_requested"]
    assert second.names == ["utter_human_already_requested"]
    assert first.values["reference"] == second.values["reference"]


async def test_a_visitor_may_ask_too(chat):
    assert (await chat(HUMAN, "人工", "request_human")).names == ["utter_human_requested"]
