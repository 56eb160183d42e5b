"""The customers of the sample shop, made from `people.yml`."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shop.models import Language
from shop.sample.goods import load
from shop.sample.parcels import ABROAD
from shop.sample.tastes import TASTES

CUSTOMERS = 500
_ENGLISH_SPEAKERS = 0.2


@dataclass
class Person:
    """A customer with what the shop does not know: tastes and a purse.

    `tastes` gives each taste's share; `purse` is 0 for cheap to 1 for dear; `activity` is how much
    they shop.
    """

    id: int
    name: tuple[str, str]
    language: Language
    city: str
    address: str
    phone: str
    tastes: dict[str, float]
    purse: float
    brands: tuple[str, ...]
    activity: float
    joined_at: datetime
    situation: str | None = None
    row: dict[str, Any] = field(default_factory=dict)

    @property
    def recipient(self) -> str:
        return self.name[0] if self.language == "zh" else self.name[1]


def make_people(now: datetime) -> list[Person]:
    """All customers, those of the demo page first, the same for the same `now`."""
    material = load("people.yml")
    chance = random.Random("people")
    brands = [brand[1] for brand in load("goods.yml")["brands"].values()]
    cities = material["cities"]
    weights = [city[0] for city in cities.values()]
    people: list[Person] = []
    for number in range(1, CUSTOMERS + 1):
        named = material["named"][number - 1] if number <= len(material["named"]) else None
        city = chance.choices(list(cities), weights)[0]
        language: Language = "zh"
        if (city in ABROAD and city != "hong_kong") or chance.random() < _ENGLISH_SPEAKERS - 0.04:
            language = "en"
        first, second = chance.sample(list(TASTES), 2)
        joined_at = now - timedelta(days=chance.uniform(1, 1000))
        activity = chance.lognormvariate(0, 0.9)
        name = _name(chance, material, language)
        situation = None
        if named:
            situation, *name_parts, language, city, first = named
            name = (name_parts[0], name_parts[1])
            second = "home" if first != "home" else "cook"
            joined_at = now - timedelta(days=12 if situation == "no_orders" else 900)
            # What they have ordered is written for them, one by one.
            activity = 0.0
        person = Person(
            id=number,
            name=name,
            language=language,
            city=city,
            address=_address(chance, material, language, city),
            phone=_phone(city, number),
            tastes={first: 0.75, second: 0.25},
            purse=chance.betavariate(2, 2.5),
            brands=tuple(chance.sample(brands, 4)),
            activity=activity,
            joined_at=joined_at,
            situation=situation,
        )
        person.row = {
            "id": number,
            "name_zh": name[0],
            "name_en": name[1],
            "language": language,
            "phone": person.phone,
            "email": f"{name[1].split()[0].lower()}{number}@example.com",
            "level": "standard",
            "points": 0,
            "joined_at": joined_at,
            "situation": situation,
        }
        people.append(person)
    return people


def _name(chance: random.Random, material: Any, language: Language) -> tuple[str, str]:
    if language == "en":
        first = chance.choice(material["english_first"])
        last = chance.choice(material["english_last"])
        return f"{first[1]}·{last[1]}", f"{first[0]} {last[0]}"
    surname, given = chance.choice(material["surnames"]), chance.choice(material["given"])
    return surname[0] + given[0], f"{surname[1]} {given[1]}"


def _address(chance: random.Random, material: Any, language: Language, city: str) -> str:
    zh, en = chance.choice(material["cities"][city][1:])
    house, room = chance.randint(1, 300), chance.randint(101, 2603)
    if city in ABROAD and city != "hong_kong":
        return f"{house} {chance.choice(material['roads_abroad'])}, {en}"
    road = chance.choice(material["roads"])
    block = chance.randint(1, 12)
    if language == "zh":
        return f"{zh}{road[0]}{house}号{block}栋{room}室"
    return f"Room {room}, Building {block}, {house} {road[1]}, {en}"


def _phone(city: str, number: int) -> str:
    """A number that looks right; where a country keeps a range for fiction, from there."""
    return {
        "london": f"+4477009{number:05d}",
        "new_york": f"+1212555{number:04d}",
        "toronto": f"+1416555{number:04d}",
        "sydney": f"+6149157{number:04d}",
        "singapore": f"+65800{number:05d}",
        "hong_kong": f"+852500{number:05d}",
    }.get(city, f"1990000{number:04d}")
