"""Orders: choosing one, showing one."""

from __future__ import annotations

from collections.abc import Callable, Collection

from actions.base import ShopAction, Turn, shop
from actions.choosing import chosen_order
from actions.plain import plain
from shop.errors import NotFound
from shop.models import Order

LISTED = 5
# States in which the goods are in the customer's hands.
ARRIVED = ("delivered", "completed")


class ActionCheckOrder(ShopAction):
    """Shows the order that is meant, the only one, or a list to choose from."""

    def work(self, turn: Turn) -> None:
        choose_order(
            turn,
            show=show_order,
            question="utter_choose_order",
            asked="order_to_check",
            nothing="utter_no_orders",
        )


def choose_order(
    turn: Turn,
    *,
    show: Callable[[Turn, Order], None],
    question: str,
    asked: str,
    nothing: str,
    states: Collection[str] | None = None,
    meant: str | None = None,
) -> None:
    """Shows the order that is meant or the only one; otherwise asks which one, a button each.

    Args:
        turn: of a signed-in customer.
        show: what to do with the order.
        question: the response that lists the orders and asks.
        asked: for the slot of that name, so that the answer is understood.
        nothing: the response when there is no order.
        states: only orders in one of these are listed.
        meant: number of the order that is spoken of, where the message names none.

    Raises:
        NotSignedIn, Unavailable
    """
    customer_id = turn.customer_id()
    number = chosen_order(turn) or meant
    if number:
        try:
            show(turn, shop().order(customer_id, number))
        except NotFound:
            turn.say("utter_order_not_found", number=number)
        return
    orders = shop().orders(customer_id, states=states, limit=LISTED)
    if not orders.items:
        turn.say(nothing)
    elif orders.total == 1:
        show(turn, orders.items[0])
    else:
        ids = [order.number for order in orders]
        turn.remember(shown={"kind": "orders", "ids": ids}, asked=asked)
        turn.say(question, count=len(orders), orders=[summary(order) for order in orders])


def show_order(turn: Turn, order: Order) -> None:
    """One order in detail."""
    turn.remember(shown={"kind": "orders", "ids": [order.number]}, asked="order_to_check")
    lines = [{**plain(line), "total": plain(line.total)} for line in order.lines]
    # A list, so that a button of the response can stand for each: none before it arrived.
    arrived = [{"number": order.number}] if order.state in ARRIVED else []
    turn.say("utter_order_detail", **summary(order), lines=lines, arrived=arrived)


def summary(order: Order) -> dict[str, str]:
    """What a list or the head of the details shows of an order."""
    return {
        "number": order.number,
        "state": order.state,
        "placed_at": plain(order.placed_at),
        "total": plain(order.total),
        "shipping_fee": plain(order.shipping_fee),
        "discount": plain(order.discount),
    }
