"""Callbacks that were tampered with: never a 500, never a turn without a valid signature.

A few hundred by default; XIAOER_TEST_MUTATIONS=5000 for the full number.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.channels.state import SqliteState
from bot.channels.wechat.official import Wechat
from tests.bot.channels.wechat.conftest import LIMITS, settings_for
from tests.fakes.agent import ScriptedAgent, say
from tests.fakes.server import serve
from tests.fakes.wechat import OfficialAccount

MUTATIONS = int(os.environ.get("XIAOER_TEST_MUTATIONS") or 150)
BOMB = (
    b'<!DOCTYPE xml [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
    b"<xml><Content>&c;</Content></xml>"
)
OUTSIDE = (
    b'<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Content>&a;</Content></xml>'
)
OTHER_KEY = "kWxPEV2QE6N1q9oGNVb5XQCMO1XIQV0MPPkO5q5Fj5o"


class Case:
    """A bot in one mode, with its account and one connection."""

    def __init__(self, account: OfficialAccount, agent: ScriptedAgent) -> None:
        self.account = account
        self.agent = agent
        self.session = requests.Session()
        self.session.headers["Connection"] = "keep-alive"
        self.number = 0


@pytest.fixture(params=["safe", "plain"])
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    account = OfficialAccount(mode=request.param)
    agent = ScriptedAgent()
    folder = tmp_path_factory.mktemp("mutations")
    channel = Wechat(
        settings_for(account, wechat_reply="passive", wechat_secret=""),
        limits=LIMITS,
        state=SqliteState(folder / "state.db"),
        say=say,
    )
    with serve(channel, agent=agent) as server:
        account.callback = f"{server.url}/webhooks/wechat/callback"
        case = Case(account, agent)
        yield case
        case.session.close()


positions = st.integers(min_value=0, max_value=10_000)
mutations = st.one_of(
    st.tuples(st.just("flip"), positions, st.integers(1, 255)),
    st.tuples(st.just("cut"), positions, st.just(0)),
    st.tuples(st.just("insert"), positions, st.binary(min_size=1, max_size=40)),
    st.tuples(
        st.just("whole"), st.just(0), st.sampled_from([BOMB, OUTSIDE, b"", b"<xml/>", b"{}"])
    ),
    st.tuples(st.just("whole"), st.just(0), st.binary(max_size=200)),
    st.tuples(st.just("query"), positions, st.text(max_size=20)),
    st.tuples(st.just("drop"), positions, st.just(0)),
    st.tuples(st.just("double"), positions, st.just(0)),
    st.tuples(st.just("key"), st.just(0), st.just(0)),
    st.tuples(st.just("replay"), st.just(0), st.just(0)),
    st.tuples(st.just("none"), st.just(0), st.just(0)),
)


def test_mutated_callbacks_do_no_harm(case, caplog):
    @settings(
        max_examples=MUTATIONS // 2,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(mutation=mutations)
    def run(mutation):
        _try(case, mutation)

    run()
    assert "Traceback" not in caplog.text


def _try(case: Case, mutation: tuple[str, int, object]) -> None:
    kind, at, value = mutation
    case.number += 1
    key = case.account.aes_key
    if kind == "key":
        case.account.aes_key = OTHER_KEY
    message = {
        "ToUserName": "gh_shop",
        "FromUserName": "o_anna",
        "CreateTime": int(time.time()),
        "MsgType": "text",
        "Content": f"number {case.number}",
        "MsgId": str(10_000 + case.number),
    }
    url, body = case.account.sealed(message)
    case.account.aes_key = key
    address, query = url.split("?")[0], parse_qsl(urlsplit(url).query)
    mutated = body
    if body:
        at_body = at % len(body)
    if kind == "flip":
        mutated = body[:at_body] + bytes([body[at_body] ^ int(str(value))]) + body[at_body + 1 :]
    elif kind == "cut":
        mutated = body[:at_body]
    elif kind == "insert":
        assert isinstance(value, bytes)
        mutated = body[:at_body] + value + body[at_body:]
    elif kind == "whole":
        assert isinstance(value, bytes)
        mutated = value
    elif kind == "query":
        index = at % len(query)
        query[index] = (query[index][0], str(value))
    elif kind == "drop":
        del query[at % len(query)]
    elif kind == "double":
        query.append(query[at % len(query)])
    before = len(case.agent.said)
    encoded = urlencode(query, errors="replace")
    answers = [
        case.session.post(f"{address}?{encoded}", data=mutated, timeout=20)
        for _ in range(2 if kind == "replay" else 1)
    ]
    for answer in answers:
        assert answer.status_code in (200, 400, 403), (mutation, answer.status_code, answer.text)
    said = case.agent.texts()[before:]
    assert len(said) <= 1
    if kind == "none" or kind == "replay":
        assert said == [message["Content"]]
    changed = mutated != body or kind == "key"
    if case.account.mode == "safe":
        # What surrounds the encrypted part is not signed, and not read.
        assert said in ([], [message["Content"]])
        if kind in ("whole", "cut", "key"):
            assert said == [] or not changed or b"</Encrypt>" in mutated
    if kind in ("drop", "double") and said:
        names = [name for name, _ in query]
        assert set(names) >= {"timestamp", "nonce"}
