"""Recommendations in conversation: with true reasons, others, without what is not wanted."""

import logging
import shutil
from decimal import Decimal

import pytest
from sqlalchemy import update

from actions.base import identity, shop
from actions.catalogue import ActionSearchProduct, ActionShowProduct
from actions.recommend import (
    ActionDeny,
    ActionFindSimilar,
    ActionRecommendProduct,
    LazyEncoder,
    recommendations,
)
from actions.smalltalk import ActionInform
from actions.tastes import ActionGiveFeedback, ActionPrivacyRequest
from bot.filling import Filling
from shop import schema
from shop.database import open_engine, writing
from shop.errors import EncoderError
from shop.recommend.reasons import CODES
from shop.recommend.train import train
from shop.settings import ShopSettings
from shop.sql import SqlShop
from shop.text.words import shop_words
from tests.servers import fill_shop
from tests.shop.recommend.conftest import WORDS, WordEncoder

RECOMMEND, SIMILAR, SEARCH = ActionRecommendProduct(), ActionFindSimilar(), ActionSearchProduct()
SHOW, INFORM, DENY = ActionShowProduct(), ActionInform(), ActionDeny()
FEEDBACK, PRIVACY = ActionGiveFeedback(), ActionPrivacyRequest()


@pytest.fixture(scope="session")
def learned(tmp_path_factory):
    """A version learned from the sample shop."""
    folder = tmp_path_factory.mktemp("learned")
    engine = open_engine(ShopSettings(database_url=f"sqlite:///{fill_shop(folder)}"))
    train(SqlShop(engine, WORDS), folder / "recommend", encoder=WordEncoder())
    engine.dispose()
    return folder / "recommend"


@pytest.fixture(autouse=True)
def no_artefact(tmp_path, monkeypatch):
    """Nothing was trained yet: what is popular is recommended. Nor is there an encoder."""
    monkeypatch.setenv("XIAOER_RECOMMEND_FOLDER", str(tmp_path / "recommend"))
    monkeypatch.setenv("XIAOER_ENCODER_FOLDER", str(tmp_path / "encoder"))
    recommendations.cache_clear()
    yield
    recommendations.cache_clear()


@pytest.fixture
def artefact(no_artefact, learned, tmp_path):
    """A trained version is there."""
    shutil.copytree(learned, tmp_path / "recommend")


def codes(answer):
    return [product["code"] for product in answer.values["products"]]


def goods(answer):
    return shop().products([int(code) for code in codes(answer)])


def sign_in(chat, customer_id):
    identity().bind(chat.sender_id, customer_id)
    return customer_id


def buyer_of(kind, *, or_not=False):
    """A customer who bought something of a kind (or did not), and what of it they bought."""
    for customer in range(1, 501):
        acts = shop().history(customer, 200, kind="buy")
        ids = {p.id for p in shop().products({a.product_id for a in acts}) if p.kind == kind}
        if acts and bool(ids) != or_not:
            return customer, ids
    raise AssertionError(kind)


# --- something, others, and not that -------------------------------------------------------------


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


@pytest.mark.parametrize(
    "others", ["换一批", "not these, others please", "这些都不要，show me others"]
)
async def test_others_are_others(chat, others):
    first = await chat(RECOMMEND, "推荐点东西", "recommend_product")
    second = await chat(RECOMMEND, others, "recommend_product")
    assert not set(codes(first)) & set(codes(second))


async def test_what_was_refused_stays_away_when_something_else_is_asked_for(chat):
    first = await chat(RECOMMEND, "推荐耳机", "recommend_product", category="耳机")
    await chat(RECOMMEND, "这些都不要", "recommend_product")
    again = await chat(RECOMMEND, "推荐耳机", "recommend_product", category="耳机")
    assert not set(codes(first)) & set(codes(again))


@pytest.mark.parametrize("text", ["not these, others", "这些不喜欢，换一批"])
async def test_a_no_to_what_is_shown_brings_others(chat, text):
    first = await chat(RECOMMEND, "推荐点东西", "recommend_product")
    second = await chat(DENY, text, "deny")
    assert second.names == ["utter_recommended_products"]
    assert not set(codes(first)) & set(codes(second))


