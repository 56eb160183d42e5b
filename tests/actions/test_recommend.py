"""Recommendations in conversation: cards with true reasons, others, no dislikes."""

import pytest

from actions.base import identity, shop
from actions.recommend import ActionFindSimilar, ActionRecommendProduct, recommendations
from bot.filling import Filling
from shop.recommend.reasons import CODES
from shop.text.words import shop_words

RECOMMEND, SIMILAR = ActionRecommendProduct(), ActionFindSimilar()


@pytest.fixture(autouse=True)
def no_artefact(tmp_path, monkeypatch):
    """Nothing was trained yet: what is popular is recommended."""
    monkeypatch.setenv("XIAOER_RECOMMEND_FOLDER", str(tmp_path / "recommend"))
    recommendations.cache_clear()
    yield
    recommendations.cache_clear()


def codes(answer):
    return [product["code"] for product in answer.values["products"]]


@pytest.mark.parametrize("text", ["给我推荐点东西", "what would you recommend", "recommend 一下"])
async def test_what_is_recommended_is_in_stock_and_has_a_reason(chat, text):
    answer = await chat(RECOMMEND, text, "recommend_product")
    assert answer.names == ["utter_recommended_products"]
    for product in answer.values["products"]:
        assert product["availability"] != "out_of_stock"
        assert product["reason"]["code"] in CODES


async def test_a_kind_and_a_budget_are_kept(chat):
    answer = await chat(
        RECOMMEND, "推荐个两百以内的耳机", "recommend_product", category="耳机", price="两百以内"
    )
    assert answer.names == ["utter_recommended_products"]
    assert all("耳机" in product["name"]["zh"] for product in answer.values["products"])
    assert all(float(product["price"]) <= 200 for product in answer.values["products"])


@pytest.mark.parametrize("others", ["换一批", "not these, others please"])
async def test_others_are_others(chat, others):
    first = await chat(RECOMMEND, "推荐点东西", "recommend_product")
    second = await chat(RECOMMEND, others, "recommend_product")
    assert not set(codes(first)) & set(codes(second))


async def test_what_was_shown_is_recorded_with_its_reason(chat):
    answer = await chat(RECOMMEND, "推荐点东西", "recommend_product")
    assert [str(shown.product_id) for shown in shop().shown()] == codes(answer)


async def test_what_was_refused_does_not_come_again(chat):
    chat.sign_in("several_orders")
    await chat(RECOMMEND, "推荐点东西，不要耳机", "recommend_product")
    customer_id = identity().customer_of(chat.sender_id)
    assert {(taste.subject, taste.liked) for taste in shop().tastes(customer_id)} == {
        ("kind", False)
    }
    answer = await chat(RECOMMEND, "recommend something", "recommend_product")
    assert not any("耳机" in product["name"]["zh"] for product in answer.values["products"])


async def test_similar_goods_are_not_the_same(chat):
    answer = await chat(SIMILAR, "/find_similar", "find_similar", product="12")
    assert answer.names == ["utter_similar_products"]
    assert "12" not in codes(answer)


async def test_without_an_item_it_is_asked_back(chat):
    answer = await chat(SIMILAR, "有没有类似的", "find_similar")
    assert answer.names == ["utter_which_product"]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("code", CODES)
def test_every_reason_can_be_said(code, lang, caplog):
    values = {
        "product": {"zh": "耳机", "en": "headphones"},
        "category": "audio",
        "value": "black",
        "saving": "10.00",
        "text": "防水",
        "days": 30,
        "month": 6,
        "sold": 12,
        "wish": [{"code": "text", "text": "防水"}, {"code": "up_to", "price_max": "50"}],
    }
    filling = Filling(lang=lang, word=shop_words().say, timezone="UTC", currency="CNY")
    said = filling.fill("{why:recommend_reason}", {"why": {"code": code, **values}})
    assert said and said != code
    assert not caplog.messages
