"""How each kind of exception opens and ends, through the simulated systems.

A walk brings the world to where the exception is open, yields, and then does what ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from centra_whistl_dagster.centra.client import CentraClient, UnreadableOrder
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel, ParcelLine
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.polling import MISSED_BEFORE_ALERT, PROVES_PUSHES
from centra_whistl_dagster.ledger import despatches as inbox
from centra_whistl_dagster.ledger import exception_news, order_contents
from centra_whistl_dagster.simulator.centra.announcements import push_body, signature_of
from centra_whistl_dagster.simulator.centra.rules import (
    add_shipment,
    cancel_order,
    cancel_units,
    in_no_shipment,
    ship,
    touch,
)
from centra_whistl_dagster.simulator.centra.views import CURRENCY_IDS
from centra_whistl_dagster.simulator.people.shoppers import ADA, ADA_THE_CUSTOMER
from centra_whistl_dagster.simulator.people.spoilage import BAD_ADDRESSES
from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.catalogue import (
    EXPRESS,
    MALFORMED_SKUS,
    POP_UP,
    SATURDAY,
    UNKNOWN_SKUS,
)
from centra_whistl_dagster.simulator.world.records import SHOP_WAREHOUSE_ID, WAREHOUSE_ID
from centra_whistl_dagster.simulator.world.warehouse import cancel as cancel_in_the_warehouse
from centra_whistl_dagster.simulator.world.warehouse import goods_in, set_aside, take_unseen
from centra_whistl_dagster.simulator.world.world import CentraOrder, OrderChange
from centra_whistl_dagster.transport import AccessDenied, IntegrationError, OutcomeUnknown, Refused
from centra_whistl_dagster.workflows.continuity import keep_alive
from centra_whistl_dagster.workflows.exceptions import alerting, closing
from centra_whistl_dagster.workflows.exceptions.step_failures import note_failure, note_success
from centra_whistl_dagster.workflows.orders import intake, screening
from centra_whistl_dagster.workflows.orders.announcements import take_push
from centra_whistl_dagster.workflows.orders.polling import watch_for_news
from centra_whistl_dagster.workflows.reference.refresh import refresh_reference
from centra_whistl_dagster.workflows.shipments import completion, despatches
from centra_whistl_dagster.workflows.stock import sync
from centra_whistl_dagster.workflows.stock.centra_levels import read_centra_levels
from centra_whistl_dagster.workflows.stock.snapshots import read_latest_snapshot

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

Walk = Callable[["Desk"], Iterator[None]]
K = ExceptionKind
WALKS: dict[ExceptionKind, Walk] = {}

INVALID_CURRENCY = "gb"
CURRENCY_IDS.setdefault(INVALID_CURRENCY, 99)

IN_GERMANY: dict[str, Any] = {
    **ADA,
    "address1": "Unter den Linden 77",
    "city": "Berlin",
    "zipCode": "10117",
    "cellPhoneNumber": "+493022610",
    "email": "ada@example.com",
    "country": {"code": "DE", "name": "Germany"},
}


IN_CALIFORNIA: dict[str, Any] = {
    "city": "Beverly Hills",
    "zipCode": "90210",
    "country": {"code": "US", "name": "United States"},
}
IN_DELHI: dict[str, Any] = {
    "city": "New Delhi",
    "zipCode": "110001",
    "country": {"code": "IN", "name": "India"},
}


def ends(*kinds: ExceptionKind) -> Callable[[Walk], Walk]:
    """Enter a walk for these kinds."""

    def enter(walk: Walk) -> Walk:
        WALKS.update(dict.fromkeys(kinds, walk))
        return walk

    return enter


def close(desk: Desk, kind: ExceptionKind) -> None:
    """Do what only a person can: say that it is over."""
    with desk.link.ledger.reading() as tx:
        ids = [row.id for row in exception_news.listed(tx) if row.kind is kind]
    for exception_id in ids:
        note = "agreed with the warehouse"
        closing.close_by_hand(desk.link.ledger, exception_id, who="ada", note=note)


# ---- found by screening, ended by a correction in Centra
def corrected(**faults: Any) -> Walk:
    """An order enters with these members wrong, and customer service puts them right."""

    def walk(desk: Desk) -> Iterator[None]:
        order = desk.order(option=faults.get("shipping_option") and EXPRESS)
        good = {name: getattr(order, name) for name in faults}
        _edit(desk, order, faults)
        desk.relay_orders()
        yield
        desk.wait(5)
        if faults.get("shipping_option") is not None:
            good["shipping_option"] = EXPRESS
        _edit(desk, order, good | _SENDABLE)
        desk.relay_orders()

    return walk


_SENDABLE: dict[str, Any] = {"address": ADA, "customer": ADA_THE_CUSTOMER}


def _edit(desk: Desk, order: CentraOrder, members: dict[str, Any]) -> None:
    with desk.world.lock:
        for name, value in members.items():
            setattr(order, name, value)
        touch(desk.world, order)


def address(**members: Any) -> Walk:
    return corrected(address={**ADA, **members})


def with_express(**members: Any) -> Walk:
    no_email = {**ADA_THE_CUSTOMER, "email": members.get("email")}
    customer = no_email if "email" in members else ADA_THE_CUSTOMER
    return corrected(address={**ADA, **members}, customer=customer, shipping_option=EXPRESS)


WALKS |= {
    K.CURRENCY_INVALID: corrected(currency=INVALID_CURRENCY),
    K.ADDRESS_MISSING: corrected(address=None),
    K.ADDRESS_INCOMPLETE: address(city=None),
    K.ADDRESS_TOO_LONG: address(**BAD_ADDRESSES["overlong_address_line"]),
    K.UNSUPPORTED_CHARACTER: address(firstName="Ada \N{BALLOON}"),
    K.POSTCODE_MALFORMED: address(zipCode="YO1 7H"),
    K.ADDRESS_PLACEHOLDER: address(city="N/A"),
    K.STATE_UNKNOWN: address(**IN_CALIFORNIA, stateOrProvince="ZZ"),
    K.STATE_CONTRADICTS_POSTCODE: address(**IN_CALIFORNIA, stateOrProvince="NY"),
    K.STATE_DOUBTFUL: address(**IN_DELHI, stateOrProvince="Maharashtra"),
    K.COUNTRY_INVALID: address(country={"code": "XX", "name": "Nowhere"}),
    K.PHONE_MISSING: with_express(cellPhoneNumber=None),
    K.PHONE_MALFORMED: with_express(cellPhoneNumber="12"),
    K.EMAIL_MISSING: with_express(email=None),
    K.EMAIL_MALFORMED: with_express(email="ada@"),
    K.SHIPPING_OPTION_MISSING: corrected(shipping_option=None),
    K.SERVICE_UNMAPPED: corrected(shipping_option=POP_UP),
    K.SERVICE_INACTIVE: corrected(shipping_option=SATURDAY),
}


def line(**faults: Any) -> Walk:
    """An order enters with one line wrong, and the line is put right."""

    def walk(desk: Desk) -> Iterator[None]:
        order = desk.order(address=IN_GERMANY if "unit_price" in faults else ADA)
        (only,) = order.lines
        good = {name: getattr(only, name) for name in faults}
        for name, value in faults.items():
            setattr(only, name, value)
        desk.relay_orders()
        yield
        desk.wait(5)
        for name, value in good.items():
            setattr(only, name, value)
        touch(desk.world, order)
        desk.relay_orders()

    return walk


WALKS |= {
    K.SKU_MISSING: line(has_product_size=False),
    K.SKU_MALFORMED: line(sku=MALFORMED_SKUS[0]),
    K.SKU_UNKNOWN: line(sku=UNKNOWN_SKUS[0]),
    K.CUSTOMS_VALUE_MISSING: line(unit_price=Decimal(0)),
}


@ends(K.ORDER_WITHOUT_LINES)
def without_lines(desk: Desk) -> Iterator[None]:
    order = desk.order()
    kept, order.lines = order.lines, []
    desk.relay_orders()
    yield
    desk.wait(5)
    _edit(desk, order, {"lines": kept})
    desk.relay_orders()


# ---- found by screening, ended by an edit of the operators' files
def configured(file: str, old: str, new: str) -> Walk:
    """A file says what stops an order, until it is edited."""

    def walk(desk: Desk) -> Iterator[None]:
        path = Path(desk.environment["CONFIG_DIR"]) / file
        good = path.read_text()
        wrong = good.replace(old, new.replace("{sku}", desk.skus[0]))
        assert wrong != good, f"{file} has no {old!r}"
        path.write_text(wrong)
        desk.reopen()
        desk.order((desk.skus[0], 2), (desk.skus[1], 1))
        desk.relay_orders()
        yield
        path.write_text(good)
        desk.reopen()
        desk.relay_orders()

    return walk


POLICY, MAPPING = "policy.toml", "shipping_services.csv"
WALKS |= {
    K.ORDER_NUMBER_INVALID: configured(
        POLICY, "order_number_characters = 12", "order_number_characters = 5"
    ),
    K.TOO_MANY_LINES: configured(POLICY, "lines_per_order = 200", "lines_per_order = 1"),
    K.QUANTITY_INVALID: configured(POLICY, "pieces_per_line = 99999", "pieces_per_line = 1"),
    K.LINE_VALUE_INVALID: configured(POLICY, "value_per_line = 99999", "value_per_line = 1"),
    K.ORDER_TOTAL_INVALID: configured(POLICY, "value_per_order = 9999999", "value_per_order = 1"),
    K.SKU_NOT_A_PRODUCT: configured(POLICY, '"post", "postage"', '"{sku}", "post", "postage"'),
    K.SERVICE_TOO_HEAVY: configured(POLICY, "packaging_kg = 0.2", "packaging_kg = 500"),
    K.SERVICE_UNKNOWN: configured(MAPPING, "SIM-RMT", "SIM-NOBODY"),
    K.SERVICE_NOT_OFFERED: configured(MAPPING, "SIM-RMT,TRK48", "SIM-INTL,TRACKED"),
}


@ends(K.PHONE_NOT_MOBILE)
def a_service_that_sends_text_messages(desk: Desk) -> Iterator[None]:
    path = Path(desk.environment["CONFIG_DIR"]) / POLICY
    good = path.read_text()
    path.write_text(good.replace("mobile_services = []", 'mobile_services = ["SIM-RMT/TRK48"]'))
    desk.reopen()
    order = desk.order(address={**ADA, "cellPhoneNumber": "01904613161"})
    desk.relay_orders()
    yield
    desk.wait(5)
    _edit(desk, order, {"address": ADA})
    desk.relay_orders()


@ends(K.SERVICE_AMBIGUOUS)
def mapped_twice(desk: Desk) -> Iterator[None]:
    path = Path(desk.environment["CONFIG_DIR"]) / MAPPING
    good = path.read_text()
    zones = ("YO,SIM-DPD,NEXTDAY", "YO LS,SIM-RMT,TRK48")
    rows = [f"Standard delivery,GB,{zone},,,ecommerce," for zone in zones]
    path.write_text("\n".join([good.rstrip(), *rows, ""]))
    desk.reopen()
    desk.order()
    desk.relay_orders()
    yield
    path.write_text(good)
    desk.reopen()
    desk.relay_orders()


# ---- found by screening, ended by a change of Whistl's product
def product(*, order_address: dict[str, Any] = ADA, **faults: Any) -> Walk:
    """Whistl's record of a product is wrong until Whistl corrects it."""

    def walk(desk: Desk) -> Iterator[None]:
        item = desk.world.items[desk.skus[0]]
        good = item.product
        item.product = replace(good, **faults)
        desk.order(address=order_address)
        desk.relay_orders()
        yield
        desk.wait(5)
        item.product, item.updated_at = good, desk.world.now()
        refresh_reference(desk.link)
        desk.relay_orders()

    return walk


