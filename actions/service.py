"""Service: asking for a person."""

from __future__ import annotations

from actions.base import ShopAction, Turn, shop


class ActionRequestHuman(ShopAction):
    """Records the request once and says what happens next."""

    def work(self, turn: Turn) -> None:
        handover = shop().request_handover(turn.sender_id, turn.visitor_id(), "asked", turn.lang)
        said = "utter_human_requested" if handover.new else "utter_human_already_requested"
        turn.say(said, reference=f"H{handover.id}", waiting=handover.waiting)
