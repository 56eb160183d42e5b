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
