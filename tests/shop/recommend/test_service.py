"""What the conversation asks for, on the sample shop."""

from __future__ import annotations

import logging
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, update
from threadpoolctl import threadpool_limits

from shop import schema
from shop.database import reading, writing
from shop.errors import EncoderError, InvalidValue, NotFound
from shop.models import Product, ProductQuery
from shop.recommend import artefact
from shop.recommend.base import LAYOUT
from shop.recommend.evaluate import evaluate
from shop.recommend.reasons import CODES, FRESH_DAYS, Recommendation, matched_words
from shop.recommend.service import Context, Recommendations
from shop.recommend.shelf import POPULAR_DAYS
from shop.recommend.train import interactions, train
from shop.sql import SqlShop
from tests.shop.recommend.conftest import NOW, WordEncoder

CUSTOMERS = range(1, 501)
VISITORS = range(500)
WISH = ProductQuery(text="防水 waterproof", price_max=Decimal(400), limit=5)
TASTES = Context(likes=(("category", "outdoor"),), dislikes=(("kind", "earbuds"), ("word", "耳机")))


@dataclass(frozen=True)
class Given:
    """What one shopper asked for and got."""

    customer: int | None
    query: ProductQuery
    context: Context
    found: tuple[Recommendation, ...]


@pytest.fixture(scope="module")
def given(recommendations: Recommendations, catalogue: dict[int, Product]) -> list[Given]:
    """A thousand shoppers: 500 customers, half of them with a wish, and 500 visitors who have
    looked at something, refused something and like some department."""
    rng = random.Random(0)
    ids = sorted(catalogue)
    asked: list[tuple[int | None, ProductQuery, Context]] = []
    for customer in CUSTOMERS:
        refused = tuple(rng.sample(ids, 20))
        plain = ProductQuery(), Context(shown=refused)
        asked.append((customer, *(plain if customer % 2 else (WISH, TASTES))))
    for _ in VISITORS:
        refused = rng.sample(ids, 30)
        context = Context(
            viewed=tuple(rng.sample(ids, rng.randint(0, 5))),
            shown=tuple(refused[:15]),
            likes=(("category", catalogue[rng.choice(ids)].category),),
            dislikes=tuple(("product", str(i)) for i in refused[15:]),
        )
        asked.append((None, ProductQuery(), context))
    # As in the action server: threads of such small sums only wait for each other.
    with threadpool_limits(1):
        return [
            Given(customer, query, context, recommendations.for_request(customer, query, context))
            for customer, query, context in asked
        ]


@pytest.fixture(scope="module")
def catalogue(read_only_shop: SqlShop) -> dict[int, Product]:
    return {product.id: product for product in read_only_shop.catalogue()}


@pytest.fixture(scope="module")
def acts(read_only_shop: SqlShop) -> dict[int, list[Any]]:
    """All interactions by customer, read from the table."""
    by_customer: dict[int, list[Any]] = defaultdict(list)
    with reading(read_only_shop.engine) as connection:
        for row in connection.execute(
            select(schema.interactions).order_by(schema.interactions.c.at)
        ):
            by_customer[row.customer_id].append(row)
    return by_customer


def test_everybody_gets_something(given: list[Given]) -> None:
    assert len(given) == 1000
    assert all(len(each.found) == 10 for each in given if each.query.limit == 10)
    assert sum(bool(each.found) for each in given if each.query is WISH) > 240


