"""`make chat`: the web chat in the terminal. A number taps that button; Ctrl-D ends."""

from __future__ import annotations

import os
import sys
import urllib.error
from typing import Any

from shop.errors import SettingsError
from shop.settings import ShopSettings, read
from tools import environment
from tools.webchat import Shopper


def main() -> int:
    environment.load()
    try:
        settings = read(ShopSettings)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    address = f"http://{settings.host}:{settings.port}"
    lang = "en" if os.environ.get("LANG", "").startswith("en") else "zh"
    try:
        shopper = Shopper(address, lang=lang)
    except urllib.error.URLError as error:
        print(f"Nothing answers at {address} ({error.reason}). Start the bot: make run")
        return 1
    options = show(shopper.welcome)
    while True:
        try:
            line = input("> ").strip()
        except (EOFError, KeyboardInterrupt):
            shopper.leave()
            return 0
        if line.isdecimal() and 1 <= int(line) <= len(options):
            items = shopper.tap(options[int(line) - 1])
        else:
            items = shopper.say(line)
        options = show(items)


def show(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Prints an answer with its buttons numbered; returns the buttons."""
    options: list[dict[str, Any]] = []

    def number(found: list[dict[str, Any]], indent: str) -> None:
        for option in found:
            if "key" in option:
                options.append(option)
                print(f"{indent}[{len(options)}] {option['title']}")
            else:
                print(f"{indent}{option['title']}: {option['url']}")

    for item in items:
        if item.get("text"):
            print(item["text"])
        number(item.get("options", []), "  ")
        for card in item.get("cards", []):
            print(f"  {card['title']}  {card['price']}  {card['subtitle']}")
            number(card["options"], "      ")
        if item["type"] == "image":
            print(f"  {item['alt']} {item['url']}")
    return options


if __name__ == "__main__":
    sys.exit(main())
