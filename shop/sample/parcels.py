"""How the sample shop's parcels travel: scans in a sensible order, at sensible times and places."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

SHOP_ZONE: Final = ZoneInfo("Asia/Shanghai")
WAREHOUSES: Final = ("hangzhou", "guangzhou")
# Latitude and longitude, in degrees.
PLACES: Final = {
    "hangzhou": (30.3, 120.2),
    "guangzhou": (23.1, 113.3),
    "beijing": (39.9, 116.4),
    "shanghai": (31.2, 121.5),
    "shenzhen": (22.5, 114.1),
    "chengdu": (30.7, 104.1),
    "chongqing": (29.6, 106.5),
    "wuhan": (30.6, 114.3),
    "xian": (34.3, 108.9),
    "nanjing": (32.1, 118.8),
    "suzhou": (31.3, 120.6),
    "qingdao": (36.1, 120.4),
    "shenyang": (41.8, 123.4),
    "harbin": (45.8, 126.6),
    "kunming": (25.0, 102.7),
    "xiamen": (24.5, 118.1),
    "zhengzhou": (34.7, 113.6),
    "changsha": (28.2, 113.0),
    "urumqi": (43.8, 87.6),
    "lhasa": (29.7, 91.1),
    "hong_kong": (22.3, 114.2),
    "singapore": (1.35, 103.8),
    "london": (51.5, -0.1),
    "new_york": (40.7, -74.0),
    "toronto": (43.7, -79.4),
    "sydney": (-33.9, 151.2),
}
ABROAD: Final = {
    "hong_kong": ZoneInfo("Asia/Hong_Kong"),
    "singapore": ZoneInfo("Asia/Singapore"),
    "london": ZoneInfo("Europe/London"),
    "new_york": ZoneInfo("America/New_York"),
    "toronto": ZoneInfo("America/Toronto"),
    "sydney": ZoneInfo("Australia/Sydney"),
}
# Where long ways by road are broken.
_HUBS: Final = ("zhengzhou", "wuhan", "xian", "changsha")
_LORRY_KM_PER_HOUR: Final = 62
_FAR_KM: Final = 1100


@dataclass(frozen=True)
class Journey:
    """A parcel's whole way: events are (time, code, place) in order."""

    carrier: str
    tracking_number: str
    due_on: date
    events: tuple[tuple[datetime, str, str], ...]

    @property
    def delivered_at(self) -> datetime:
        return self.events[-1][0]


def travel(
    chance: random.Random,
    city: str,
    packed_at: datetime,
    shipped_at: datetime,
    *,
    delayed: bool = False,
) -> Journey:
    """The way of a parcel from the nearer warehouse to a city."""
    origin = min(WAREHOUSES, key=lambda place: kilometres(place, city))
    abroad = city in ABROAD
    carrier = _carrier(chance, abroad)
    events = [(packed_at, "label_created", origin), (shipped_at, "picked_up", origin)]
    at = shipped_at + _hours(chance, 2, 6)
    events.append((at, "departed", origin))
    before = origin
    for stop in _stops(chance, origin, city):
        at += _drive(chance, before, stop)
        if delayed and stop != city:
            events.append((at, "held_up", stop))
            at += _hours(chance, 50, 80)
        events.append((at, "arrived", stop))
        at += _hours(chance, 2, 7)
        events.append((at, "departed", stop))
        before = stop
    if delayed and before == origin:
        events.append((at + _hours(chance, 3, 6), "held_up", origin))
        at += _hours(chance, 50, 80)
    at += timedelta(hours=chance.uniform(40, 90)) if abroad else _drive(chance, before, city)
    if abroad and city != "hong_kong":
        events.append((at, "customs", city))
        at += _hours(chance, 8, 40)
    events.append((at, "arrived", city))
    planned = at - timedelta(hours=65 if delayed else 0)
    due_on = (planned + timedelta(hours=chance.uniform(14, 34))).astimezone(_zone(city)).date()
    at = _next_round(chance, at, city)
    events.append((at, "out_for_delivery", city))
    if chance.random() < 0.04:
        events.append((at + _hours(chance, 2, 8), "delivery_failed", city))
        at = _next_round(chance, at + timedelta(hours=12), city)
        events.append((at, "out_for_delivery", city))
    if not abroad and chance.random() < 0.3:
        at += _hours(chance, 1, 5)
        events.append((at, "at_pickup_point", city))
        at += _hours(chance, 1, 4) if chance.random() < 0.6 else _hours(chance, 23, 28)
    else:
        at += _hours(chance, 1, 8)
    events.append((at, "delivered", city))
    return Journey(carrier, _tracking_number(chance, carrier), due_on, tuple(events))


def kilometres(a: str, b: str) -> float:
    """The distance of two places as the crow flies."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, PLACES[p])) for p in (a, b))
    haversine = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 12742 * math.asin(math.sqrt(haversine))


def _stops(chance: random.Random, origin: str, city: str) -> list[str]:
    if city in ABROAD:
        return [] if city == "hong_kong" else ["hong_kong"]
    if kilometres(origin, city) < _FAR_KM:
        return []
    # The hub that makes the least detour.
    return [min(_HUBS, key=lambda hub: kilometres(origin, hub) + kilometres(hub, city))]


def _drive(chance: random.Random, a: str, b: str) -> timedelta:
    roads = kilometres(a, b) * 1.25
    return timedelta(hours=roads / _LORRY_KM_PER_HOUR + chance.uniform(1, 5))


def _next_round(chance: random.Random, at: datetime, city: str) -> datetime:
    """When the courier next sets out, on the clock of the city."""
    local = (at + timedelta(hours=2)).astimezone(_zone(city))
    start = local.replace(hour=8, minute=chance.randrange(60), second=chance.randrange(60))
    if local.hour >= 8:
        start += timedelta(days=1)
    return start.astimezone(timezone.utc)


def _carrier(chance: random.Random, abroad: bool) -> str:
    if abroad:
        return chance.choice(("dhl", "ups", "ems"))
    return chance.choices(("sf", "zto", "yto", "yunda", "jd", "ems"), (30, 22, 16, 14, 12, 6))[0]


def _tracking_number(chance: random.Random, carrier: str) -> str:
    def digits(count: int) -> str:
        return f"{chance.randrange(10**count):0{count}d}"

    return {
        "sf": lambda: "SF" + digits(13),
        "zto": lambda: "78" + digits(12),
        "yto": lambda: "YT" + digits(13),
        "yunda": lambda: "43" + digits(13),
        "jd": lambda: "JDX" + digits(12),
        "ems": lambda: "E" + chance.choice("ABCS") + digits(9) + "CN",
        "dhl": lambda: "JJD" + digits(15),
        "ups": lambda: "1Z" + "".join(chance.choices("0123456789ABCDEFGHXY", k=16)),
    }[carrier]()


def _hours(chance: random.Random, low: float, high: float) -> timedelta:
    return timedelta(hours=chance.uniform(low, high))


def _zone(city: str) -> ZoneInfo:
    return ABROAD.get(city, SHOP_ZONE)