@pytest.mark.parametrize("text", ["不用了", "no thanks"])
async def test_a_mere_no_ends_it(chat, text):
    await chat(RECOMMEND, "推荐点东西", "recommend_product")
    assert (await chat(DENY, text, "deny")).names == ["utter_deny"]


async def test_what_was_shown_is_recorded_with_its_reason(chat):
    answer = await chat(RECOMMEND, "推荐点东西", "recommend_product")
    assert [str(shown.product_id) for shown in shop().shown()] == codes(answer)


async def test_what_was_opened_is_recorded_and_leads_on(chat, artefact):
    tents = [p for p in shop().catalogue() if p.kind == "tent" and p.stock]
    customer = sign_in(chat, buyer_of("tent", or_not=True)[0])
    for tent in tents[:3]:
        await chat(SHOW, "/ask_product_detail", "ask_product_detail", product=str(tent.id))

    assert shop().history(customer, 1)[0].product_id == tents[2].id
    chat.slots["search"] = None
    identity().unbind(chat.sender_id)
    answer = await chat(RECOMMEND, "recommend something", "recommend_product")
    because = [p["reason"] for p in answer.values["products"] if p["reason"]["code"] == "viewed"]
    assert because
    names = {tent.name.en for tent in tents[:3]}
    assert all(reason["product"]["en"] in names for reason in because)


@pytest.mark.parametrize(
    "text",
    ["推荐点东西，不要耳机", "recommend something, no earphones please", "推荐一下 no earphones"],
)
async def test_what_was_refused_does_not_come_again(chat, text):
    chat.sign_in("several_orders")
    await chat(RECOMMEND, text, "recommend_product")
    customer_id = identity().customer_of(chat.sender_id)
    assert {(taste.subject, taste.liked) for taste in shop().tastes(customer_id)} == {
        ("kind", False)
    }
    later = type(chat)("web:later")
    sign_in(later, customer_id)
    for _ in range(5):
        answer = await later(RECOMMEND, "recommend something", "recommend_product")
        assert not {p.kind for p in goods(answer)} & {"earbuds", "headphones", "sports_earphones"}


async def test_no_red_leaves_the_other_colours(chat):
    answer = await chat(RECOMMEND, "推荐个背包，不要黑色", "recommend_product", category="背包")
    for product in goods(answer):
        assert any(v.colour != "black" and v.stock for v in product.variants)


# --- presents ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "intent", "text"),
    [
        (RECOMMEND, "recommend_product", "送女朋友，三百以内"),
        (RECOMMEND, "recommend_product", "a gift for my girlfriend, under 300"),
        (SEARCH, "search_product", "给女朋友买个礼物，300以内"),
        (INFORM, "inform", "for my girlfriend, under 300"),
        (INFORM, "inform", "送 girlfriend 的，budget 300"),
    ],
)
@pytest.mark.parametrize("trained", [True, False])
async def test_a_present_within_a_budget(chat, request, action, intent, text, trained):
    if trained:
        request.getfixturevalue("artefact")
    entities = {"price": text[-9:]} if text.isascii() else {"price": text[-6:]}
    first = await chat(action, text, intent, **entities)
    others = await chat(RECOMMEND, "not these, others", "recommend_product")

    assert first.names == others.names == ["utter_recommended_products"]
    assert not set(codes(first)) & set(codes(others))
    for product in (*goods(first), *goods(others)):
        assert any(v.price <= 300 and v.stock for v in product.variants)
        assert product.category not in ("menswear", "toys")


async def test_a_present_that_a_tagger_takes_for_goods_is_none(chat):
    answer = await chat(RECOMMEND, "送女朋友推荐个礼物", "recommend_product", category="礼物")
    assert answer.names == ["utter_recommended_products"]


async def test_what_she_likes_is_not_what_the_giver_likes(chat, artefact):
    customer = sign_in(chat, 7)
    text = "a gift for my girlfriend, she loves green tea"
    answer = await chat(RECOMMEND, text, "recommend_product")
    assert "green_tea" in {product.kind for product in goods(answer)}
    assert shop().tastes(customer) == ()


