"""What the sample shop's customers look at, put in carts, buy and rate, and what they write."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from shop.sample.goods import Item, load
from shop.sample.people import Person
from shop.sample.tastes import TOGETHER
from shop.sample.trade import Demand, Ledger
from shop.text.words import Words

INTERACTIONS: Final = 60_000
_REVIEWED: Final = 0.45

Acts = list[tuple[datetime, int, int, str, int | None]]


def write_interest(
    chance: random.Random, demand: Demand, ledger: Ledger, now: datetime, words: Words
) -> None:
    """Add reviews and interactions to the ledger, and stars and sales to the goods."""
    acts: Acts = []
    kinds = {
        (kind, language): words.say("kind", kind, language) or kind
        for kind in words.codes("kind")
        for language in ("zh", "en")
    }
    for person, item, order, line, it in ledger.bought:
        _buy(chance, demand, acts, person, item, order["placed_at"])
        item.row["sold"] += line["quantity"]
        if it.completed_at and chance.random() < _REVIEWED:
            _review(chance, ledger, acts, person, item, line, it.completed_at, now, kinds)
    _stars(demand, ledger)
    while len(acts) < INTERACTIONS:
        for at in demand.times(chance, 100):
            _browse(chance, demand, acts, demand.person(chance, at), at, now)
    # Purchases and reviews came first, so what is cut off are glances.
    for at, customer_id, product_id, kind, rating in sorted(acts[:INTERACTIONS]):
        ledger.add(
            "interactions",
            customer_id=customer_id,
            product_id=product_id,
            kind=kind,
            rating=rating,
            at=at,
        )


def _buy(
    chance: random.Random,
    demand: Demand,
    acts: Acts,
    person: Person,
    item: Item,
    placed_at: datetime,
) -> None:
    """What led to a purchase: looking around, looking again, the cart."""
    at = placed_at - timedelta(minutes=chance.uniform(1, 8))
    acts.append((placed_at, person.id, item.id, "buy", None))
    if chance.random() < 0.85:
        acts.append((at, person.id, item.id, "cart", None))
    for _ in range(chance.choices((1, 2, 3), (60, 30, 10))[0]):
        at -= timedelta(minutes=chance.expovariate(1 / 30))
        if at > item.listed_at:
            acts.append((at, person.id, item.id, "view", None))
    if chance.random() < 0.5 and (other := demand.item(chance, person, item.kind, at)):
        acts.append((at, person.id, other.id, "view", None))


def _browse(
    chance: random.Random,
    demand: Demand,
    acts: Acts,
    person: Person,
    at: datetime,
    now: datetime,
) -> None:
    """A visit: a few products of one kind, then perhaps of one that goes with it."""
    kind = demand.kind(chance, person, at)
    for _ in range(chance.randint(1, 3)):
        for _ in range(chance.randint(1, 4)):
            item = demand.item(chance, person, kind, at)
            if item is None or at > now:
                return
            acts.append((at, person.id, item.id, "view", None))
            at += timedelta(seconds=chance.uniform(10, 180))
            if chance.random() < 0.08 and at <= now:
                acts.append((at, person.id, item.id, "cart", None))
        along = TOGETHER.get(kind)
        kind = chance.choice(list(along)) if along else demand.kind(chance, person, at)


def _review(
    chance: random.Random,
    ledger: Ledger,
    acts: Acts,
    person: Person,
    item: Item,
    line: dict[str, Any],
    completed_at: datetime,
    now: datetime,
    kinds: Mapping[tuple[str, str], str],
) -> None:
    at = completed_at + timedelta(days=chance.expovariate(1 / 3))
    if at > now:
        return
    stars = min(5, max(1, round(chance.gauss(item.quality, 0.8))))
    mood = "good" if stars >= 4 else "fair" if stars == 3 else "bad"
    opening, about, end = (chance.choice(part) for part in _texts()[person.language][mood])
    fact = chance.choice(item.facts)[0 if person.language == "zh" else 1]
    text = opening + about.format(fact=fact, kind=kinds[item.kind, person.language]) + end
    ledger.add(
        "reviews",
        product_id=item.id,
        customer_id=person.id,
        order_line_id=line["id"],
        stars=stars,
        language=person.language,
        text=text[0].upper() + text[1:],
        at=at,
    )
    ledger.add("points", customer_id=person.id, change=10, reason="review", order_id=None, at=at)
    acts.append((at, person.id, item.id, "rate", stars))


_TEXTS: dict[str, Any] = {}


def _texts() -> dict[str, Any]:
    if not _TEXTS:
        _TEXTS.update(load("reviews.yml"))
    return _TEXTS


def _stars(demand: Demand, ledger: Ledger) -> None:
    given: dict[int, list[int]] = defaultdict(list)
    for review in ledger.rows["reviews"]:
        given[review["product_id"]].append(review["stars"])
    for product_id, stars in given.items():
        row = demand.items[product_id].row
        row["reviews"] = len(stars)
        row["rating"] = (Decimal(sum(stars)) / len(stars)).quantize(Decimal("0.01"))
