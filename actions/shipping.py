"""Shipping: where a parcel is."""

from __future__ import annotations

from actions.base import ShopAction, Turn, shop
from actions.choosing import order_in_detail
from actions.orders import choose_order
from actions.plain import plain
from shop.errors import NotFound
from shop.models import Order, Parcel

# States in which a shopper asks where the parcel is.
ON_THE_WAY = ("shipped", "delivered")


class ActionTrackShipment(ShopAction):
    """Shows the way of the parcel that is meant, or a list of orders to choose from."""

    def work(self, turn: Turn) -> None:
        tracking_number = turn.entity("tracking_number")
        if tracking_number is None:
            choose_order(
                turn,
                show=show_parcels,
                question="utter_choose_parcel",
                asked="order_to_track",
                nothing="utter_nothing_to_track",
                states=ON_THE_WAY,
                meant=order_in_detail(turn),
            )
            return
        try:
            parcel = shop().parcel(turn.customer_id(), tracking_number)
        except NotFound:
            turn.say("utter_parcel_not_found", number=tracking_number)
        else:
            show_timelines(turn, parcel.order_number, (parcel,))


def show_parcels(turn: Turn, order: Order) -> None:
    """The parcels of an order, or that it has none yet."""
    parcels = shop().parcels(order.customer_id, order.number)
    if parcels:
        show_timelines(turn, order.number, parcels)
    else:
        turn.say("utter_not_sent_yet", number=order.number, state=order.state)


def show_timelines(turn: Turn, number: str, parcels: tuple[Parcel, ...]) -> None:
    """One timeline a parcel, newest event first, as shoppers know it from couriers."""
    turn.remember(shown={"kind": "orders", "ids": [number]}, asked="order_to_track")
    for parcel in parcels:
        values = plain(parcel)
        values["events"].reverse()
        turn.say("utter_parcel_timeline", number=number, **values)
