"""The scripts themselves: what fits, what does not, and how the difference is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.filling import Filling
from bot.responses import Responses
from tests.dialogues.script import Mismatch, Rehearsal, read_dialogues

RESPONSES = """\
responses:
  utter_choose:
  - lang: zh
    text: 您有 {count} 个订单，想看哪一个？
  - lang: en
    text: You have {count} orders. Which one?
  utter_found:
  - lang: zh
    text: 找到这些：
    cards: [{each: products, title: "{name}"}]
  - lang: en
    text: "Found:"
    cards: [{each: products, title: "{name}"}]
"""


class Parrot:
    """A conversation that answers what it was told to."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.tapped = []

    def say(self, text):
        return self._answers.pop(0)

    def tap(self, option):
        self.tapped.append(option["key"])
        return self._answers.pop(0)


def choices(text, *titles):
    options = [{"title": title, "key": f"key-{title}"} for title in titles]
    return {"type": "choices", "text": text, "options": options}


def cards(*titles):
    return {"type": "cards", "cards": [{"title": title, "options": []} for title in titles]}


def play(tmp_path: Path, steps: str, *answers, rows=None):
    """Plays one script; each answer is a list of items."""
    script = tmp_path / "scripts" / "orders.yml"
    script.parent.mkdir()
    script.write_text(f"dialogues:\n- name: 试一试\n  lang: zh\n  steps:\n{steps}")
    (tmp_path / "said").mkdir()
    (tmp_path / "said" / "orders.yml").write_text(RESPONSES)

    def filling(lang):
        return Filling(lang=lang, word=lambda *_: None, timezone="UTC", currency="CNY")

    counts = iter(rows or [])
    parrot = Parrot(*answers)
    (dialogue,) = read_dialogues(script.parent)
    responses = Responses(tmp_path / "said")
    Rehearsal(dialogue, parrot, responses, filling, lambda table: next(counts)).play()
    return parrot


def test_a_fitting_answer_passes_whatever_fills_the_values_not_named(tmp_path):
    steps = "  - shopper: 查订单\n  - bot: utter_choose\n"
    play(tmp_path, steps, [choices("您有 7 个订单，想看哪一个？", "A")])


def test_a_named_value_must_be_the_one_said(tmp_path):
    steps = "  - shopper: 查订单\n  - bot: utter_choose\n    with: {count: 2}\n"
    with pytest.raises(Mismatch) as raised:
        play(tmp_path, steps, [choices("您有 7 个订单，想看哪一个？", "A", "B")])
    assert str(raised.value).split("\n", 1)[1] == (
        "    shopper: 查订单\n"
        "  expected utter_choose (zh): 您有 {count} 个订单，想看哪一个？ with {'count': 2}\n"
        "  heard    您有 7 个订单，想看哪一个？  [A] [B]"
    )


def test_the_language_of_the_page_is_expected_unless_the_script_says_another(tmp_path):
    steps = "  - shopper: my orders\n  - bot: utter_choose\n    in: en\n"
    play(tmp_path, steps, [choices("You have 7 orders. Which one?", "A")])


def test_an_answer_in_the_wrong_language_does_not_fit(tmp_path):
    steps = "  - shopper: 查订单\n  - bot: utter_choose\n"
    with pytest.raises(Mismatch):
        play(tmp_path, steps, [choices("You have 7 orders. Which one?", "A")])


def test_buttons_and_cards_by_number_or_title(tmp_path):
    steps = (
        "  - shopper: 找耳机\n  - bot: utter_found\n    cards: [降噪]\n"
        "  - shopper: 查订单\n  - bot: utter_choose\n    buttons: 2\n"
    )
    found = [{"type": "text", "text": "找到这些："}, cards("降噪耳机", "音箱")]
    play(tmp_path, steps, found, [choices("您有 2 个订单，想看哪一个？", "A", "B")])


@pytest.mark.parametrize("wanted", ["3", "[C]"])
def test_missing_buttons_are_shown_with_those_that_are_there(tmp_path, wanted):
    steps = f"  - shopper: 查订单\n  - bot: utter_choose\n    buttons: {wanted}\n"
    with pytest.raises(Mismatch, match=r"there are \['A', 'B'\]"):
        play(tmp_path, steps, [choices("您有 2 个订单，想看哪一个？", "A", "B")])


@pytest.mark.parametrize(("tap", "key"), [("1", "key-A-1"), ("B", "key-B-2")])
def test_a_tap_by_number_or_part_of_the_title(tmp_path, tap, key):
    steps = f"  - shopper: 查订单\n  - bot: utter_choose\n  - tap: {tap}\n  - bot: utter_choose\n"
    answer = [choices("您有 2 个订单，想看哪一个？", "A-1", "B-2")]
    assert play(tmp_path, steps, answer, answer).tapped == [key]


def test_silence_and_an_answer_too_many_are_mismatches(tmp_path):
    with pytest.raises(Mismatch, match="heard    nothing"):
        play(tmp_path, "  - shopper: 查订单\n  - bot: utter_choose\n", [])


def test_an_answer_nobody_expected_is_a_mismatch(tmp_path):
    with pytest.raises(Mismatch, match="expected nothing more"):
        play(tmp_path, "  - shopper: 查订单\n", [{"type": "text", "text": "？"}])


def test_rows_added_since_the_dialogue_began(tmp_path):
    play(tmp_path, "  - rows: {handover: 1}\n", rows=[4, 5])


def test_rows_not_added_are_a_mismatch(tmp_path):
    with pytest.raises(Mismatch, match="1 more rows in handover, found 0"):
        play(tmp_path, "  - rows: {handover: 1}\n", rows=[4, 4])


def test_an_unknown_step_is_named_with_its_line(tmp_path):
    with pytest.raises(ValueError, match=r"orders.yml:5: none of"):
        play(tmp_path, "  - shoper: 查订单\n")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("- name: a\n  steps: []\n", r"orders.yml:2: the dialogue needs 'lang:'"),
        ("- name: a\n  lang: zh\n  stepz: []\n", r"orders.yml:2: 'stepz:' is not one of"),
        (
            "- name: 甲\n  lang: zh\n  steps:\n  - bot: utter_greet\n    button: [好]\n",
            r"orders.yml:5: 'button:' cannot stand beside 'bot:'",
        ),
        (
            "- name: 甲\n  lang: zh\n  steps:\n  - shopper: hi\n    buttons: 1\n",
            r"orders.yml:5: 'buttons:' cannot stand beside 'shopper:'",
        ),
    ],
)
def test_a_key_that_is_unknown_or_missing_is_named_with_its_line(tmp_path, script, message):
    (tmp_path / "orders.yml").write_text(f"dialogues:\n{script}")
    with pytest.raises(ValueError, match=message):
        read_dialogues(tmp_path)
