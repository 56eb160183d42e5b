"""What is planted in the sample shop for the recommender to find: tastes, seasons, and what goes
together. All of it is about kinds of goods."""

from __future__ import annotations

from typing import Final

# How much people of a taste are drawn to a kind.
TASTES: Final[dict[str, dict[str, float]]] = {
    "outdoor": {
        "hiking_boots": 3,
        "tent": 2.5,
        "sleeping_bag": 2,
        "rain_jacket": 3,
        "backpack": 1.5,
        "sports_bottle": 1.5,
        "thermos": 0.5,
        "nuts": 0.5,
    },
    "tech": {
        "earbuds": 3,
        "headphones": 2,
        "speaker": 1.5,
        "power_bank": 2,
        "charger": 2,
        "phone_case": 2,
        "smartwatch": 2,
        "keyboard": 2.5,
        "coffee_beans": 0.5,
    },
    "fitness": {
        "running_shoes": 3,
        "sports_earphones": 2.5,
        "yoga_mat": 2.5,
        "sports_bottle": 2,
        "smartwatch": 1.5,
        "t_shirt": 0.8,
        "nuts": 0.5,
    },
    "women": {
        "dress": 3.5,
        "skirt": 2.5,
        "blouse": 2.5,
        "cardigan": 2,
        "tote": 1.5,
        "crossbody": 1.5,
        "sandals": 1.5,
        "lipstick": 1,
    },
    "men": {
        "t_shirt": 3,
        "shirt": 2.5,
        "jeans": 3,
        "jacket": 2.5,
        "sneakers": 2.5,
        "down_jacket": 1.5,
        "backpack": 0.7,
    },
    "cook": {
        "frying_pan": 3,
        "kettle": 2,
        "air_fryer": 2.5,
        "thermos": 1,
        "coffee_beans": 2,
        "green_tea": 2,
        "storage_box": 0.5,
    },
    "parents": {
        "building_blocks": 3,
        "plush_toy": 2.5,
        "puzzle": 2.5,
        "baby_bottle": 2,
        "bedding": 0.7,
        "storage_box": 0.8,
    },
    "beauty": {"face_cream": 3.5, "sunscreen": 3, "lipstick": 3, "hair_dryer": 1.5, "dress": 0.7},
    "home": {
        "desk_lamp": 2,
        "cushion": 3,
        "bedding": 2.5,
        "storage_box": 2.5,
        "green_tea": 0.8,
        "speaker": 0.5,
    },
    "travel": {
        "suitcase": 3,
        "crossbody": 1.5,
        "backpack": 2,
        "power_bank": 1.5,
        "headphones": 1,
        "rain_jacket": 1,
        "chocolate": 0.7,
    },
    "gourmet": {"chocolate": 3, "nuts": 3, "green_tea": 2.5, "coffee_beans": 3, "thermos": 1},
}
# Everybody may want anything now and then.
ANY_KIND: Final = 0.04

# Months in which a kind sells best.
SEASONS: Final[dict[str, frozenset[int]]] = {
    "down_jacket": frozenset({11, 12, 1, 2}),
    "thermos": frozenset({10, 11, 12, 1, 2}),
    "cardigan": frozenset({9, 10, 11, 3}),
    "face_cream": frozenset({10, 11, 12, 1}),
    "sandals": frozenset({5, 6, 7, 8}),
    "sunscreen": frozenset({4, 5, 6, 7, 8}),
    "dress": frozenset({4, 5, 6, 7, 8}),
    "t_shirt": frozenset({4, 5, 6, 7, 8}),
    "sports_bottle": frozenset({5, 6, 7, 8}),
    "tent": frozenset({4, 5, 9, 10}),
    "sleeping_bag": frozenset({4, 5, 9, 10}),
    "rain_jacket": frozenset({3, 4, 5, 9, 10}),
    "backpack": frozenset({8, 9}),
    "suitcase": frozenset({1, 6, 7, 9}),
    "nuts": frozenset({12, 1, 2}),
    "chocolate": frozenset({12, 1, 2}),
    "green_tea": frozenset({3, 4, 5}),
}
IN_SEASON: Final = 2.5
OUT_OF_SEASON: Final = 0.4

# Bought with a kind: what, and how often.
TOGETHER: Final[dict[str, dict[str, float]]] = {
    "tent": {"sleeping_bag": 0.55},
    "hiking_boots": {"backpack": 0.25, "sports_bottle": 0.25},
    "power_bank": {"charger": 0.35},
    "phone_case": {"charger": 0.3},
    "earbuds": {"phone_case": 0.25},
    "running_shoes": {"sports_bottle": 0.25, "sports_earphones": 0.25},
    "yoga_mat": {"sports_bottle": 0.4},
    "dress": {"sandals": 0.25, "crossbody": 0.25},
    "blouse": {"skirt": 0.4},
    "t_shirt": {"jeans": 0.35},
    "jacket": {"jeans": 0.3},
    "face_cream": {"sunscreen": 0.45},
    "frying_pan": {"air_fryer": 0.2},
    "coffee_beans": {"kettle": 0.25, "thermos": 0.2},
    "green_tea": {"nuts": 0.3},
    "building_blocks": {"puzzle": 0.35},
    "baby_bottle": {"plush_toy": 0.35},
    "bedding": {"cushion": 0.45},
    "keyboard": {"desk_lamp": 0.3},
    "suitcase": {"power_bank": 0.3},
}


def season(kind: str, month: int) -> float:
    """How much better or worse than usual a kind sells in a month."""
    if kind not in SEASONS:
        return 1.0
    return IN_SEASON if month in SEASONS[kind] else OUT_OF_SEASON
