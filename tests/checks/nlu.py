"""What any NLU component of ours must do; a test class inherits and says how one is trained."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from rasa.shared.nlu.training_data.message import Message

from tests.hostile_texts import hostile_texts

Parse = Callable[[str], Message]


def outcome(message: Message) -> tuple[Any, ...]:
    """What a message says in the end, comparable."""
    return message.get("intent"), message.get("intent_ranking"), message.get("entities")


class NluChecks:
    """Subclasses give the fixtures `parse` (a trained component), `parse_again` (the same one,
    written and read back), `parse_twin` (trained again on the same data) and `sentences`."""

    def test_the_first_of_the_ranking_is_the_intent(
        self, parse: Parse, sentences: list[str]
    ) -> None:
        for text in sentences:
            message = parse(text)
            ranking = message.get("intent_ranking")
            assert message.get("intent") == ranking[0]
            confidences = [entry["confidence"] for entry in ranking]
            assert confidences == sorted(confidences, reverse=True)
            assert all(0 <= c <= 1 for c in confidences) and sum(confidences) <= 1.001

    def test_entities_are_exact_and_do_not_overlap(
        self, parse: Parse, sentences: list[str]
    ) -> None:
        for text in sentences:
            end = 0
            for entity in parse(text).get("entities"):
                assert entity["value"] == text[entity["start"] : entity["end"]] != ""
                assert entity["start"] >= end
                end = entity["end"]

    def test_no_entity_cuts_a_token(self, parse: Parse, sentences: list[str]) -> None:
        for text in sentences:
            message = parse(text)
            borders = {t.start for t in message.get("text_tokens")}
            borders |= {t.end for t in message.get("text_tokens")}
            for entity in message.get("entities"):
                assert {entity["start"], entity["end"]} <= borders

    def test_what_was_written_is_what_is_read(
        self, parse: Parse, parse_again: Parse, sentences: list[str]
    ) -> None:
        for text in sentences:
            assert outcome(parse(text)) == outcome(parse_again(text))

    def test_the_same_seed_gives_the_same_model(
        self, parse: Parse, parse_twin: Parse, sentences: list[str]
    ) -> None:
        for text in sentences:
            assert outcome(parse(text)) == outcome(parse_twin(text))

    def test_the_answer_does_not_depend_on_what_was_asked_before(
        self, parse: Parse, sentences: list[str]
    ) -> None:
        first = {text: outcome(parse(text)) for text in sentences}
        for text in random.Random(0).sample(sentences, len(sentences)):
            assert outcome(parse(text)) == first[text]

    def test_hostile_texts_get_an_answer_in_bounded_time(self, parse: Parse) -> None:
        slowest = 0.0
        for text in hostile_texts():
            began = time.perf_counter()
            message = parse(text)
            slowest = max(slowest, time.perf_counter() - began)
            assert "name" in message.get("intent")
            for entity in message.get("entities"):
                assert entity["value"] == text[entity["start"] : entity["end"]]
        assert slowest < 2

    @pytest.mark.parametrize("text", ["", " ", "\n", "\u200b", "\0"])
    def test_nothing_to_read_is_no_intent(self, parse: Parse, text: str) -> None:
        message = parse(text)
        assert message.get("intent") == {"name": None, "confidence": 0.0}
        assert message.get("entities") == []
