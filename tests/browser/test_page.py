"""The page itself: loading, writing, keyboard, accessibility, languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.fakes.web_server import BASE, answers, text

pytestmark = pytest.mark.browser

SCREENSHOTS = Path("var/screenshots")
LABELS = {
    "zh": ("输入消息", "想问什么，直接说…", "zh-CN", "小二 · 购物助手"),
    "en": ("Message", "Ask me anything…", "en", "Xiao'er · shop assistant"),
}
CARDS = {
    "type": "cards",
    "cards": [
        {
            "title": f"耳机 {number}",
            "subtitle": "黑色",
            "price": "¥259.00",
            "image": f"{BASE}/pictures/{number}.svg",
            "alt": f"耳机 {number}",
            "url": None,
            "options": [{"title": f"详情 {number}", "key": f"card-{number}"}],
        }
        for number in range(4)
    ],
}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_5_4_01_page_loads_in_the_browsers_language(server, visit, lang):
    label, placeholder, tag, title = LABELS[lang]
    chat = visit(server.chat, lang)
    expect(chat.page.get_by_label(label, exact=True)).to_be_focused()
    expect(chat.input).to_have_attribute("placeholder", placeholder)
    expect(chat.page.locator("html")).to_have_attribute("lang", tag)
    expect(chat.page).to_have_title(title)


def test_5_4_01_page_runs_under_a_policy_without_inline_code(server, visit):
    chat = visit(server.chat)
    policy = chat.page.request.get(server.chat).headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    html = chat.page.request.get(server.chat).text()
    assert "style=" not in html
    assert " onclick=" not in html
    # An inline script would be stopped, and the fixture would see the console's complaint.
    assert all(server.url in url or url.startswith("ws://127.0.0.1") for url in chat.requests)


def test_5_4_01_page_is_small_and_paints_within_a_second(server, visit):
    chat = visit(server.chat)
    paints = []
    # The best of three: a machine that is busy elsewhere is not the page's fault.
    while len(paints) < 3 and min(paints, default=1000) >= 1000:
        chat.page.reload()
        chat.wait_until_online()
        paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        paints.append(chat.evaluate(paint))
    assert min(paints) < 1000
    loaded = {url for url in chat.requests if url.endswith(("/chat", ".js"))}
    sizes = {url: len(chat.page.request.get(url).body()) for url in loaded}
    assert any(url.endswith("socket.io.esm.min.js") for url in sizes)
    assert sum(sizes.values()) < 120_000, sizes


def test_5_4_05_a_message_is_taken_shown_and_answered(server, visit):
    server.delay = 0.6
    chat = visit(server.chat)
    chat.write("你好")
    expect(chat.user).to_have_text("您：你好")
    expect(chat.page.locator("#typing")).to_be_visible()
    expect(chat.bot.last).to_contain_text("收到：你好")
    expect(chat.page.locator("#typing")).to_be_hidden()
    expect(chat.input).to_have_value("")
    (message,) = server.uttered()
    assert message["text"] == "你好"
    assert message["lang"] == "zh"
    assert message["type"] == "text"


def test_5_4_05_enter_that_belongs_to_an_input_method_sends_nothing(server, visit):
    chat = visit(server.chat)
    chat.input.fill("nihao")
    for details in ({"isComposing": True}, {"keyCode": 229}):
        chat.input.dispatch_event("keydown", {"key": "Enter", **details})
    expect(chat.input).to_have_value("nihao")
    chat.ask("你好")
    assert [message["text"] for message in server.uttered()] == ["你好"]


def test_5_4_05_shift_enter_makes_a_new_line(server, visit):
    chat = visit(server.chat)
    chat.input.press_sequentially("一")
    chat.input.press("Shift+Enter")
    chat.input.press_sequentially("二")
    chat.input.press("Enter")
    expect(chat.user.locator(".bubble")).to_have_text("一\n二")


def test_5_4_05_nothing_but_white_space_is_not_sent(server, visit):
    chat = visit(server.chat)
    expect(chat.page.get_by_role("button", name="发送", exact=True)).to_be_disabled()
    chat.write("  \n ")
    chat.ask("好")
    assert len(server.uttered()) == 1


def test_a_text_over_the_limit_is_counted_and_kept_back(server, visit):
    chat = visit(server.chat)
    chat.input.fill("长" * 2001)
    chat.input.press("Enter")
    expect(chat.page.locator("#count")).to_have_text("太长了：2001 / 2000 字，请缩短一些。")
    chat.input.fill("长" * 1900)
    expect(chat.page.locator("#count")).to_have_text("1900 / 2000")
    chat.input.press("Enter")
    expect(chat.bot).to_have_count(2)
    assert [len(message["text"]) for message in server.uttered()] == [1900]


def test_5_4_16_all_can_be_done_with_the_keyboard(server, visit):
    server.answer = answers([("耳机", [CARDS])])
    chat = visit(server.chat)
    keys = chat.page.keyboard
    keys.type("耳机")
    keys.press("Enter")
    expect(chat.bot).to_have_count(2)
    # Back from the message box through the foot to the last card's button.
    first = chat.page.get_by_role("button", name="详情 3", exact=True)
    for _ in range(12):
        keys.press("Shift+Tab")
        if first.evaluate("button => button === document.activeElement"):
            break
    keys.press("Enter")
    expect(chat.user.last).to_contain_text("详情 3")
    expect(chat.input).to_be_focused()


def test_5_4_16_menu_and_dialogs_keep_the_focus_in_order(server, visit):
    chat = visit(server.chat)
    page = chat.page
    button = page.get_by_role("button", name="更多")
    button.focus()
    page.keyboard.press("Enter")
    items = page.get_by_role("menu").locator("button:visible")
    expect(items.first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(items.last).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="删除我的数据")).to_be_visible()
    expect(page.get_by_role("button", name="取消")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert [event for event, _ in server.received] == ["connect"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_5_4_16_axe_finds_nothing_serious(server, visit, scheme):
    more = {"title": "查看 https", "url": "https://example.com/"}
    asked = {
        "type": "choices",
        "text": "哪一笔？",
        "options": [{"title": "第一笔", "key": "1"}, more],
    }
    broken = {"type": "image", "url": f"{BASE}/pictures/broken.svg", "alt": "尺码表"}
    link = text("Details: https://example.com/a")
    server.answer = lambda message: [text("好的"), CARDS, asked, link, broken]
    chat = visit(server.chat, color_scheme=scheme)
    chat.accept("404")
    chat.ask("耳机")
    chat.tap("第一笔")
    expect(chat.bot).to_have_count(3)

    def serious() -> list[str]:
        # As people see it: nothing half faded in.
        chat.page.wait_for_timeout(400)
        found = Axe().run(chat.page).response["violations"]
        return [
            f"{item['id']}: {item['nodes'][0]['html']}"
            for item in found
            if item["impact"] in ("serious", "critical")
        ]

    assert serious() == []
    chat.page.locator("#menu-button").click()
    assert serious() == []
    chat.page.get_by_role("menu").get_by_text("删除我的数据").click()
    assert serious() == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_5_4_16_nothing_sticks_out_of_a_small_phone(server, visit, lang):
    long = {"title": "一个特别特别特别特别特别特别特别特别特别长的按钮标题" * 2, "key": "long"}
    server.answer = lambda message: [
        CARDS,
        text("https://example.com/" + "a" * 200),
        {"type": "choices", "text": None, "options": [long]},
    ]
    chat = visit(server.chat, lang, viewport={"width": 320, "height": 568}, has_touch=True)
    chat.ask("长" * 300)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    chat.page.screenshot(path=SCREENSHOTS / f"small-{lang}.png")
    wide = chat.evaluate(
        """() => [...document.querySelectorAll("main, .entry, .bubble, .option, .foot, .bar *")]
            .filter(node => !node.closest(".carousel") && node.getClientRects().length)
            .filter(node => node.getBoundingClientRect().right > innerWidth + 0.5)
            .map(node => node.className || node.tagName)"""
    )
    assert wide == []
    assert chat.evaluate("document.documentElement.scrollWidth") == 320


def test_5_4_16_the_dialogue_is_a_polite_log_with_speakers(server, visit):
    chat = visit(server.chat)
    chat.ask("你好")
    expect(chat.log).to_have_attribute("aria-live", "polite")
    expect(chat.log).to_contain_text("您：你好")
    expect(chat.log).to_contain_text("小二：收到：你好")


def test_motion_is_left_out_for_those_who_asked(server, visit):
    chat = visit(server.chat, reduced_motion="reduce")
    chat.ask("你好")
    assert (
        chat.evaluate("getComputedStyle(document.querySelector('.entry')).animationName") == "none"
    )


def test_the_language_switch_changes_labels_and_is_sent_and_kept(server, visit):
    chat = visit(server.chat, "zh")
    chat.page.get_by_role("button", name="Switch to English").click()
    expect(chat.page.get_by_label("Message", exact=True)).to_be_visible()
    expect(chat.page.locator("html")).to_have_attribute("lang", "en")
    chat.ask("hello")
    assert server.uttered()[0]["lang"] == "en"
    chat.page.reload()
    chat.wait_until_online()
    expect(chat.input).to_have_attribute("placeholder", "Ask me anything…")
    assert [auth["lang"] for event, auth in server.received if event == "connect"] == ["zh", "en"]


@pytest.mark.parametrize(
    ("said", "tag"),
    [
        ("你好", "zh-CN"),
        ("那个 jacket 有 M 码吗", "zh-CN"),
        ("iPhone 15 手机壳", "zh-CN"),
        ("Write in English, 中文 or both.", "en"),
        ("Where is my parcel?", "en"),
        ("12345", "zh-CN"),
    ],
)
def test_every_message_says_its_language(server, visit, said, tag):
    chat = visit(server.chat, "zh")
    chat.ask(said)
    expect(chat.user.locator(".bubble")).to_have_attribute("lang", tag)


def test_a_page_without_its_server_says_so_and_goes_on_when_it_is_back(server, visit):
    chat = visit(server.chat)
    chat.accept("ERR_CONNECTION_REFUSED", "WebSocket")
    server.stop()
    expect(chat.page.locator("#banner")).to_have_text("连接中断，正在重新连接…")
    server.start()
    chat.wait_until_online()
    expect(chat.page.locator("#banner")).to_be_empty()
