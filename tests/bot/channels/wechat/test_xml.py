"""WeChat's XML."""

from xml.etree import ElementTree

import pytest
import xmltodict
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wechat import xml

LAUGHS = (
    '<!DOCTYPE xml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<xml><Content>&b;</Content></xml>"
)


def test_fields_are_read_with_and_without_cdata():
    body = "<xml><A><![CDATA[<你>&]]></A><B>7</B><C></C><D><E>nested</E></D></xml>".encode()
    assert xml.parse(body) == {"A": "<你>&", "B": "7", "C": ""}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<xml>",
        b"<xml><A>1</A>",
        b"<yml><A>1</A></yml>",
        b"<xml><MsgType>text</MsgType><MsgType>event</MsgType></xml>",
        LAUGHS.encode(),
        LAUGHS.encode("utf-16"),
        b"<xml><A>\xff</A></xml>",
        b"<xml><A>\0</A></xml>",
        b"<xml>&undefined;</xml>",
        b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><xml></xml>',
    ],
)
def test_5_2_06_what_is_no_message_is_refused(body):
    with pytest.raises(xml.BadXml):
        xml.parse(body)


def test_a_deep_tree_is_read_without_a_crash():
    assert xml.parse(b"<xml>" + b"<a>" * 9_000 + b"</a>" * 9_000 + b"</xml>") == {}


def test_5_2_02_an_answer_cannot_be_broken_out_of():
    evil = "]]><MsgType>x</MsgType><![CDATA["
    root = ElementTree.fromstring(xml.build({"Content": evil, "CreateTime": 7}))
    assert [(child.tag, child.text) for child in root] == [("Content", evil), ("CreateTime", "7")]


def test_lists_repeat_and_mappings_nest():
    built = xml.build({"ArticleCount": 1, "Articles": {"item": [{"Title": "帽子"}]}})
    assert built == (
        "<xml><ArticleCount>1</ArticleCount><Articles><item><Title><![CDATA[帽子]]></Title></item>"
        "</Articles></xml>"
    )


@given(st.text())
def test_5_2_22_any_text_survives_but_for_what_xml_cannot_hold(text):
    read = xmltodict.parse(xml.build({"Content": text}))["xml"]["Content"] or ""
    kept = "".join(sign for sign in text if sign in "\t\n\r" or sign >= " ")
    kept = "".join(s for s in kept if not 0xD800 <= ord(s) < 0xE000 and s not in "\ufffe\uffff")
    assert read.split() == kept.replace("\r\n", "\n").replace("\r", "\n").split()
