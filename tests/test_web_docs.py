"""The examples of docs/web.*.md make tokens that count."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import jwt
import pytest

from shop.identity import AUDIENCE, LIFETIME

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


@pytest.mark.skipif(shutil.which("node") is None, reason="Node runs the example only")
@pytest.mark.parametrize("lang", PAGES)
def test_the_node_example_makes_a_token(lang):
    code = example(lang, "js", "xiaoerToken") + "console.log(xiaoerToken(1042))"
    done = subprocess.run(
        ["node", "-e", code],
        env={"XIAOER_SECRET": SECRET},
        executable=shutil.which("node"),
        capture_output=True,
        text=True,
        check=True,
    )
    check(done.stdout.strip())


@pytest.mark.skipif(shutil.which("php") is None, reason="PHP runs the example only")
@pytest.mark.parametrize("lang", PAGES)
def test_the_php_example_makes_a_token(lang):
    code = example(lang, "php", "xiaoer_token") + "echo xiaoer_token(1042);"
    done = subprocess.run(
        ["php", "-r", code],
        env={"XIAOER_SECRET": SECRET},
        executable=shutil.which("php"),
        capture_output=True,
        text=True,
        check=True,
    )
    check(done.stdout.strip())


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