WALKS |= {
    K.SKU_INACTIVE: product(is_active=False),
    K.CUSTOMS_DATA_MISSING: product(order_address=IN_GERMANY, hs_code=""),
    K.CUSTOMS_DATA_MALFORMED: product(order_address=IN_GERMANY, hs_code="12"),
}


@ends(K.SKU_COLLISION)
def two_skus_that_look_alike(desk: Desk) -> Iterator[None]:
    item = desk.world.items[desk.skus[0]]
    twin = item.sku.lower()
    desk.world.items[twin] = replace(
        item, sku=twin, size_id=99_999, product=replace(item.product, sku=twin)
    )
    desk.order()
    desk.relay_orders()
    yield
    del desk.world.items[twin]
    desk.wait(5)
    refresh_reference(desk.link)
    desk.relay_orders()


# ---- advice: the order was sent
def advice(**members: Any) -> Walk:
    """Advice on an address stays after the order was sent, until its owner has had it a day."""

    def walk(desk: Desk) -> Iterator[None]:
        desk.reopen(ALERT_DEFAULT_URL="json://127.0.0.1:9/")
        order = desk.order(address={**ADA, **members})
        desk.relay_orders()
        assert desk.at_whistl(order) == 1, desk.messages()
        yield
        _let_advice_end(desk)

    return walk