def test_every_reason_is_true(
    given: list[Given], catalogue: dict[int, Product], acts: dict[int, list[Any]]
) -> None:
    """Checked against the tables, not against the recommender."""
    week = _popular(acts, catalogue)
    told = Counter()
    for asked in given:
        own: dict[str, set[int]] = defaultdict(set)
        for act in acts[asked.customer] if asked.customer else ():
            own["liked" if act.kind == "rate" and act.rating >= 4 else act.kind].add(act.product_id)
        own["view"].update(asked.context.viewed)
        for each in asked.found:
            product, proof = catalogue[each.product_id], each.evidence
            told[each.reason] += 1
            match each.reason:
                case "bought":
                    assert proof["product"] in own["buy"]
                case "carted":
                    assert proof["product"] in own["cart"]
                case "viewed":
                    assert proof["product"] in own["view"]
                case "liked":
                    assert proof["product"] in own["liked"]
                case "taste":
                    assert (proof["subject"], proof["value"]) in asked.context.likes
                    assert product.category == proof["value"]
                case "popular":
                    assert product.id in week[proof["category"]] and proof["days"] == POPULAR_DAYS
                    assert product.category == proof["category"]
                case "matches":
                    assert asked.query.price_max is not None
                    assert product.price_min <= asked.query.price_max
                    text = _text(product)
                    assert all(word in text for word in proof.get("text", "").split())
                case "fresh":
                    age = (NOW + timedelta(hours=1) - product.listed_at).days
                    assert proof["days"] == age <= FRESH_DAYS
                case "season":
                    assert _season(acts, catalogue, product.kind, NOW.month) > 1
                case "chosen":
                    assert proof["sold"] == product.sold
                case code:
                    raise AssertionError(code)
    assert set(told) <= set(CODES)
    # Whatever is told, it is not always the same.
    assert len(told) >= 6, told


def _text(product: Product) -> str:
    from tests.shop.recommend.conftest import WORDS

    texts = [product.name.zh, product.name.en, product.brand.zh, product.brand.en]
    texts += [text for a in product.attributes for text in (a.value.zh, a.value.en)]
    for language in ("zh", "en"):
        texts += WORDS.synonyms("kind", product.kind, language)
        texts += WORDS.synonyms("category", product.category, language)
    return "\n".join(texts).casefold()


def _popular(acts: dict[int, list[Any]], catalogue: dict[int, Product]) -> dict[str, list[int]]:
    counts: Counter[int] = Counter()
    for some in acts.values():
        for act in some:
            if act.at >= NOW + timedelta(hours=1) - timedelta(days=POPULAR_DAYS):
                counts[act.product_id] += {"buy": 8, "cart": 3, "view": 1}.get(act.kind, 0)
    best: dict[str, list[int]] = defaultdict(list)
    for product_id, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        best[catalogue[product_id].category].append(product_id)
    return {category: ids[:10] for category, ids in best.items()}


def _season(
    acts: dict[int, list[Any]], catalogue: dict[int, Product], kind: str, month: int
) -> float:
    months: Counter[bool] = Counter()
    for some in acts.values():
        for act in some:
            if catalogue[act.product_id].kind == kind:
                months[act.at.month == month] += 1
    return 12 * months[True] / months.total()


def test_what_may_not_come_never_comes(
    given: list[Given], catalogue: dict[int, Product], acts: dict[int, list[Any]]
) -> None:
    for asked in given:
        assert len({each.product_id for each in asked.found}) == len(asked.found)
        refused = {*asked.context.shown}
        refused |= {int(v) for subject, v in asked.context.dislikes if subject == "product"}
        for each in asked.found:
            product = catalogue[each.product_id]
            assert product.stock > 0
            assert product.id not in refused
            bought = [
                a.at
                for a in (acts[asked.customer] if asked.customer else ())
                if a.kind == "buy" and a.product_id == product.id
            ]
            days = 21 if product.consumable else 180
            assert not bought or NOW - max(bought) >= timedelta(days=days) - timedelta(hours=1)
            if asked.query is WISH:
                assert any(v.price <= 400 and v.stock for v in product.variants)
                assert product.kind != "earbuds"
                assert "耳机" not in _text(product)


def test_the_hit_rate_is_three_times_that_of_popularity(
    read_only_shop: SqlShop, learned: Path
) -> None:
    made = artefact.read(learned, with_log=True)
    data = interactions(made.log, made.item_ids)

    report = evaluate(data, models=["popularity", "hybrid"], tune=False)

    hits = {name: result.means["hr@10"] for name, result in report.models.items()}
    assert hits["hybrid"] >= 3 * hits["popularity"], hits


