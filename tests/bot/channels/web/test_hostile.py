"""Mutated requests and socket frames: no 500, no traceback, no turn without a valid token.

XIAOER_TEST_EXAMPLES=5000 makes as many of them; by default a few, to keep the suite quick.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.channels.base import ChannelSettings
from bot.channels.state import SqliteState
from bot.channels.web.connector import WebChat, WebSettings
from shop.settings import ShopSettings
from tests.bot.channels.web.page import BASE, SECRET, ToyAccounts, new_session
from tests.checks.channel import PATIENCE, patient
from tests.fakes.agent import ScriptedAgent, say
from tests.fakes.server import Server, serve

EXAMPLES = int(os.environ.get("XIAOER_TEST_EXAMPLES", "200"))

hostile = settings(
    max_examples=EXAMPLES // 2,
    deadline=None,
    derandomize=EXAMPLES == 200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    channel = WebChat(
        WebSettings(
            web_sessions_a_minute=10**6, web_messages_a_minute=10**6, uploads=folder / "uploads"
        ),
        ShopSettings(secret=SECRET, demo=True),
        ToyAccounts(),
        redis_url="",
        limits=ChannelSettings(message_rate=10**6, notify_secret="n" * 32),
        state=patient(SqliteState(folder / "state.db")),
        say=say,
    )
    with serve(channel, agent=ScriptedAgent()) as running:
        yield running


@pytest.fixture(scope="module")
def session(server: Server) -> dict[str, Any]:
    return new_session(server.url)


@pytest.fixture(autouse=True)
def quiet(
    server: Server, session: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """After all examples: the server lives, nothing was logged at length, nobody else spoke."""
    caplog.set_level(logging.INFO)
    yield
    assert requests.get(f"{server.url}{BASE}/").json()["status"] == "ok"
    for trouble in ("Traceback", "never retrieved", "destroyed but it is pending"):
        assert trouble not in caplog.text
    assert {message.sender_id for message in server.agent.said} <= {f"web:{session['session_id']}"}
    assert all(not (m.text or "").startswith("/") or is_ours(m.text) for m in server.agent.said)


def is_ours(text: str) -> bool:
    """A payload that the channel itself makes."""
    return text == "/send_image" or text.startswith('/share_location{"latitude": ')


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


@st.composite
def mutated(draw: Any, originals: list[bytes]) -> bytes:
    """One of the originals with a few bytes changed, cut, doubled or put in."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["change", "cut", "insert", "double", "end"]))
        if kind == "change" and at < len(data):
            data[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 8))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=8) | st.sampled_from(WORDS))
        elif kind == "double":
            data[at:at] = data[at : at + 16]
        elif kind == "end":
            del data[at:]
    return bytes(data)


