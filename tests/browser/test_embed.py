"""The widget on a shop's page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.page import Chat
from tests.fakes.web_server import BASE, WebServer, text

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; connect-src 'self';
  img-src data:; script-src {chat}; frame-src {chat}">
<h1>Shop</h1>
<script src="{chat}{base}/embed.js" defer {attributes}></script></html>"""


class Shop:
    """A shop's site on an origin of its own, with the widget on its page."""

    def __init__(self, server: WebServer, site: WebServer) -> None:
        self.server, self.site = server, site
        # Another host, so that the browser treats the chat's frame as a third party's.
        self.url = site.url.replace("127.0.0.1", "localhost")
        server.frame_origins = [self.url]
        self.write('data-lang="en" data-sign-in="/token"')

    def write(self, attributes: str) -> None:
        self.site.page = PAGE.format(chat=self.server.url, base=BASE, attributes=attributes)


@pytest.fixture
def shop(server):
    site = WebServer()
    yield Shop(server, site)
    site.close()


def frame(chat: Chat):
    """The chat page in the widget's frame, once it is there."""
    for _ in range(100):
        found = [one for one in chat.page.frames if "/chat" in one.url]
        if found:
            found[0].wait_for_selector("body[data-status=online]", state="attached", timeout=60_000)
            return found[0]
        chat.page.wait_for_timeout(50)
    raise AssertionError("no frame")


def visit_shop(visit, shop, **options) -> Chat:
    # The shop's answer to a visitor is 401, which Chromium writes to the console.
    chat = visit(shop.url, "en", ready=False, **options)
    chat.accept("401")
    return chat


def launcher(chat: Chat):
    return chat.page.locator("button.launcher")


def test_5_4_19_the_widget_opens_and_closes(shop, visit):
    # A closed shadow root is closed to the shop's scripts; Playwright needs an open one.
    chat = visit_shop(visit, shop, script=OPEN_ROOTS)
    button = launcher(chat)
    expect(button).to_have_attribute("aria-label", "Open the chat")
    assert chat.page.frames[1:] == []
    button.click()
    inside = frame(chat)
    expect(chat.page.locator("iframe")).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    inside.get_by_label("Message", exact=True).fill("hello")
    inside.get_by_label("Message", exact=True).press("Enter")
    expect(inside.locator(".entry.bot").last).to_contain_text("收到：hello")
    inside.get_by_role("button", name="Close", exact=True).first.click()
    expect(chat.page.locator("iframe")).to_be_hidden()
    expect(button).to_be_focused()


OPEN_ROOTS = """
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (options) {
    return attach.call(this, {...options, mode: "open"});
};
"""


def test_5_4_19_it_leaves_one_name_behind_and_runs_under_the_shops_policy(shop, visit, server):
    shop.site.page = '<!doctype html><title>Shop</title><link rel="icon" href="data:,">'
    bare = set(visit_shop(visit, shop).evaluate("Object.getOwnPropertyNames(window)"))
    shop.write("")
    chat = visit_shop(visit, shop)
    names = set(chat.evaluate("Object.getOwnPropertyNames(window)"))
    assert names - bare == {"Xiaoer"}
    expected = ["close", "open", "setLanguage", "signIn", "signOut", "toggle"]
    assert sorted(chat.evaluate("Object.keys(Xiaoer)")) == expected


def test_5_4_19_the_frame_is_sandboxed(shop, visit):
    chat = visit_shop(visit, shop, script=OPEN_ROOTS)
    launcher(chat).click()
    sandbox = chat.page.locator("iframe").get_attribute("sandbox").split()
    assert "allow-scripts" in sandbox
    assert not {"allow-top-navigation", "allow-modals", "allow-downloads"} & set(sandbox)


def test_5_4_19_other_sites_cannot_show_the_page(shop, visit, server):
    server.frame_origins = []
    chat = visit_shop(visit, shop, script=OPEN_ROOTS)
    chat.accept("frame-ancestors", "ERR_BLOCKED_BY_RESPONSE")
    launcher(chat).click()
    chat.page.wait_for_timeout(500)
    assert not any("/session" in url for url in chat.requests)
    assert server.received == []


