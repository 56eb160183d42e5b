"""Orders in conversation."""

from decimal import Decimal

import pytest

from actions.base import identity, shop
from actions.orders import ARRIVED, ActionCheckOrder

CHECK = ActionCheckOrder()


async def test_a_visitor_is_asked_to_sign_in_and_shown_nothing(chat):
    answer = await chat(CHECK, "查一下我的订单", "check_order")
    assert answer.said == [("utter_sign_in", {"again": "check_order"})]


async def test_several_orders_are_listed_newest_first_to_choose_from(chat):
    chat.sign_in("several_orders")
    answer = await chat(CHECK, "my orders", "check_order")
    assert answer.names == ["utter_choose_order"]
    placed = [order["placed_at"] for order in answer.values["orders"]]
    assert answer.values["count"] == 5
    assert placed == sorted(placed, reverse=True)
    assert answer.slots["asked"] == "order_to_check"


@pytest.mark.parametrize(("said", "index"), [("第二个", 1), ("the last one", -1), ("第3个", 2)])
async def test_the_second_one_is_the_second_of_the_list(chat, said, index):
    chat.sign_in("several_orders")
    listed = (await chat(CHECK, "查一下我的订单", "check_order")).values["orders"]
    shown = await chat(CHECK, said)
    assert shown.names == ["utter_order_detail"]
    assert shown.values["number"] == listed[index]["number"]


async def test_a_number_may_be_written_as_people_write(chat):
    chat.sign_in("several_orders")
    number = (await chat(CHECK, "订单", "check_order")).values["orders"][0]["number"]
    written = f" {number.lower()} "
    assert (await chat(CHECK, written, order_id=written)).values["number"] == number


async def test_another_customers_order_looks_like_one_that_does_not_exist(chat):
    chat.sign_in("several_orders")
    theirs = (await chat(CHECK, "订单", "check_order")).values["orders"][0]["number"]
    chat.sign_in("no_orders")
    for number in (theirs, "XE0000000001"):
        answer = await chat(CHECK, number, order_id=number)
        assert answer.said == [("utter_order_not_found", {"number": number})]


async def test_an_order_in_detail_adds_up(chat):
    chat.sign_in("on_its_way")
    order = shop().orders(identity().customer_of(chat.sender_id), limit=1).items[0]
    answer = await chat(CHECK, order.number, "check_order", order_id=order.number)
    assert answer.names == ["utter_order_detail"]
    lines = sum(Decimal(line["total"]) for line in answer.values["lines"])
    fee, discount = Decimal(answer.values["shipping_fee"]), Decimal(answer.values["discount"])
    assert lines + fee - discount == Decimal(answer.values["total"]) == order.total


async def test_what_goes_with_an_order_is_offered_once_it_arrived(chat):
    chat.sign_in("several_orders")
    offered = {}
    for order in shop().orders(identity().customer_of(chat.sender_id)).items:
        answer = await chat(CHECK, order.number, "check_order", order_id=order.number)
        offered[order.state] = answer.values["arrived"] == [{"number": order.number}]
    assert {state for state, is_offered in offered.items() if is_offered} == set(ARRIVED)


async def test_without_orders_something_is_offered(chat):
    chat.sign_in("no_orders")
    assert (await chat(CHECK, "我的订单呢", "check_order")).names == ["utter_no_orders"]