def _let_advice_end(desk: Desk) -> None:
    desk.clock.advance(11 * 60)
    assert alerting.tell_owners(desk.link.ledger, desk.link.settings.alerts) == 1
    desk.clock.advance(24 * 3600)
    closing.end_old_advice(desk.link.ledger)


WALKS |= {
    K.PHONE_DOUBTFUL: advice(cellPhoneNumber="07700900123"),
    K.PHONE_LEFT_OUT: advice(cellPhoneNumber="12"),
    K.EMAIL_TOO_LONG: advice(email="a.very.long.name.of.a.customer@mail.example.com"),
    K.EMAIL_LEFT_OUT: advice(email="ada@"),
    K.ADDRESS_LINE_LONG: advice(address1="The Old Coach House, 12 High Street"[:34]),
    K.PHONE_TOO_LONG: advice(**{**IN_GERMANY, "cellPhoneNumber": "+4915123456789"}),
}


@ends(K.WEIGHT_UNKNOWN)
def without_a_weight(desk: Desk) -> Iterator[None]:
    desk.reopen(ALERT_DEFAULT_URL="json://127.0.0.1:9/")
    item = desk.world.items[desk.skus[0]]
    item.product = replace(item.product, unit_weight_kg=None)
    order = desk.order()
    desk.relay_orders()
    assert desk.at_whistl(order) == 1
    yield
    _let_advice_end(desk)


