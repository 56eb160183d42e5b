"""Tastes said in a chat: remembered where somebody tells of them, forgotten on request."""

from __future__ import annotations

from actions.base import ShopAction, Turn, shop
from actions.goods import shown_products
from actions.recommend import hear, said
from actions.visit import Said
from shop.text.tastes import forgets_tastes, praises


class ActionGiveFeedback(ShopAction):
    """Thanks for feedback; a liking for goods that we have is remembered and said back."""

    def work(self, turn: Turn) -> None:
        request, visit = hear(turn)
        if praises(turn.text):
            shown = shown_products(turn)
            picked = [i for each in request.pointers for i in each.pick(shown)]
            liked: list[Said] = [("product", str(i), True) for i in picked]
            visit.said(turn, liked)
            visit.keep(turn)
        if not visit.heard:
            turn.say("utter_give_feedback")
            return
        turn.remember(asked="product")
        for response, is_liked in (
            ("utter_like_remembered", True),
            ("utter_dislike_remembered", False),
        ):
            things = [said(s, v) for s, v, liked_it in visit.heard if liked_it == is_liked]
            if things:
                turn.say(response, things=things)


class ActionPrivacyRequest(ShopAction):
    """Forgets what was said to be liked, at once; of other data it says what can be done."""

    def work(self, turn: Turn) -> None:
        if not forgets_tastes(turn.text):
            turn.say("utter_privacy_request")
            return
        customer_id = turn.visitor_id()
        if customer_id is not None:
            shop().forget_tastes(customer_id)
        turn.remember(visit=None)
        turn.say("utter_tastes_forgotten")
