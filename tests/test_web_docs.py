"""The examples of docs/web.*.md make tokens that count."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import pytest
import requests

from bot.channels.state import SqliteState
from bot.channels.web.connector import WebChat, WebSettings
from shop.identity import AUDIENCE, LIFETIME
from shop.settings import ShopSettings
from tests.bot.channels.web.page import page
from tests.checks.toy_shop import CUSTOMERS
from tests.fakes.agent import ScriptedAgent, say
from tests.fakes.server import serve
from tests.shop.conftest import load_toy, make_sqlite

SECRET = "a secret of thirty-two bytes or more"
PAGES = {lang: Path(f"docs/web.{lang}.md").read_text() for lang in ("zh", "en")}


def example(lang: str, language: str, name: str) -> str:
    """The block of code that defines `name`."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGES[lang], re.S)
    (found,) = [block for block in blocks if f"{name}(customer" in block]
    return found


def check(token: str) -> None:
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience=AUDIENCE)
    assert claims["sub"] == "1042"
    assert 0 < claims["exp"] - claims["iat"] <= LIFETIME.total_seconds()
    assert 8 <= len(claims["jti"]) <= 64


@pytest.mark.parametrize("lang", PAGES)
def test_the_python_example_makes_a_token(lang, monkeypatch):
    monkeypatch.setenv("XIAOER_SECRET", SECRET)
    names: dict = {}
    exec(example(lang, "python", "xiaoer_token"), names)
    check(names["xiaoer_token"](1042))
    assert names["xiaoer_token"](1042) != names["xiaoer_token"](1042)


def printed(program: str, *arguments: str) -> str:
    """What an example says that knows nothing but the secret."""
    done = subprocess.run(
        [program, *arguments],
        env={"XIAOER_SECRET": SECRET},
        executable=shutil.which(program),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("node") is None, reason="Node runs the example only")
@pytest.mark.parametrize("lang", PAGES)
def test_the_node_example_makes_a_token(lang):
    code = example(lang, "js", "xiaoerToken") + "console.log(xiaoerToken(1042))"
    check(printed("node", "-e", code))


@pytest.mark.skipif(shutil.which("php") is None, reason="PHP runs the example only")
@pytest.mark.parametrize("lang", PAGES)
def test_the_php_example_makes_a_token(lang):
    code = example(lang, "php", "xiaoer_token") + "echo xiaoer_token(1042);"
    check(printed("php", "-r", code))


@pytest.mark.parametrize("lang", PAGES)
def test_who_follows_the_page_has_a_chat_that_knows_the_customer(lang, monkeypatch, tmp_path):
    """Its settings, its script's address and its token, on the real channel and a real shop."""
    monkeypatch.setenv("XIAOER_SECRET", SECRET)
    names: dict = {}
    exec(example(lang, "python", "xiaoer_token"), names)
    (tag,) = re.findall(r"<script src=.*?</script>", PAGES[lang], re.S)
    script = urlsplit(re.search('src="(.*?)"', tag)[1])
    (origins,) = re.findall(r"`XIAOER_WEB_ORIGINS` \| `(.*?)`", PAGES[lang])
    load_toy(make_sqlite(tmp_path / "shop.db"))
    channel = WebChat(
        WebSettings(web_origins=tuple(origins.split(",")), uploads=tmp_path),
        ShopSettings(secret=SECRET, database_url=f"sqlite:///{tmp_path / 'shop.db'}"),
        redis_url="",
        state=SqliteState(tmp_path / "state.db"),
        say=say,
    )
    with serve(channel, agent=ScriptedAgent()) as server:
        assert f"{script.scheme}://{script.netloc}" in origins
        widget = requests.get(server.url + script.path)
        assert widget.status_code == 200
        for attribute in re.findall(r"\bdata-([a-z-]+)=", tag):
            words = attribute.split("-")
            assert words[0] + "".join(map(str.title, words[1:])) in widget.text
        policy = requests.get(f"{server.url}/webhooks/webchat/chat").headers
        assert "https://www.shop.example" in policy["content-security-policy"]
        with page(server.url) as tab:
            customer = CUSTOMERS[0]
            signed_in = tab.call("sign_in", {"token": names["xiaoer_token"](customer.id)})
            assert signed_in["name"] == {"zh": customer.name.zh, "en": customer.name.en}


def test_both_languages_have_the_same_code():
    blocks = {
        lang: [
            re.sub(r"\s*(#|//).*", "", block)
            for block in re.findall(r"```(?!nginx)\w+\n(.*?)```", page, re.S)
        ]
        for lang, page in PAGES.items()
    }
    blocks["en"] = [
        block.replace('setLanguage("en")', 'setLanguage("zh")') for block in blocks["en"]
    ]
    assert blocks["zh"] == blocks["en"]
