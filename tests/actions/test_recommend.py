"""Recommendations in conversation."""

import pytest

from actions.recommend import ActionFindSimilar, ActionRecommendProduct

RECOMMEND, SIMILAR = ActionRecommendProduct(), ActionFindSimilar()


@pytest.mark.parametrize("text", ["给我推荐点东西", "what would you recommend", "recommend 一下"])
async def test_what_is_popular_is_in_stock(chat, text):
    answer = await chat(RECOMMEND, text, "recommend_product")
    assert answer.names == ["utter_popular_products"]
    stocks = {product["availability"] for product in answer.values["products"]}
    assert "out_of_stock" not in stocks


async def test_with_a_kind_and_a_budget_it_is_a_search(chat):
    answer = await chat(
        RECOMMEND, "推荐个两百以内的耳机", "recommend_product", category="耳机", price="两百以内"
    )
    assert answer.names == ["utter_found_products"]
    assert all(float(product["price"]) <= 200 for product in answer.values["products"])


async def test_similar_goods_are_of_the_same_kind_and_not_the_same(chat):
    answer = await chat(SIMILAR, "/find_similar", "find_similar", product="12")
    assert answer.names == ["utter_found_products"]
    assert "12" not in {product["code"] for product in answer.values["products"]}


async def test_without_an_item_it_is_asked_back(chat):
    answer = await chat(SIMILAR, "有没有类似的", "find_similar")
    assert answer.names == ["utter_which_product"]
