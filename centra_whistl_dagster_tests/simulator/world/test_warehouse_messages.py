"""What the simulated warehouse reports of parcels that left, with every mishap of such messages."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import WhistlOrder, World

Accept = Callable[..., WhistlOrder]

A_DAY = 86_400


def test_a_message_says_what_left_with_both_tracking_numbers(
    world: World, clock: ManualClock, accept: Accept, skus: list[str], whistl: httpx.Client
) -> None:
    order = accept((skus[0], 2))
    clock.run(world, A_DAY)

    answer = whistl.get("/v2/despatches").json()

    assert answer["page"] == {"next_after_sequence": 1, "has_more": False}
    message = answer["data"][0]
    parcel = message["parcels"][0]
    assert (message["order_number"], message["version"]) == (order.order_number, 1)
    assert message["order_complete"] is True
    assert message["short_lines"] == []
    assert parcel["carrier_name"] == "Simulated Royal Mail"
    assert parcel["courier_tracking_number"].startswith("SM")
    assert parcel["whistl_tracking_number"].startswith("WHL0P")
    assert parcel["lines"] == [{"line_number": 1, "sku": skus[0], "quantity": 2}]


def test_messages_are_read_in_order_from_a_sequence(
    world: World, clock: ManualClock, accept: Accept, whistl: httpx.Client, skus: list[str]
) -> None:
    for n in range(5):
        accept((skus[0], 1), order_number=f"C{n}")
    clock.run(world, A_DAY)

    first = whistl.get("/v2/despatches", params={"limit": 2}).json()
    after = first["page"]["next_after_sequence"]
    rest = whistl.get("/v2/despatches", params={"after_sequence": after}).json()
    none = whistl.get("/v2/despatches", params={"after_sequence": 5}).json()

    assert first["page"]["has_more"] is True
    assert [m["sequence"] for m in [*first["data"], *rest["data"]]] == [1, 2, 3, 4, 5]
    assert none == {"data": [], "page": {"next_after_sequence": 5, "has_more": False}}


def test_an_order_of_several_units_can_leave_in_two_parcels_at_once_or_one_by_one(
    world: World, clock: ManualClock, accept: Accept, skus: list[str]
) -> None:
    world.settings.several_parcels_share = 1.0
    orders = [accept((skus[n], 3), order_number=f"C{n}") for n in range(8)]

    clock.run(world, A_DAY)

    shapes = set()
    for order in orders:
        messages = [m for m in world.despatches if m["order_number"] == order.order_number]
        units = [line["quantity"] for m in messages for p in m["parcels"] for line in p["lines"]]
        assert sorted(units) == [1, 2]
        assert [m["order_complete"] for m in messages] == [False, True][-len(messages) :]
        assert ("PART_DESPATCHED" in dict(order.history)) == (len(messages) == 2)
        shapes.add(len(messages))
    assert shapes == {1, 2}


def test_a_message_can_come_twice_under_a_later_sequence(
    world: World, clock: ManualClock, accept: Accept
) -> None:
    world.settings.switches.update(duplicate_despatch_share=1.0)
    accept()

    clock.run(world, A_DAY)

    first, second = world.despatches
    assert (first["sequence"], second["sequence"]) == (1, 2)
    assert {**second, "sequence": 1} == first


def test_a_late_message_comes_after_its_own_correction(
    world: World, clock: ManualClock, accept: Accept
) -> None:
    world.settings.switches.update(out_of_order_despatch_share=1.0, corrected_tracking_share=1.0)
    accept()

    clock.run(world, A_DAY)

    correction, late = world.despatches
    assert (correction["version"], late["version"]) == (2, 1)
    assert correction["supersedes"] == late["despatch_id"]
    numbers = [m["parcels"][0]["courier_tracking_number"] for m in (correction, late)]
    assert numbers[0] != numbers[1]
    assert world.sent_parcels[0].tracking_numbers >= set(numbers)


@pytest.mark.parametrize(
    ("switch", "missing", "is_corrected"),
    [
        ("null_tracking_share", {"courier_tracking_number"}, False),
        ("no_tracking_share", {"courier_tracking_number", "whistl_tracking_number"}, True),
        ("despatch_without_carrier_share", {"carrier_name", "carrier_code"}, True),
    ],
)
def test_what_a_message_lacks_a_correction_brings(
    world: World,
    clock: ManualClock,
    accept: Accept,
    switch: str,
    missing: set[str],
    is_corrected: bool,
) -> None:
    world.settings.switches.update(**{switch: 1.0})
    accept()

    clock.run(world, A_DAY)

    parcels = [message["parcels"][0] for message in world.despatches]
    blank = {name for name, value in parcels[0].items() if value is None}
    assert blank - {"tracking_url"} == missing
    assert len(parcels) == (2 if is_corrected else 1)
    if is_corrected:
        assert None not in parcels[1].values()
