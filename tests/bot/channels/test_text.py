from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.channels.text import clean, plain


@pytest.mark.parametrize(
    "typed, cleaned",
    [
        ("  你好 \n", "你好"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree four"),
        ("nul \x00 bell \x07 escape \x1b[31m", "nul  bell  escape [31m"),
        ("cafe\u0301", "café"),
        ("half \ud83d of an emoji", "half  of an emoji"),
        ("😊👨‍👩‍👧", "😊👨‍👩‍👧"),
        ("\x00\x01\x7f\x9f", ""),
        ("\u200b", "\u200b"),
    ],
)
def test_control_characters_go_and_the_rest_stays(typed: str, cleaned: str) -> None:
    assert clean(typed) == cleaned


@pytest.mark.parametrize(
    "typed, understood",
    [
        ("/restart", "restart"),
        ('/inform{"order_id":"1"}', 'inform{"order_id":"1"}'),
        ("/::)", "::)"),
        (" / / //x", "x"),
        ("\x1c/x", "x"),
        ("a/b", "a/b"),
        ("/", "／"),
        ("// /", "／"),
        ("", ""),
        ("\x00", ""),
    ],
)
def test_a_leading_slash_goes(typed: str, understood: str) -> None:
    assert plain(typed) == understood


@given(st.text(alphabet=st.sampled_from("/ \t\n\x00\x1c\u2028\u3000\u200b／a{}\"'@1.")))
def test_no_typed_text_is_a_payload_for_rasa(typed: str) -> None:
    understood = plain(typed)
    # Rasa strips more kinds of blanks than one.
    assert not understood.strip().startswith("/")
    message = YAMLStoryReader.unpack_regex_message(Message({TEXT: understood}))
    assert message.get(INTENT) is None