def test_tastes_are_found_out(
    given: list[Given], catalogue: dict[int, Product], acts: dict[int, list[Any]]
) -> None:
    """Most of what is recommended is of a category that the customer has touched."""
    same = total = 0
    for asked in given:
        touched = {catalogue[a.product_id].category for a in acts[asked.customer or 0]}
        if asked.query is not WISH and touched:
            same += sum(catalogue[each.product_id].category in touched for each in asked.found)
            total += len(asked.found)

    assert same / total > 0.8


def test_pages_do_not_repeat(recommendations: Recommendations) -> None:
    first = recommendations.for_request(5, ProductQuery(limit=5))
    shown = tuple(each.product_id for each in first)

    others = recommendations.for_request(5, ProductQuery(limit=5), Context(shown=shown))
    second = recommendations.for_request(5, ProductQuery(limit=5, offset=5))

    assert len(others) == len(second) == 5
    assert not {each.product_id for each in others} & set(shown)
    assert not {each.product_id for each in second} & set(shown)


def test_a_list_has_variety(recommendations: Recommendations, catalogue: Any) -> None:
    for customer in range(1, 40):
        kinds = Counter(
            catalogue[each.product_id].kind for each in recommendations.for_request(customer)
        )
        assert len(kinds) >= 3


def test_a_present_follows_the_recipient_and_not_the_giver(
    recommendations: Recommendations, catalogue: dict[int, Product]
) -> None:
    query = ProductQuery(price_max=Decimal(300), limit=5)
    her = Context(gift=True, gender="female", age="adult")

    found = recommendations.for_request(7, query, her)

    assert [r.product_id for r in found] == [
        r.product_id for r in recommendations.for_request(None, query, her)
    ]
    for each in found:
        assert catalogue[each.product_id].category not in ("menswear", "toys")
        assert each.reason not in ("bought", "viewed", "carted", "liked")
    suits = ("womenswear", "beauty", "bags", "shoes")
    assert sum(catalogue[r.product_id].category in suits for r in found) >= 3


@pytest.mark.parametrize(("gender", "other"), [("female", "men"), ("male", "women")])
@pytest.mark.parametrize(
    "query",
    [
        ProductQuery(limit=50),
        ProductQuery(text="斜挎包 crossbody bag", limit=50),
        ProductQuery(category="crossbody", limit=50),
        ProductQuery(category="rain_jacket", limit=50),
    ],
)
def test_a_present_is_not_made_for_the_other_gender(
    recommendations: Recommendations,
    catalogue: dict[int, Product],
    query: ProductQuery,
    gender: str,
    other: str,
) -> None:
    found = recommendations.for_request(None, query, Context(gift=True, gender=gender))
    assert found
    assert other not in {who for each in found for who in made_for(catalogue[each.product_id])}


@pytest.mark.parametrize(
    ("kind", "gender"), [("crossbody", "male"), ("rain_jacket", "female"), ("shirt", "female")]
)
def test_a_present_is_made_for_the_recipient_or_what_was_asked_for_by_name(
    recommendations: Recommendations, catalogue: dict[int, Product], kind: str, gender: str
) -> None:
    query = ProductQuery(category=kind, limit=50)
    anybody = recommendations.for_request(None, query, Context(gift=True))
    found = recommendations.for_request(None, query, Context(gift=True, gender=gender))
    made = {each.product_id for each in anybody if made_for(catalogue[each.product_id])}
    assert made
    assert made <= {each.product_id for each in found}


def made_for(product: Product) -> set[str]:
    """Whom its name says it is made for."""
    said = {"男": "men", "men's": "men", "女": "women", "women's": "women"}
    words = f"{product.name.zh} {product.name.en}".casefold().split()
    return {who for word in words for begin, who in said.items() if word.startswith(begin)}