# ---- not Whistl's alone to send
@ends(K.PARTLY_SHIPPED_ALREADY)
def shipped_by_hand_in_part(desk: Desk) -> Iterator[None]:
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1))
    units = {order.lines[0].line_id: 1}
    made = add_shipment(desk.world, order, units, is_good_to_go=True, is_paid=True)
    ship(desk.world, order, made, desk.clock(), send_email=False)
    desk.relay_orders()
    yield
    desk.wait(5)
    cancel_order(desk.world, order)
    desk.relay_orders()


@ends(K.SHARED_WITH_ANOTHER_WAREHOUSE)
def shared_with_the_shop(desk: Desk) -> Iterator[None]:
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1))
    order.lines[1].warehouse_id = SHOP_WAREHOUSE_ID
    desk.relay_orders()
    yield
    desk.wait(5)
    order.lines[1].warehouse_id = WAREHOUSE_ID
    touch(desk.world, order)
    desk.relay_orders()


# ---- on the way to Whistl
@ends(K.WHISTL_REFUSED)
def refused_by_whistl(desk: Desk) -> Iterator[None]:
    order = desk.order()
    intake.take_in_orders(desk.link)
    screening.screen_waiting_orders(desk.link)
    with desk.link.ledger.transaction() as tx:
        body = order_contents.outgoing(tx, order.order_id)
        body["delivery_address"]["postcode"] = ""
        order_contents.store_outgoing(tx, order.order_id, body)
    desk.relay_orders()
    yield
    desk.wait(5)
    _edit(desk, order, {"address": {**ADA, "address1": "14 High Street"}})
    desk.relay_orders()


@ends(K.ORDER_IN_DOUBT)
def looked_up_in_vain(desk: Desk) -> Iterator[None]:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    desk.fault("whistl", "read_order", FaultKind.ERROR_503_BEFORE)
    order = desk.order()
    desk.settle(order, rounds=12)
    yield
    desk.world.faults.clear()
    desk.settle(order, rounds=20)


@ends(K.ORDER_NUMBER_CONFLICT)
def another_order_has_the_number(desk: Desk) -> Iterator[None]:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()
    held = desk.held(order)
    held.payload_hash = ""
    held.lines[1]["ordered"] += 1
    desk.settle(order, rounds=12)
    yield
    close(desk, K.ORDER_NUMBER_CONFLICT)
    desk.wait(4_000)
    desk.relay_orders()


# ---- changed after it was sent
@ends(K.EDITED_AFTER_SENDING)
def edited_and_undone(desk: Desk) -> Iterator[None]:
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "PACKED")
    desk.relay_despatches()
    _change_the_address(desk, order, "14 High Street")
    yield
    _change_the_address(desk, order, str(ADA["address1"]))


def _change_the_address(desk: Desk, order: CentraOrder, address1: str) -> None:
    desk.clock.advance(5)
    order.is_locked = False
    _edit(desk, order, {"address": {**ADA, "address1": address1}})
    intake.take_in_orders(desk.link, is_sweep=True)
    desk.relay_orders()


@ends(K.HELD_AFTER_SENDING)
def held_when_packed_and_released(desk: Desk) -> Iterator[None]:
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "PACKED")
    desk.relay_despatches()
    desk.clock.advance(5)
    _edit(desk, order, {"is_on_hold": True, "is_locked": False})
    intake.take_in_orders(desk.link, is_sweep=True)
    desk.relay_orders()
    yield
    desk.clock.advance(5)
    _edit(desk, order, {"is_on_hold": False})
    intake.take_in_orders(desk.link, is_sweep=True)
    desk.relay_orders()


@ends(K.STOPPED_ORDER_SENT)
def taken_up_again_by_whistl(desk: Desk) -> Iterator[None]:
    order = desk.order()
    desk.relay_orders()
    desk.wait(1)
    _edit(desk, order, {"address": {**ADA, "address1": "14 High Street"}, "is_locked": False})
    for _ in range(3):
        desk.relay_orders()
    first, _second = desk.world.whistl_orders_of(order)
    desk.clock.advance(1)
    first.status, first.updated_at = "RECEIVED", desk.clock()
    first.status_version += 1
    for _ in range(3):
        desk.relay_despatches()
        desk.relay_orders()
    yield
    close(desk, K.STOPPED_ORDER_SENT)
    desk.relay(2)


@ends(K.LOCK_REFUSED)
def left_unlocked_by_centra(desk: Desk) -> Iterator[None]:
    desk.switch(centra_refuses_locks=True)
    desk.world.settings.speed = 1e-6
    desk.order()
    for _ in range(30):
        desk.relay_orders()
        desk.clock.advance(60)
    yield
    desk.switch(centra_refuses_locks=False)
    desk.clock.advance(3600)
    desk.relay_orders()


