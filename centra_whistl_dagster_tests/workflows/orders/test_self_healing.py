"""A blocked order goes by itself once its cause is gone, and nobody looks at the hopeless ones."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import order_contents
from centra_whistl_dagster.ledger.tables import order_payloads
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.world.catalogue import EXPRESS, POP_UP, SATURDAY, UNKNOWN_SKUS
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.due import orders_due
from centra_whistl_dagster.workflows.orders.intake import take_in_orders
from centra_whistl_dagster.workflows.orders.screening import screen_waiting_orders
from centra_whistl_dagster.workflows.reference.refresh import (
    has_changed_at_whistl,
    refresh_reference,
)

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk


def table(desk: Any) -> Path:
    return Path(desk.environment["CONFIG_DIR"]) / "shipping_services.csv"


def row_like(desk: Any, known: dict[str, Any], new: dict[str, Any]) -> str:
    """The table's row for a known option, under another option's name."""
    (row,) = [
        line
        for line in table(desk).read_text().splitlines()
        if line.startswith(f"{known['name']},GB,")
    ]
    return row.replace(known["name"], new["name"]) + "\n"


def test_an_edited_shipping_table_frees_the_orders_it_concerns_and_looks_at_no_other(
    desk: Desk,
) -> None:
    pop_up = desk.order(option=POP_UP)
    no_city = desk.order(address=ADA | {"city": None})
    desk.relay_orders()
    assert desk.state(pop_up) is desk.state(no_city) is OrderState.BLOCKED

    with table(desk).open("a") as file:
        file.write(row_like(desk, EXPRESS, POP_UP))
    desk.reopen()
    screened = screen_waiting_orders(desk.link)

    assert (screened.tally.written, screened.tally.unchanged) == (1, 1)
    assert desk.state(pop_up) is OrderState.READY
    assert desk.problems() == ["address_incomplete"]
    desk.relay_orders()
    assert desk.at_whistl(pop_up) == 1
    assert desk.at_whistl(no_city) == 0


def test_a_sku_created_at_whistl_frees_the_orders_that_wait_for_it(desk: Desk) -> None:
    sku = UNKNOWN_SKUS[0]
    order = desk.order((sku, 1))
    desk.relay_orders()
    assert desk.problems() == ["sku_unknown"]
    assert not has_changed_at_whistl(desk.link)

    desk.wait(300)
    with desk.world.lock:
        desk.world.items[sku].is_known_to_whistl = True
        desk.world.items[sku].updated_at = desk.world.now()
    assert has_changed_at_whistl(desk.link)
    refresh_reference(desk.link)
    desk.relay_orders()

    assert desk.at_whistl(order) == 1
    # Whistl has not weighed it: advice, which stays after the order is sent.
    assert desk.problems() == ["weight_unknown"]


def test_a_service_switched_on_frees_the_orders_that_wait_for_it(desk: Desk) -> None:
    order = desk.order(option=SATURDAY)
    desk.relay_orders()
    assert desk.problems() == ["service_inactive"]

    withdrawn = [each for each in desk.world.services.values() if not each.is_active]
    with desk.world.lock:
        for service in withdrawn:
            desk.world.services[service.code] = replace(service, is_active=True)
    assert has_changed_at_whistl(desk.link)
    refresh_reference(desk.link)
    desk.relay_orders()

    assert desk.at_whistl(order) == 1


def test_a_correction_in_centra_frees_the_order(desk: Desk) -> None:
    order = desk.order(address=ADA | {"zipCode": "NOWHERE"})
    desk.relay_orders()
    assert desk.state(order) is OrderState.BLOCKED

    desk.wait(60)
    with desk.world.lock:
        order.address = dict(ADA)
        order.updated_at = desk.world.now()
    desk.relay_orders()

    assert desk.at_whistl(order) == 1
    assert desk.problems() == []


def test_orders_of_one_cause_share_its_exception_until_the_last_is_free(desk: Desk) -> None:
    first, second = desk.order(option=POP_UP), desk.order(option=POP_UP)
    desk.relay_orders()
    assert desk.problems() == ["service_unmapped"]

    desk.wait(60)
    with desk.world.lock:
        first.shipping_option, first.updated_at = dict(EXPRESS), desk.world.now()
    desk.relay_orders()
    assert desk.problems() == ["service_unmapped"]

    desk.wait(60)
    with desk.world.lock:
        second.shipping_option, second.updated_at = dict(EXPRESS), desk.world.now()
    desk.relay_orders()
    assert desk.problems() == []


def test_a_hopeless_order_is_not_looked_at_again_while_nothing_changes(desk: Desk) -> None:
    desk.order(address=ADA | {"city": None})
    desk.relay_orders()

    desk.wait(600)

    assert orders_due(desk.link).total == 0
    assert screen_waiting_orders(desk.link).tally.read == 0


def test_an_order_that_whistl_refused_goes_once_what_it_was_judged_by_has_changed(
    desk: Desk,
) -> None:
    order = desk.order(option=EXPRESS)
    take_in_orders(desk.link)
    screen_waiting_orders(desk.link)
    with desk.link.ledger.transaction() as tx:
        body = order_contents.outgoing(tx, order.order_id)
        body["delivery_address"]["postcode"] = ""
        order_contents.store_outgoing(tx, order.order_id, body)
    desk.relay_orders()
    desk.relay_orders()
    refused = (desk.problems(), desk.world.calls["whistl create_order"])
    desk.wait(300)
    with desk.world.lock:
        item = desk.world.items[desk.skus[0]]
        item.product = replace(item.product, unit_weight_kg=Decimal("1.25"))
        item.updated_at = desk.world.now()
    refresh_reference(desk.link)

    desk.relay_orders()

    assert refused == (["whistl_refused"], 1)
    assert desk.at_whistl(order) == 1
    assert desk.problems() == []


def without_contents(desk: Any, order: CentraOrder) -> None:
    """Purge what is stored of an order, as retention does."""
    with desk.link.ledger.transaction() as tx:
        of_order = order_payloads.c.centra_id == order.order_id
        tx.execute(sa.delete(order_payloads).where(of_order))


def test_an_order_whose_contents_are_gone_stops_no_other_and_is_read_again(desk: Desk) -> None:
    purged, other = desk.order(), desk.order()
    take_in_orders(desk.link)
    without_contents(desk, purged)

    screened = screen_waiting_orders(desk.link)
    without = desk.state(purged)
    take_in_orders(desk.link, is_sweep=True)
    desk.relay_orders()

    assert screened.tally.failed == {"contents not stored": 1}
    assert screened.tally.is_balanced
    assert without is OrderState.RECEIVED
    assert (desk.at_whistl(purged), desk.at_whistl(other)) == (1, 1)
