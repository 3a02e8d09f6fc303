"""The client and the simulated Whistl mean the same by every operation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.domain.orders.addresses import PreparedAddress
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind, FaultRule
from centra_whistl_dagster.simulator.world.catalogue import POSTAL
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import World
from centra_whistl_dagster.transport import AccessDenied, OutcomeUnknown, Refused, Throttled
from centra_whistl_dagster.whistl.client import WhistlClient, WhistlOrderView
from centra_whistl_dagster.whistl.mapping import order_body, payload_hash

ADDRESS = PreparedAddress(
    name="Ada Lovelace",
    company="",
    line1="12 High Street",
    line2="",
    city="York",
    county="",
    postcode="YO1 7HH",
    country="GB",
    phone="07400123456",
    email="ada@example.com",
)


@pytest.fixture
def body(centra: CentraClient, whistl: WhistlClient, world: World) -> dict[str, Any]:
    """The body of an order that a shopper placed in Centra."""
    skus = [item.sku for item in world.items.values() if item.is_known_to_whistl][:2]
    placed = place_order(world, [(sku, 2) for sku in skus])
    (order,) = centra.orders([placed.order_id])
    return order_body(
        order,
        order_number=f"C{order.number}",
        client_code="ACME",
        site="SW",
        service=POSTAL,
        products={product.sku: product for product in whistl.products()},
        delivery=ADDRESS,
        is_ddp=False,
    )


def submit(whistl: WhistlClient, body: dict[str, Any]) -> Any:
    return whistl.submit_order(body, idempotency_key=payload_hash(body))


def faults(operation: str, kind: str, **members: Any) -> FaultRule:
    return FaultRule(system="whistl", operation=operation, kind=FaultKind(kind), **members)


def test_our_order_passes_all_of_whistls_validation_and_is_known_again(
    whistl: WhistlClient, body: dict[str, Any]
) -> None:
    accepted = submit(whistl, body)
    view = whistl.find_order(body["order_number"])

    assert (accepted.status, accepted.is_replayed) == ("RECEIVED", False)
    assert view is not None
    assert view.payload_hash == payload_hash(body)
    assert view.whistl_order_id == accepted.whistl_order_id
    assert [line.ordered for line in view.lines] == [2, 2]


def test_the_same_order_again_is_the_same_order(
    whistl: WhistlClient, body: dict[str, Any], world: World
) -> None:
    first = submit(whistl, body)
    again = whistl.submit_order(body, idempotency_key="another key")

    assert again.is_replayed
    assert again.whistl_order_id == first.whistl_order_id
    assert len(world.all_whistl_orders()) == 1


def test_another_order_under_the_number_is_a_conflict(
    whistl: WhistlClient, body: dict[str, Any]
) -> None:
    submit(whistl, body)
    body["delivery_address"]["city"] = "Hull"

    with pytest.raises(Refused) as caught:
        submit(whistl, body)

    assert caught.value.code == "duplicate_order"


@pytest.mark.parametrize("in_200", [False, True])
def test_every_fault_of_an_order_is_told_at_once(
    whistl: WhistlClient, body: dict[str, Any], world: World, in_200: bool
) -> None:
    world.settings.switches["whistl_errors_in_200"] = in_200
    body["lines"][0]["sku"] = "NO-SUCH"
    body["delivery_address"]["city"] = ""

    with pytest.raises(Refused) as caught:
        submit(whistl, body)

    assert {(reason.code, reason.field) for reason in caught.value.reasons} == {
        ("unknown_sku", "lines[0].sku"),
        ("required", "delivery_address.city"),
    }
    assert world.all_whistl_orders() == []


@pytest.mark.parametrize("kind", ["lose_answer_after", "error_500_after", "empty_200", "truncate"])
def test_an_order_whose_answer_was_lost_is_in_doubt_and_there_once(
    whistl: WhistlClient, body: dict[str, Any], world: World, kind: str
) -> None:
    world.faults.put(faults("create_order", kind))

    with pytest.raises(OutcomeUnknown):
        submit(whistl, body)

    assert len(world.all_whistl_orders()) == 1
    view = whistl.find_order(body["order_number"])
    assert view is not None
    assert view.payload_hash == payload_hash(body)


def test_an_order_that_whistl_had_no_time_for_goes_again_by_itself(
    whistl: WhistlClient, body: dict[str, Any], world: World, clock: ManualClock
) -> None:
    world.faults.put(faults("create_order", "rate_limited", nth=1, seconds=3.0))
    asked_at = clock()

    submit(whistl, body)

    assert clock() - asked_at == timedelta(seconds=3)
    assert len(world.all_whistl_orders()) == 1


def test_a_ban_longer_than_a_call_may_last_ends_it(
    whistl: WhistlClient, body: dict[str, Any], world: World
) -> None:
    world.faults.put(faults("create_order", "rate_limited", seconds=600.0))

    with pytest.raises(Throttled) as caught:
        submit(whistl, body)

    assert caught.value.retry_after_seconds == 600
    assert world.all_whistl_orders() == []


def test_an_order_is_absent_until_it_is_there(
    whistl: WhistlClient, body: dict[str, Any], world: World, clock: ManualClock
) -> None:
    world.settings.switches["whistl_lookup_lag_seconds"] = 10.0
    submit(whistl, body)

    assert whistl.find_order(body["order_number"]) is None
    clock.advance(10)
    assert whistl.find_order(body["order_number"]) is not None


def test_a_token_that_expires_between_two_calls_is_renewed(
    whistl: WhistlClient, body: dict[str, Any], world: World, clock: ManualClock
) -> None:
    world.settings.switches["whistl_token_seconds"] = 60.0
    whistl.services()
    world.settings.switches["whistl_static_token"] = None
    clock.advance(3600)

    submit(whistl, body)

    assert len(world.all_whistl_orders()) == 1


def test_another_clients_code_is_about_us(whistl: WhistlClient, body: dict[str, Any]) -> None:
    body["client_code"] = "OTHER"

    with pytest.raises(AccessDenied, match="client_code_mismatch"):
        submit(whistl, body)


def test_an_order_can_be_stopped_until_it_is_packed(
    whistl: WhistlClient, body: dict[str, Any], world: World, clock: ManualClock
) -> None:
    submit(whistl, body)
    assert whistl.cancel_order(body["order_number"], "cancelled in Centra").is_cancelled
    assert whistl.cancel_order(body["order_number"], "cancelled in Centra").is_cancelled

    body["order_number"] = "C200"
    submit(whistl, body)
    clock.run(world, 86_400)
    with pytest.raises(Refused) as caught:
        whistl.cancel_order("C200", "cancelled in Centra")
    assert caught.value.code == "order_not_cancellable"


def test_an_order_is_followed_to_its_despatch(
    whistl: WhistlClient, body: dict[str, Any], world: World, clock: ManualClock
) -> None:
    world.settings.several_parcels_share = 0.0
    submit(whistl, body)
    submitted_at = clock()
    assert whistl.despatches_after(0, 10).despatches == ()

    clock.run(world, 86_400)

    (view,) = whistl.orders_updated_since(submitted_at)
    assert isinstance(view, WhistlOrderView)
    assert view.status == "DESPATCHED"
    assert [status for status, _ in view.history][:2] == ["RECEIVED", "ALLOCATED"]
    page = whistl.despatches_after(0, 10)
    (despatch,) = page.despatches
    assert despatch.order_number == body["order_number"]
    assert despatch.is_order_complete
    (parcel,) = despatch.parcels
    assert parcel.carrier_name
    assert parcel.tracking_number
    assert [(line.line_number, line.quantity) for line in parcel.lines] == [(1, 2), (2, 2)]
    assert (page.next_after_sequence, page.has_more) == (1, False)


def test_a_snapshot_is_read_whole_over_its_pages(whistl: WhistlClient, world: World) -> None:
    object.__setattr__(whistl._config, "page_size", 30)

    head = whistl.latest_snapshot()
    pages = list(whistl.snapshot_rows(head.snapshot_id))

    assert head.is_complete
    assert len(pages) > 5
    rows = [row for page in pages for row in page]
    assert len({row["sku"] for row in rows}) == len(rows) == head.item_count


def test_services_and_products_are_what_the_warehouse_has(
    whistl: WhistlClient, world: World
) -> None:
    object.__setattr__(whistl._config, "page_size", 30)

    assert {service.code: service for service in whistl.services()} == world.services
    products = {product.sku: product for product in whistl.products()}
    assert products == {sku: world.whistl_product(sku) for sku in world.whistl_skus()}