@ends(K.UNLOCK_REFUSED)
def kept_locked_by_centra(desk: Desk) -> Iterator[None]:
    order = desk.order()
    desk.relay_orders()
    with desk.world.lock:
        cancel_in_the_warehouse(desk.world, desk.wait_for(order, "ALLOCATED"))
    desk.relay_despatches()
    desk.switch(centra_refuses_locks=True)
    for _ in range(30):
        desk.relay_orders()
        desk.clock.advance(60)
    yield
    desk.switch(centra_refuses_locks=False)
    for _ in range(4):
        desk.clock.advance(3600)
        desk.relay_orders()


@ends(K.REFERENCE_STALE)
def catalogues_that_cannot_be_read(desk: Desk) -> Iterator[None]:
    desk.fault("centra", "productSizes", FaultKind.ERROR_503_BEFORE)
    desk.fault("whistl", "list_products", FaultKind.ERROR_503_BEFORE)
    desk.order()
    desk.relay_orders()
    yield
    desk.world.faults.clear()
    desk.clock.advance(3600)
    desk.relay_orders()


@ends(K.PUSHES_SILENT)
def orders_that_no_push_announced(desk: Desk) -> Iterator[None]:
    secret = "push-secret"
    desk.reopen(CENTRA_WEBHOOK_SECRET=secret)

    def order_and_poll(*, is_pushed: bool) -> None:
        order = desk.order()
        if is_pushed:
            body = push_body([OrderChange(number=order.number, action="insert", at=desk.clock())])
            signature = signature_of(secret, body, desk.clock())
            take_push(desk.link.ledger, secret, signature, body)
        desk.relay_orders()
        desk.wait(60)
        watch_for_news(desk.link)

    watch_for_news(desk.link)
    for _ in range(MISSED_BEFORE_ALERT):
        order_and_poll(is_pushed=False)
    yield
    for _ in range(PROVES_PUSHES):
        order_and_poll(is_pushed=True)


@ends(K.CANCELLED_AFTER_SENDING)
def cancelled_too_late(desk: Desk) -> Iterator[None]:
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "DESPATCHED")
    desk.withdraw(order)
    desk.relay(3)
    yield
    close(desk, K.CANCELLED_AFTER_SENDING)
    desk.relay(3)


@ends(K.HELD_AT_WHISTL)
def held_and_released(desk: Desk) -> Iterator[None]:
    desk.switch(hold_after_accept_share=1.0)
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "HELD")
    desk.relay_despatches()
    yield
    desk.wait_a_day()
    desk.relay_despatches()


@ends(K.REJECTED_LATE)
def rejected_after_acceptance(desk: Desk) -> Iterator[None]:
    desk.switch(late_rejected_share=1.0)
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "REJECTED")
    desk.relay_despatches()
    yield
    desk.withdraw(order)
    desk.relay(2)


@ends(K.CANCELLED_AT_WHISTL)
def cancelled_in_the_warehouse(desk: Desk) -> Iterator[None]:
    order = desk.order()
    desk.relay_orders()
    desk.wait(1)
    with desk.world.lock:
        cancel_in_the_warehouse(desk.world, desk.held(order))
    desk.wait(1)
    desk.relay_despatches()
    yield
    desk.withdraw(order)
    desk.relay(2)


@ends(K.UNKNOWN_WHISTL_STATUS)
def in_a_status_nobody_knows(desk: Desk) -> Iterator[None]:
    desk.switch(unknown_status_share=1.0)
    desk.order()
    desk.relay_orders()
    for _ in range(200):
        desk.wait(1)
        desk.relay_despatches()
        if K.UNKNOWN_WHISTL_STATUS in desk.problems():
            break
    yield
    desk.wait_a_day()
    desk.relay_despatches()


# ---- despatches
@ends(K.SHORT_PICK)
def a_unit_not_found(desk: Desk) -> Iterator[None]:
    desk.switch(short_line_share=1.0)
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 2))
    desk.leave_the_building([order])
    desk.relay_despatches()
    yield
    desk.wait(5)
    order.is_locked = False
    short = next(at for at, line in desk.held(order).lines.items() if line["cancelled"])
    cancel_units(desk.world, order, order.lines[short - 1], 1)
    intake.take_in_orders(desk.link, is_sweep=True)


@ends(K.DESPATCH_WITHOUT_CARRIER)
def despatched_by_nobody(desk: Desk) -> Iterator[None]:
    desk.switch(despatch_without_carrier_share=1.0)
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "DESPATCHED")
    desk.wait(1)
    desk.relay_despatches()
    yield
    desk.wait_a_day()
    desk.live_on(2)


@ends(K.TRACKING_CORRECTED)
def labelled_anew(desk: Desk) -> Iterator[None]:
    desk.switch(corrected_tracking_share=1.0)
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "DESPATCHED")
    desk.wait(1)
    desk.relay_despatches()
    desk.wait_a_day()
    desk.live_on(2)
    yield
    close(desk, K.TRACKING_CORRECTED)
    despatches.pull_despatches(desk.link, is_sweep=True)
    desk.live_on(2)


