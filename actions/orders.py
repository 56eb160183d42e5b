"""Orders: listing, choosing, showing one."""

from __future__ import annotations

from actions.base import ShopAction, Turn, shop
from actions.choosing import chosen_order
from actions.plain import plain
from shop.errors import NotFound
from shop.models import Order

LISTED = 5


class ActionCheckOrder(ShopAction):
    """Shows the order that is meant, the only one, or a list to choose from."""

    def work(self, turn: Turn) -> None:
        customer_id = turn.customer_id()
        number = chosen_order(turn)
        if number:
            try:
                show_order(turn, shop().order(customer_id, number))
            except NotFound:
                turn.say("utter_order_not_found", number=number)
            return
        orders = shop().orders(customer_id, limit=LISTED)
        if not orders.items:
            turn.say("utter_no_orders")
        elif orders.total == 1:
            show_order(turn, orders.items[0])
        else:
            list_orders(turn, orders.items, "utter_choose_order", asked="order_to_check")


def show_order(turn: Turn, order: Order) -> None:
    """One order in detail."""
    turn.remember(shown={"kind": "orders", "ids": [order.number]}, asked="order_to_check")
    turn.say(
        "utter_order_detail",
        number=order.number,
        state=order.state,
        placed_at=plain(order.placed_at),
        total=plain(order.total),
        lines=[{**plain(line), "total": plain(line.total)} for line in order.lines],
    )


def list_orders(turn: Turn, orders: tuple[Order, ...], response: str, *, asked: str) -> None:
    """A list of orders, one button each, and the question which one."""
    turn.remember(shown={"kind": "orders", "ids": [order.number for order in orders]}, asked=asked)
    turn.say(
        response,
        count=len(orders),
        orders=[
            {
                "number": order.number,
                "state": order.state,
                "placed_at": plain(order.placed_at),
                "total": plain(order.total),
            }
            for order in orders
        ],
    )
