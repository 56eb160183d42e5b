"""Parcels in conversation."""

import pytest

from actions.orders import ActionCheckOrder
from actions.shipping import ActionTrackShipment

CHECK, TRACK = ActionCheckOrder(), ActionTrackShipment()


async def test_a_visitor_is_asked_to_sign_in(chat):
    assert (await chat(TRACK, "我的快递到哪了", "track_shipment")).names == ["utter_sign_in"]


async def test_the_only_parcel_on_its_way_is_shown_newest_event_first(chat):
    chat.sign_in("on_its_way")
    answer = await chat(TRACK, "where is my package", "track_shipment")
    assert answer.names == ["utter_parcel_timeline"]
    times = [event["at"] for event in answer.values["events"]]
    assert len(times) >= 2
    assert times == sorted(times, reverse=True)


async def test_a_tracking_number_finds_its_parcel(chat):
    chat.sign_in("on_its_way")
    number = (await chat(TRACK, "快递", "track_shipment")).values["tracking_number"]
    answer = await chat(TRACK, f"查 {number}", "track_shipment", tracking_number=number)
    assert answer.values["tracking_number"] == number


async def test_another_customers_parcel_looks_like_one_that_does_not_exist(chat):
    chat.sign_in("on_its_way")
    theirs = (await chat(TRACK, "快递", "track_shipment")).values["tracking_number"]
    chat.sign_in("no_orders")
    for number in (theirs, "SF0000000000000"):
        answer = await chat(TRACK, number, "track_shipment", tracking_number=number)
        assert answer.said == [("utter_parcel_not_found", {"number": number})]


async def test_several_are_listed_and_the_first_can_be_chosen(chat):
    chat.sign_in("several_orders")
    listed = await chat(TRACK, "我的包裹", "track_shipment")
    assert listed.names == ["utter_choose_parcel"]
    assert listed.slots["asked"] == "order_to_track"
    chosen = await chat(TRACK, "第一个")
    assert chosen.values["number"] == listed.values["orders"][0]["number"]


async def test_an_order_not_sent_yet_says_so(chat):
    chat.sign_in("not_yet_sent")
    nothing = await chat(TRACK, "我的快递", "track_shipment")
    assert nothing.names == ["utter_nothing_to_track"]


async def test_nothing_is_on_its_way(chat):
    chat.sign_in("no_orders")
    assert (await chat(TRACK, "我的快递", "track_shipment")).names == ["utter_nothing_to_track"]


@pytest.mark.parametrize("said", ["物流呢", "where is it?", "包裹到哪了"])
async def test_after_the_details_of_an_order_its_parcel_is_meant(chat, said):
    chat.sign_in("several_orders")
    await chat(CHECK, "我的订单", "check_order")
    shown = await chat(CHECK, "第三个")
    answer = await chat(TRACK, said, "track_shipment")
    assert answer.names == ["utter_parcel_timeline"]
    assert answer.values["number"] == shown.values["number"]


@pytest.mark.parametrize("said", ["/track_shipment", "查一下所有订单的物流", "track all of them"])
async def test_a_button_or_all_parcels_mean_more_than_the_order_shown(chat, said):
    chat.sign_in("several_orders")
    await chat(CHECK, "我的订单", "check_order")
    await chat(CHECK, "第三个")
    assert (await chat(TRACK, said, "track_shipment")).names == ["utter_choose_parcel"]