def test_a_child_gets_toys(recommendations: Recommendations, catalogue: Any) -> None:
    found = recommendations.for_request(
        None, ProductQuery(limit=3), Context(gift=True, age="child")
    )

    assert [catalogue[each.product_id].category for each in found] == ["toys"] * 3


def test_a_visitor_gets_what_this_conversation_is_about(
    recommendations: Recommendations, catalogue: dict[int, Product]
) -> None:
    tents = [product.id for product in catalogue.values() if product.kind == "tent"]

    found = recommendations.for_request(
        None, ProductQuery(limit=5), Context(viewed=tuple(tents[:3]))
    )

    assert sum(catalogue[each.product_id].category == "outdoor" for each in found) >= 2
    assert any(each.reason == "viewed" and each.evidence["product"] in tents for each in found)


def test_the_more_is_known_the_less_popularity_counts(
    recommendations: Recommendations, catalogue: dict[int, Product]
) -> None:
    food = tuple(p.id for p in catalogue.values() if p.kind == "green_tea")[:6]

    def share(viewed: tuple[int, ...]) -> int:
        found = recommendations.for_request(None, context=Context(viewed=viewed))
        return sum(catalogue[each.product_id].category == "food" for each in found)

    assert share(()) <= share(food[:1]) <= share(food)
    assert share(food) > share(())


@pytest.mark.parametrize("text", ["露营帐篷", "a tent for camping", "想要一顶tent"])
def test_words_find_goods_in_both_languages(
    recommendations: Recommendations, catalogue: dict[int, Product], text: str
) -> None:
    found = recommendations.for_request(None, ProductQuery(text=text, limit=3))

    assert catalogue[found[0].product_id].kind == "tent"
    assert found[0].reason == "matches"


@pytest.mark.parametrize(
    ("text", "of_product", "words"),
    [
        ("waterproof for hiking", "hiking boots\nwaterproof", ["waterproof", "hiking"]),
        ("something for you", "something for you", []),
        ("防水徒步鞋", "徒步登山鞋\n防水面料", ["防水", "徒步"]),
        ("防水耳机under 200", "防水耳机", ["防水耳机"]),
        ("红", "红色", []),
        ("tent", "content", []),
    ],
)
def test_only_words_that_stand_there_are_claimed(
    text: str, of_product: str, words: list[str]
) -> None:
    assert matched_words(text, [of_product]) == [words]


def test_similar_goods_are_of_the_kind(
    recommendations: Recommendations, catalogue: dict[int, Product]
) -> None:
    found = recommendations.similar(5, query=ProductQuery(limit=4))

    assert 5 not in {each.product_id for each in found}
    assert {catalogue[each.product_id].kind for each in found} == {catalogue[5].kind}
    assert {each.reason for each in found} == {"similar"}
    assert {each.evidence["product"] for each in found} == {5}


def test_cheaper_is_cheaper(
    recommendations: Recommendations, catalogue: dict[int, Product]
) -> None:
    for product_id in range(1, 60):
        for each in recommendations.similar(product_id, cheaper=True, query=ProductQuery(limit=5)):
            saving = catalogue[product_id].price_min - catalogue[each.product_id].price_min
            assert each.evidence == {"product": product_id, "saving": saving}
            assert saving > 0


def test_nothing_is_cheaper_than_the_cheapest(
    recommendations: Recommendations, catalogue: dict[int, Product]
) -> None:
    category = [p for p in catalogue.values() if p.category == "audio"]
    cheapest = min(category, key=lambda p: p.price_min)

    assert recommendations.similar(cheapest.id, cheaper=True) == ()


def test_something_takes_the_place_of_what_cannot_be_had(
    recommendations: Recommendations, catalogue: dict[int, Product]
) -> None:
    for product in [p for p in catalogue.values() if not p.stock][:20]:
        found = recommendations.instead_of(product.id)
        assert found
        assert all(catalogue[each.product_id].category == product.category for each in found)
        assert all(catalogue[each.product_id].stock for each in found)


