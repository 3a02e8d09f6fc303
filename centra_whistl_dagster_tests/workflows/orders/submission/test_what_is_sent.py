"""What Whistl is sent of an order besides its goods: phone, instructions, sums, values of gifts."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from centra_whistl_dagster.domain.orders.despatches import Parcel
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.centra.rules import touch
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.world.catalogue import EXPRESS

if TYPE_CHECKING:
    from centra_whistl_dagster.simulator.world.world import CentraOrder
    from centra_whistl_dagster_tests.workflows.conftest import Desk

PARIS: dict[str, Any] = {
    **ADA,
    "city": "Paris",
    "zipCode": "75011",
    "cellPhoneNumber": "+33639980123",
    "country": {"code": "FR"},
}


@pytest.mark.parametrize(
    ("cell", "other", "sent"),
    [
        ("1111111111", "07400123456", "07400123456"),
        ("07400123456", "1111111111", "07400123456"),
        ("07400123456", "07400654321", "07400123456"),
        (None, "07400123456", "07400123456"),
    ],
)
def test_the_first_phone_that_is_valid_is_sent(
    desk: Desk, cell: str | None, other: str, sent: str
) -> None:
    order = desk.order(
        option=EXPRESS, address=ADA | {"cellPhoneNumber": cell, "phoneNumber": other}
    )

    desk.relay_orders()

    assert desk.held(order).body["delivery_address"]["phone"] == sent
    assert desk.problems() == []


def test_two_phones_of_which_none_is_valid_block_and_a_correction_of_the_second_frees(
    desk: Desk,
) -> None:
    order = desk.order(
        option=EXPRESS, address=ADA | {"cellPhoneNumber": "1111111111", "phoneNumber": "22"}
    )
    desk.relay_orders()
    blocked = desk.problems()
    desk.wait(5)
    assert order.address is not None
    order.address = {**order.address, "phoneNumber": "07400123456"}
    touch(desk.world, order)
    desk.relay_orders()

    assert blocked == ["phone_malformed"]
    assert desk.at_whistl(order) == 1


def test_the_customers_instructions_reach_whistl_as_they_are_at_the_moment_of_sending(
    desk: Desk,
) -> None:
    order = desk.order(other_comment="Leave with\nthe neighbour at no. 14, please, thank you")
    plain = desk.order()
    desk.make_ready(order, plain)
    order.other_comment = "Ring twice"

    desk.relay_orders()

    assert desk.held(order).body["delivery_instructions"] == "Ring twice"
    assert desk.held(plain).body["delivery_instructions"] == ""


def test_instructions_fit_a_label_and_can_be_kept_back(desk: Desk) -> None:
    long = desk.order(other_comment="Leave with\nthe neighbour at no. 14, please, thank you")
    desk.relay_orders()
    desk.reopen(SEND_ORDER_COMMENT="no")
    kept_back = desk.order(other_comment="Ring twice")
    desk.relay_orders()

    assert desk.held(long).body["delivery_instructions"] == "Leave with the neighbour at no. 14,"
    assert desk.held(kept_back).body["delivery_instructions"] == ""


def test_goods_and_delivery_add_up_to_an_order_with_a_discount_and_lines_say_what_was_paid(
    desk: Desk,
) -> None:
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1), discount=Decimal("10.00"))

    desk.relay_orders()

    body = desk.held(order).body
    totals = {name: Decimal(value) for name, value in body["totals"].items()}
    paid = sum(Decimal(line["unit_price_gross"]) * line["quantity"] for line in body["lines"])
    full = sum(line.unit_price * line.quantity for line in order.lines)
    assert totals["goods_gross"] + totals["delivery_gross"] == totals["order_gross"]
    assert totals["goods_gross"] == full - 10
    assert abs(paid - totals["goods_gross"]) <= Decimal("0.03")


def give_one_away(order: CentraOrder) -> None:
    order.lines[1].unit_price = Decimal(0)


def test_a_gift_abroad_waits_until_the_policy_says_what_it_is_declared_at(desk: Desk) -> None:
    order = desk.order((desk.skus[0], 1), (desk.skus[1], 1), address=PARIS)
    give_one_away(order)
    desk.relay_orders()
    before = (desk.state(order), desk.problems())

    policy = Path(desk.environment["CONFIG_DIR"]) / "policy.toml"
    text = policy.read_text()
    edited = text.replace("gift_customs_value = 0", "gift_customs_value = 1.50")
    assert edited != text
    policy.write_text(edited)
    desk.reopen()
    desk.relay_orders()

    assert before[0] is OrderState.BLOCKED
    assert "customs_value_missing" in before[1]
    assert desk.held(order).body["lines"][1]["unit_price_gross"] == "1.50"


def test_a_gift_at_home_is_sent_with_no_value_whatever_the_policy(desk: Desk) -> None:
    order = desk.order((desk.skus[0], 1), (desk.skus[1], 1))
    give_one_away(order)

    desk.relay_orders()

    assert desk.held(order).body["lines"][1]["unit_price_gross"] == "0.00"


@pytest.mark.parametrize("courier", ["", "  "])
def test_a_blank_courier_number_does_not_hide_whistls(courier: str) -> None:
    parcel = Parcel(
        parcel_number=1,
        carrier_name="Royal Mail",
        carrier_code="RMT",
        delivery_method="RMTSTD",
        service_name="",
        courier_tracking_number=courier,
        whistl_tracking_number=" WHL0P1 ",
        tracking_url="",
        lines=(),
    )

    assert parcel.tracking_number == "WHL0P1"
