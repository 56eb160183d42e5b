"""The page and the real web channel together, with a scripted agent behind it."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from playwright.sync_api import expect

from bot.channels.base import ChannelSettings
from bot.channels.state import SqliteState
from bot.channels.web.connector import WebChat, WebSettings
from shop.settings import ShopSettings
from tests.bot.channels.web.page import SECRET, ToyAccounts
from tests.browser.test_line import HIDDEN
from tests.checks.channel import NOTIFY_SECRET
from tests.fakes.agent import ScriptedAgent, say, silence, slow
from tests.fakes.server import serve

pytestmark = pytest.mark.browser

CARD = {
    "title": "黑色耳机",
    "subtitle": "Stellar",
    "price": "¥259.00",
    "image_url": "/webhooks/webchat/pictures/missing.svg",
    "alt": "黑色耳机",
    "buttons": [{"title": "看详情", "payload": "/ask_product_detail"}],
}
SCRIPT: dict[str, Any] = {
    "订单": [
        {
            "text": "哪一笔？",
            "buttons": [
                {"title": "第一笔", "payload": '/inform{"number": "1"}'},
                {"title": "第二笔", "payload": '/inform{"number": "2"}'},
            ],
        }
    ],
    '/inform{"number": "2"}': [{"text": "第二笔已发货。"}],
    "耳机": [{"text": "为您找到这些："}, {"elements": [CARD]}],
    "慢": slow(1.5, {"text": "让您久等了。"}),
    "不说": silence,
}


@pytest.fixture
def start(tmp_path):
    """Starts the channel; what it keeps outlives the server, as in a real restart."""

    def start_one(agent: ScriptedAgent, port: int | None = None):
        channel = WebChat(
            WebSettings(uploads=tmp_path / "uploads"),
            ShopSettings(secret=SECRET, demo=True, pictures=tmp_path),
            ToyAccounts(),
            redis_url="",
            limits=ChannelSettings(notify_secret=NOTIFY_SECRET),
            state=SqliteState(tmp_path / "state.db"),
            say=say,
        )
        return serve(channel, agent=agent, port=port)

    return start_one


def chat_of(server) -> str:
    return f"{server.url}/webhooks/webchat/chat"


def test_5_4_05_a_whole_chat_over_the_real_channel(start, visit):
    agent = ScriptedAgent(SCRIPT)
    with start(agent) as server:
        chat = visit(chat_of(server))
        chat.accept("404")
        expect(chat.bot).to_contain_text("utter_welcome zh")
        chat.ask("订单")
        chat.tap("第二笔")
        expect(chat.bot.last).to_contain_text("第二笔已发货。")
        expect(chat.page.get_by_role("button", name="第一笔")).to_be_disabled()
        chat.ask("耳机")
        expect(chat.page.locator(".card")).to_contain_text("¥259.00")
        expect(chat.page.locator(".card .no-picture")).to_have_text("黑色耳机")
        chat.ask("/restart")
        chat.ask("不说")
        before = chat.texts()
        chat.page.reload()
        expect(chat.user).to_have_count(5)
        assert chat.texts() == before
    assert agent.texts()[:3] == ["订单", '/inform{"number": "2"}', "耳机"]
    # Typed text never is a command.
    assert "/restart" not in agent.texts()


def test_5_4_11_5_4_12_a_restart_in_the_middle_loses_nothing(start, visit):
    with start(ScriptedAgent(SCRIPT)) as server:
        chat = visit(chat_of(server))
        chat.accept("ERR_CONNECTION_REFUSED", "WebSocket", "500", "503")
        chat.write("慢")
        expect(chat.page.locator("#typing")).to_be_visible()
        port = server.port
    expect(chat.page.locator("#banner")).not_to_be_empty()
    chat.write("订单")
    with start(ScriptedAgent(SCRIPT), port=port):
        chat.wait_until_online()
        expect(chat.bot.last).to_contain_text("哪一笔？")
        said = [line for line in chat.texts() if line.startswith("user")]
        assert said == ["user: 慢", "user: 订单"]


def test_5_4_13_erasing_over_the_real_channel(start, visit):
    agent = ScriptedAgent(SCRIPT)
    with start(agent) as server:
        chat = visit(chat_of(server))
        chat.ask("订单")
        chat.menu("删除我的数据")
        chat.page.get_by_role("button", name="永久删除").click()
        expect(chat.user).to_have_count(0)
        expect(chat.bot).to_have_count(1)
        assert len(agent.erased) == 1


def test_signing_in_over_the_real_channel(start, visit):
    with start(ScriptedAgent(SCRIPT)) as server:
        chat = visit(chat_of(server))
        chat.menu("登录")
        customers = chat.page.locator(".customer")
        expect(customers.first).to_be_visible()
        customers.first.click()
        expect(chat.page.locator("#presence")).to_contain_text("已登录：")
        chat.menu("退出登录")
        chat.page.get_by_role("dialog").get_by_role("button", name="退出登录").click()
        expect(chat.page.locator("#presence")).to_have_text("在线")


def test_a_photo_over_the_real_channel(start, visit, tmp_path):
    from PIL import Image

    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30), "#aa3311").save(path)
    with start(ScriptedAgent(SCRIPT)) as server:
        chat = visit(chat_of(server))
        chat.page.locator("#file").set_input_files(path)
        expect(chat.page.locator("#preview")).to_be_visible()
        chat.page.get_by_role("button", name="发送", exact=True).click()
        expect(chat.bot).to_have_count(2)
        chat.page.reload()
        shown = chat.user.get_by_role("img", name="照片")
        expect(shown).to_have_js_property("naturalWidth", 40)


def test_5_4_22_polling_over_the_real_channel(start, visit):
    with start(ScriptedAgent(SCRIPT)) as server:
        # A network that lets no websocket through.
        blocked = """window.WebSocket = class {
            constructor() { setTimeout(() => this.onerror(new Event("error"))); }
            close() {}
        };"""
        chat = visit(chat_of(server), script=blocked)
        chat.ask("订单")
        assert any("transport=polling" in url for url in chat.requests)


def test_5_4_15_news_over_the_real_channel_are_counted_as_unread(start, visit):
    with start(ScriptedAgent(SCRIPT)) as server:
        chat = visit(chat_of(server))
        (sender,) = server.app.ctx.input_channels[0]._sockets
        chat.evaluate(HIDDEN, True)
        body = {"recipient": sender, "intent": "parcel_shipped"}
        answer = requests.post(
            f"{server.url}/webhooks/webchat/notify",
            json=body,
            headers={"X-Xiaoer-Secret": NOTIFY_SECRET},
        )
        assert answer.status_code == 202
        expect(chat.bot.last).to_contain_text("news: parcel_shipped")
        expect(chat.page).to_have_title("(1) 小二 · 购物助手")
