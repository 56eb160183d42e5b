"""Voice input and reading aloud, with a recogniser and a voice of our own."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.fakes.web_server import text

pytestmark = pytest.mark.browser

NONE = "delete window.SpeechRecognition; delete window.webkitSpeechRecognition;"
RECOGNISER = """
window.heard = [];
window.webkitSpeechRecognition = window.SpeechRecognition = class {
    start() {
        window.heard.push(this.lang);
        window.recogniser = this;
    }
    stop() { this.onend(); }
    say(...words) {
        this.onresult({results: words.map(transcript => [{transcript}])});
    }
};
"""
VOICE = """
window.spoken = [];
Object.defineProperty(window, "speechSynthesis", {value: {
    speak: speech => window.spoken.push([speech.lang, speech.text]),
    cancel: () => window.spoken.push("hush"),
    getVoices: () => [],
}});
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
"""


def test_5_4_17_no_button_without_a_recogniser(server, visit):
    chat = visit(server.chat, script=NONE)
    expect(chat.page.locator("#voice")).to_be_hidden()


@pytest.mark.parametrize(
    ("lang", "label", "tag", "words"),
    [
        ("zh", "语音输入", "zh-CN", ["我的包裹", "到哪儿了"]),
        ("en", "Voice input", "en-US", ["where is ", "my parcel"]),
    ],
)
def test_5_4_17_what_is_heard_is_shown_and_sent(server, visit, lang, label, tag, words):
    chat = visit(server.chat, lang, script=RECOGNISER)
    button = chat.page.get_by_role("button", name=label, exact=True)
    button.click()
    expect(chat.page.locator("#voice")).to_have_attribute("aria-pressed", "true")
    chat.evaluate("words => recogniser.say(...words)", words)
    expect(chat.input).to_have_value("".join(words))
    assert server.uttered() == []
    chat.evaluate("recogniser.onend()")
    expect(chat.bot).to_have_count(2)
    assert server.uttered()[0]["text"] == "".join(words)
    assert chat.evaluate("heard") == [tag]
    expect(button).to_have_attribute("aria-pressed", "false")


def test_5_4_17_a_refused_microphone_is_explained(server, visit):
    chat = visit(server.chat, script=RECOGNISER)
    chat.page.locator("#voice").click()
    chat.evaluate("recogniser.onerror({error: 'not-allowed'}); recogniser.onend()")
    expect(chat.page.locator("#note")).to_have_text("浏览器没有允许使用麦克风。")
    assert server.uttered() == []


def test_answers_are_read_aloud_when_the_shopper_wants_it(server, visit):
    server.answer = lambda message: [
        text("好的 https://example.com/"),
        text("Your parcel is on its way."),
        {"type": "cards", "cards": [{"title": "黑色耳机", "price": "¥259.00", "options": []}]},
    ]
    chat = visit(server.chat, script=VOICE)
    chat.ask("先不读")
    assert [said for said in chat.evaluate("spoken") if said != "hush"] == []
    chat.menu("朗读回复")
    chat.ask("请读")
    assert [said for said in chat.evaluate("spoken") if said != "hush"] == [
        ["zh-CN", "好的"],
        ["en-US", "Your parcel is on its way."],
        ["zh-CN", "黑色耳机, ¥259.00"],
    ]