# --- like this -----------------------------------------------------------------------------------


async def test_similar_goods_are_not_the_same(chat):
    answer = await chat(SIMILAR, "/find_similar", "find_similar", product="12")
    assert answer.names == ["utter_similar_products"]
    assert "12" not in codes(answer)


@pytest.mark.parametrize(
    "text", ["有没有类似但便宜点的", "anything like this but cheaper", "有 similar 但 cheaper 的吗"]
)
async def test_like_this_but_cheaper(chat, artefact, text):
    dearest = max(
        (p for p in shop().catalogue() if p.kind == "tent"), key=lambda tent: tent.price_min
    )
    await chat(SHOW, "/ask_product_detail", "ask_product_detail", product=str(dearest.id))
    answer = await chat(SIMILAR, text, "find_similar")
    assert answer.names == ["utter_cheaper_products"]
    assert {product.kind for product in goods(answer)} == {"tent"}
    for card in answer.values["products"]:
        saving = dearest.price_min - Decimal(card["price"])
        assert Decimal(card["reason"]["saving"]) == saving > 0


async def test_nothing_is_cheaper_than_the_cheapest(chat):
    cheapest = min(
        (p for p in shop().catalogue() if p.category == "toys"), key=lambda toy: toy.price_min
    )
    text = "anything like this but cheaper"
    await chat(SHOW, "/ask_product_detail", "ask_product_detail", product=str(cheapest.id))
    assert (await chat(SIMILAR, text, "find_similar")).names == ["utter_nothing_cheaper"]


async def test_others_like_it_are_like_it_too(chat, artefact):
    first = await chat(SIMILAR, "/find_similar", "find_similar", product="12")
    others = await chat(RECOMMEND, "换一批", "recommend_product")
    assert others.names == ["utter_similar_products"]
    assert not {"12", *codes(first)} & set(codes(others))
    assert {p.category for p in goods(others)} == {shop().product(12).category}


async def test_like_it_within_a_price(chat):
    text = "类似的，三百以内"
    await chat(SHOW, "/ask_product_detail", "ask_product_detail", product="12")
    answer = await chat(SIMILAR, text, "find_similar", price="三百以内")
    assert all(any(v.price <= 300 for v in p.variants) for p in goods(answer))


async def test_without_an_item_it_is_asked_back(chat):
    answer = await chat(SIMILAR, "有没有类似的", "find_similar")
    assert answer.names == ["utter_which_product"]


# --- sold out ------------------------------------------------------------------------------------


def sell_out(product_id):
    with writing(shop().engine) as connection:
        table = schema.variants
        connection.execute(update(table).where(table.c.product_id == product_id).values(stock=0))


@pytest.mark.parametrize("trained", [True, False])
async def test_beside_what_is_sold_out_stands_what_could_take_its_place(chat, request, trained):
    if trained:
        request.getfixturevalue("artefact")
    sell_out(12)
    detail = await chat(SHOW, "/ask_product_detail", "ask_product_detail", product="12")
    assert detail.names == ["utter_product_detail", "utter_instead_products"]
    cards = detail.said[1][1]["products"]
    assert 0 < len(cards) <= 3
    for card in cards:
        assert card["availability"] != "out_of_stock"
        assert card["category"] == shop().product(12).category
        assert card["reason"]["product"] == {
            "zh": shop().product(12).name.zh,
            "en": shop().product(12).name.en,
        }
    assert [shown.reason for shown in shop().shown()] == ["instead"] * len(cards)


async def test_what_is_there_stands_alone(chat):
    detail = await chat(SHOW, "/ask_product_detail", "ask_product_detail", product="12")
    assert detail.names == ["utter_product_detail"]


async def test_like_what_is_sold_out_means_instead_of_it(chat):
    sell_out(12)
    answer = await chat(SIMILAR, "/find_similar", "find_similar", product="12")
    assert answer.names == ["utter_instead_products"]