def test_what_goes_with_a_tent_is_a_sleeping_bag(
    recommendations: Recommendations, catalogue: dict[int, Product]
) -> None:
    """Planted: a sleeping bag is bought with every second tent."""
    kinds: Counter[str] = Counter()
    for tent in [p.id for p in catalogue.values() if p.kind == "tent"]:
        found = recommendations.goes_with([tent], query=ProductQuery(limit=3))
        assert all(catalogue[each.product_id].kind != "tent" for each in found)
        kinds.update(catalogue[each.product_id].kind for each in found[:1])

    assert kinds.most_common(1)[0][0] == "sleeping_bag"


def test_what_goes_with_it_was_bought_with_it_or_with_its_kind(
    recommendations: Recommendations, catalogue: dict[int, Product], acts: dict[int, list[Any]]
) -> None:
    """Checked against the table; what was bought with the very product comes first."""
    partners: dict[int, set[int]] = defaultdict(set)
    for basket in _baskets(acts):
        for product_id in basket:
            partners[product_id] |= basket - {product_id}
    told = Counter()
    for product in catalogue.values():
        found = recommendations.goes_with([product.id], query=ProductQuery(limit=12))
        assert [each.score for each in found] == sorted((r.score for r in found), reverse=True)
        reasons = [each.reason for each in found]
        assert reasons == sorted(reasons, key=["together", "companion"].index)
        told.update(reasons)
        for each in found:
            others = {catalogue[i] for i in partners[each.product_id]}
            if each.reason == "together":
                assert each.evidence == {"product": product.id}
                assert product in others
            else:
                assert each.evidence == {"kind": product.kind}
                assert sum(other.kind == product.kind for other in others) > 1
    assert min(told.values()) > 100 and len(told) == 2


def test_what_goes_with_a_new_tent_is_what_goes_with_tents(
    own_shop: SqlShop, learned: Path
) -> None:
    tent = next(p.id for p in own_shop.catalogue() if p.kind == "tent")
    with writing(own_shop.engine) as connection:
        for table, of_it, fresh in (
            (schema.products, schema.products.c.id == tent, {"id": 9000}),
            (
                schema.variants,
                schema.variants.c.product_id == tent,
                {"id": 90000, "sku": "new", "product_id": 9000},
            ),
        ):
            row = connection.execute(select(table).where(of_it)).mappings().first()
            connection.execute(table.insert().values({**row, **fresh}))

    found = _service(own_shop, learned).goes_with([9000], query=ProductQuery(limit=3))

    assert own_shop.product(found[0].product_id).kind == "sleeping_bag"
    assert {each.reason for each in found} == {"companion"}


def test_nothing_goes_with_nothing(recommendations: Recommendations) -> None:
    assert recommendations.goes_with([]) == ()
    assert recommendations.goes_with([10**6]) == ()


@pytest.mark.parametrize(
    "query",
    [
        ProductQuery(price_max=Decimal(-1)),
        ProductQuery(price_min=Decimal("nan")),
        ProductQuery(price_min=Decimal(5), price_max=Decimal(1)),
        ProductQuery(limit=0),
        ProductQuery(offset=-1),
    ],
)
def test_conditions_without_sense_are_refused(
    recommendations: Recommendations, query: ProductQuery
) -> None:
    with pytest.raises(InvalidValue):
        recommendations.for_request(1, query)


def test_conditions_that_nothing_meets_give_nothing(recommendations: Recommendations) -> None:
    assert recommendations.for_request(1, ProductQuery(price_max=Decimal("0.01"))) == ()
    assert recommendations.for_request(1, ProductQuery(category="no_such")) == ()


