"""The goods of the sample shop, made from `goods.yml`."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

HERE = Path(__file__).parent
# Things that have a model name; a dress has none.
_WITH_SERIES = ("audio", "digital", "kitchen", "shoes")
# What costs the same in every size.
_ONE_PRICE = ("shoes", "womenswear", "menswear")
_NEW_PRODUCTS = 12


@dataclass
class Item:
    """A product as the sample shop's customers see it.

    `charm` is how often it is looked at, `quality` the stars people tend to give (1 to 5).
    """

    id: int
    kind: str
    category: str
    brand: str
    name: tuple[str, str]
    facts: list[tuple[str, str]]
    price: Decimal
    charm: float
    quality: float
    consumable: bool
    listed_at: datetime
    variants: list[dict[str, Any]]
    row: dict[str, Any]


def load(name: str) -> Any:
    """A file of sample material."""
    return YAML(typ="safe").load(HERE / name)


def make_items(now: datetime) -> list[Item]:
    """All products with their variants, the same for the same `now`."""
    material = load("goods.yml")
    chance = random.Random("goods")
    brands = material["brands"]
    items: list[Item] = []
    for kind, spec in material["kinds"].items():
        makers = [b for b in brands.values() if spec["category"] in b[2]]
        for headline in spec["models"]:
            brand = chance.choice(makers)
            series = chance.choice(material["series"])
            if spec["category"] not in _WITH_SERIES:
                series = ""
            items.append(_item(len(items) + 1, kind, spec, brand, series, headline, chance, now))
    for item in chance.sample(items, _NEW_PRODUCTS):
        item.listed_at = now - timedelta(days=chance.uniform(2, 12))
        item.row["listed_at"] = item.listed_at
    return items


def _item(
    item_id: int,
    kind: str,
    spec: dict[str, Any],
    brand: list[Any],
    series: str,
    headline: list[str],
    chance: random.Random,
    now: datetime,
) -> Item:
    short_zh, short_en, *attribute = headline
    # One attribute of a sort: what the headline says comes first.
    others = [fact for fact in spec["facts"] if fact[0] != attribute[0]]
    facts = [attribute, *chance.sample(others, min(len(others), chance.randint(2, 4)))]
    chance.shuffle(uses := list(spec["uses"]))
    price = _charming(chance, *spec["price"])
    name_zh = f"{brand[0]}{' ' + series + ' ' if series else ' '}{short_zh}{spec['name'][0]}"
    name_en = " ".join(part for part in (brand[1], series, short_en, spec["name"][1]) if part)
    values_zh = "，".join(fact[1] for fact in facts)
    values_en = "; ".join(fact[2] for fact in facts)
    listed_at = now - timedelta(days=chance.uniform(60, 1100))
    variants = _variants(item_id, spec, price, chance)
    item = Item(
        id=item_id,
        kind=kind,
        category=spec["category"],
        brand=brand[1],
        name=(name_zh, name_en),
        facts=[(fact[1], fact[2]) for fact in facts],
        price=price,
        charm=chance.paretovariate(1.3),
        quality=min(4.9, max(2.9, chance.gauss(4.3, 0.4))),
        consumable=spec.get("consumable", False),
        listed_at=listed_at,
        variants=variants,
        row={},
    )
    item.row = {
        "id": item_id,
        "name_zh": name_zh,
        "name_en": name_en,
        "description_zh": f"{values_zh}。适合{'，也适合'.join(use[0] for use in uses[:2])}。",
        "description_en": f"{values_en[0].upper()}{values_en[1:]}."
        f" Good for {' and for '.join(use[1] for use in uses[:2])}.",
        "category": item.category,
        "kind": kind,
        "brand_zh": brand[0],
        "brand_en": brand[1],
        "attributes": facts,
        "list_price": _before_discount(price, chance) if chance.random() < 0.3 else None,
        "picture": f"{kind.replace('_', '-')}-{item_id}",
        "rating": None,
        "reviews": 0,
        "sold": 0,
        "consumable": item.consumable,
        "listed_at": listed_at,
        "updated_at": now,
    }
    return item


def _variants(
    item_id: int, spec: dict[str, Any], price: Decimal, chance: random.Random
) -> list[dict[str, Any]]:
    colours = spec.get("colours", ["none"])
    colours = chance.sample(colours, min(len(colours), chance.randint(2, 4)))
    sold_out = chance.random() < 0.04
    variants: list[dict[str, Any]] = []
    for colour in colours:
        for step, size in enumerate(spec.get("sizes", ["one"])):
            dearer = 1 if spec["category"] in _ONE_PRICE else 1 + 0.35 * step
            if sold_out or chance.random() < 0.1:
                stock = 0
            else:
                stock = chance.choice((1, 2, 3, 8, 15, 24, 40, 66, 120))
            variants.append(
                {
                    "sku": f"{item_id:04d}-{len(variants) + 1:02d}",
                    "product_id": item_id,
                    "colour": colour,
                    "size": size,
                    "price": price if dearer == 1 else _ending_in_nine(float(price) * dearer),
                    "stock": stock,
                }
            )
    return variants


def _charming(chance: random.Random, low: int, high: int) -> Decimal:
    """A price as shops like it; cheap ones are more frequent."""
    return _ending_in_nine(low * (high / low) ** chance.random())


def _ending_in_nine(amount: float) -> Decimal:
    if amount < 100:
        return Decimal(round(amount)) - Decimal("0.10")
    return Decimal(round(amount / 10) * 10 - 1)


def _before_discount(price: Decimal, chance: random.Random) -> Decimal:
    return _ending_in_nine(float(price) * chance.uniform(1.15, 1.5))