# --- what goes with it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("intent", "action", "text"),
    [
        ("recommend_product", RECOMMEND, "推荐点跟我买的连衣裙搭配的"),
        ("find_similar", SIMILAR, "有什么和我上次买的连衣裙搭的"),
        ("recommend_product", RECOMMEND, "what goes with the dress I bought"),
        ("find_similar", SIMILAR, "something to go with the dress I bought"),
        ("recommend_product", RECOMMEND, "有什么能搭 the dress 我买的"),
    ],
)
async def test_what_goes_with_the_dress_i_bought(chat, artefact, intent, action, text):
    customer, dresses = buyer_of("dress")
    sign_in(chat, customer)
    answer = await chat(action, text, intent)
    assert answer.names == ["utter_products_that_go_with"]
    names = {shop().product(i).name.en for i in dresses}
    for product, card in zip(goods(answer), answer.values["products"], strict=False):
        assert product.kind != "dress"
        match card["reason"]:
            case {"code": "together", "product": bought}:
                assert bought["en"] in names
            case reason:
                assert reason == {"code": "companion", "kind": "dress"}


async def test_only_shoes_go_with_the_dress_where_shoes_are_asked_for(chat, artefact):
    sign_in(chat, buyer_of("dress")[0])
    text = "what shoes go with the dress I bought"
    answer = await chat(RECOMMEND, text, "recommend_product", category="shoes")
    assert {product.category for product in goods(answer)} == {"shoes"}


async def test_whose_purchases_are_unknown_signs_in(chat, artefact):
    answer = await chat(RECOMMEND, "跟我买的裙子搭配的有什么", "recommend_product")
    assert answer.names == ["utter_sign_in"]


async def test_what_was_never_bought_is_said(chat, artefact):
    sign_in(chat, buyer_of("tent", or_not=True)[0])
    answer = await chat(RECOMMEND, "what goes with the tent I bought", "recommend_product")
    assert answer.names == ["utter_not_bought"]


async def test_what_goes_with_the_item_on_the_screen(chat, artefact):
    tent = next(p for p in shop().catalogue() if p.kind == "tent")
    await chat(SHOW, "/ask_product_detail", "ask_product_detail", product=str(tent.id))
    answer = await chat(RECOMMEND, "what goes well with it?", "recommend_product")
    assert answer.names == ["utter_products_that_go_with"]
    assert tent.kind not in {product.kind for product in goods(answer)}
    others = await chat(RECOMMEND, "换一批", "recommend_product")
    assert not set(codes(answer)) & set(codes(others))


async def test_after_a_delivery_what_goes_with_the_order(chat, artefact):
    customer, _ = buyer_of("tent")
    sign_in(chat, customer)
    order = shop().orders(customer).items[0]
    answer = await chat(RECOMMEND, "/recommend_product", "recommend_product", order_id=order.number)
    assert answer.names in (["utter_products_that_go_with"], ["utter_nothing_goes_with"])
    assert not {line.product_id for line in order.lines} & {p.id for p in goods(answer)}


async def test_an_order_of_somebody_else_tells_nothing(chat, artefact):
    customer, _ = buyer_of("tent")
    number = shop().orders(customer).items[0].number
    sign_in(chat, customer % 500 + 1)
    answer = await chat(RECOMMEND, "/recommend_product", "recommend_product", order_id=number)
    assert "products" not in answer.values


async def test_without_anything_learned_it_says_that_it_does_not_know(chat):
    sign_in(chat, buyer_of("dress")[0])
    answer = await chat(RECOMMEND, "what goes with the dress I bought", "recommend_product")
    assert answer.names == ["utter_nothing_goes_with"]


# --- tastes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["我喜欢绿茶", "I love green tea", "我喜欢 green tea"])
async def test_a_liking_is_remembered_and_shows(chat, artefact, text):
    customer = sign_in(chat, buyer_of("green_tea", or_not=True)[0])
    told = await chat(FEEDBACK, text, "give_feedback")
    assert told.names == ["utter_like_remembered"]
    assert told.values["things"] == [{"zh": "绿茶", "en": "green tea"}]
    assert [(t.subject, t.value, t.liked) for t in shop().tastes(customer)] == [
        ("kind", "green_tea", True)
    ]
    later = type(chat)("web:later")
    sign_in(later, customer)
    answer = await later(RECOMMEND, "recommend something", "recommend_product")
    reasons = [p["reason"] for p in answer.values["products"]]
    assert any(r["code"] == "taste" and r["value"]["en"] == "green tea" for r in reasons)


