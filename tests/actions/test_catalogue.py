"""Goods in conversation: found, narrowed down, turned over, shown."""

from decimal import Decimal

import pytest

from actions.catalogue import ActionSearchProduct, ActionShowProduct, availability

SEARCH, SHOW = ActionSearchProduct(), ActionShowProduct()


def prices(answer):
    return [Decimal(product["price"]) for product in answer.values["products"]]


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("有没有三百以内的耳机", {"category": "耳机", "price": "三百以内"}),
        ("headphones under 300 please", {"category": "headphones", "price": "under 300"}),
        ("有没有 headphones，300以内", {"category": "headphones", "price": "300以内"}),
    ],
)
async def test_a_kind_and_a_bound_in_either_language(chat, text, entities):
    answer = await chat(SEARCH, text, "search_product", **entities)
    assert answer.names == ["utter_found_products"]
    assert all("耳机" in product["name"]["zh"] for product in answer.values["products"])
    assert max(prices(answer)) <= 300


async def test_a_colour_narrows_the_last_search_down(chat):
    await chat(SEARCH, "有没有三百以内的耳机", "search_product", category="耳机")
    answer = await chat(SEARCH, "黑色的", color="黑色")
    assert answer.names == ["utter_found_products"]
    assert all("black" in product["colours"] for product in answer.values["products"])
    assert max(prices(answer)) <= 300


async def test_new_goods_begin_a_new_search(chat):
    await chat(SEARCH, "三百以内的耳机", "search_product", category="耳机")
    answer = await chat(SEARCH, "连衣裙", "search_product", category="连衣裙")
    assert answer.slots["search"].get("price_max") is None


async def test_the_next_page_shows_others_until_there_are_none(chat):
    seen: set[str] = set()
    answer = await chat(SEARCH, "耳机", "search_product", category="耳机")
    while answer.names == ["utter_found_products"]:
        codes = {product["code"] for product in answer.values["products"]}
        assert not codes & seen
        seen |= codes
        answer = await chat(SEARCH, "下一页", "search_product")
    assert answer.names == ["utter_no_more_products"]
    assert len(seen) > 6


async def test_pages_turn_back_too(chat):
    first = await chat(SEARCH, "耳机", "search_product", category="耳机")
    second = await chat(SEARCH, "next page", "search_product")
    back = await chat(SEARCH, "上一页", "search_product")
    await chat(SEARCH, "下一页", "search_product")
    start = await chat(SEARCH, "back to the start", "search_product")
    assert second.values != first.values
    assert back.values == start.values == first.values


@pytest.mark.parametrize(("text", "intent"), [("多少钱", "ask_price"), ("in stock?", "ask_stock")])
async def test_which_of_the_shown_is_asked_with_a_button_for_each(chat, text, intent):
    shown = await chat(SEARCH, "耳机", "search_product", category="耳机")
    answer = await chat(SHOW, text, intent)
    assert answer.names == ["utter_which_of_these"]
    codes = [product["code"] for product in shown.values["products"]]
    assert [product["code"] for product in answer.values["products"]] == codes
    assert {product["intent"] for product in answer.values["products"]} == {intent}
    chosen = await chat(SHOW, f"/{intent}", intent, product=codes[1])
    assert chosen.values["code"] == codes[1]


@pytest.mark.parametrize("text", ["有黑色的吗", "do you have it in black?", "有 black 的吗"])
async def test_who_asks_for_a_colour_sees_only_that(chat, text):
    await chat(SEARCH, "黑色的耳机", "search_product", category="耳机", color="黑色")
    await chat(SHOW, "第一个", "ask_product_detail")
    answer = await chat(SHOW, text, "ask_stock", color="black")
    assert {variant["colour"] for variant in answer.values["variants"]} == {"black"}
    everything = await chat(SHOW, "有荧光紫的吗", "ask_stock")
    assert len(everything.values["variants"]) >= len(answer.values["variants"])


async def test_what_only_comes_close_is_called_so(chat):
    answer = await chat(
        SEARCH, "a suitcase under 5 yuan", "search_product", category="suitcase", price="under 5"
    )
    assert answer.names == ["utter_near_products"]


async def test_nothing_at_all_is_honest_too(chat):
    answer = await chat(SEARCH, "有没有拖拉机", "search_product", category="拖拉机")
    assert answer.names == ["utter_no_products"]


async def test_a_wish_without_anything_is_asked_back(chat):
    answer = await chat(SEARCH, "我想找个东西", "search_product")
    assert answer.names == ["utter_ask_what_to_find"]
    assert answer.slots["asked"] == "product"


@pytest.mark.parametrize("said", ["第二个", "the second one"])
async def test_one_of_the_shown_is_opened(chat, said):
    found = await chat(SEARCH, "耳机", "search_product", category="耳机")
    answer = await chat(SEARCH, said)
    assert answer.names == ["utter_product_detail"]
    assert answer.values["code"] == found.values["products"][1]["code"]


async def test_a_card_opens_its_own_item(chat):
    answer = await chat(SHOW, "/ask_product_detail", "ask_product_detail", product="12")
    assert answer.values["code"] == "12"
    assert {variant["availability"] for variant in answer.values["variants"]} <= {
        "in_stock",
        "few_left",
        "out_of_stock",
    }


@pytest.mark.parametrize("product", ["999999", "不存在的东西"])
async def test_an_unknown_item_is_asked_back(chat, product):
    answer = await chat(SHOW, f"{product} 多少钱", "ask_price", product=product)
    assert answer.names == ["utter_which_product"]


async def test_looking_at_an_item_is_remembered_for_recommendations(chat):
    from actions.base import shop

    before = sum(1 for _ in shop().interactions())
    await chat(SHOW, "/ask_product_detail", "ask_product_detail", product="12")
    assert sum(1 for _ in shop().interactions()) == before + 1


@pytest.mark.parametrize(
    ("stock", "code"), [(0, "out_of_stock"), (1, "few_left"), (5, "few_left"), (6, "in_stock")]
)
def test_stock_in_words(stock, code):
    assert availability(stock) == code
