"""What messages look like, and that none of them can do anything but be read."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.fakes.web_server import BASE, answers, text

pytestmark = pytest.mark.browser

ATTACKS = [
    "<img src=x onerror=window.pwn=1>",
    "<script>window.pwn=1</script>",
    "[a](javascript:window.pwn=1)",
    "javascript:window.pwn=1",
    'https://example.com/"onmouseover="window.pwn=1',
    "<svg onload=window.pwn=1>",
    "{{constructor.constructor('window.pwn=1')()}}",
]


def choices(*titles, said="哪一笔？"):
    options = [{"title": title, "key": f"key-{title}"} for title in titles]
    return {"type": "choices", "text": said, "options": options}


def card(title="耳机", **fields):
    return {
        "title": title,
        "subtitle": "黑色",
        "price": "¥259.00",
        "image": f"{BASE}/pictures/1.svg",
        "alt": title,
        "url": None,
        "options": [{"title": f"{title}详情", "key": f"key-{title}"}],
        **fields,
    }


def test_5_4_08_a_tap_sends_the_key_and_uses_up_the_group(server, visit):
    server.answer = answers([("订单", [choices("第一笔", "第二笔")])])
    chat = visit(server.chat)
    chat.ask("订单")
    chat.tap("第二笔")
    expect(chat.bot).to_have_count(3)
    sent = server.uttered()[-1]
    assert (sent["type"], sent["key"], sent["title"]) == ("payload", "key-第二笔", "第二笔")
    expect(chat.user.last).to_have_text("您：第二笔")
    for _ in ("now", "after a reload"):
        used = chat.bot.nth(1).locator("button")
        expect(used).to_have_count(2)
        for number in range(2):
            expect(used.nth(number)).to_be_disabled()
        expect(chat.bot.nth(1).locator(".chosen")).to_contain_text("第二笔")
        expect(chat.bot.nth(0).locator("button").first).to_be_enabled()
        chat.page.reload()
        chat.wait_until_online()


def test_5_4_08_a_double_click_sends_once(server, visit):
    server.delay = 0.5
    chat = visit(server.chat)
    chat.page.get_by_role("button", name="查订单").dblclick()
    expect(chat.bot).to_have_count(2)
    chat.page.wait_for_timeout(300)
    assert len(server.uttered()) == 1


def test_5_4_08_what_is_typed_is_sent_as_text_only(server, visit):
    chat = visit(server.chat)
    chat.ask("/restart")
    (sent,) = server.uttered()
    assert (sent["type"], sent["text"]) == ("text", "/restart")
    assert "key" not in sent


def test_5_4_09_cards_show_picture_price_and_buttons(server, visit):
    names = [f"耳机{number}" for number in range(6)]
    shown = {"type": "cards", "cards": [card(name) for name in names]}
    server.answer = lambda message: [text("为您找到这些："), shown]
    chat = visit(server.chat)
    chat.ask("耳机")
    items = chat.page.get_by_role("list", name="商品").get_by_role("listitem")
    expect(items).to_have_count(6)
    expect(items.first).to_contain_text("耳机0")
    expect(items.first).to_contain_text("¥259.00")
    image = items.first.get_by_role("img", name="耳机0")
    expect(image).to_have_attribute("loading", "lazy")
    expect(image).to_have_attribute("referrerpolicy", "no-referrer")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    chat.tap("耳机1详情")
    expect(chat.bot).to_have_count(3)
    # Of the cards only that button is used: other products may be asked about too.
    expect(items.nth(1).get_by_role("button")).to_be_disabled()
    expect(items.nth(2).get_by_role("button")).to_be_enabled()


def test_5_4_09_the_carousel_turns(server, visit):
    shown = {"type": "cards", "cards": [card(f"耳机{number}") for number in range(8)]}
    server.answer = lambda message: [shown]
    chat = visit(server.chat, reduced_motion="reduce")
    chat.ask("耳机")
    turn = chat.page.get_by_role("button", name="下一个")
    back = chat.page.get_by_role("button", name="上一个")
    expect(back).to_be_hidden()
    for _ in range(8):
        if turn.is_hidden():
            break
        turn.click()
        chat.page.wait_for_timeout(100)
    expect(chat.page.locator(".card").last).to_be_in_viewport()
    expect(back).to_be_visible()


def test_5_4_09_a_broken_picture_leaves_its_description(server, visit):
    broken = card("耳机", image=f"{BASE}/pictures/broken.svg", alt="黑色头戴耳机")
    server.answer = lambda message: [{"type": "cards", "cards": [broken, card("音箱", image=None)]}]
    chat = visit(server.chat)
    chat.accept("404")
    chat.ask("耳机")
    places = chat.page.locator(".card .no-picture")
    expect(places).to_have_count(2)
    expect(places.first).to_have_text("黑色头戴耳机")
    expect(places.first).to_have_role("img")


def test_cards_without_pictures_stand_in_a_list(server, visit):
    orders = [card(f"订单 {number}", image=None) for number in range(3)]
    server.answer = lambda message: [{"type": "cards", "cards": orders}]
    chat = visit(server.chat)
    chat.ask("订单")
    expect(chat.page.locator(".stack .card")).to_have_count(3)
    expect(chat.page.locator(".picture")).to_have_count(0)


def test_a_picture_can_be_enlarged(server, visit):
    image = {"type": "image", "url": f"{BASE}/pictures/size.svg", "alt": "尺码表"}
    server.answer = lambda message: [image]
    chat = visit(server.chat)
    chat.ask("尺码")
    chat.page.get_by_role("button", name="放大图片").click()
    large = chat.page.get_by_role("dialog").get_by_role("img", name="尺码表")
    expect(large).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(large).to_be_hidden()


@pytest.mark.parametrize("attack", ATTACKS)
def test_5_4_10_markup_and_script_are_only_text(server, visit, attack):
    # A picture on another host is allowed; it would only be asked for here.
    image = None if attack.startswith("https:") else attack
    hostile = card(attack, subtitle=attack, price=attack, alt=attack, url=attack, image=image)
    server.answer = lambda message: [
        text(attack),
        {"type": "choices", "text": attack, "options": [{"title": attack, "key": attack}]},
        {"type": "choices", "text": attack, "options": [{"title": attack, "url": attack}]},
        {"type": "image", "url": image, "alt": attack},
        {"type": "cards", "cards": [hostile]},
        {"type": "custom", "data": {"html": attack}},
        {"type": attack},
    ]
    chat = visit(server.chat)
    # "x" and the like are paths on this server to a browser; there is nothing.
    chat.accept("404")
    chat.ask(attack)
    expect(chat.user.locator(".bubble")).to_have_text(attack)
    expect(chat.bot.last.locator(".bubble").first).to_have_text(attack)
    for node in chat.page.locator("#log a").all():
        assert node.get_attribute("href").startswith(("http://", "https://"))
    assert chat.page.locator("#log script, #log svg[onload], #log [onmouseover]").count() == 0
    for image in chat.page.locator("#log img").all():
        assert image.get_attribute("onerror") is None
    chat.page.wait_for_timeout(100)
    assert chat.evaluate("window.pwn") is None


def test_5_4_10_a_very_long_text_stays_inside(server, visit):
    server.answer = lambda message: [text("长x" * 5_000), text("W" * 10_000)]
    chat = visit(server.chat)
    chat.ask("说长点")
    box = chat.bot.last.locator(".bubble").last.bounding_box()
    assert box["width"] < 700
    assert chat.evaluate("document.querySelector('main').scrollWidth") <= chat.evaluate(
        "document.querySelector('main').clientWidth"
    )


@pytest.mark.parametrize(
    ("said", "links"),
    [
        ("看 https://example.com/a?b=1。好", ["https://example.com/a?b=1"]),
        ("见（https://example.com/路径）", ["https://example.com/"]),
        ("See https://example.com/x, or http://example.org.", 2),
        ("ftp://example.com javascript:alert(1) //example.com", []),
        ("https://", []),
    ],
)
def test_5_4_10_only_web_addresses_become_links(server, visit, said, links):
    server.answer = lambda message: [text(said)]
    chat = visit(server.chat)
    answer = chat.ask("链接")
    expect(answer.locator(".bubble")).to_have_text(said)
    found = answer.locator("a")
    if isinstance(links, int):
        expect(found).to_have_count(links)
        return
    assert [link.get_attribute("href") for link in found.all()] == links
    for link in found.all():
        assert link.get_attribute("target") == "_blank"
        assert set(link.get_attribute("rel").split()) >= {"noopener", "noreferrer"}


@pytest.mark.parametrize(
    "items",
    [
        [None, 7, "text", {"type": "text"}, {"type": "choices", "options": "x"}],
        [
            {"type": "cards", "cards": [None, {}, {"title": 3}]},
            {"type": "image"},
            {"type": "image", "url": 5},
        ],
        [],
        None,
    ],
)
def test_malformed_items_do_not_stop_the_page(server, visit, items):
    server.answer = answers([("坏", items)])
    chat = visit(server.chat)
    chat.write("坏")
    chat.write("好")
    expect(chat.bot.last).to_contain_text("收到：好")


def test_a_photo_is_shown_before_and_after_it_is_sent(server, visit, tmp_path):
    path = tmp_path / "broken.png"
    Image.new("RGB", (3000, 1500), "#3366cc").save(path)
    chat = visit(server.chat)
    chat.page.locator("#file").set_input_files(path)
    expect(chat.page.locator("#preview")).to_be_visible()
    chat.write("屏幕裂了")
    expect(chat.bot).to_have_count(2)
    (sent,) = server.uttered()
    assert (sent["type"], sent["photo"], sent["text"]) == ("photo", "photo-0", "屏幕裂了")
    assert "file" not in sent
    expect(chat.page.locator("#preview")).to_be_hidden()
    body, kind = server.photos["photo-0"]
    assert kind == "image/jpeg"
    with Image.open(BytesIO(body)) as sent_picture:
        assert sent_picture.size == (2048, 1024)
    chat.page.reload()
    chat.wait_until_online()
    shown = chat.user.get_by_role("img", name="照片")
    expect(shown).to_have_js_property("naturalWidth", 2048)


def test_a_file_that_is_no_picture_is_refused_at_once(server, visit, tmp_path):
    path = tmp_path / "invoice.png"
    path.write_text("not a picture")
    chat = visit(server.chat)
    chat.page.locator("#file").set_input_files(path)
    expect(chat.page.locator("#note")).to_contain_text("JPEG")
    expect(chat.page.locator("#attachment")).to_be_hidden()


def test_a_photo_can_be_taken_back(server, visit, tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (20, 20)).save(path)
    chat = visit(server.chat)
    chat.page.locator("#file").set_input_files(path)
    chat.page.get_by_role("button", name="不发这张照片").click()
    chat.ask("没有照片")
    assert server.photos == {}
    assert server.uttered()[0]["type"] == "text"
