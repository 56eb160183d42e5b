"""The page with two phones on WeChat, with both channels at the other end."""

from __future__ import annotations

import pytest

from bot.channels.state import SqliteState
from bot.channels.wechat import Wechat, WechatKf
from tests.bot.channels.wechat.conftest import LIMITS, kf_settings_for, settings_for
from tests.checks.channel import patient
from tests.fakes.agent import ScriptedAgent, say
from tests.fakes.phone import Phones
from tests.fakes.server import serve
from tests.fakes.wechat import OfficialAccount
from tests.fakes.wecom import CustomerService

pytestmark = pytest.mark.browser

SCRIPT = {
    "颜色": [{"text": "什么颜色？", "buttons": [{"title": "红色", "payload": "/red"}]}],
    "转人工": [{"text": "已登记", "custom": {"handover": True}}],
}


@pytest.fixture
def phones(tmp_path):
    account, service = OfficialAccount(), CustomerService()
    Phones(account, service)
    account.start(), service.start()
    options = {"limits": LIMITS, "state": patient(SqliteState(tmp_path / "s.db")), "say": say}
    channels = (
        Wechat(settings_for(account, wechat_desk=True), **options),
        WechatKf(kf_settings_for(service), **options),
    )
    with serve(*channels, agent=ScriptedAgent(SCRIPT)) as server:
        account.callback = f"{server.url}/webhooks/wechat/callback"
        service.callback = f"{server.url}/webhooks/wechat_kf/callback"
        yield account
    account.stop(), service.stop()
    assert account.violations == service.violations == []


def test_a_shopper_chats_by_both_phones(browser, phones):
    from playwright.sync_api import expect

    context = browser.new_context(locale="zh-CN", viewport={"width": 860, "height": 860})
    page = context.new_page()
    errors, requests = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"{phones.url}/")
    for name, first, heard in (
        ("Official Account", "关注", "echo /greet"),
        ("Customer service", "进入会话", "utter_welcome zh"),
    ):
        phone = page.get_by_label(name)
        phone.locator(".empty").get_by_role("button", name=first).click()
        expect(phone.get_by_text(heard)).to_be_visible()
        phone.get_by_label("Message").fill("颜色")
        phone.get_by_label("Message").press("Enter")
        phone.get_by_role("button", name="红色").click()
        expect(phone.get_by_text("echo /red")).to_be_visible()
        phone.get_by_role("button", name="发位置").click()
        expect(phone.get_by_text("echo /share_location")).to_be_visible()
        phone.get_by_label("Message").fill("转人工")
        phone.get_by_role("button", name="发送").click()
        expect(phone.get_by_text("已转人工，等待接待")).to_be_visible()
        phone.get_by_role("button", name="客服结束").click()
        expect(phone.get_by_text("已转人工，等待接待")).to_have_count(0)
    page.get_by_label("Language").select_option("en")
    expect(page.get_by_role("button", name="Send")).to_have_count(2)
    page.get_by_label("Official Account").get_by_label("订单").select_option("查订单")
    expect(page.get_by_text("echo /check_order")).to_be_visible()
    assert errors == []
    assert all(url.startswith(phones.url) for url in requests)
    context.close()