def test_odd_contexts_do_no_harm(recommendations: Recommendations) -> None:
    many = tuple(range(1, 317)) * 3000
    odd = Context(
        viewed=many,
        shown=(10**9, -5),
        likes=(("product", "x"), ("product", "9" * 5000), ("word", "")),
        dislikes=(("word", ""), ("brand", "no such"), ("product", "0")),
    )

    assert len(recommendations.for_request(10**6, context=odd)) <= 10


def test_an_unknown_product_is_not_found(recommendations: Recommendations) -> None:
    with pytest.raises(NotFound):
        recommendations.similar(10**6)


# --- what is remembered -------------------------------------------------------------------------


def _baskets(acts: dict[int, list[Any]]) -> list[set[int]]:
    """What each customer bought within an hour of the purchase before."""
    found: list[set[int]] = []
    for own in acts.values():
        before = None
        for act in own:
            if act.kind == "buy":
                if before is None or act.at - before > timedelta(hours=1):
                    found.append(set())
                found[-1].add(act.product_id)
                before = act.at
    return found


def _service(shop: SqlShop, folder: Path, **settings: Any) -> Recommendations:
    settings.setdefault("clock", lambda: NOW + timedelta(hours=1))
    settings.setdefault("encoder", WordEncoder())
    return Recommendations(shop, folder, **settings)


def test_a_dislike_is_remembered_until_it_is_erased(own_shop: SqlShop, learned: Path) -> None:
    service = _service(own_shop, learned)
    first = service.for_request(3, ProductQuery(limit=3))[0].product_id
    kind = own_shop.product(first).kind

    own_shop.remember_taste(3, "kind", kind, liked=False)
    without = service.for_request(3)
    erased = own_shop.forget_tastes(3, subject="kind", value=kind)

    assert all(own_shop.product(each.product_id).kind != kind for each in without)
    assert erased == 1
    assert first in [each.product_id for each in service.for_request(3)]


def test_a_like_brings_goods_up_and_is_the_reason(own_shop: SqlShop, learned: Path) -> None:
    own_shop.remember_taste(3, "kind", "puzzle", liked=True)

    found = _service(own_shop, learned).for_request(3)

    puzzles = [r for r in found if own_shop.product(r.product_id).kind == "puzzle"]
    assert puzzles
    assert puzzles[0].evidence == {"subject": "kind", "value": "puzzle"}


def test_what_is_said_again_replaces_what_was_said(own_shop: SqlShop) -> None:
    own_shop.remember_taste(3, "brand", "Lumo", liked=True)
    own_shop.remember_taste(3, "brand", " Lumo ", liked=False)
    own_shop.remember_taste(4, "brand", "Lumo", liked=True)

    assert [(t.subject, t.value, t.liked) for t in own_shop.tastes(3)] == [("brand", "Lumo", False)]
    assert own_shop.forget_tastes(3) == 1
    assert own_shop.tastes(3) == ()
    assert len(own_shop.tastes(4)) == 1


@pytest.mark.parametrize(
    ("subject", "value"), [("weather", "x"), ("word", " "), ("word", "x" * 999)]
)
def test_odd_tastes_are_refused(own_shop: SqlShop, subject: Any, value: str) -> None:
    with pytest.raises(InvalidValue):
        own_shop.remember_taste(3, subject, value, liked=True)


def test_a_taste_of_nobody_is_refused(own_shop: SqlShop) -> None:
    with pytest.raises(NotFound):
        own_shop.remember_taste(10**6, "word", "x", liked=True)


def test_what_was_shown_is_recorded(own_shop: SqlShop, learned: Path) -> None:
    service = _service(own_shop, learned)
    found = service.for_request(3, ProductQuery(limit=3))

    service.record_shown(3, found)
    service.record_shown(None, found[:1])

    rows = list(own_shop.shown())
    assert [(r.customer_id, r.product_id, r.reason, r.place) for r in rows] == [
        *((3, each.product_id, each.reason, place) for place, each in enumerate(found)),
        (None, found[0].product_id, found[0].reason, 0),
    ]
    assert list(own_shop.shown(rows[-1].id)) == []


