"""What the channels say themselves stands in data/responses/channels.yml, in both languages."""

from __future__ import annotations

import pytest

from bot import nlg
from bot.channels.messages import Choices, Text, from_rasa
from shop.text.language import detect


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    "name, values",
    [
        ("utter_welcome", {}),
        ("utter_apology", {}),
        ("utter_starting", {}),
        ("utter_one_moment", {}),
        ("utter_too_long", {"limit": 2000}),
        ("utter_empty", {"limit": 2000}),
        ("utter_expired", {}),
    ],
)
def test_a_sentence_is_there(name: str, values: dict[str, int], lang: str) -> None:
    (message,) = from_rasa(nlg.say(name, lang, "webchat", **values))
    assert isinstance(message, (Text, Choices)) and message.text
    assert detect(message.text) == lang
    assert "{" not in message.text


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    ("channel", "goes_on"),
    [("webchat", True), ("telegram", True), ("wechat", False), ("wechat_kf", False)],
)
def test_only_where_no_desk_takes_over_the_bot_offers_to_go_on(
    channel: str, goes_on: bool, lang: str
) -> None:
    said = nlg.say("utter_human_requested", lang, channel, reference="R-17")
    text = str(said["text"])
    assert detect(text) == lang and "R-17" in text and "9:00–21:00" in text
    assert said["custom"] == {"handover": True}
    assert ("继续问我" in text or "go on asking me" in text) == goes_on
