"""The line to the server: tabs, lost connections, lost acks, floods, unread messages."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.fakes.web_server import answers, text

pytestmark = pytest.mark.browser

HIDDEN = """on => {
    Object.defineProperty(document, "hidden", {value: on, configurable: true});
    document.dispatchEvent(new Event("visibilitychange"));
}"""
# What a test that cuts the line provokes.
CUT = ("ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION_REFUSED", "WebSocket ")


def test_5_4_06_tabs_share_a_conversation_and_other_browsers_do_not(server, visit):
    server.greet = False
    first = visit(server.chat)
    second = visit(server.chat, context=first.page.context)
    stranger = visit(server.chat)
    first.ask("你好")
    expect(second.user.locator(".bubble")).to_have_text("你好")
    expect(second.bot).to_contain_text("收到：你好")
    second.ask("再问")
    expect(first.bot).to_have_count(2)
    assert first.texts() == second.texts()
    assert stranger.texts() == []


def test_5_4_06_a_tap_in_one_tab_uses_up_the_buttons_of_the_other(server, visit):
    first = visit(server.chat)
    second = visit(server.chat, context=first.page.context)
    first.tap("查订单")
    expect(second.page.get_by_role("button", name="推荐好物")).to_be_disabled()


def test_5_4_11_an_answer_given_while_away_appears_once(server, visit):
    server.delay = 1.0
    chat = visit(server.chat)
    chat.accept(*CUT)
    chat.write("慢")
    expect(chat.page.locator("#typing")).to_be_visible()
    chat.page.context.set_offline(True)
    expect(chat.page.locator("#banner")).not_to_be_empty()
    chat.page.wait_for_timeout(1300)
    expect(chat.bot).to_have_count(1)
    chat.page.context.set_offline(False)
    chat.wait_until_online()
    expect(chat.bot).to_have_count(2)
    chat.ask("还在吗")
    assert chat.texts()[1:] == [
        "user: 慢",
        "bot: 收到：慢",
        "user: 还在吗",
        "bot: 收到：还在吗",
    ]


def test_5_4_11_a_message_that_got_lost_is_sent_again_with_its_id(server, visit):
    server.swallow = 1
    chat = visit(server.chat)
    chat.accept(*CUT)
    chat.write("丢了")
    expect(chat.user.locator(".state")).to_have_text("发送中…")
    expect(chat.bot).to_have_count(1)
    server.stop()
    server.start()
    expect(chat.bot).to_have_count(2)
    first, second = server.uttered()
    assert first == second
    assert chat.texts()[1:] == ["user: 丢了", "bot: 收到：丢了"]
    expect(chat.user.locator(".state")).to_have_count(0)


def test_5_4_11_a_message_whose_ack_got_lost_is_not_sent_again(server, visit):
    server.lose_acks = 1
    chat = visit(server.chat)
    chat.accept(*CUT)
    chat.ask("到了")
    server.stop()
    server.start()
    chat.wait_until_online()
    chat.ask("下一句")
    assert [message["text"] for message in server.uttered()] == ["到了", "下一句"]
    assert chat.texts()[1:3] == ["user: 到了", "bot: 收到：到了"]


def test_5_4_11_what_is_written_offline_is_sent_in_order_when_the_line_is_back(server, visit):
    chat = visit(server.chat)
    chat.accept(*CUT)
    chat.page.context.set_offline(True)
    for said in ("一", "二", "三"):
        chat.write(said)
    expect(chat.user.locator(".state")).to_have_text(["稍后自动发出"] * 3)
    assert server.uttered() == []
    chat.page.context.set_offline(False)
    expect(chat.bot).to_have_count(4)
    assert [message["text"] for message in server.uttered()] == ["一", "二", "三"]
    # The order of the server, whose answers may come between.
    assert [said for said in chat.texts() if said.startswith("user")] == [
        "user: 一",
        "user: 二",
        "user: 三",
    ]


def test_entries_stand_by_number_whatever_order_they_come_in(server, visit):
    server.greet = False
    chat = visit(server.chat)
    late = {"from": "bot", "id": "late", "at": 0, "seq": 1, "items": [text("一")]}
    early = {"from": "bot", "id": "early", "at": 0, "seq": 2, "items": [text("二")]}
    for entry in (early, late, early, late):
        server.emit("bot_uttered", entry)
    expect(chat.bot).to_have_count(2)
    assert chat.texts() == ["bot: 一", "bot: 二"]


def test_a_missing_number_is_asked_for(server, visit):
    chat = visit(server.chat)
    server.keep({"from": "bot", "items": [text("没送到")]})
    server.say([text("送到了")])
    expect(chat.bot).to_have_count(3)
    assert chat.texts()[1:] == ["bot: 没送到", "bot: 送到了"]
    assert ("history", {"after": 1}) in server.received


def test_an_entry_that_could_not_be_kept_is_shown_all_the_same(server, visit):
    chat = visit(server.chat)
    for said in ("一", "二"):
        entry = {"from": "bot", "id": said, "at": 0, "seq": None, "items": [text(said)]}
        server.emit("bot_uttered", entry)
    expect(chat.bot).to_have_count(3)
    chat.ask("三")
    assert chat.texts()[1:] == ["bot: 一", "bot: 二", "user: 三", "bot: 收到：三"]


def test_5_4_12_a_restart_of_the_server_keeps_session_and_history(server, visit):
    chat = visit(server.chat)
    chat.accept(*CUT)
    chat.ask("之前")
    before = chat.texts()
    server.stop()
    expect(chat.page.locator("#banner")).to_have_text("连接中断，正在重新连接…")
    server.keep({"from": "bot", "items": [text("您的包裹到了")]})
    server.start()
    expect(chat.bot).to_have_count(3)
    assert chat.texts() == [*before, "bot: 您的包裹到了"]
    assert len(server.sessions) == 1


def test_a_history_that_was_lost_is_not_shown_as_if_it_were_there(server, visit):
    chat = visit(server.chat)
    chat.accept(*CUT)
    chat.ask("之前")
    server.stop()
    server.session.entries.clear()
    server.session.seq = 0
    server.keep({"from": "bot", "items": [text("重新开始")]})
    server.start()
    expect(chat.bot).to_have_count(1)
    assert chat.texts() == ["bot: 重新开始"]


def test_a_token_that_counts_no_more_begins_a_new_conversation(server, visit):
    chat = visit(server.chat)
    chat.accept(*CUT)
    chat.ask("之前")
    server.stop()
    server.sessions.clear()
    server.start()
    chat.wait_until_online()
    expect(chat.bot).to_have_count(1)
    expect(chat.user).to_have_count(0)
    chat.ask("现在")


def test_a_token_that_expires_in_the_middle_is_renewed(server, visit):
    chat = visit(server.chat)
    chat.ask("之前")
    server.emit("error", {"error": "token"})
    chat.page.wait_for_timeout(300)
    chat.wait_until_online()
    chat.ask("之后")
    assert len(server.sessions) == 1


def test_5_4_13_a_reload_shows_the_history(server, visit):
    server.answer = answers([("订单", [text("没有订单")])])
    chat = visit(server.chat)
    chat.ask("订单")
    before = chat.texts()
    chat.page.reload()
    expect(chat.bot).to_have_count(2)
    assert chat.texts() == before
    assert len(server.sessions) == 1


def test_5_4_14_a_flood_is_held_back_and_nothing_is_lost(server, visit):
    server.refuse = [
        {"error": "too_fast", "retry_after": 1},
        {"error": "too_many", "retry_after": 1},
    ]
    chat = visit(server.chat)
    for number in range(10):
        chat.write(f"第{number}条")
    expect(chat.page.locator("#note")).to_have_text("消息有点多，余下的稍后自动发出。")
    expect(chat.user.locator(".state").first).to_have_text("稍后自动发出")
    expect(chat.bot).to_have_count(11)
    taken = [entry["text"] for entry in server.session.entries if entry["from"] == "user"]
    assert taken == [f"第{number}条" for number in range(10)]
    expect(chat.user.locator(".state")).to_have_count(0)


def test_what_the_server_refuses_can_be_tried_again(server, visit):
    server.refuse = [{"error": "unavailable"}]
    chat = visit(server.chat)
    chat.write("在吗")
    expect(chat.user.locator(".state")).to_contain_text("未发出")
    expect(chat.page.locator("#note")).to_have_text("暂时办不了，请稍后再试。")
    chat.page.get_by_role("button", name="重试").click()
    expect(chat.bot).to_have_count(2)
    first, second = server.uttered()
    assert first["id"] == second["id"]
    expect(chat.user.locator(".state")).to_have_count(0)


def test_5_4_15_unread_messages_are_counted_in_the_title(server, visit):
    chat = visit(server.chat)
    chat.evaluate(HIDDEN, True)
    server.say([text("您的包裹到了")])
    server.say([text("还有一件")])
    expect(chat.page).to_have_title("(2) 小二 · 购物助手")
    chat.evaluate(HIDDEN, False)
    expect(chat.page).to_have_title("小二 · 购物助手")
    server.say([text("看得见")])
    expect(chat.bot).to_have_count(4)
    expect(chat.page).to_have_title("小二 · 购物助手")


def test_who_reads_further_up_is_not_pulled_away(server, visit):
    server.answer = lambda message: [text("很长\n" * 40)]
    chat = visit(server.chat)
    chat.ask("一")
    latest = chat.page.locator("#latest")
    expect(latest).to_be_hidden()
    chat.evaluate("document.querySelector('main').scrollTop = 0")
    expect(latest).to_have_text("回到最新")
    server.say([text("新的")])
    expect(latest).to_have_text("1 条新消息")
    assert chat.evaluate("document.querySelector('main').scrollTop") == 0
    latest.click()
    expect(chat.bot.last).to_be_in_viewport()
    expect(latest).to_be_hidden()


def test_5_4_18_the_banner_comes_and_goes_with_the_network(server, visit):
    chat = visit(server.chat, "en")
    chat.accept(*CUT)
    banner = chat.page.get_by_role("status").first
    expect(banner).to_be_empty()
    chat.page.context.set_offline(True)
    expect(banner).to_have_text("You are offline. What you write is sent when the network is back.")
    chat.page.context.set_offline(False)
    expect(banner).to_be_empty()
    chat.wait_until_online()


def test_5_4_22_polling_serves_where_websockets_are_blocked(server, visit):
    server.websocket = False
    chat = visit(server.chat)
    chat.accept("WebSocket ")
    chat.ask("你好")
    assert any("transport=polling" in url for url in chat.requests)
    server.say([text("也能主动说话")])
    expect(chat.bot.last).to_contain_text("也能主动说话")
