"""What a shopper wants to pay."""

from __future__ import annotations

import pytest

from shop.text.prices import PriceRange, prices, resolve_price


def brief(price: PriceRange) -> str:
    """~200..300 CNY, ..50 or a word such as cheaper."""
    if price.relative:
        return price.relative
    low, high = (
        "" if bound is None else str(int(bound)) if bound == int(bound) else str(bound)
        for bound in (price.minimum, price.maximum)
    )
    bounds = low if low and low == high else f"{low}..{high}"
    return f"{'~' if price.approximate else ''}{bounds} {price.currency or ''}".strip()


BOUNDS = [
    # bounds above
    ("三百以内", "..300", "三百以内"),
    ("有没有三百五以内的蓝牙耳机", "..350", "三百五以内"),
    ("不超过500", "..500", "不超过500"),
    ("别超过两百", "..200", "别超过两百"),
    ("100块钱以内", "..100 CNY", "100块钱以内"),
    ("￥２９９以内", "..299 CNY", "￥２９９以内"),
    ("三百以內", "..300", "三百以內"),
    ("百元以内", "..100 CNY", "百元以内"),
    ("千元以下的手机", "..1000 CNY", "千元以下"),
    ("1.5万以下", "..15000", "1.5万以下"),
    ("1k以内", "..1000", "1k以内"),
    ("不到300", "..300", "不到300"),
    ("最多300", "..300", "最多300"),
    ("预算300", "..300", "预算300"),
    ("200块左右以内", "..200 CNY", "200块左右以内"),
    ("under $50", "..50 USD", "under $50"),
    ("under 300", "..300", "under 300"),
    ("less than 80 bucks", "..80 USD", "less than 80 bucks"),
    ("$50 or less", "..50 USD", "$50 or less"),
    ("up to 1,000", "..1000", "up to 1,000"),
    ("no more than two hundred", "..200", "no more than two hundred"),
    ("under a hundred", "..100", "under a hundred"),
    ("cheaper than $30", "..30 USD", "cheaper than $30"),
    ("my budget is 200", "..200", "budget is 200"),
    ("under £20", "..20 GBP", "under £20"),
    ("under 20 euros", "..20 EUR", "under 20 euros"),
    ("耳机 under 300", "..300", "under 300"),
    # bounds below
    ("500以上", "500..", "500以上"),
    ("500元起", "500.. CNY", "500元起"),
    ("至少两千", "2000..", "至少两千"),
    ("不低于100元", "100.. CNY", "不低于100元"),
    ("200+", "200..", "200+"),
    ("no less than 80", "80..", "no less than 80"),
    ("not under $80", "80.. USD", "not under $80"),
    ("at least 200", "200..", "at least 200"),
    ("over $100", "100.. USD", "over $100"),
    ("$50 and up", "50.. USD", "$50 and up"),
    # ranges
    ("200到300", "200..300", "200到300"),
    ("200到300的耳机", "200..300", "200到300"),
    ("100-200元之间", "100..200 CNY", "100-200元"),
    ("50-100", "50..100", "50-100"),
    ("¥100-¥200", "100..200 CNY", "¥100-¥200"),
    ("2-300块", "200..300 CNY", "2-300块"),
    ("一到两千块", "1000..2000 CNY", "一到两千块"),
    ("1-2千的", "1000..2000", "1-2千"),
    ("价格在100到200之间的", "100..200", "价格在100到200"),
    ("200以上500以下的", "200..500", "200以上500以下"),
    ("between 50 and 100", "50..100", "between 50 and 100"),
    ("from $50 to $100", "50..100 USD", "from $50 to $100"),
    ("50 to 100 dollars", "50..100 USD", "50 to 100 dollars"),
    ("at least 200 but under 500", "200..500", "at least 200 but under 500"),
    # more or less
    ("300左右", "~240..360", "300左右"),
    ("一千块上下", "~800..1200 CNY", "一千块上下"),
    ("大概两百", "~160..240", "大概两百"),
    ("预算大概300左右", "~240..360", "大概300左右"),
    ("100来块钱", "~80..120 CNY", "100来块钱"),
    ("around 100", "~80..120", "around 100"),
    ("100ish", "~80..120", "100ish"),
    ("my budget is around $200", "~160..240 USD", "around $200"),
    ("两三百块的", "~200..300 CNY", "两三百块"),
    ("三五百块", "~300..500 CNY", "三五百块"),
    ("两三百的有吗", "~200..300", "两三百"),
    ("两千出头", "~2000..3000", "两千出头"),
    ("Sony 的 camera 五千以下", "..5000", "五千以下"),
    ("几百块", "~100..1000 CNY", "几百块"),
    ("300多块", "~300..400 CNY", "300多块"),
    # exact
    ("￥299", "299 CNY", "￥299"),
    ("299元", "299 CNY", "299元"),
    ("两百块钱", "200 CNY", "两百块钱"),
    ("$1,299.50", "1299.50 USD", "$1,299.50"),
    ("twenty bucks", "20 USD", "twenty bucks"),
    ("100 yuan", "100 CNY", "100 yuan"),
    ("HK$200", "200 HKD", "HK$200"),
    # no amount
    ("便宜点的", "cheaper", "便宜点"),
    ("太贵了", "cheaper", "太贵了"),
    ("anything cheaper?", "cheaper", "cheaper"),
    ("that's too expensive", "cheaper", "too expensive"),
    ("便宜的耳机", "cheap", "便宜"),
    ("不要太贵", "cheap", "不要太贵"),
    ("not too expensive", "cheap", "not too expensive"),
    ("最便宜的", "cheapest", "最便宜"),
    ("the cheapest one", "cheapest", "cheapest"),
    ("贵一点的也行", "dearer", "贵一点"),
    ("something higher-end", "dearer", "higher-end"),
    ("最贵的", "dearest", "最贵"),
]