def say(desk: Desk, number: str, units: int, *, sku: str, **members: Any) -> None:
    """Let Whistl say that a box has left."""
    box = Parcel(
        parcel_number=1,
        carrier_name="DPD",
        carrier_code="SIM-RMT",
        delivery_method="TRK48",
        service_name="Tracked",
        courier_tracking_number="SM1",
        whistl_tracking_number="",
        tracking_url="",
        lines=(ParcelLine(line_number=1, sku=sku, quantity=units),),
    )
    message = Despatch(
        **{
            "despatch_id": "D-1",
            "sequence": 1,
            "version": 1,
            "supersedes": None,
            "order_number": number,
            "despatched_at": desk.clock(),
            "is_order_complete": True,
            "parcels": (box,),
            **members,
        }
    )
    with desk.link.ledger.transaction() as tx:
        inbox.receive(tx, message)
    despatches.apply_despatches(desk.link)


@ends(K.DESPATCH_MISSING)
def despatched_without_a_message(desk: Desk) -> Iterator[None]:
    desk.switch(lost_despatch_share=1.0)
    order = desk.order((desk.skus[0], 2))
    desk.leave_the_building([order])
    desk.live_on(17)
    yield
    say(desk, f"C{order.number}", 2, sku=desk.skus[0])


@ends(K.CORRECTS_ANOTHER_ORDER)
def despatch_that_corrects_another_orders(desk: Desk) -> Iterator[None]:
    desk.world.settings.speed = 1e-6
    orders = [desk.order((desk.skus[0], 2)) for _ in range(2)]
    desk.relay_orders()
    first, second = (f"C{order.number}" for order in orders)
    say(desk, first, 2, sku=desk.skus[0])
    wrong = {"despatch_id": "D-2", "version": 2}
    say(desk, second, 2, sku=desk.skus[0], **wrong, supersedes="D-1")
    yield
    say(desk, second, 2, sku=desk.skus[0], **wrong)


@ends(K.DESPATCH_NOT_APPLIED)
def despatch_that_our_code_fails_on(desk: Desk) -> Iterator[None]:
    desk.world.settings.speed = 1e-6
    order = desk.order()
    desk.relay_orders()
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(despatches, "apply_despatch")
        say(desk, f"C{order.number}", 2, sku=desk.skus[0])
    yield
    desk.wait(660)
    despatches.apply_despatches(desk.link)


@ends(K.DESPATCH_UNMATCHED)
def despatch_of_a_stranger(desk: Desk) -> Iterator[None]:
    say(desk, "C999999", 1, sku=desk.skus[0])
    yield
    close(desk, K.DESPATCH_UNMATCHED)
    despatches.apply_despatches(desk.link)


@ends(K.DESPATCH_DIFFERS)
def despatch_of_other_units(desk: Desk) -> Iterator[None]:
    desk.world.settings.speed = 1e-6
    order = desk.order()
    desk.relay_orders()
    say(desk, f"C{order.number}", 5, sku=desk.skus[0])
    yield
    close(desk, K.DESPATCH_DIFFERS)
    despatches.apply_despatches(desk.link)
    completion.complete_shipments(desk.link)


@ends(K.DESPATCH_MISSING)
def whose_message_never_came(desk: Desk) -> Iterator[None]:
    desk.switch(lost_despatch_share=1.0)
    order = desk.order()
    desk.leave_the_building([order])
    for _ in range(20):
        desk.relay_despatches()
        desk.clock.advance(60)
    yield
    say(desk, f"C{order.number}", 2, sku=desk.skus[0])
    desk.live_on(2)


@ends(K.CORRECTS_ANOTHER_ORDER)
def that_corrects_another_order(desk: Desk) -> Iterator[None]:
    desk.switch(despatch_supersedes_another_share=1.0)
    placed = desk.order_some(4)
    desk.leave_the_building(placed)
    desk.live_on(2)
    yield
    close(desk, K.CORRECTS_ANOTHER_ORDER)
    despatches.pull_despatches(desk.link, is_sweep=True)
    desk.live_on(2)


def _left(desk: Desk) -> CentraOrder:
    """Let an order leave that Centra has not been sent yet, from a building that stands still."""
    desk.world.settings.speed = 1e-6
    order = desk.order()
    desk.relay_orders()
    say(desk, f"C{order.number}", 2, sku=desk.skus[0])
    return order


def _rounds(desk: Desk, count: int = 30, seconds: float = 300) -> None:
    for _ in range(count):
        completion.complete_shipments(desk.link)
        desk.clock.advance(seconds)


