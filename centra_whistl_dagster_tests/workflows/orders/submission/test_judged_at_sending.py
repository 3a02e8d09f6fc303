"""What an order was screened against is compared once more at the moment of sending."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.world.catalogue import EXPRESS, STANDARD
from centra_whistl_dagster.workflows.orders import submission
from centra_whistl_dagster.workflows.orders.screening import screen_waiting_orders
from centra_whistl_dagster.workflows.reference.refresh import refresh_reference

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk


def send_standard_by_express(desk: Desk) -> None:
    """Edit the shipping table, as its owner would, and start a new process."""
    path = Path(desk.environment["CONFIG_DIR"]) / "shipping_services.csv"
    lines = path.read_text().splitlines()
    standard_name, express_name = str(STANDARD["name"]), str(EXPRESS["name"])
    (express,) = [line for line in lines if line.startswith(f"{express_name},GB,")]
    edited = [
        express.replace(express_name, standard_name, 1)
        if line.startswith(f"{standard_name},GB,")
        else line
        for line in lines
    ]
    assert edited != lines
    path.write_text("\n".join(edited) + "\n")
    desk.reopen()


def test_an_order_that_was_ready_goes_by_the_service_that_the_edited_table_names(
    desk: Desk,
) -> None:
    order, express = desk.order(option=STANDARD), desk.order(option=EXPRESS)
    desk.make_ready(order, express)
    send_standard_by_express(desk)

    tally = submission.submit_ready_orders(desk.link)
    after_one_round = (desk.state(order), desk.at_whistl(order), desk.at_whistl(express))
    desk.settle(order)

    assert tally.is_balanced
    assert after_one_round == (OrderState.RECEIVED, 0, 1)
    assert desk.held(order).body["service"] == desk.held(express).body["service"]


def test_an_order_that_was_ready_is_blocked_once_its_service_is_switched_off(desk: Desk) -> None:
    order = desk.order(option=STANDARD)
    desk.make_ready(order)
    code = (desk.row(order).carrier_code, desk.row(order).delivery_method)
    with desk.world.lock:
        for service in list(desk.world.services.values()):
            if (service.code.carrier_code, service.code.delivery_method) == code:
                desk.world.services[service.code] = replace(service, is_active=False)
    refresh_reference(desk.link)

    submission.submit_ready_orders(desk.link)
    screen_waiting_orders(desk.link)

    assert desk.at_whistl(order) == 0
    assert desk.state(order) is OrderState.BLOCKED
    assert desk.problems() == ["service_inactive"]


def test_a_change_that_concerns_other_orders_sends_none_back(desk: Desk) -> None:
    order = desk.order((desk.skus[0], 1))
    desk.make_ready(order)
    desk.wait(300)
    with desk.world.lock:
        item = desk.world.items[desk.skus[5]]
        item.product = replace(item.product, description="Renamed")
        item.updated_at = desk.world.now()
    refresh_reference(desk.link)

    submission.submit_ready_orders(desk.link)

    assert desk.at_whistl(order) == 1