# --- with stock and versions that change --------------------------------------------------------


def test_what_was_just_sold_out_does_not_come(own_shop: SqlShop, learned: Path) -> None:
    service = _service(own_shop, learned)
    first = service.for_request(3)[0].product_id

    with writing(own_shop.engine) as connection:
        connection.execute(
            update(schema.variants).where(schema.variants.c.product_id == first).values(stock=0)
        )

    assert first not in [each.product_id for each in service.for_request(3)]
    assert len(service.for_request(3)) == 10


@pytest.mark.parametrize("damage", ["missing", "cut", "json", "layout", "gone", "old"])
def test_without_a_usable_version_it_recommends_what_is_popular(
    own_shop: SqlShop, learned: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    import shutil

    folder = tmp_path / "learned"
    shutil.copytree(learned, folder)
    version = folder / str(artefact.current(folder))
    about = version / "about.json"
    match damage:
        case "missing":
            shutil.rmtree(folder)
        case "cut":
            whole = (version / "hybrid.npz").read_bytes()
            (version / "hybrid.npz").write_bytes(whole[:1000])
        case "json":
            about.write_text("{")
        case "layout":
            text = about.read_text()
            about.write_text(text.replace(f'"layout": {LAYOUT}', '"layout": 0'))
        case "gone":
            shutil.rmtree(version)
    later = timedelta(days=100) if damage == "old" else timedelta(hours=1)
    service = _service(own_shop, folder, clock=lambda: NOW + later)

    with caplog.at_level(logging.WARNING):
        found = [service.for_request(3, ProductQuery(limit=5)) for _ in range(3)]

    assert len(found[0]) == 5
    assert {each.reason for each in found[0]} <= {"popular", "chosen"}
    assert len([r for r in caplog.records if "popular" in r.getMessage()]) == 1
    assert service.similar(5, query=ProductQuery(limit=3))
    assert service.goes_with([5]) == ()


class BrokenEncoder:
    """One whose folder is missing."""

    def query(self, texts: Sequence[str]) -> np.ndarray:
        raise EncoderError("there is no encoder")


class OtherEncoder:
    """One that the products' texts were not encoded by."""

    def query(self, texts: Sequence[str]) -> np.ndarray:
        return np.ones((len(texts), 7), np.float32)


@pytest.mark.parametrize("encoder", [BrokenEncoder(), OtherEncoder()])
@pytest.mark.parametrize("text", ["露营帐篷", "camping tent", "想要一顶tent"])
def test_without_the_encoder_words_count_as_they_are_written(
    read_only_shop: SqlShop,
    learned: Path,
    catalogue: dict[int, Product],
    caplog: pytest.LogCaptureFixture,
    encoder: Any,
    text: str,
) -> None:
    service = _service(read_only_shop, learned, encoder=encoder)

    with caplog.at_level(logging.WARNING):
        found = [service.for_request(None, ProductQuery(text=text, limit=3)) for _ in range(2)]

    assert catalogue[found[0][0].product_id].kind == "tent"
    assert len([r for r in caplog.records if "as they are written" in r.getMessage()]) == 1


def test_a_version_without_texts_finds_words(own_shop: SqlShop, tmp_path: Path) -> None:
    """Trained without texts."""
    train(own_shop, tmp_path / "learned", now=NOW)
    service = _service(own_shop, tmp_path / "learned")

    found = service.for_request(None, ProductQuery(text="帐篷", limit=3))

    assert own_shop.product(found[0].product_id).kind == "tent"


def test_without_a_version_conditions_hold(own_shop: SqlShop, tmp_path: Path) -> None:
    service = _service(own_shop, tmp_path / "none")
    query = ProductQuery(category="tent", price_max=Decimal(300), limit=5)

    found = service.for_request(None, query)

    assert found
    for each in found:
        product = own_shop.product(each.product_id)
        assert product.kind == "tent"
        assert any(v.price <= 300 and v.stock for v in product.variants)