@ends(K.SHIPMENT_UNANSWERED)
def that_centra_does_not_answer(desk: Desk) -> Iterator[None]:
    _left(desk)
    desk.fault("centra", "createShipment", FaultKind.ERROR_503_BEFORE)
    _rounds(desk)
    yield
    desk.world.faults.clear()
    _rounds(desk)


@ends(K.SHIPMENT_WARNING)
def that_centra_warns_about(desk: Desk) -> Iterator[None]:
    desk.switch(centra_shipment_warning="Somebody still owes 3.95")
    _left(desk)
    _rounds(desk, 1)
    yield
    close(desk, K.SHIPMENT_WARNING)
    _rounds(desk, 2)


@ends(K.SHIPMENT_DIFFERS)
def that_centra_has_with_other_units(desk: Desk) -> Iterator[None]:
    desk.world.settings.speed = 1e-6
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1))
    desk.relay_orders()
    made = add_shipment(desk.world, order, in_no_shipment(order))
    say(desk, f"C{order.number}", 2, sku=desk.skus[0])
    _rounds(desk, 2)
    yield
    order.shipments.remove(made)
    _rounds(desk, 2)


@ends(K.ALREADY_SHIPPED)
def that_somebody_shipped_by_hand(desk: Desk) -> Iterator[None]:
    order = _left(desk)
    made = add_shipment(desk.world, order, in_no_shipment(order), is_good_to_go=True, is_paid=True)
    made.info = {"carrier": "A van", "trackingNumber": "by hand"}
    ship(desk.world, order, made, desk.clock(), send_email=True)
    _rounds(desk, 2)
    yield
    close(desk, K.ALREADY_SHIPPED)
    _rounds(desk, 2)


@ends(K.PAYMENT_NOT_CAPTURED)
def that_is_not_paid_for(desk: Desk) -> Iterator[None]:
    desk.reopen(CENTRA_CAPTURES_PAYMENT="yes")
    desk.switch(centra_capture_succeeds=False)
    order = _left(desk)
    _rounds(desk)
    yield
    for shipment in order.shipments:
        shipment.is_paid = True
    _rounds(desk)


@ends(K.SHIPPED_UNPAID)
def completed_by_somebody_unpaid(desk: Desk) -> Iterator[None]:
    desk.reopen(CENTRA_CAPTURES_PAYMENT="yes")
    order = _left(desk)
    made = add_shipment(desk.world, order, in_no_shipment(order), is_good_to_go=True)
    made.info = {"carrier": "DPD", "trackingNumber": "SM1"}
    ship(desk.world, order, made, desk.clock(), send_email=True)
    _rounds(desk, 2)
    yield
    close(desk, K.SHIPPED_UNPAID)
    _rounds(desk, 2)


@ends(K.STOCK_NOT_ALLOCATED)
def whose_units_centra_has_not_allocated(desk: Desk) -> Iterator[None]:
    order = _left(desk)
    order.lines[0].demand = 2
    _rounds(desk, 2)
    yield
    order.lines[0].demand = 0
    _rounds(desk)


@ends(K.PARCEL_NOT_WANTED)
def that_centra_has_cancelled(desk: Desk) -> Iterator[None]:
    desk.world.settings.speed = 1e-6
    order = desk.order()
    desk.relay_orders()
    cancel_order(desk.world, order)
    say(desk, f"C{order.number}", 2, sku=desk.skus[0])
    _rounds(desk, 3)
    yield
    close(desk, K.PARCEL_NOT_WANTED)
    _rounds(desk, 3)


@ends(K.SHIPMENT_REFUSED)
def held_in_centra_when_it_left(desk: Desk) -> Iterator[None]:
    order = _left(desk)
    order.is_on_hold = True
    _rounds(desk)
    yield
    order.is_on_hold = False
    _rounds(desk)


@ends(K.UNREADABLE_RECORD)
def an_order_that_cannot_be_read(desk: Desk) -> Iterator[None]:
    order = desk.order()
    whole = desk.link
    broken: Any = _CentraWithOneBrokenOrder(whole.centra, order.number)
    desk.link = replace(whole, centra=broken)
    desk.relay_orders()
    yield
    desk.link = whole
    desk.relay_orders()


class _CentraWithOneBrokenOrder:
    """Centra, one of whose orders cannot be read."""

    def __init__(self, client: CentraClient, number: int) -> None:
        self._client, self._number = client, number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def orders_changed_since(self, since: datetime | None) -> Iterator[Order | UnreadableOrder]:
        for order in self._client.orders_changed_since(since):
            if str(order.number) == str(self._number):
                yield UnreadableOrder(
                    number=str(self._number), field="grandTotal", detail="expected an amount"
                )
            else:
                yield order


# ---- steps and systems
def failing(error: IntegrationError | Exception) -> Walk:
    """A step fails until it succeeds."""

    def walk(desk: Desk) -> Iterator[None]:
        for _ in range(2):
            note_failure(desk.link.settings, "centra/orders", error, now=desk.clock)
            desk.clock.advance(61)
        yield
        note_success(desk.link.ledger, "centra/orders")

    return walk


