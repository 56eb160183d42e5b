"""The page that plays a phone with Telegram, with the channel at the other end."""

from __future__ import annotations

import pytest

from tests.bot.channels.telegram.house import house
from tests.fakes.telegram.phone import Phones

pytestmark = pytest.mark.browser


def test_a_shopper_chats_by_the_phone_of_the_fake_telegram(browser, tmp_path):
    from playwright.sync_api import expect

    script = {
        "tea": [
            {
                "elements": [
                    {
                        "title": "<b>Longjing</b>",
                        "price": "¥129",
                        "url": "https://shop.example/1",
                        "buttons": [{"title": "Buy", "payload": "/buy_1"}],
                    }
                ]
            }
        ]
    }
    with Phones() as fake, house(tmp_path, fake, script=script):
        context = browser.new_context(locale="en-GB")
        page = context.new_page()
        errors, requests = [], []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{fake.url}/")
        page.get_by_role("button", name="START").click()
        expect(page.get_by_text("echo /greet")).to_be_visible()
        page.get_by_label("Message").fill("tea")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("link", name="<b>Longjing</b>")).to_be_visible()
        page.get_by_role("button", name="Buy").click()
        expect(page.get_by_text("echo /buy_1")).to_be_visible()
        expect(page.get_by_role("button", name="✓ Buy")).to_be_visible()
        page.get_by_role("button", name="Location").click()
        expect(page.get_by_text("echo /share_location")).to_be_visible()
        page.get_by_label("Commands").select_option("/help")
        expect(page.get_by_text("echo /ask_capabilities")).to_be_visible()
        page.get_by_label("Language of this phone").select_option("zh-hans")
        expect(page.get_by_role("button", name="发送")).to_be_visible()
        page.get_by_label("Language of this phone").select_option("en")
        page.get_by_label("Chat", exact=True).select_option("1")
        page.get_by_role("button", name="@xiaoer_bot where is my order").click()
        expect(page.get_by_text("echo where is my order")).to_be_visible()
        page.get_by_label("Message").fill("the bot does not hear this")
        page.get_by_label("Message").press("Enter")
        page.get_by_label("Message").fill("@xiaoer_bot but this")
        page.get_by_label("Message").press("Enter")
        expect(page.get_by_text("echo but this")).to_be_visible()
        expect(page.get_by_text("echo the bot")).to_have_count(0)
        assert errors == []
        assert all(url.startswith(fake.url) for url in requests)
        context.close()
