"""Section 5.4 of the specification: what the server must do; the page's own part is elsewhere."""

from __future__ import annotations

import gzip
import http.client
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
import requests
import websocket

from bot.channels.state import RedisState
from bot.channels.web.pages import STATIC
from bot.channels.web.tokens import AUDIENCE, SessionTokens
from tests.bot.channels.web.conftest import Start
from tests.bot.channels.web.page import BASE, SECRET, Page, ToyAccounts, new_session, page, refusal
from tests.checks.channel import EVERYTHING, PATIENCE, patient, until
from tests.fakes.agent import Gate

SHOP = "https://www.shop.example"


def test_5_4_01_the_page_comes_with_its_policy(start: Start) -> None:
    server = start(web_origins=(SHOP,))
    answer = requests.get(f"{server.url}{BASE}/chat")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy and "script-src 'self'" in policy
    assert f"frame-ancestors 'self' {SHOP}" in policy
    assert not any("unsafe" in part for part in policy)


def test_5_4_02_a_session_is_for_allowed_origins(start: Start) -> None:
    server = start(web_origins=(SHOP,))
    for origin in (SHOP, server.url, f"http://localhost:{server.port}"):
        host = origin.split("//")[1] if origin != SHOP else "chat.shop.example"
        assert post_session(server.url, Origin=origin, Host=host) == 200, origin
    for origin in (
        "https://evil.example",
        "https://www.shop.example.evil.example",
        "http://www.shop.example",
        "null",
        "",
    ):
        assert post_session(server.url, Origin=origin) == 403, origin
    # A name that was made to point here: same origin for the browser, but not listed.
    assert post_session(server.url, Origin="http://evil.example", Host="evil.example") == 403


def test_5_4_02_sessions_of_one_address_are_limited(start: Start) -> None:
    server = start(web_sessions_a_minute=5, web_proxies=1)
    codes = [post_session(server.url) for _ in range(6)]
    assert codes == [200] * 5 + [429]
    # Behind our proxy other clients have other addresses, whatever they claim before it.
    assert post_session(server.url, **{"X-Forwarded-For": "127.0.0.1, 198.51.100.7"}) == 200
    answer = requests.post(f"{server.url}{BASE}/session")
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0


def test_5_4_03_only_our_own_fresh_tokens_connect(start: Start) -> None:
    server = start()
    now = int(time.time())
    claims = {"sub": "a", "aud": AUDIENCE, "iat": now, "exp": now + 60}
    good = jwt.encode(claims, SECRET, algorithm="HS256")
    refused = {
        "none": None,
        "empty": "",
        "number": 5,
        "list": ["x"],
        "not a token": "abc",
        "another key": jwt.encode(claims, "x" * 32, algorithm="HS256"),
        "unsigned": jwt.encode(claims, None, algorithm="none"),
        "expired": jwt.encode({**claims, "exp": now - 1}, SECRET, algorithm="HS256"),
        "without end": jwt.encode({"sub": "a", "aud": AUDIENCE}, SECRET, algorithm="HS256"),
        "another audience": jwt.encode({**claims, "aud": "xiaoer"}, SECRET, algorithm="HS256"),
        "cut short": good[:-2],
        "another algorithm": jwt.encode(claims, SECRET + "x" * 64, algorithm="HS512"),
    }
    for what, token in refused.items():
        assert refusal(server.url, token=token) == "token", what
        bearer = {"Authorization": f"Bearer {token}"}
        photo = requests.post(f"{server.url}{BASE}/photo", data=b"x", headers=bearer)
        assert photo.status_code == 401, what
    with page(server.url, token=good) as tab:
        assert tab.sender_id == "web:a"


def test_5_4_03_a_session_is_renewed_with_its_token_only(start: Start) -> None:
    server = start()
    first = new_session(server.url)
    again = new_session(server.url, first["token"])
    assert again["session_id"] == first["session_id"] and again["expires"] >= first["expires"]
    assert new_session(server.url, "forged")["session_id"] != first["session_id"]