_OF_CALL: dict[str, Any] = {"system": "Centra", "operation": "orders", "detail": "no"}
WALKS |= {
    K.CREDENTIALS_REFUSED: failing(AccessDenied(status=403, **_OF_CALL)),
    K.SYSTEM_UNREACHABLE: failing(OutcomeUnknown(**_OF_CALL)),
    K.STEP_FAILING: failing(Refused(status=400, **_OF_CALL)),
}


@ends(K.LEDGER_GAP)
def nothing_ran_for_an_hour(desk: Desk) -> Iterator[None]:
    keep_alive(desk.link)
    desk.relay_orders()
    desk.clock.advance(3600)
    keep_alive(desk.link)
    desk.relay_orders()
    yield
    for _ in range(40):
        desk.clock.advance(60)
        keep_alive(desk.link)
        desk.relay_orders()
        desk.relay_despatches()


# ---- stock
def publish(desk: Desk) -> None:
    desk.clock.advance(1)
    with desk.world.lock:
        take_snapshot(desk.world)
    desk.clock.advance(1)


@ends(K.STOCK_ARCHIVE_LOST)
def stock_files_deleted(desk: Desk) -> Iterator[None]:
    desk.sync_stock()
    for file in desk.link.settings.archive_path.rglob("*.parquet"):
        file.unlink()
    desk.sync_stock()
    yield
    close(desk, K.STOCK_ARCHIVE_LOST)


@ends(K.STOCK_SNAPSHOT_REFUSED)
def sold_out_overnight(desk: Desk) -> Iterator[None]:
    desk.sync_stock()
    before = {sku: desk.world.shelves[sku].on_hand for sku in desk.skus}
    for sku in desk.skus:
        desk.world.shelves[sku].on_hand = 0
    publish(desk)
    with suppress(Exception):
        desk.sync_stock()
    yield
    for sku, units in before.items():
        desk.world.shelves[sku].on_hand = units
    publish(desk)
    desk.sync_stock()


@ends(K.SKU_ABSENT_FROM_SNAPSHOT)
def absent_from_one_feed(desk: Desk) -> Iterator[None]:
    desk.sync_stock()
    publish(desk)
    newest = list(desk.world.snapshots.values())[-1]
    newest.rows = [row for row in newest.rows if row["sku"] != desk.skus[0]]
    newest.item_count = len(newest.rows)
    desk.sync_stock()
    yield
    publish(desk)
    desk.sync_stock()


@ends(K.ABSENT_SKU_SELLS)
def sold_while_whistl_does_not_list_it(desk: Desk) -> Iterator[None]:
    sku = desk.skus[0]
    desk.sync_stock()
    desk.order((sku, 1))
    desk.relay_orders()
    publish(desk)
    newest = list(desk.world.snapshots.values())[-1]
    newest.rows = [row for row in newest.rows if row["sku"] != sku]
    newest.item_count = len(newest.rows)
    desk.sync_stock()
    yield
    publish(desk)
    desk.sync_stock()


@ends(K.SKU_ON_SEVERAL_SIZES)
def one_sku_on_two_sizes(desk: Desk) -> Iterator[None]:
    first, second = desk.skus[:2]
    desk.world.items[second].shown_sku = first
    desk.sync_stock()
    yield
    desk.world.items[second].shown_sku = None
    desk.sync_stock()


@ends(K.NEGATIVE_AVAILABLE, K.OVERSOLD)
def promised_more_than_there_is(desk: Desk) -> Iterator[None]:
    sku = desk.skus[0]
    take_unseen(desk.world, sku, desk.world.whistl_available(sku))
    set_aside(desk.world, sku, 2)
    publish(desk)
    desk.sync_stock()
    yield
    goods_in(desk.world, sku, 10)
    publish(desk)
    desk.sync_stock()


@ends(K.STOCK_WRITE_REFUSED)
def stock_of_a_sku_centra_lost(desk: Desk) -> Iterator[None]:
    sku = desk.skus[3]
    take_unseen(desk.world, sku, 2)
    publish(desk)
    read_latest_snapshot(desk.link)
    read_centra_levels(desk.link)
    kept = desk.world.items.pop(sku)
    sync.publish_stock(desk.link)
    yield
    desk.world.items[sku] = kept
    desk.sync_stock()


@ends(K.STOCK_WRITE_NOT_TAKEN)
def stock_that_centra_clamps(desk: Desk) -> Iterator[None]:
    desk.switch(centra_stock_below_allocated="clamp")
    sku = desk.skus[0]
    units = desk.world.whistl_available(sku)
    desk.order((sku, units))
    take_unseen(desk.world, sku, 4)
    publish(desk)
    desk.sync_stock()
    yield
    goods_in(desk.world, sku, 20)
    publish(desk)
    desk.sync_stock()
