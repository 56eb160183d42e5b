"""Words for codes: said, found, reread while running, and wrong files named."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from shop.text.words import Words, WordsError, shop_words

COLOURS = """
words:
  colour:
    black: {zh: [黑色, 黑], en: [black, jet black]}
    blue: {zh: 蓝色, en: blue}
    navy: {zh: [藏青色, 深蓝色, 深蓝], en: [navy, navy blue, dark blue]}
  size:
    XL: XL
    42: {zh: 42码, en: size 42}
  kind:
    shoes: {zh: 鞋, en: [shoes, sneakers]}
    dress: {zh: 连衣裙, en: dress}
    t_shirt: {zh: T恤, en: t-shirt}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "colour.yml").write_text(COLOURS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def words(folder: Path) -> Words:
    return Words.load(folder)


@pytest.mark.parametrize(
    ("table", "code", "lang", "expected"),
    [
        ("colour", "navy", "zh", "藏青色"),
        ("colour", "navy", "en", "navy"),
        ("size", "XL", "zh", "XL"),
        ("size", "42", "en", "size 42"),
        ("colour", "navy", "fr", "藏青色"),
        ("colour", "octarine", "zh", None),
        ("nothing", "black", "zh", None),
    ],
)
def test_the_bot_says_the_first_word(
    words: Words, table: str, code: str, lang: str, expected: str | None
) -> None:
    assert words.say(table, code, lang) == expected


@pytest.mark.parametrize(
    ("table", "text", "expected"),
    [
        ("colour", "我要黑色的", {"black": "黑色"}),
        ("colour", "黑", {"black": "黑"}),
        ("colour", "要黑的", {"black": "黑"}),
        ("colour", "黑科技", {}),
        ("colour", "老黑", {}),
        ("colour", "深蓝色或者藍色", {"navy": "深蓝色", "blue": "藍色"}),
        ("colour", "the NAVY  one", {"navy": "NAVY"}),
        ("colour", "navy-blue or black?", {"navy": "navy-blue", "black": "black"}),
        ("colour", "ｂｌａｃｋ", {"black": "ｂｌａｃｋ"}),
        ("colour", "blackberry", {}),
        ("colour", "黑色black", {"black": "black"}),
        ("size", "xl码", {"XL": "xl"}),
        ("size", "XXL", {}),
        ("kind", "one shoe", {"shoes": "shoe"}),
        ("kind", "two dresses", {"dress": "dresses"}),
        ("kind", "tee shirts, T shirts", {"t_shirt": "T shirts"}),
        ("kind", "跑步鞋", {}),  # one character inside a word
        ("kind", "鞋", {"shoes": "鞋"}),
        ("nothing", "black", {}),
    ],
)
def test_codes_are_found_by_words_of_both_languages(
    words: Words, table: str, text: str, expected: dict[str, str]
) -> None:
    found = words.find(table, text)
    assert {code: text[start:end] for code, start, end in found} == expected


def test_a_word_of_two_codes_gives_both(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text("words: {t: {a: same, b: {zh: 同, en: same}}}", "utf-8")
    assert [code for code, *_ in Words.load(tmp_path).find("t", "same")] == ["a", "b"]


def test_misspellings_are_read_right(folder: Path) -> None:
    (folder / "typos.yml").write_text("typos: {兰色: 蓝色, blak: black}", "utf-8")
    words = Words.load(folder)
    read = words.read("兰色 or Blak")
    assert read.text == "蓝色 or black"
    assert words.find("colour", read) == [("blue", 0, 2), ("black", 6, 10)]


def touch(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    later = time.time_ns() + 1_000_000_000
    os.utime(path, ns=(later, later))


def test_an_edited_file_counts_at_once(words: Words, folder: Path) -> None:
    assert words.find("colour", "黑色") != []
    touch(folder / "colour.yml", "words: {colour: {black: {zh: 乌黑, en: [ebony]}}}")
    assert words.say("colour", "black", "zh") == "乌黑"
    assert words.find("colour", "ebony 黑色") == [("black", 0, 5)]


def test_a_new_file_and_a_removed_one_count_at_once(words: Words, folder: Path) -> None:
    (folder / "carrier.yml").write_text("words: {carrier: {sf: {zh: 顺丰, en: SF}}}", "utf-8")
    assert words.say("carrier", "sf", "en") == "SF"
    (folder / "colour.yml").unlink()
    assert words.codes("colour") == ()


def test_a_file_broken_while_running_is_reported_once_and_its_last_version_kept(
    words: Words, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    touch(folder / "colour.yml", "words: {colour: {black: {zh: 黑色}}}")
    for _ in range(3):
        assert words.say("colour", "navy", "en") == "navy"
    assert [record.getMessage() for record in caplog.records] == [
        f"{folder}/colour.yml:1: 'black' has no word in 'en'. The last good version stays in use."
    ]


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        ("words:\n  c:\n    x: {zh: a, en: b\n  d: 1\n", 4, "this is not YAML"),
        ("words:\n  c:\n    x: {zh: a}\n", 3, "'x' has no word in 'en'"),
        ("words:\n  c:\n    x: {zh: a, en: b, fr: c}\n", 3, "has words in 'fr'"),
        ("words:\n  c:\n    x: {zh: a, en: []}\n", 3, "'x' has no word in 'en'"),
        ("words:\n  c:\n    x:\n      zh: a\n      en: ['']\n", 5, "'x' needs a word here"),
        ("words:\n  c:\n    x: a\n    x: b\n", 4, "'x' stands here twice"),
        ("words:\n  - c\n", 2, "expected names of tables"),
        ("word:\n  c: {}\n", 2, "unknown key 'word'"),
        ("", 1, "expected 'words:' or 'typos:'"),
        ("typos:\n  a: [b]\n", 2, "'a' needs a word here"),
        ("words: 'a\x01'\n", 1, "cannot be read"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(
    tmp_path: Path, content: str, line: int, problem: str
) -> None:
    (tmp_path / "bad.yml").write_text(content, encoding="utf-8")
    with pytest.raises(WordsError) as caught:
        Words.load(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/bad.yml:{line}: ")
    assert problem in message
    assert "\n" not in message


def test_one_code_in_two_files_is_an_error(folder: Path) -> None:
    (folder / "more.yml").write_text("words: {colour: {navy: {zh: 蓝, en: b}}}", "utf-8")
    with pytest.raises(WordsError, match=r"more\.yml: colour: 'navy' stands in another file too"):
        Words.load(folder)


def test_a_folder_that_is_not_there_has_no_words(tmp_path: Path) -> None:
    assert Words.load(tmp_path / "none").find("colour", "black") == []


def test_words_that_yaml_takes_for_values_stay_words(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text("words: {t: {no: {zh: 否, en: no}, 42: {zh: 1, en: on}}}")
    words = Words.load(tmp_path)
    assert words.say("t", "no", "en") == "no"
    assert words.say("t", "42", "en") == "on"


def test_the_words_of_the_project_can_be_read() -> None:
    words = shop_words()
    assert words.read("兰牙耳几").text == "蓝牙耳机"