def test_5_4_03_a_token_that_expires_ends_the_connection(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    token = SessionTokens(SECRET, days=1).issue("brief").token
    with page(server.url, token=token) as tab:
        assert tab.utter(text="in time")["ok"]
        tomorrow = SimpleNamespace(time=lambda: time.time() + 86_401)
        monkeypatch.setattr("bot.channels.web.tokens.time", tomorrow)
        assert tab.utter(text="too late") == {"ok": False, "error": "token"}
        until(lambda: not tab.socket.connected)
        assert tab.of("error") == [{"error": "token"}]
        assert server.agent.texts() == ["in time"]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://127.0.0.1.evil.example", "null"]
)
def test_5_4_04_other_sites_get_no_socket(start: Start, origin: str) -> None:
    server = start()
    url = f"{server.url}{BASE}/socket.io/?EIO=4&transport="
    assert requests.get(url + "polling", headers={"Origin": origin}).status_code == 400
    raw = websocket.WebSocket()
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        raw.connect(url.replace("http:", "ws:") + "websocket", origin=origin)
    raw.shutdown()
    assert refused.value.status_code == 400
    assert requests.get(url + "polling", headers={"Origin": server.url}).status_code == 200


def test_5_4_05_a_message_is_acked_typed_and_answered(start: Start) -> None:
    server = start()
    with page(server.url, lang="zh") as tab:
        assert tab.of("ready")[0]["entries"][0]["items"][0]["text"] == "utter_welcome zh"
        ack = tab.utter(id="m1", text="你好")
        assert ack == {"ok": True, "id": "m1", "seq": 2}
        tab.waits_for("echo 你好")
        live = [name for name, _ in tab.events if name != "ready"][-3:]
        assert live == ["typing", "typing", "bot_uttered"]
        assert tab.of("typing") == [{"on": True}, {"on": False}]
        said = tab.of("bot_uttered")[-1]
        assert said["seq"] == 3 and said["from"] == "bot" and abs(said["at"] - time.time()) < 10
        assert server.agent.said[0].metadata == {"channel": "webchat", "lang": "zh", "typed": True}


def test_5_4_06_two_tabs_show_one_dialogue_and_a_third_session_none_of_it(start: Start) -> None:
    server = start()
    with (
        page(server.url) as one,
        page(server.url, token=one.token) as two,
        page(server.url) as other,
    ):
        one.utter(id="m1", text="hello")
        for tab in (one, two):
            tab.waits_for("echo hello")
        (echo,) = two.of("user_uttered")
        assert (echo["id"], echo["type"], echo["text"], echo["seq"]) == ("m1", "text", "hello", 2)
        assert one.of("user_uttered") == []
        assert not any("hello" in str(event) for event in other.events)


def test_5_4_06_a_fourth_tab_closes_the_first(start: Start) -> None:
    server = start()
    token = new_session(server.url)["token"]
    tabs = [Page(server.url, token=token).connect() for _ in range(4)]
    until(lambda: not tabs[0].socket.connected)
    assert [tab.socket.connected for tab in tabs] == [False, True, True, True]
    for tab in tabs:
        tab.leave()


def test_5_4_07_naming_anothers_session_gets_nothing_of_it(start: Start) -> None:
    server = start()
    with page(server.url) as anna:
        sid = anna.sender_id.removeprefix("web:")
        name = {"session_id": sid, "sid": sid, "sender": anna.sender_id, "room": anna.sender_id}
        bob = Page(server.url).connect(**name)
        bob.utter(text="hello", **name, metadata={"sender_id": anna.sender_id})
        bob.call("history", {"after": 0, **name})
        bob.call("session_request", name)
        anna.utter(text="my order is 42")
        anna.waits_for("echo my order is 42")
        bob.waits_for("echo hello")
        assert not any("42" in str(event) for event in bob.events)
        assert not any("hello" in str(event) for event in anna.events)
        assert {m.sender_id for m in server.agent.said} == {anna.sender_id, bob.sender_id}
        bob.leave()


