"""Shipping: where a parcel is."""

from __future__ import annotations

from actions.base import ShopAction, Turn, shop
from actions.choosing import chosen_order
from actions.orders import list_orders
from actions.plain import plain
from shop.errors import NotFound
from shop.models import Order, Parcel

LISTED = 5
# States in which a shopper asks where the parcel is.
ON_THE_WAY = ("shipped", "delivered")


class ActionTrackShipment(ShopAction):
    """Shows the way of the parcel that is meant, or a list of orders to choose from."""

    def work(self, turn: Turn) -> None:
        customer_id = turn.customer_id()
        tracking_number = turn.entity("tracking_number")
        if tracking_number:
            try:
                parcel = shop().parcel(customer_id, tracking_number)
            except NotFound:
                turn.say("utter_parcel_not_found", number=tracking_number)
            else:
                show_parcels(turn, parcel.order_number, (parcel,))
            return
        number = chosen_order(turn)
        if number:
            try:
                show_order(turn, shop().order(customer_id, number))
            except NotFound:
                turn.say("utter_order_not_found", number=number)
            return
        orders = shop().orders(customer_id, states=ON_THE_WAY, limit=LISTED)
        if not orders.items:
            turn.say("utter_nothing_to_track")
        elif orders.total == 1:
            show_order(turn, orders.items[0])
        else:
            list_orders(turn, orders.items, "utter_choose_parcel", asked="order_to_track")


def show_order(turn: Turn, order: Order) -> None:
    """The parcels of an order, or that it has none yet."""
    parcels = shop().parcels(order.customer_id, order.number)
    if parcels:
        show_parcels(turn, order.number, parcels)
    else:
        turn.say("utter_not_sent_yet", number=order.number, state=order.state)


def show_parcels(turn: Turn, number: str, parcels: tuple[Parcel, ...]) -> None:
    """One timeline a parcel, newest event first, as shoppers know it from couriers."""
    turn.remember(shown={"kind": "orders", "ids": [number]}, asked="order_to_track")
    for parcel in parcels:
        values = plain(parcel)
        values["events"].reverse()
        turn.say("utter_parcel_timeline", number=number, **values)