WORDS = [
    *(b"\r\n", b"\x00", b"../", b"%2e%2e%2f", b"%00", b"\xed\xa0\x80", b"{", b"[", b'"', b"9" * 25),
    *(
        b"Content-Length: 99999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Upgrade: websocket\r\n",
    ),
    *(
        b"Authorization: Bearer x\r\n",
        b"Origin: null\r\n",
        b"X-Forwarded-For: ,\r\n",
        b"NaN",
        b"1e999",
    ),
]


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{method} {BASE}{path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


JSON = {"Content_Type": "application/json"}
REQUESTS = [
    request("GET", "/"),
    request("GET", "/chat"),
    request("GET", "/embed.js", If_None_Match='"abc"'),
    request("GET", "/static/index.html"),
    request("GET", "/pictures/p1.svg"),
    request("GET", "/config"),
    request("POST", "/session", b"{}", **JSON),
    request("POST", "/session", b'{"lang": "zh"}', Authorization="Bearer e30.e30.e30", **JSON),
    request("POST", "/photo", b"\xff\xd8\xff\xe0", Authorization="Bearer a.b.c"),
    request("GET", "/photo/AAAAAAAAAAAAAAAAAAAAAA", Authorization="Bearer a.b.c"),
    request("GET", "/demo/customers"),
    request("POST", "/demo/token", b'{"customer": 1}', **JSON),
    request(
        "POST", "/notify", b'{"recipient": "web:a", "intent": "x"}', X_Xiaoer_Secret="n", **JSON
    ),
    request("GET", "/socket.io/?EIO=4&transport=polling"),
    request("POST", "/socket.io/?EIO=4&transport=polling&sid=abc", b'40{"token":"x"}'),
    request("OPTIONS", "/socket.io/?EIO=4&transport=polling", Origin="http://127.0.0.1"),
    request(
        "GET",
        "/socket.io/?EIO=4&transport=websocket",
        Upgrade="websocket",
        Sec_WebSocket_Version="13",
        Sec_WebSocket_Key="AAAAAAAAAAAAAAAAAAAAAA==",
    ),
]


@hostile
@given(data=mutated(REQUESTS))
def test_a_mutated_request_is_no_500(server: Server, data: bytes) -> None:
    answer = b""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=0.3)
    with connection, suppress(OSError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(200)
    status = answer[9:12]
    # What was no request at all may get no answer.
    assert not status or status[:1] in (b"1", b"2", b"3", b"4"), (data, answer)


@pytest.mark.parametrize(
    "head",
    [
        b"\x80ET %s HTTP/1.1",
        b"\x80ET %s/socket.io/ HTTP/1.1",
        b"GET %s/\x80 HTTP/1.1",
        b"GET \xe4\xbd\xa0 HTTP/1.1",
        b"POST %s/session HTTP/1.1\r\nContent-Length: many",
        b"POST %s/session HTTP/1.1\r\nContent-Length: \x80",
        b"POST %s/session HTTP/1.1\r\nTransfer-Encoding: gzip",
        b"GET %s HTTP/9.9",
        b"GET %s",
    ],
)
def test_a_malformed_head_is_a_bad_request(server: Server, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(head.replace(b"%s", BASE.encode()) + b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


FRAMES = [
    b'42["user_uttered",{"id":"a","type":"text","text":"hello","lang":"en"}]',
    b'421["user_uttered",{"id":"b","type":"payload","key":"AAAAAAAAAAAAAAAA","title":"/restart"}]',
    b'422["user_uttered",{"id":"c","type":"location","latitude":1.5,"longitude":-2}]',
    b'423["user_uttered",{"id":"d","type":"photo","photo":"AAAAAAAAAAAAAAAAAAAAAA","text":""}]',
    b'424["sign_in",{"token":"nonsense"}]',
    b'425["history",{"after":0}]',
    b'426["unknown",{}]',
    b'427["connect",{"token":"x"}]',
    b'428["disconnect","x"]',
    b'429["*","x"]',
    b"42" + b"[" * 30_000,
    b'40{"token":"x"}',
    b"3",
    b"2probe",
]


@hostile
@given(frames=st.lists(mutated(FRAMES), min_size=1, max_size=4), connected=st.booleans())
def test_mutated_frames_cost_no_more_than_the_connection(
    server: Server, session: dict[str, Any], frames: list[bytes], connected: bool
) -> None:
    converse(server, session if connected else None, frames)


@hostile
@given(
    event=st.sampled_from(["user_uttered", "sign_in", "history", "erased", ""]),
    data=st.lists(anything, max_size=3),
)
def test_events_with_any_data_are_answered(
    server: Server, session: dict[str, Any], event: str, data: list[Any]
) -> None:
    frame = f"427{json.dumps([event, *data])}".encode()
    answers = converse(server, session, [frame], wait_for=b"437")
    assert any(b'"ok":false' in answer or b'"ok":true' in answer for answer in answers), answers


@hostile
@given(auth=anything)
def test_no_connection_without_a_token(server: Server, auth: Any) -> None:
    answers = converse(server, None, [b"40" + json.dumps(auth).encode()], wait_for=b"44")
    assert not any(answer.startswith(b"40") for answer in answers)


def converse(
    server: Server,
    session: dict[str, Any] | None,
    frames: list[bytes],
    *,
    wait_for: bytes = b"",
) -> list[bytes]:
    """Send frames over a fresh socket; what came back."""
    url = f"ws://127.0.0.1:{server.port}{BASE}/socket.io/?EIO=4&transport=websocket"
    connection = websocket.create_connection(url, timeout=PATIENCE)
    if not wait_for:
        connection.settimeout(0.01)
    answers: list[bytes] = []
    try:
        if session:
            connection.send("40" + json.dumps({"token": session["token"], "last_seq": 10**9}))
        for frame in frames:
            # As text whatever the bytes are, which a client must not do.
            connection.send(frame, opcode=websocket.ABNF.OPCODE_TEXT)
        while not wait_for or not (answers and answers[-1].startswith(wait_for)):
            answer = connection.recv()
            if not answer:
                break
            answers.append(answer.encode() if isinstance(answer, str) else answer)
    except (websocket.WebSocketException, OSError):
        pass
    finally:
        connection.shutdown()
    return answers
