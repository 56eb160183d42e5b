"""Signing in and out, starting over, and deleting one's data."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def events(server):
    return [event for event, _ in server.received if event not in ("connect", "user_uttered")]


def test_a_sample_customer_is_chosen_and_signs_out(server, visit):
    chat = visit(server.chat)
    chat.ask("我是谁")
    chat.menu("登录")
    dialog = chat.page.get_by_role("dialog", name="选择一位示例顾客")
    expect(dialog).to_contain_text("有几笔订单，一个包裹在路上")
    dialog.get_by_role("button", name="林晓梅").click()
    expect(chat.page.locator("#presence")).to_have_text("已登录：林晓梅")
    # In the middle of the chat: nothing is lost.
    expect(chat.user).to_have_count(1)
    chat.page.get_by_role("button", name="Switch to English").click()
    expect(chat.page.locator("#presence")).to_have_text("Signed in: Lin Xiaomei")
    chat.menu("Sign out")
    chat.page.get_by_role("dialog").get_by_role("button", name="Sign out").click()
    expect(chat.page.locator("#presence")).to_have_text("Online")
    expect(chat.user).to_have_count(0)
    assert events(server) == ["sign_in", "sign_out"]


def test_who_is_signed_in_is_known_after_a_reload_and_in_other_tabs(server, visit):
    chat = visit(server.chat)
    chat.menu("登录")
    chat.page.get_by_role("button", name="王小明").click()
    expect(chat.page.locator("#presence")).to_have_text("已登录：王小明")
    other = visit(server.chat, context=chat.page.context)
    expect(other.page.locator("#presence")).to_have_text("已登录：王小明")


def test_closing_the_choice_signs_nobody_in(server, visit):
    chat = visit(server.chat)
    chat.menu("登录")
    chat.page.keyboard.press("Escape")
    chat.ask("你好")
    assert events(server) == []


def test_a_real_shop_offers_no_sample_customers(server, visit):
    server.demo = False
    chat = visit(server.chat)
    chat.page.locator("#menu-button").click()
    expect(chat.page.get_by_role("menu")).to_be_visible()
    expect(chat.page.get_by_role("menuitem", name="登录")).to_be_hidden()
    assert not any("/demo/" in url for url in chat.requests)


@pytest.mark.parametrize(
    ("item", "yes", "event"),
    [("重新开始", "重新开始", "start_over"), ("删除我的数据", "永久删除", "erase")],
)
def test_5_4_13_a_new_conversation_after_being_asked(server, visit, item, yes, event):
    chat = visit(server.chat)
    other = visit(server.chat, context=chat.page.context)
    # Chromium draws only the tab in front, and Playwright clicks on what is drawn.
    chat.page.bring_to_front()
    chat.ask("旧的")
    old = server.session.id
    chat.menu(item)
    dialog = chat.page.get_by_role("dialog", name=item)
    dialog.get_by_role("button", name="取消").click()
    expect(dialog).to_be_hidden()
    assert events(server) == []
    chat.menu(item)
    dialog.get_by_role("button", name=yes).click()
    for tab in (chat, other):
        expect(tab.user).to_have_count(0)
        expect(tab.bot).to_have_count(1)
    assert events(server) == [event]
    chat.ask("新的")
    assert server.session.id != old
    chat.page.reload()
    chat.wait_until_online()
    assert [said for said in chat.texts() if said.startswith("user")] == ["user: 新的"]


def test_starting_over_keeps_the_customer_and_erasing_does_not(server, visit):
    chat = visit(server.chat)
    presence = chat.page.locator("#presence")
    chat.menu("登录")
    chat.page.get_by_role("button", name="林晓梅").click()
    expect(presence).to_have_text("已登录：林晓梅")
    chat.menu("重新开始")
    chat.page.get_by_role("dialog").get_by_role("button", name="重新开始").click()
    chat.page.wait_for_timeout(300)
    chat.wait_until_online()
    expect(presence).to_have_text("已登录：林晓梅")
    chat.menu("删除我的数据")
    chat.page.get_by_role("dialog").get_by_role("button", name="永久删除").click()
    expect(chat.page.locator("#note")).to_have_text("您的数据已删除。")
    expect(presence).to_have_text("在线")
