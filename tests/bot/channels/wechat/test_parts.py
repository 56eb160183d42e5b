"""What the bot says, as parts that WeChat can show."""

import pytest

from bot.channels.messages import Card, Cards, Choices, Custom, Image, Option, Text
from bot.channels.wechat.parts import Article, Line, Menu, Picture, Renderer

RED, BLUE = Option("红", payload="/red"), Option("蓝", payload="/blue")
SHOP = Option("商城", url="/shop")


@pytest.fixture
def renderer() -> Renderer:
    return Renderer(
        absolute=lambda url: f"https://bot.example{url}" if url.startswith("/") else url,
        plain=str,
        link=lambda title, url: f"[{title}]({url})",
    )


def test_neighbouring_texts_are_one_and_a_text_heads_its_menu(renderer):
    said = [Text("a"), Text("b"), Choices("c", (RED,)), Text("d"), Custom({"handover": True})]
    assert renderer.parts_of(said) == [Menu("a\n\nb\n\nc", (RED,)), Line("d")]


def test_an_option_that_opens_a_page_is_a_link_in_the_text(renderer):
    assert renderer.parts_of([Choices("c", (SHOP, RED))]) == [
        Menu("c\n[商城](https://bot.example/shop)", (RED,))
    ]
    assert renderer.parts_of([Choices(None, (SHOP,))]) == [Line("[商城](https://bot.example/shop)")]


def test_5_2_15_a_card_with_page_and_picture_is_an_article(renderer):
    card = Card("衬衫", "棉", "¥99", image="/shirt.png", url="/1", options=(RED,))
    assert renderer.parts_of([Cards((card,))]) == [
        Article("衬衫 ¥99", "棉", "https://bot.example/1", "https://bot.example/shirt.png"),
        Menu("", (RED,)),
    ]


def test_5_2_15_several_cards_are_one_text_whose_options_say_of_what(renderer):
    cards = tuple(Card(name, price="¥9", url="/1", options=(RED,)) for name in ("衫", "裤"))
    (menu,) = renderer.parts_of([Cards(cards)])
    assert isinstance(menu, Menu)
    assert [option.title for option in menu.options] == ["红 · 衫", "红 · 裤"]
    assert menu.head.count("https://bot.example/1") == 2


def test_a_card_without_a_public_address_shows_picture_and_text():
    hidden = Renderer(absolute=lambda url: None, plain=str, link=lambda title, url: title)
    card = Card("衬衫", "棉", "¥99", image="/shirt.png", url="/1")
    assert hidden.parts_of([Cards((card,))]) == [
        Picture("/shirt.png", "衬衫"),
        Line("衬衫 ¥99\n棉"),
    ]


@pytest.mark.parametrize("limit", range(1, 8))
def test_5_2_12_parts_are_merged_until_they_are_few_and_keep_their_order(renderer, limit):
    said = [Image("/1.png", "one"), Text("two"), Image("/3.png", "three"), Choices("four", (RED,))]
    said += [Text("five"), Choices("six", (BLUE,))]
    parts = renderer.compact(renderer.parts_of(said), limit)
    assert len(parts) <= limit
    text = " ".join(
        part.text if isinstance(part, Line) else getattr(part, "head", getattr(part, "alt", ""))
        for part in parts
    )
    words = ["one", "two", "three", "four", "five", "six"]
    assert [text.index(word) for word in words] == sorted(text.index(word) for word in words)
    options = [o for part in parts if isinstance(part, Menu) for o in part.options]
    assert options == [RED, BLUE]
