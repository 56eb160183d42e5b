"""Signatures and encryption, against Tencent's published vectors and against wechatpy."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import PrpCrypto
from wechatpy.exceptions import InvalidAppIdException

from bot.channels.wechat import xml
from bot.channels.wechat.crypto import BadCallback, Envelope, decode_key, sign, signed

# https://developer.work.weixin.qq.com/document/path/90968 and the sample of its libraries.
TOKEN, OWNER = "QDG6eK", "wx5823bf96d3bd56c7"
KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
OTHER_KEY = "kWxPEV2QE6N1q9oGNVb5XQCMO1XIQV0MPPkO5q5Fj5o"
ECHO = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
HELLO = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUp"
    "j911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue"
    "06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+"
    "3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH"
    "27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8"
    "R07+qN+E7Q=="
)


@pytest.mark.parametrize(
    ("parts", "signature"),
    [
        (("AAAAA", "1714037059", "486452656"), "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
        (("AAAAA", "1714036504", "1514711492"), "f464b24fc39322e44b38aa78f5edd27bd1441696"),
        (
            (TOKEN, "1409659589", "263014780", ECHO),
            "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
        ),
        (
            (TOKEN, "1409659813", "1372623149", HELLO),
            "477715d11cdb4164915debcba66cb864d751f3e6",
        ),
    ],
)
def test_5_2_05_the_published_signatures_fit(parts, signature):
    assert sign(*parts) == signature
    assert signed(signature, *parts)
    assert not signed(signature, *parts[:-1], parts[-1] + "0")
    assert not signed("签" + signature[1:], *parts)


def test_5_2_05_the_published_messages_open():
    envelope = Envelope(OWNER, [KEY])
    assert envelope.open(ECHO).content == b"1616140317555161061"
    hello = xml.parse(envelope.open(HELLO).content)
    assert (hello["MsgType"], hello["Content"], hello["FromUserName"]) == (
        "text",
        "hello",
        "mycreate",
    )


def test_5_2_05_a_message_under_the_previous_key_opens_and_is_answered_under_it():
    envelope = Envelope(OWNER, [OTHER_KEY, KEY])
    opened = envelope.open(HELLO)
    assert opened.key == decode_key(KEY)
    answer = envelope.seal("好".encode(), opened.key)
    assert Envelope(OWNER, [KEY]).open(answer).content.decode() == "好"
    # Without a key of its own an answer is under the current one.
    assert Envelope(OWNER, [OTHER_KEY]).open(envelope.seal(b"x")).content == b"x"


@pytest.mark.parametrize(
    "encrypted",
    [
        "",
        "not base64!",
        "AAAA",
        base64.b64encode(bytes(32)).decode(),
        HELLO[:-24],
        ("S" if HELLO[0] != "S" else "T") + HELLO[1:200],
        HELLO.replace("Ryp", "Ryq"),
        "签",
    ],
)
def test_5_2_04_what_is_tampered_with_does_not_open(encrypted):
    with pytest.raises(BadCallback):
        Envelope(OWNER, [KEY, OTHER_KEY]).open(encrypted)


def test_5_2_04_a_message_to_another_account_does_not_open():
    with pytest.raises(BadCallback):
        Envelope("wx0000000000000000", [KEY]).open(HELLO)


@pytest.mark.parametrize("key", ["", KEY[:-1], KEY + "A", KEY[:-1] + "=", KEY[:-1] + "键"])
def test_a_key_of_the_wrong_form_is_refused(key):
    with pytest.raises(ValueError, match="43 letters"):
        decode_key(key)


@given(text=st.text(max_size=300), owner=st.sampled_from([OWNER, "ww1"]))
def test_5_2_05_wechatpy_opens_what_we_seal_and_we_what_it_seals(text, owner):
    envelope, oracle = Envelope(owner, [KEY]), PrpCrypto(decode_key(KEY))
    content = text.encode("utf-8", "replace")
    assert oracle.decrypt(envelope.seal(content), owner) == content.decode()
    sealed = oracle.encrypt(content.decode(), owner)
    assert envelope.open(sealed.decode()).content == content
    with pytest.raises(InvalidAppIdException):
        oracle.decrypt(envelope.seal(content), owner + "x")
