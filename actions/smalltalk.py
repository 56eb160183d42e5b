"""Small talk: a bare value, leaving an errand, offering meanings when unsure."""

from __future__ import annotations

from actions.base import ShopAction, Turn
from actions.catalogue import ActionSearchProduct
from actions.orders import ActionCheckOrder
from actions.shipping import ActionTrackShipment

MEANINGS_OFFERED = 3
# Nobody chooses these from a list of meanings.
NOT_OFFERED = frozenset(
    {
        *("nlu_fallback", "out_of_scope", "inform", "affirm", "deny"),
        *("share_location", "share_phone", "send_image", "send_voice", "unsupported_message"),
    }
)
GOODS = frozenset({"product", "category", "brand", "color", "size", "price"})


class ActionInform(ShopAction):
    """A value that nobody asked for: does what one most likely wants with it."""

    def work(self, turn: Turn) -> None:
        named = {entity["entity"] for entity in turn.entities}
        shown = (turn.slots.get("shown") or {}).get("kind")
        if "tracking_number" in named:
            ActionTrackShipment().work(turn)
        elif "order_id" in named or shown == "orders":
            ActionCheckOrder().work(turn)
        elif named & GOODS or shown == "products":
            ActionSearchProduct().work(turn)
        else:
            turn.say("utter_unclear_value")


class ActionStop(ShopAction):
    """Leaves the errand: nothing that was asked or shown counts any more."""

    def work(self, turn: Turn) -> None:
        turn.remember(shown=None, search=None)
        turn.say("utter_stop")


class ActionDefaultAskAffirmation(ShopAction):
    """First stage of not understanding: the likely meanings as buttons."""

    def work(self, turn: Turn) -> None:
        likely = [meaning["name"] for meaning in turn.ranking if meaning["name"] not in NOT_OFFERED]
        turn.say(
            "utter_ask_meaning",
            meanings=[{"intent": intent} for intent in likely[:MEANINGS_OFFERED]],
        )
