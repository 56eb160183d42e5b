"""Designers' sentences: what is read, what is refused and how it is said where the mistake is."""

import logging
import os

import pytest

from bot.responses import Responses, ResponsesError

GREET = """\
responses:
  utter_greet:
  - lang: zh
    text: 您好
  - lang: en
    text: Hello
  - lang: en
    channel: telegram
    text: Hello on Telegram
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "smalltalk.yml").write_text(GREET)
    return tmp_path


def edit(path, text):
    """Writes a file so that its time changes, however fast the test is."""
    path.write_text(text)
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))


@pytest.mark.parametrize(
    ("lang", "channel", "text"),
    [
        ("zh", "webchat", "您好"),
        ("en", "webchat", "Hello"),
        ("en", "telegram", "Hello on Telegram"),
        # A variation for the channel in another language does not beat the language.
        ("zh", "telegram", "您好"),
    ],
)
def test_language_first_then_channel(folder, lang, channel, text):
    eligible = Responses(folder).eligible("utter_greet", lang=lang, channel=channel)
    assert [variation["text"] for variation in eligible] == [text]


def test_conditions_on_slots_work_as_in_rasa(folder):
    (folder / "orders.yml").write_text(
        GREET.replace("utter_greet", "utter_hint").replace(
            "    text: 您好",
            "    text: 贵宾您好\n"
            "    condition:\n    - {type: slot, name: level, value: gold}\n"
            "  - lang: zh\n    text: 您好",
        )
    )
    responses = Responses(folder)

    def said(slots):
        eligible = responses.eligible("utter_hint", lang="zh", channel="", slots=slots)
        return [variation["text"] for variation in eligible]

    assert said({"level": "gold"}) == ["贵宾您好"]
    assert said({}) == ["您好"]


def test_an_edited_sentence_is_said_from_the_next_message_on(folder):
    responses = Responses(folder)
    edit(folder / "smalltalk.yml", GREET.replace("您好", "欢迎光临"))
    responses.refresh()
    assert responses.variations("utter_greet")[0]["text"] == "欢迎光临"


def test_new_and_removed_files_are_noticed(folder):
    responses = Responses(folder)
    (folder / "orders.yml").write_text(GREET.replace("utter_greet", "utter_new"))
    responses.refresh()
    assert set(responses) == {"utter_greet", "utter_new"}
    (folder / "smalltalk.yml").unlink()
    responses.refresh()
    assert set(responses) == {"utter_new"}


def test_a_file_broken_while_the_bot_runs_is_reported_once_and_its_last_version_stays(
    folder, caplog
):
    responses = Responses(folder)
    edit(folder / "smalltalk.yml", GREET.replace("    text: Hello\n", "    text: Hello: you\n"))
    with caplog.at_level(logging.ERROR):
        responses.refresh()
        responses.refresh()
    assert [variation["text"] for variation in responses.variations("utter_greet")][:2] == [
        "您好",
        "Hello",
    ]
    assert len(caplog.messages) == 1
    assert "smalltalk.yml:6" in caplog.text


@pytest.mark.parametrize(
    ("wrong", "line", "message"),
    [
        (GREET.replace("text: 您好", "text: [您好"), 5, "this is not YAML"),
        (GREET.replace("text: 您好", "txt: 您好"), 3, "unknown key 'txt'"),
        (GREET.replace("lang: zh", "lang: cn"), 3, "'lang: cn' is not zh or en"),
        (GREET.replace("lang: en", "lang: zh"), 2, "no variation with 'lang: en'"),
        (GREET.replace("utter_greet", "greet"), 2, "begins with 'utter_'"),
        ("rules: []\n", 1, "needs the key 'responses:'"),
        (
            GREET.replace("text: 您好", "text: 您好\n    buttons: [{title: 好}]"),
            3,
            "either 'payload:' or 'url:'",
        ),
        (
            GREET.replace("text: 您好", "text: 您好\n    buttons: [{title: 好, payload: greet}]"),
            3,
            "must begin with '/'",
        ),
        (GREET.replace("text: 您好", "cards: [{subtitle: 好}]"), 3, "'title:' is missing"),
        (GREET.replace("您好", "您好 {name"), 3, "in '您好 {name': expected '}'"),
        (GREET.replace("Hello", "Hello name}"), 5, "in 'Hello name}': Single '}'"),
        (GREET.replace("您好", "您好 {}"), 3, "'{}' names no value"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(tmp_path, wrong, line, message):
    (tmp_path / "smalltalk.yml").write_text(wrong)
    with pytest.raises(ResponsesError) as raised:
        Responses(tmp_path)
    assert f"smalltalk.yml:{line}:" in str(raised.value)
    assert message in str(raised.value)


def test_a_name_in_two_files_is_refused(folder):
    (folder / "orders.yml").write_text(GREET)
    with pytest.raises(ResponsesError, match=r"utter_greet stands in .*orders.yml already"):
        Responses(folder)