def test_5_4_08_a_button_sends_its_payload_and_a_forged_key_nothing(start: Start) -> None:
    server = start({"ask": [{"text": "?", "buttons": [{"title": "蓝色", "payload": "/blue"}]}]})
    with page(server.url) as anna, page(server.url) as bob:
        anna.type("ask")
        anna.waits_for("蓝色")
        (option,) = anna.items()[-1]["options"]
        assert set(option) == {"title", "key"}, "no payload leaves the server"
        # Another shopper's, made up, or a payload in its place: understood as what the button said.
        for key in (option["key"], "A" * 16, "restart"):
            bob.utter(type="payload", key=key, title="/restart")
        bob.waits_for("echo restart")
        assert bob.utter(type="payload", key="A" * 16)["ok"]
        bob.waits_for("utter_expired")
        assert bob.utter(type="payload", key="/restart") == {"ok": False, "error": "bad_request"}
        anna.tap("蓝色")
        anna.waits_for("echo /blue")
        assert server.agent.texts(bob.sender_id) == ["restart"] * 3
        tap = requests_entries(anna)[-2]
        assert (tap["type"], tap["text"], tap["key"]) == ("payload", "蓝色", option["key"])


def test_5_4_09_cards_have_all_their_parts(start: Start) -> None:
    server = start({"show": [EVERYTHING]})
    with page(server.url) as tab:
        tab.type("show")
        tab.waits_for("Kettle")
        choices, custom, image, cards = tab.items()[-4:]
        assert [choices["type"], custom["type"], image["type"], cards["type"]] == [
            "choices",
            "custom",
            "image",
            "cards",
        ]
        kettle, teapot = cards["cards"]
        key = kettle["options"][0]["key"]
        assert kettle == {
            "title": "Kettle",
            "subtitle": "1.7 l",
            "price": "¥129",
            "image": "https://shop.example/kettle.png",
            "alt": "",
            "url": None,
            "options": [{"title": "Details", "key": key}],
        }
        assert teapot["image"] is None and teapot["options"] == []


def test_5_4_10_hostile_text_stays_text_and_hostile_addresses_go(start: Start) -> None:
    markup = "<img src=x onerror=window.pwn=1>" * 300
    server = start(
        {
            "show": [
                {
                    "text": markup,
                    "buttons": [
                        {"title": markup, "url": "javascript:alert(1)"},
                        {"title": "data", "url": "data:text/html,<script>"},
                        {"title": "host", "url": "//evil.example"},
                        {"title": "shop", "url": "https://shop.example/a?b=1"},
                    ],
                    "image": "javascript:alert(1)",
                    "elements": [{"title": "t", "image_url": "file:///etc/passwd", "url": "ftp:x"}],
                }
            ]
        }
    )
    with page(server.url) as tab:
        tab.type("show")
        tab.waits_for("shop")
        choices, cards = tab.items()[-2:]
        assert choices["text"] == markup
        assert choices["options"] == [{"title": "shop", "url": "https://shop.example/a?b=1"}]
        assert cards["cards"][0]["image"] is None and cards["cards"][0]["url"] is None


def test_5_4_11_what_came_while_away_is_replayed_once(start: Start) -> None:
    gate = Gate()
    server = start({"slow": gate.line})
    tab = Page(server.url).connect()
    tab.utter(id="m1", text="slow")
    tab.leave()
    channel = server.app.ctx.input_channels[0]
    until(lambda: not channel._sockets)
    gate.open()
    until(lambda: len(server.run(channel.state.since(tab.sender_id, "log"))) == 3)
    back = Page(server.url, token=tab.token, last_seq=2).connect()
    assert [entry["seq"] for entry in back.of("ready")[0]["entries"]] == [3]
    # The ack of the first may have been lost: sent again, it is not another turn.
    assert back.utter(id="m1", text="slow") == {"ok": True, "id": "m1"}
    back.type("next")
    back.waits_for("echo next")
    assert [line for line in back.heard() if "slow" in line] == ["echo slow"]
    assert server.agent.texts() == ["slow", "next"]
    back.leave()


