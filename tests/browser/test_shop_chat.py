"""A shopper chats with the real bot on the real page, in both languages, and is photographed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.servers]

SCREENSHOTS = Path("var/screenshots")
DEVICES = {
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "desktop": {"viewport": {"width": 1280, "height": 860}},
}
# What a shopper writes, and the labels on the way.
LINES = {
    "zh": {
        "sign_in": "登录",
        "customer": "好几个订单",
        "signed_in": "已登录",
        "orders": "查一下我的订单",
        "products": "有没有三百以内的黑色耳机",
        "goodbye": "谢谢你",
        "details": "看详情",
    },
    "en": {
        "sign_in": "Sign in",
        "customer": "several orders",
        "signed_in": "Signed in",
        "orders": "show me my orders",
        "products": "black headphones under 300",
        "goodbye": "thank you",
        "details": "Details",
    },
}
# A cold model answers its first question slowly.
ANSWER_MS = 30_000


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("device", DEVICES)
def test_a_sample_customer_sees_orders_and_finds_products(servers, visit, device, lang, scheme):
    lines = LINES[lang]
    chat = visit(
        f"{servers.address}/webhooks/webchat/chat",
        lang,
        color_scheme=scheme,
        device_scale_factor=2,
        **DEVICES[device],
    )
    expect(chat.bot).to_have_count(1)
    keep(chat, device, lang, scheme, "1-welcome")

    chat.menu(lines["sign_in"])
    customer = chat.page.locator(".customer").filter(has_text=lines["customer"])
    expect(customer).to_be_visible()
    keep(chat, device, lang, scheme, "2-customers")
    customer.click()
    expect(chat.page.locator("#presence")).to_contain_text(lines["signed_in"])

    ask(chat, lines["orders"])
    before = chat.bot.count()
    choice = chat.bot.nth(before - 1).locator("button.option").first
    expect(choice).to_be_visible()
    title = choice.inner_text()
    choice.click()
    expect(chat.bot).to_have_count(before + 1, timeout=ANSWER_MS)
    expect(choice).to_be_disabled()
    expect(chat.user.last).to_contain_text(title)
    keep(chat, device, lang, scheme, "3-order")

    ask(chat, lines["products"])
    card = chat.bot.last.locator(".card").first
    expect(card.locator(".price")).to_contain_text("¥")
    picture = card.locator("img")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    expect(card.get_by_role("button", name=lines["details"])).to_be_enabled()
    keep(chat, device, lang, scheme, "4-products")

    ask(chat, lines["goodbye"])
    said = chat.bot.last.locator(".bubble").first
    expect(said).to_have_attribute("lang", {"zh": "zh-CN", "en": "en"}[lang])
    assert chat.evaluate("document.documentElement.scrollWidth <= innerWidth")


def ask(chat, text: str) -> None:
    """Write, and wait for an answer that is complete."""
    before = chat.bot.count()
    chat.write(text)
    expect(chat.bot).to_have_count(before + 1, timeout=ANSWER_MS)
    expect(chat.page.locator("#typing")).to_be_hidden()


def keep(chat, device: str, lang: str, scheme: str, name: str) -> None:
    """A picture for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    # Let what moves come to rest.
    time.sleep(0.4)
    chat.page.screenshot(path=SCREENSHOTS / f"{device}-{lang}-{scheme}-{name}.png")
