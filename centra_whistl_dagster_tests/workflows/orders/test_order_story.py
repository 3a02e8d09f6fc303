"""One order's story is told from both sides, in time order, with what comes next."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import time_machine
from click.testing import CliRunner

from centra_whistl_dagster.cli.main import commands
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.orders.moments import Side
from centra_whistl_dagster.workflows.orders.story import NoSuchOrder, OrderStory, tell_story

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

BAD_POSTCODE = {**ADA, "zipCode": "YO1 7H"}


def story_of(desk: Desk, order: CentraOrder, *, is_offline: bool = False) -> OrderStory:
    return tell_story(desk.link, str(order.number), is_offline=is_offline)


def texts(story: OrderStory, side: Side | None = None) -> list[str]:
    return [moment.text for moment in story.moments if side in {None, moment.side}]


def assert_told_in_order(told: list[str], *beginnings: str) -> None:
    """Each of these begins a sentence, in this order."""
    places = []
    for beginning in beginnings:
        found = [place for place, text in enumerate(told) if text.startswith(beginning)]
        assert found, f"nothing begins with {beginning!r} in {told}"
        places.append(found[0])
    assert places == sorted(places), told


def test_a_healthy_order_is_told_from_checkout_to_the_customer_s_mail(desk: Desk) -> None:
    order = desk.order()
    desk.leave_the_building([order])
    desk.live_on(3)
    assert desk.state(order) is OrderState.COMPLETED

    story = story_of(desk, order)

    assert_told_in_order(
        texts(story),
        "Ordered: 2 units",
        "Received: confirmed in Centra",
        "Call to Whistl",
        "Result of that call: accepted",
        "C100001 is PICKING",
        "The parcels of despatch",
        "Parcel ",
        "Completed: Centra has every parcel",
    )
    assert any(text.startswith("C100001 is DESPATCHED") for text in texts(story, Side.WHISTL))
    assert any("asked to e-mail the customer" in text for text in texts(story))
    assert any(text.startswith("Shipment") for text in texts(story, Side.CENTRA))
    assert all(one.at <= other.at for one, other in pairwise(story.moments))
    assert story.next == ("Nothing more is due.",)
    assert story.whistl_numbers == ("C100001",)
    assert story.not_read == ()


def test_a_blocked_order_says_who_must_do_what_and_hides_the_customer(desk: Desk) -> None:
    order = desk.order(address=BAD_POSTCODE)
    desk.relay_orders()

    story = story_of(desk, order)
    told = " ".join([*texts(story), *story.now, *story.next])

    assert "Here: blocked" in told
    assert "postcode_malformed" in told
    assert story.next[0] == "It is not sent while the exceptions below are open."
    assert "cx, by" in story.next[1]
    assert "correct it in Centra" in story.next[1]
    assert "Whistl does not show C100001." in story.not_read
    for personal in (ADA["firstName"], ADA["lastName"], ADA["address1"], "YO1 7H"):
        assert personal not in told


def test_an_order_in_doubt_says_when_it_is_looked_up(desk: Desk) -> None:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()
    assert desk.state(order) is OrderState.IN_DOUBT

    story = story_of(desk, order)

    assert_told_in_order(texts(story), "Call to Whistl", "In doubt: the answer was lost")
    assert "looked up at Whistl at " in story.next[0]
    assert "sent again only if Whistl does not have it" in story.next[0]
    assert any(now.startswith("At Whistl: C100001 is RECEIVED") for now in story.now)


def test_a_part_despatched_order_says_what_left_and_that_the_rest_is_awaited(desk: Desk) -> None:
    desk.world.settings.several_parcels_share = 1.0
    placed = [desk.order((desk.skus[0], 2), (desk.skus[1], 1)) for _ in range(8)]
    desk.relay_orders()
    part_gone = [order for order in placed if desk.held(order).status == "PART_DESPATCHED"]
    while not part_gone:
        desk.wait(5)
        part_gone = [order for order in placed if desk.held(order).status == "PART_DESPATCHED"]
    order = part_gone[0]
    desk.relay_despatches()
    assert desk.state(order) is OrderState.PART_DESPATCHED

    story = story_of(desk, order)

    assert story.next[0].startswith("Whistl sends the rest")
    (there,) = [now for now in story.now if now.startswith("At Whistl")]
    assert f"{desk.skus[0]}: 2 ordered, 2 despatched" in there
    assert f"{desk.skus[1]}: 1 ordered, 0 despatched" in there
    assert any(text.startswith("Shipment") for text in texts(story, Side.CENTRA))


def test_an_order_cancelled_too_late_says_so_and_what_is_left_to_do(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "DESPATCHED")
    desk.withdraw(order)
    for _ in range(3):
        desk.relay_orders()
        desk.wait(60)

    story = story_of(desk, order)

    assert any(text.startswith("Centra was seen to have cancelled it") for text in texts(story))
    assert any("cancelled_after_sending" in text for text in texts(story))
    assert any("return" in step for step in story.next)
    assert any(now.startswith("In Centra: CANCELLED") for now in story.now)


def test_offline_it_asks_neither_system(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.world.calls.clear()

    story = story_of(desk, order, is_offline=True)

    assert not desk.world.calls
    assert_told_in_order(texts(story), "Received: ", "Call to Whistl")
    assert texts(story, Side.WHISTL) == []


def test_a_system_that_does_not_answer_leaves_the_rest_of_the_story(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.fault("centra", "*", FaultKind.ERROR_503_BEFORE)
    desk.fault("whistl", "*", FaultKind.ERROR_503_BEFORE)

    story = story_of(desk, order)

    assert [line.partition(" could")[0] for line in story.not_read] == ["Centra", "Whistl"]
    assert_told_in_order(texts(story), "Received: ", "Call to Whistl")


def test_an_order_is_found_by_its_number_at_whistl(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()

    assert tell_story(desk.link, desk.world.whistl_number(order)).number == order.number


@pytest.mark.parametrize("number", ["999999", "C12", "not a number", ""])
def test_an_unknown_order_is_refused(desk: Desk, number: str) -> None:
    with pytest.raises(NoSuchOrder):
        tell_story(desk.link, number)


def test_the_command_prints_the_story(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    order = desk.order(address={**ADA, "city": "York\x1b[2J", "zipCode": "YO1 7H"})
    desk.relay_orders()

    with time_machine.travel(desk.clock(), tick=False):
        result = CliRunner().invoke(commands, ["order", str(order.number)], catch_exceptions=False)

    assert result.exit_code == 0
    assert result.output.startswith(f"Order {order.number} (C{order.number} at Whistl)")
    assert "What happened:" in result.output
    assert "What comes next:" in result.output
    assert "\x1b" not in result.output