def test_5_4_15_the_launcher_shows_what_is_unread(shop, visit, server):
    chat = visit_shop(visit, shop, script=OPEN_ROOTS)
    launcher(chat).click()
    inside = frame(chat)
    chat.evaluate("Xiaoer.close()")
    server.say([text("Your parcel has arrived")])
    badge = chat.page.locator(".badge")
    expect(badge).to_have_text("1")
    expect(launcher(chat)).to_have_attribute("aria-label", "Open the chat (1 unread)")
    launcher(chat).click()
    expect(badge).to_be_hidden()
    expect(inside.locator(".entry.bot").last).to_contain_text("Your parcel has arrived")
    # On the shop's next page it goes on listening, though nobody opened it there.
    chat.page.reload()
    frame(chat)
    server.say([text("One more thing")])
    expect(badge).to_have_text("1")


def test_who_is_signed_in_at_the_shop_is_signed_in_here(shop, visit):
    chat = visit_shop(visit, shop, script=OPEN_ROOTS)
    cookie = {"name": "customer", "value": "1", "url": shop.url}
    chat.page.context.add_cookies([cookie])
    chat.page.reload()
    launcher(chat).click()
    presence = frame(chat).locator("#presence")
    expect(presence).to_have_text("Signed in: Lin Xiaomei")
    # Another account on the shop's site is another conversation here.
    chat.page.context.add_cookies([{**cookie, "value": "2"}])
    chat.page.reload()
    expect(frame(chat).locator("#presence")).to_have_text("Signed in: Wang Xiaoming")
    # And signed out there is signed out here.
    chat.page.context.clear_cookies()
    chat.page.reload()
    expect(frame(chat).locator("#presence")).to_have_text("Online")


def test_a_token_of_the_shops_page_signs_in_in_the_middle_of_the_chat(shop, visit, server):
    shop.write('data-lang="en"')
    chat = visit_shop(visit, shop, script=OPEN_ROOTS)
    launcher(chat).click()
    presence = frame(chat).locator("#presence")
    expect(presence).to_have_text("Online")
    chat.evaluate("Xiaoer.signIn('customer-2')")
    expect(presence).to_have_text("Signed in: Wang Xiaoming")
    chat.evaluate("Xiaoer.signOut()")
    expect(presence).to_have_text("Online")
    chat.evaluate("Xiaoer.signIn('forged')")
    expect(frame(chat).locator("#note")).to_contain_text("not valid")


def test_a_visitor_who_wants_to_sign_in_is_sent_to_the_shops_login(shop, visit):
    shop.write('data-lang="en" data-sign-in="/token" data-login="/?login"')
    chat = visit_shop(visit, shop, script=OPEN_ROOTS)
    launcher(chat).click()
    inside = frame(chat)
    inside.locator("#menu-button").click()
    inside.get_by_role("menuitem", name="Sign in").click()
    chat.page.wait_for_url("**/?login")


def test_the_shops_page_can_change_language_and_theme(shop, visit):
    shop.write('data-lang="zh" data-theme="dark"')
    chat = visit_shop(visit, shop, script=OPEN_ROOTS)
    expect(launcher(chat)).to_have_attribute("aria-label", "打开客服聊天")
    launcher(chat).click()
    inside = frame(chat)
    expect(inside.locator("html")).to_have_attribute("data-theme", "dark")
    expect(inside.locator("#text")).to_have_attribute("placeholder", "想问什么，直接说…")
    chat.evaluate("Xiaoer.setLanguage('en')")
    expect(inside.locator("#text")).to_have_attribute("placeholder", "Ask me anything…")
    expect(launcher(chat)).to_have_attribute("aria-label", "Close the chat")


def test_other_windows_messages_are_not_heard(shop, visit, server):
    chat = visit_shop(visit, shop, script=OPEN_ROOTS)
    launcher(chat).click()
    inside = frame(chat)
    # As if the page had a frame of its own, or a window it opened, that speaks up.
    inside.evaluate("""window.postMessage({xiaoer: 1, type: "signIn", token: "customer-1"}, "*")""")
    chat.page.wait_for_timeout(300)
    assert not any(event == "sign_in" for event, _ in server.received)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_widget_fits_phone_and_desktop(shop, visit, width):
    chat = visit_shop(visit, shop, script=OPEN_ROOTS, viewport={"width": width, "height": 800})
    launcher(chat).click()
    frame(chat)
    box = chat.page.locator("iframe").bounding_box()
    assert box["width"] == (390 if width == 390 else 400)
    assert box["x"] + box["width"] <= width
    assert box["height"] <= 800