@pytest.mark.parametrize("text", ["忘掉我的喜好", "forget my likes please", "forget 我的喜好"])
async def test_tastes_are_forgotten_on_request(chat, text):
    customer = sign_in(chat, 7)
    await chat(FEEDBACK, "I love green tea", "give_feedback")
    answer = await chat(PRIVACY, text, "privacy_request")
    assert answer.names == ["utter_tastes_forgotten"]
    assert shop().tastes(customer) == ()
    assert chat.slots["visit"] is None


async def test_other_requests_on_data_are_not_taken_for_that(chat):
    customer = sign_in(chat, 7)
    await chat(FEEDBACK, "I love green tea", "give_feedback")
    answer = await chat(PRIVACY, "把我的个人信息删掉", "privacy_request")
    assert answer.names == ["utter_privacy_request"]
    assert shop().tastes(customer)


async def test_a_visitor_is_remembered_for_the_conversation(chat, artefact):
    await chat(RECOMMEND, "I love green tea, recommend something", "recommend_product")
    answer = await chat(RECOMMEND, "推荐点东西", "recommend_product")
    assert "green_tea" in {p.kind for p in goods(answer)}
    assert len({p.kind for p in goods(answer)}) > 1


@pytest.mark.parametrize(
    ("text", "place", "liked"),
    [
        ("第一个不错，我喜欢", 0, True),
        ("I like the first one", 0, True),
        ("不喜欢第二个", 1, False),
        ("I don't like the second one", 1, False),
    ],
)
async def test_what_is_pointed_at_is_liked_or_not(chat, text, place, liked):
    customer = sign_in(chat, 7)
    first = await chat(RECOMMEND, "推荐点东西", "recommend_product")
    await chat(FEEDBACK, text, "give_feedback")
    assert [(t.subject, t.value, t.liked) for t in shop().tastes(customer)] == [
        ("product", codes(first)[place], liked)
    ]


@pytest.mark.parametrize("text", ["你们服务真不错", "great service, I love you guys", "质量太差了"])
async def test_feedback_on_the_shop_is_no_taste(chat, text):
    customer = sign_in(chat, 7)
    assert (await chat(FEEDBACK, text, "give_feedback")).names == ["utter_give_feedback"]
    assert shop().tastes(customer) == ()


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["推荐点防水的东西", "recommend something waterproof", "推荐 waterproof 的"]
)
async def test_words_of_a_wish_count_without_an_encoder(chat, artefact, caplog, text):
    with caplog.at_level(logging.WARNING):
        answer = await chat(RECOMMEND, text, "recommend_product")
        await chat(RECOMMEND, text, "recommend_product")
    best = answer.values["products"][0]["reason"]
    assert best["code"] == "matches"
    assert best["wish"][0]["text"] in ("防水", "waterproof")
    assert len([r for r in caplog.records if "as they are written" in r.getMessage()]) == 1


def test_a_missing_encoder_is_reported_when_it_is_asked():
    with pytest.raises(EncoderError, match="make train"):
        LazyEncoder().query(["tent"])


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("code", CODES)
def test_every_reason_can_be_said(code, lang, caplog):
    values = {
        "product": {"zh": "耳机", "en": "headphones"},
        "category": "audio",
        "kind": "dress",
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


@pytest.mark.parametrize(("lang", "said"), [("zh", "防水、¥50以内"), ("en", "防水, up to ¥50")])
def test_what_matched_is_said(lang, said):
    wish = [{"code": "text", "text": "防水"}, {"code": "up_to", "price_max": "50"}]
    filling = Filling(lang=lang, word=shop_words().say, timezone="UTC", currency="CNY")
    assert said in filling.fill(
        "{why:recommend_reason}", {"why": {"code": "matches", "wish": wish}}
    )