@pytest.mark.parametrize(("text", "expected", "span"), BOUNDS)
def test_a_price_is_understood(text: str, expected: str, span: str) -> None:
    (price,) = prices(text)
    assert (brief(price), text[price.start : price.end]) == (expected, span)


NO_PRICES = [
    *(
        "两三百个",
        "一个",
        "百搭的",
        "30天以内",
        "14天无理由",
        "3点以内",
        "5折",
        "2折以上",
        "双十一",
    ),
    *("38-40码", "身高180以上", "170/65kg", "Android 10以上", "iPhone 12-15", "500ml以下"),
    *("买两块手表", "元旦", "2026-11-03", "订单20231105001", "2025-2026年", "16G内存", "3个以上"),
    *("一块儿", "一元二次方程", "8+256", "between 38 and 39", "up to eight", "from 2022"),
    *("under 5 kg", "within 3 days", "more than one", "over 2 pairs", "at least 10 hours"),
    *("order 20231105001", "size 8-10", "4 stars and up", "under 30 minutes", "13800138000"),
]


@pytest.mark.parametrize("text", NO_PRICES)
def test_other_numbers_are_no_prices(text: str) -> None:
    assert prices(text) == []


def test_several_prices_stand_in_order() -> None:
    found = prices("要100元左右的，不超过150，便宜点")
    assert [brief(price) for price in found] == ["~80..120 CNY", "..150", "cheaper"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("300", "300"),
        ("三百", "300"),
        ("two hundred", "200"),
        ("200-300", "200..300"),
        ("两三百", "~200..300"),
        ("300以内", "..300"),
        ("便宜点", "cheaper"),
    ],
)
def test_an_entity_known_to_be_a_price_needs_no_sign(text: str, expected: str) -> None:
    price = resolve_price(text)
    assert price is not None
    assert brief(price) == expected


@pytest.mark.parametrize("text", ["", "abc", "9" * 40, "-"])
def test_an_entity_without_amount_is_no_price(text: str) -> None:
    assert resolve_price(text) is None


def test_goods_of_a_price_may_cost_a_little_less_or_more() -> None:
    (price,) = prices("200块的")
    assert brief(price.around()) == "~160..240 CNY"
    (bound,) = prices("200块以内的")
    assert bound.around() == bound