def test_5_4_12_a_restart_keeps_sessions_history_and_buttons(start: Start) -> None:
    buttons = [{"title": "Blue", "payload": "/blue"}]
    first = start({"ask": [{"text": "Which?", "buttons": buttons}]})
    tab = Page(first.url).connect()
    tab.type("ask")
    tab.waits_for("Which?")
    first.stop()
    until(lambda: not tab.socket.connected)
    second = start(port=first.port)
    back = Page(second.url, token=tab.token, last_seq=0).connect()
    assert [entry["from"] for entry in back.of("ready")[0]["entries"]] == ["bot", "user", "bot"]
    back.tap("Blue")
    back.waits_for("echo /blue")
    back.leave()


def test_5_4_13_reload_shows_the_history_and_start_over_begins_anew(start: Start) -> None:
    server = start()
    with page(server.url) as tab:
        tab.type("hello")
        tab.waits_for("echo hello")
        with page(server.url, token=tab.token) as reloaded:
            assert reloaded.heard() == tab.heard()
            assert [e["text"] for e in reloaded.entries() if e["from"] == "user"] == ["hello"]
            assert tab.call("start_over", {})["ok"]
            until(lambda: bool(reloaded.of("session") and tab.of("session")))
        (session,) = tab.of("session")
        assert set(session) == {"token", "session_id", "expires"}
        with page(server.url, token=session["token"]) as fresh:
            assert not any("hello" in line for line in fresh.heard())
            assert fresh.sender_id != tab.sender_id
        # Who still has the old token can neither write nor read.
        assert tab.utter(text="late") == {"ok": False, "error": "token"}
        assert refusal(server.url, token=tab.token) == "token"
        assert server.agent.erased == []


def test_5_4_13_erasing_leaves_nothing(start: Start, accounts: ToyAccounts, tmp_path: Path) -> None:
    gate = Gate()
    server = start({"slow": gate.line})
    with page(server.url) as tab:
        tab.call("sign_in", {"token": "token-1"})
        tab.utter(text="slow")
        until(lambda: bool(server.agent.said))
        assert tab.call("erase", {})["ok"]
        assert server.agent.erased == [], "not in the middle of a turn"
        gate.open()
        until(lambda: bool(tab.of("session")))
        # The turn that ran at that moment ended first, so it wrote nothing afterwards.
        assert server.agent.texts() == ["slow"] and server.agent.tracker == {}
        assert server.agent.erased == [tab.sender_id]
        assert accounts.bound == {}
    server.stop()
    until(lambda: not (tmp_path / "state.db-wal").exists())
    kept = (tmp_path / "state.db").read_bytes()
    assert b"slow" not in kept
    assert kept.count(tab.sender_id.encode()) == 1, "only that it is closed"


@pytest.mark.parametrize(
    "data",
    [
        None,
        5,
        "text",
        [],
        ["a"],
        {},
        {"id": "a"},
        {"id": "a", "type": "text"},
        {"id": "a", "type": "text", "text": None},
        {"id": "a", "type": "text", "text": 5},
        {"id": "a", "type": "text", "text": ["x"]},
        {"id": 7, "type": "text", "text": "x"},
        {"id": "a" * 65, "type": "text", "text": "x"},
        {"id": "../a", "type": "text", "text": "x"},
        {"id": "a", "type": "sound", "text": "x"},
        {"id": "a", "type": {"x": 1}, "text": "x"},
        {"id": "a", "type": "payload"},
        {"id": "a", "type": "payload", "key": "/restart"},
        {"id": "a", "type": "location", "latitude": "1", "longitude": 2},
        {"id": "a", "type": "location", "latitude": 91, "longitude": 2},
        {"id": "a", "type": "location", "latitude": True, "longitude": 2},
        {"id": "a", "type": "photo", "photo": "../../etc/passwd"},
        {"id": "a", "type": "photo", "photo": "A" * 22},
    ],
)
def test_5_4_14_a_malformed_message_is_an_error_and_no_turn(start: Start, data: Any) -> None:
    server = start()
    with page(server.url) as tab:
        assert tab.call("user_uttered", data) == {"ok": False, "error": "bad_request"}
        tab.type("works")
        tab.waits_for("echo works")
        assert server.agent.texts() == ["works"]


