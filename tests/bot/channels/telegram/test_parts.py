"""Telegram: the parts that need no server."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.messages import Card, Cards, Choices, Option, Text
from bot.channels.telegram import TelegramSettings, diagnose
from bot.channels.telegram.keyboards import choice, marked, page
from bot.channels.telegram.rendering import arrange, render
from bot.channels.telegram.splitting import shorten, split, units
from tests.bot.channels.telegram.house import settings_for
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram.rules import Refused, formatted

FAMILY, FLAG, THUMB = "👨‍👩‍👧", "🇨🇳", "👍🏽"


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("短", 10, ["短"]),
        ("第一段。\n\n第二段。", 7, ["第一段。", "第二段。"]),
        ("one two\nthree", 10, ["one two", "three"]),
        ("一句话。又一句话。再来", 10, ["一句话。又一句话。", "再来"]),
        ("One is it. Two is 2.5 kg. ", 16, ["One is it.", "Two is 2.5 kg."]),
        ("他说：“好。”然后走了", 8, ["他说：“好。”", "然后走了"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("🍵🍵🍵", 4, ["🍵🍵", "🍵"]),
        ("ab" + FAMILY, 8, ["ab", FAMILY]),
        (FLAG * 3, 9, [FLAG * 2, FLAG]),
        (THUMB * 2, 5, [THUMB, THUMB]),
        ("e\u0301e\u0301", 3, ["e\u0301", "e\u0301"]),
        ("  \n ", 4, []),
    ],
)
def test_long_text_is_cut_at_the_best_place(text: str, limit: int, parts: list[str]) -> None:
    assert split(text, limit) == parts


@given(st.text(alphabet="ab。. \n🍵中" + FAMILY + FLAG, max_size=300), st.integers(2, 40))
def test_parts_are_short_enough_and_lose_nothing(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(0 < units(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_a_shortened_text_says_so() -> None:
    assert shorten("四个汉字", 4) == "四个汉字"
    assert shorten("五个汉字啊", 4) == "五个汉…"
    assert shorten("🍵🍵🍵", 4) == "🍵…"


@pytest.mark.parametrize(
    ("titles", "rows"),
    [
        (["红", "蓝", "绿"], [["红", "蓝"], ["绿"]]),
        (["Yes", "A title of seventeen", "No"], [["Yes"], ["A title of seventeen"], ["No"]]),
        (["十六个半角宽的字", "好"], [["十六个半角宽的字", "好"]]),
        (["比八个汉字更长一点", "好"], [["比八个汉字更长一点"], ["好"]]),
    ],
)
def test_narrow_buttons_share_a_row(titles: list[str], rows: list[list[str]]) -> None:
    made = arrange([Option(title, payload="/x") for title in titles], lambda url: url)
    assert [[option.title for option in row] for row in made] == rows


def test_buttons_that_open_nothing_are_left_out() -> None:
    options = (Option("Here", url="/here"), Option("There", url="https://there.example"))
    rows = arrange(options, lambda url: None if url.startswith("/") else url)
    assert [option.title for row in rows for option in row] == ["There"]


def test_buttons_without_words_get_some() -> None:
    (post,) = render([Choices(None, (Option("A", "/a"),))], choose="请选择：", public=str)
    assert post.arguments == {"text": "请选择："}


@given(st.text(min_size=1, max_size=80), st.text(max_size=80))
def test_whatever_a_card_says_telegram_can_read_it(title: str, subtitle: str) -> None:
    posts = render(
        [Cards((Card(title, subtitle, "¥1", url="https://a.example/?a=1&b=\"'<"),))],
        choose="",
        public=str,
    )
    plain, _ = formatted(posts[0].arguments["text"], "HTML")
    assert plain == posts[0].instead[0].arguments["text"]


def test_plain_text_is_sent_without_any_mode() -> None:
    (post,) = render([Text("<b>not bold</b>")], choose="", public=str)
    assert post.arguments == {"text": "<b>not bold</b>"}


def test_the_fake_refuses_what_telegram_refuses() -> None:
    for wrong in ("<b>", "</b>", "<b>a</i>", "a < b", "<script>x</script>"):
        with pytest.raises(Refused, match="can't parse entities"):
            formatted(wrong, "HTML")
    assert formatted("<b>a&lt;</b> &", "HTML")[0] == "a< &"


def test_a_question_keeps_only_what_was_chosen() -> None:
    rows: list[list[dict[str, Any]]] = [
        [
            {"text": "A", "callback_data": "q:aaaaaaaa"},
            {"text": "B", "callback_data": "q:bbbbbbbb"},
        ],
        [{"text": "Shop", "url": "https://shop.example"}],
    ]
    pressed = choice("q:bbbbbbbb")
    assert pressed and pressed.question
    titles = [[b.text for b in row] for row in marked(rows, "q:bbbbbbbb", pressed).inline_keyboard]
    assert titles == [["✓ B"], ["Shop"]]
    on_card = choice("c:bbbbbbbb")
    assert on_card and not on_card.question and choice("x") is None
    assert page("m:abcdefghi:2") == ("abcdefghi", 2) and page("m:abcdefghi:-1") is None


# --- make doctor


def findings(settings: TelegramSettings) -> list[tuple[str, str]]:
    found = list(diagnose(settings))
    assert all(TOKEN not in line and "\n" not in line for _, line in found)
    return [(level, line) for level, line in found]


def test_doctor_says_that_telegram_is_off() -> None:
    assert findings(TelegramSettings()) == [
        ("off", "Telegram is switched off: XIAOER_TELEGRAM_TOKEN is not set")
    ]


def test_doctor_reads_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOER_TELEGRAM_TOKEN", "nonsense")
    ((level, line),) = diagnose()
    assert level == "error" and "XIAOER_TELEGRAM_TOKEN" in line and "nonsense" not in line


def test_doctor_asks_telegram(fake: FakeTelegram) -> None:
    settings = settings_for(fake, 20_443)
    assert [level for level, _ in findings(settings)] == ["ok", "warning"]
    fake.webhook = {"url": settings.webhook_url}
    assert findings(settings) == [
        ("ok", "Telegram knows the bot as @xiaoer_bot; updates come by webhook")
    ]
    fake.webhook |= {"last_error_date": int(time.time()), "last_error_message": "403 Forbidden"}
    assert findings(settings)[1] == (
        "error",
        f"Telegram could not call {settings.webhook_url}: 403 Forbidden",
    )
    fake.webhook["last_error_date"] -= 7_200
    fake.pending.extend({"update_id": n} for n in range(101))
    assert findings(settings)[1] == ("warning", "101 updates wait at Telegram")
    polling = settings_for(fake, 20_443, telegram_mode="polling")
    assert findings(polling)[1][0] == "warning"


def test_doctor_tells_a_wrong_token_from_no_connection(fake: FakeTelegram) -> None:
    fake.token = "another"
    ((level, line),) = findings(settings_for(fake, 20_443))
    assert level == "error" and "refuses the token" in line
    fake.down()
    ((level, line),) = findings(settings_for(fake, 20_443))
    assert level == "error" and "cannot be reached" in line


def test_the_fake_holds_back_who_sends_too_fast(fake: FakeTelegram) -> None:
    import httpx

    fake.shopper(1)
    url = f"{fake.url}/bot{TOKEN}/sendMessage"
    with httpx.Client(trust_env=False) as client:
        codes = [client.post(url, data={"chat_id": 1, "text": "x"}).status_code for _ in range(40)]
    assert 429 in codes
    assert [a for a, b in pairwise(codes)][:20] == [200] * 20