def test_5_4_14_large_frames_end_the_connection_and_nothing_else(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    server = start()
    for size in (70_000, 200_000, 2_000_000):
        tab = Page(server.url).connect()
        tab.socket.emit("user_uttered", {"id": "a", "type": "text", "text": "x" * size})
        until(lambda tab=tab: not tab.socket.connected)  # type: ignore[misc]
        assert not tab.socket.connected
        tab.leave()
    with page(server.url) as tab:
        tab.type("works")
        tab.waits_for("echo works")
    assert server.agent.texts() == ["works"]
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "frame",
    [
        *("", "x", "9", "4", "4x", "49", "42", "42x", "42[]", '42{"a":1}', '42["a"', "42[5]"),
        *("42[null]", "42[[1]]", '42["user_uttered"]', "43[]", "431[]", "44{}", "6", "1", "41"),
        *('451-["user_uttered",{}]', '40{"token":1}', "40/admin,", "2probe", "5", "4" * 5000),
        b"\x00\xff",
    ],
)
def test_5_4_14_broken_frames_leave_no_traceback(
    start: Start, frame: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    server = start()
    token = new_session(server.url)["token"]
    url = f"ws://127.0.0.1:{server.port}{BASE}/socket.io/?EIO=4&transport=websocket"
    for before in ([], [f'40{{"token":"{token}"}}']):
        raw = websocket.create_connection(url, timeout=PATIENCE)
        raw.recv()
        for text in before:
            raw.send(text)
            raw.recv()
        (raw.send_binary if isinstance(frame, bytes) else raw.send)(frame)  # type: ignore[operator]
        time.sleep(0.05)
        raw.close()
    with page(server.url) as tab:
        tab.type("works")
        tab.waits_for("echo works")
    assert "Traceback" not in caplog.text and "never retrieved" not in caplog.text


def test_5_4_14_a_flood_is_slowed_and_the_server_lives(start: Start) -> None:
    gate = Gate()
    server = start({"slow": gate.line}, message_queue=5, web_messages_a_minute=15)
    with page(server.url) as flood, page(server.url) as other:
        acks = [flood.utter(text="slow") for _ in range(50)]
        gate.open()
        errors = [ack["error"] for ack in acks if not ack["ok"]]
        assert {"too_fast", "too_many"} <= set(errors)
        assert all(ack["retry_after"] > 0 for ack in acks if not ack["ok"])
        assert other.socket.connected
        assert requests.get(f"{server.url}{BASE}/").status_code == 200


def test_5_4_20_only_the_files_of_the_page_are_served(start: Start, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "p1.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "secret.svg").write_text("secret")
    server = start(pictures=tmp_path / "pictures")
    for path in (
        "/static/",
        "/static/../connector.py",
        "/static/..%2fconnector.py",
        "/static/%2e%2e/connector.py",
        "/static/%2fetc%2fpasswd",
        "/static/.hidden.js",
        "/static/absent.js",
        "/static/index.html%00.js",
        "/pictures/",
        "/pictures/..%2fsecret.svg",
        "/pictures/../secret.svg",
    ):
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", BASE + path)
        assert connection.getresponse().status == 404, path
        connection.close()
    picture = requests.get(f"{server.url}{BASE}/pictures/p1.svg")
    assert picture.status_code == 200
    assert picture.headers["content-security-policy"].startswith("default-src 'none'")


def test_5_4_20_files_are_cached_by_their_content(start: Start) -> None:
    server = start()
    answer = requests.get(f"{server.url}{BASE}/chat")
    headers = {"If-None-Match": answer.headers["etag"]}
    again = requests.get(f"{server.url}{BASE}/chat", headers=headers)
    assert again.status_code == 304 and again.content == b""
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_whole_page_is_small(start: Start) -> None:
    """Page and scripts as they are, and all of it, styles included, as it travels."""
    server = start()
    html = requests.get(f"{server.url}{BASE}/chat").text
    files = set(re.findall(r'(?:src|href)="(static/[^"]+)"', html))
    modules = {f"static/{path.name}" for path in STATIC.glob("*.js")} - {"static/embed.js"}
    assert modules < files, "none is found late, by another that imports it"
    whole, travelled = 0, 0
    for name in {"chat", *files}:
        answer = requests.get(f"{server.url}{BASE}/{name}", stream=True)
        packed = answer.raw.read()
        travelled += len(packed)
        if not name.endswith((".css", ".svg")):
            whole += len(gzip.decompress(packed))
    assert whole < 120_000 and travelled < 60_000, (whole, travelled)


def test_files_travel_small_to_those_who_unpack_them(start: Start, tmp_path: Path) -> None:
    (tmp_path / "p1.jpg").write_bytes(b"\xff\xd8" * 500)
    (tmp_path / "p1.svg").write_text("<svg/>")
    server = start(pictures=tmp_path)

    def get(path: str, accepted: str) -> requests.Response:
        headers = {"Accept-Encoding": accepted}
        return requests.get(f"{server.url}{BASE}{path}", headers=headers, stream=True)

    whole = STATIC.joinpath("webchat.css").read_bytes()
    for accepted in ("gzip", "br;q=1.0, GZIP;q=0.8, *;q=0.1", "*"):
        answer = get("/static/webchat.css", accepted)
        assert answer.headers["content-encoding"] == "gzip"
        travelled = answer.raw.read()
        assert len(travelled) < len(whole) / 2 and gzip.decompress(travelled) == whole
    for accepted in ("", "identity", "br", "gzip;q=0"):
        answer = get("/static/webchat.css", accepted)
        assert "content-encoding" not in answer.headers and answer.raw.read() == whole
        assert answer.headers["vary"] == "Accept-Encoding"
    # What is packed already, or so small that it would grow, is sent as it is.
    for path in ("/pictures/p1.jpg", "/pictures/p1.svg"):
        assert "content-encoding" not in get(path, "gzip").headers
    # A cache must not take one for the other.
    tags = {get("/chat", accepted).headers["etag"] for accepted in ("gzip", "identity")}
    assert len(tags) == 2
    for tag in tags:
        accepted = {"Accept-Encoding": "gzip" if "gzip" in tag else "identity"}
        again = requests.get(f"{server.url}{BASE}/chat", headers={"If-None-Match": tag, **accepted})
        assert again.status_code == 304


def test_5_4_21_many_sessions_at_once_are_all_answered(start: Start) -> None:
    """`bench/channels.py` measures how long it takes, and takes 300."""
    server = start(web_sessions_a_minute=1000, web_messages_a_minute=10_000)

    def chat(tab: Page) -> None:
        for turn in range(5):
            tab.type(f"{turn} of {tab.sender_id}")

    with ThreadPoolExecutor(20) as pool:
        tabs = list(pool.map(lambda _: Page(server.url).connect(), range(100)))
        list(pool.map(chat, tabs))
        for tab in tabs:
            tab.waits_for(f"echo 4 of {tab.sender_id}")
            heard = [line for line in tab.heard() if line.startswith("echo")]
            assert heard == [f"echo {turn} of {tab.sender_id}" for turn in range(5)]
        list(pool.map(lambda tab: tab.leave(), tabs))
    until(lambda: not server.app.ctx.input_channels[0]._sockets)
    assert server.app.ctx.input_channels[0]._sockets == {}, "sockets are released"


def test_5_4_22_polling_works_where_websockets_do_not(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    server = start()
    tab = Page(server.url).connect(transports=("polling",))
    tab.type("hello")
    tab.waits_for("echo hello")
    # A page that closes ends its poll; this client would wait for the next ping.
    server.stop()
    tab.leave()
    assert "Traceback" not in caplog.text


# --- who is signed in


def test_the_shops_token_signs_in_in_the_middle_of_a_chat(
    start: Start, accounts: ToyAccounts
) -> None:
    server = start()
    with page(server.url) as tab, page(server.url, token=tab.token) as other:
        assert tab.of("ready")[0]["name"] is None
        tab.type("before")
        assert tab.call("sign_in", {"token": "token-1"}) == {
            "ok": True,
            "name": {"zh": "Anna", "en": "Anna"},
        }
        until(lambda: bool(other.of("identity")))
        assert other.of("identity") == [{"name": {"zh": "Anna", "en": "Anna"}}]
        assert accounts.bound == {tab.sender_id: 1}
        with page(server.url, token=tab.token) as reloaded:
            assert reloaded.of("ready")[0]["name"]["en"] == "Anna"


@pytest.mark.parametrize(
    "data, error",
    [
        ({"token": "nonsense"}, "token_invalid"),
        ({"token": "token-1-used"}, "token_used"),
        ({"token": ""}, "bad_request"),
        ({"token": "x" * 5000}, "bad_request"),
        ({}, "bad_request"),
        (None, "bad_request"),
    ],
)
def test_a_bad_sign_in_changes_nothing(
    start: Start, accounts: ToyAccounts, data: Any, error: str
) -> None:
    accounts.used.add("token-1-used")
    server = start()
    with page(server.url) as tab:
        assert tab.call("sign_in", data) == {"ok": False, "error": error}
        assert accounts.bound == {}


def test_signing_out_ends_the_conversation(start: Start, accounts: ToyAccounts) -> None:
    server = start()
    with page(server.url) as tab:
        tab.call("sign_in", {"token": "token-1"})
        assert tab.call("sign_out", {})["ok"]
        until(lambda: bool(tab.of("session")))
        assert accounts.bound == {}
        with page(server.url, token=tab.of("session")[0]["token"]) as fresh:
            assert fresh.of("ready")[0]["name"] is None


def test_a_visitor_who_signs_out_stays_in_the_conversation(start: Start) -> None:
    server = start()
    with page(server.url) as tab:
        assert tab.call("sign_out", {}) == {"ok": True}
        tab.type("still here")
        tab.waits_for("echo still here")
        assert tab.of("session") == []


def test_starting_over_keeps_who_is_signed_in(start: Start, accounts: ToyAccounts) -> None:
    server = start()
    with page(server.url) as tab:
        tab.call("sign_in", {"token": "token-1"})
        tab.call("start_over", {})
        until(lambda: bool(tab.of("session")))
        session = tab.of("session")[0]["session_id"]
        assert accounts.bound == {f"web:{session}": 1}


def test_signing_in_as_somebody_else_begins_a_new_conversation(
    start: Start, accounts: ToyAccounts
) -> None:
    server = start()
    with page(server.url) as tab:
        tab.call("sign_in", {"token": "token-1"})
        assert tab.call("sign_in", {"token": "token-1-again"})["ok"]
        assert accounts.bound == {tab.sender_id: 1} and tab.of("session") == []
        assert tab.call("sign_in", {"token": "token-2"})["name"]["en"] == "Bob"
        until(lambda: bool(tab.of("session")))
        assert accounts.bound == {f"web:{tab.of('session')[0]['session_id']}": 2}


def test_a_slow_database_costs_the_sign_in_and_nothing_else(
    start: Start, accounts: ToyAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.channels.web.accounts.PATIENCE", 0.1)
    accounts.delay = 0.4
    server = start()
    with page(server.url) as tab:
        assert tab.call("sign_in", {"token": "token-1"})["error"] == "unavailable"
        tab.type("works")
        tab.waits_for("echo works")


# --- demo


def test_the_demo_offers_its_customers_on_this_machine(start: Start) -> None:
    server = start(demo=True)
    assert requests.get(f"{server.url}{BASE}/config").json()["demo"] is True
    customers = requests.get(f"{server.url}{BASE}/demo/customers").json()["customers"]
    assert [customer["name"]["en"] for customer in customers] == ["Anna", "Bob"]
    answer = requests.post(f"{server.url}{BASE}/demo/token", json={"customer": 2})
    with page(server.url) as tab:
        assert tab.call("sign_in", {"token": answer.json()["token"]})["name"]["en"] == "Bob"


@pytest.mark.parametrize("body", [{"customer": 3}, {"customer": "2"}, {"customer": True}, [], {}])
def test_the_demo_knows_no_other_customers(start: Start, body: Any) -> None:
    server = start(demo=True)
    answer = requests.post(f"{server.url}{BASE}/demo/token", json=body)
    assert answer.status_code in (400, 404) and "token" not in answer.json()


@pytest.mark.parametrize(
    "settings, headers",
    [
        ({"demo": False}, {}),
        ({"demo": True, "host": "0.0.0.0"}, {}),
        ({"demo": True}, {"X-Forwarded-For": "203.0.113.9"}),
        ({"demo": True}, {"X-Real-IP": "127.0.0.1"}),
        ({"demo": True}, {"Host": "evil.example"}),
        ({"demo": True}, {"Origin": "http://evil.example"}),
    ],
)
def test_the_demo_is_not_there_for_anybody_else(
    start: Start, settings: dict[str, Any], headers: dict[str, str]
) -> None:
    server = start(**settings)
    url = f"{server.url}{BASE}"
    assert requests.get(f"{url}/demo/customers", headers=headers).status_code == 404
    token = requests.post(f"{url}/demo/token", json={"customer": 1}, headers=headers)
    assert token.status_code == 404
    assert requests.get(f"{url}/config", headers=headers).json()["demo"] is False


# --- several workers


def test_an_answer_reaches_the_page_through_another_worker(
    start: Start, redis_url: str, tmp_path: Path
) -> None:
    state = [patient(RedisState(redis_url, prefix=tmp_path.name)) for _ in range(2)]
    one = start(redis_url=redis_url, state=state[0])
    two = start(redis_url=redis_url, state=state[1])
    with page(one.url) as here, page(two.url, token=here.token) as there:
        here.type("from one")
        there.type("from two")
        for tab in (here, there):
            tab.waits_for("echo from one", "echo from two")
        assert one.agent.texts() == ["from one"] and two.agent.texts() == ["from two"]
        seqs = [entry["seq"] for entry in there.call("history", {"after": 0})["entries"]]
        assert seqs == [1, 2, 3, 4, 5]
        # Long polls could reach the wrong worker, so there are none.
        polling = f"{one.url}{BASE}/socket.io/?EIO=4&transport=polling"
        assert requests.get(polling).status_code == 400


def test_5_4_02_the_limit_of_sessions_holds_over_all_workers(
    start: Start, redis_url: str, tmp_path: Path
) -> None:
    limit = {"web_sessions_a_minute": 5, "redis_url": redis_url}
    servers = [
        start(state=patient(RedisState(redis_url, prefix=tmp_path.name)), **limit) for _ in range(2)
    ]
    codes = [post_session(servers[number % 2].url) for number in range(7)]
    assert codes == [200] * 5 + [429] * 2


# --- bodies


@pytest.mark.parametrize("size, status", [(15_000, 200), (17_000, 413), (7_000_000, 413)])
def test_a_large_body_is_refused(start: Start, size: int, status: int) -> None:
    server = start()
    assert requests.post(f"{server.url}{BASE}/session", data=b"x" * size).status_code == status


def post_session(url: str, **headers: str) -> int:
    return requests.post(f"{url}{BASE}/session", headers=headers).status_code


def requests_entries(tab: Page) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = tab.call("history", {"after": 0})["entries"]
    return entries
