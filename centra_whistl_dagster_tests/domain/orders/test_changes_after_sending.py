"""The matrix of changes after sending, and what counts as a change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import combinations

import pytest

from centra_whistl_dagster.domain.orders.after_sending_decision import (
    decide,
    message,
    standing_of,
)
from centra_whistl_dagster.domain.orders.after_sending_policy import (
    AfterSendingPolicy,
    OnEdit,
    OnPause,
)
from centra_whistl_dagster.domain.orders.changes_after_sending import (
    KINDS,
    MATRIX,
    Change,
    Reaction,
    Standing,
    StopReason,
)
from centra_whistl_dagster.domain.orders.order import (
    Address,
    Order,
    OrderLine,
    ShippingOption,
    content_hash,
)
from centra_whistl_dagster.domain.orders.order_comparison import what_changed
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.orders.whistl_numbers import renumbered

POLICY = AfterSendingPolicy()
ALL_ASK = AfterSendingPolicy(
    on_hold=OnPause.ASK,
    on_unpaid=OnPause.ASK,
    on_other_warehouse=OnPause.ASK,
    on_address=OnEdit.ASK,
    on_fewer_units=OnEdit.ASK,
)
CAN_BE_STOPPED = (
    *(Standing.RECEIVED, Standing.HELD, Standing.BACKORDERED, Standing.ALLOCATED),
    *(Standing.PICKING, Standing.PACKED, Standing.UNKNOWN),
)
NOT_TO_LEAVE = (Change.CANCELLED, Change.HOLD, Change.UNPAID, Change.OTHER_WAREHOUSE)
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SENT = Order(
    centra_id="a" * 32,
    number=100234,
    status="CONFIRMED",
    is_on_hold=False,
    is_locked=True,
    is_internal=False,
    is_waiting_for_payment=False,
    ordered_at=AT,
    updated_at=AT,
    currency="GBP",
    grand_total=Decimal("43.95"),
    shipping_total=Decimal("3.95"),
    tax_total=Decimal("7.33"),
    delivery=Address(
        first_name="Ada", line1="12 High Street", postcode="YO1 7HH", phone="1", email="a@b.c"
    ),
    shipping_option=ShippingOption(option_id=1, name="Standard"),
    lines=(
        OrderLine(line_id=1, sku="TEE-BLK-M", quantity=2, unit_price=Decimal(20)),
        OrderLine(line_id=2, sku="TEE-RED-M", quantity=1, unit_price=Decimal(20)),
    ),
    warehouse_ids=frozenset({1}),
)


def changed(now: Order, not_found: dict[int, int] | None = None) -> dict[Change, tuple[str, ...]]:
    return dict(what_changed(SENT, now, warehouse_id=1, not_found=not_found or {}))


def with_line(**members: object) -> Order:
    first, *others = SENT.lines
    return replace(SENT, lines=(replace(first, **members), *others))  # type: ignore[arg-type]


# ---- the table
def test_no_cell_is_empty_and_each_says_what_it_means() -> None:
    for change in Change:
        for standing in Standing:
            assert MATRIX[change][standing].meaning.endswith(".")


@pytest.mark.parametrize("change", NOT_TO_LEAVE)
def test_what_must_not_leave_is_stopped_as_long_as_whistl_may_be_able_to(change: Change) -> None:
    for standing in CAN_BE_STOPPED:
        assert decide([change], standing, POLICY, can_renumber=False).stop_for is not None


@pytest.mark.parametrize("change", NOT_TO_LEAVE)
def test_an_owner_hears_of_what_has_left_and_must_not_have(change: Change) -> None:
    decision = decide([change], Standing.DESPATCHED, POLICY, can_renumber=True)

    assert decision.stop_for is None
    assert decision.notify == {change}


def test_nothing_of_which_a_part_has_left_is_ever_sent_again() -> None:
    for change in Change:
        assert MATRIX[change][Standing.PART_DESPATCHED].reaction not in {
            Reaction.PAUSE,
            Reaction.REPLACE,
        }
        assert MATRIX[change][Standing.DESPATCHED].reaction in {Reaction.NOTIFY, Reaction.NOTHING}


def test_in_doubt_nothing_is_done_before_it_is_known_whether_whistl_has_the_order() -> None:
    assert {MATRIX[change][Standing.IN_DOUBT].reaction for change in Change} == {Reaction.WAIT}


def test_every_change_has_one_kind_of_exception() -> None:
    about = [change for changes in KINDS.values() for change in changes]

    assert sorted(about) == sorted(Change)


# ---- several changes, and the policy
def test_a_cancellation_outweighs_every_other_change() -> None:
    for other in set(Change) - {Change.CANCELLED}:
        decision = decide([Change.CANCELLED, other], Standing.ALLOCATED, ALL_ASK, can_renumber=True)
        assert (decision.stop_for, decision.notify) == (StopReason.CANCELLED, frozenset())


def test_several_changes_are_never_treated_more_lightly_than_one_of_them_alone() -> None:
    seriousness = [*StopReason, None]
    for standing in Standing:
        for pair in combinations(set(Change) - {Change.CANCELLED}, 2):
            alone = [decide([one], standing, POLICY, can_renumber=True).stop_for for one in pair]
            both = decide(pair, standing, POLICY, can_renumber=True).stop_for
            assert both == min(alone, key=seriousness.index)


def test_an_edit_that_is_only_asked_about_goes_along_with_one_that_is_replaced() -> None:
    decision = decide(
        [Change.ADDRESS, Change.CONTACT], Standing.ALLOCATED, POLICY, can_renumber=True
    )

    assert (decision.stop_for, decision.notify) == (StopReason.EDITED, frozenset())


def test_a_brand_that_wants_to_be_asked_is_asked_about_everything_but_a_cancellation() -> None:
    for change in set(Change) - {Change.CANCELLED}:
        decision = decide([change], Standing.ALLOCATED, ALL_ASK, can_renumber=True)
        assert (decision.stop_for, decision.notify) == (None, frozenset({change}))


def test_an_order_without_room_for_a_next_number_is_not_replaced() -> None:
    decision = decide([Change.ADDRESS], Standing.ALLOCATED, POLICY, can_renumber=False)

    assert (decision.stop_for, decision.notify) == (None, frozenset({Change.ADDRESS}))


def test_the_rest_of_a_held_order_is_stopped_but_not_as_if_it_were_cancelled() -> None:
    decision = decide([Change.HOLD], Standing.PART_DESPATCHED, POLICY, can_renumber=True)

    assert decision.stop_for is StopReason.PAUSED


# ---- where it stands
@pytest.mark.parametrize(
    ("state", "status", "standing"),
    [
        (OrderState.IN_DOUBT, None, Standing.IN_DOUBT),
        (OrderState.SENDING, None, Standing.IN_DOUBT),
        (OrderState.SUBMITTED, "RECEIVED", Standing.RECEIVED),
        (OrderState.SUBMITTED, "allocated", Standing.ALLOCATED),
        (OrderState.SUBMITTED, "QUALITY_CHECK", Standing.UNKNOWN),
        (OrderState.SUBMITTED, None, Standing.UNKNOWN),
        (OrderState.SUBMITTED, "DESPATCHED", Standing.DESPATCHED),
        (OrderState.PART_DESPATCHED, "ALLOCATED", Standing.PART_DESPATCHED),
        (OrderState.PART_DESPATCHED, "DESPATCHED", Standing.DESPATCHED),
        (OrderState.PART_DESPATCHED, "CANCELLED", Standing.DESPATCHED),
        (OrderState.DESPATCHED, "PACKED", Standing.DESPATCHED),
        (OrderState.BLOCKED, "REJECTED", Standing.REJECTED),
    ],
)
def test_what_has_left_outweighs_an_older_status(
    state: OrderState, status: str | None, standing: Standing
) -> None:
    assert standing_of(state, status) is standing


# ---- what changed
@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (SENT, {}),
        (replace(SENT, updated_at=AT.replace(hour=10), is_locked=False), {}),
        (replace(SENT, status="CANCELLED", is_on_hold=True), {Change.CANCELLED: ()}),
        (replace(SENT, is_on_hold=True), {Change.HOLD: ()}),
        (replace(SENT, is_internal=True), {Change.HOLD: ("marked internal",)}),
        (replace(SENT, is_waiting_for_payment=True), {Change.UNPAID: ()}),
        (replace(SENT, warehouse_ids=frozenset({2})), {Change.OTHER_WAREHOUSE: ()}),
        (replace(SENT, warehouse_ids=frozenset({1, 2})), {Change.OTHER_WAREHOUSE: ("a part",)}),
        (replace(SENT, warehouse_ids=frozenset()), {}),
        (with_line(quantity=1), {Change.FEWER_UNITS: ("units of TEE-BLK-M",)}),
        (with_line(quantity=3), {Change.MORE_UNITS: ("units of TEE-BLK-M",)}),
        (replace(SENT, lines=SENT.lines[:1]), {Change.FEWER_UNITS: ("units of TEE-RED-M",)}),
        (
            with_line(sku="TEE-BLK-L"),
            {
                Change.FEWER_UNITS: ("units of TEE-BLK-M",),
                Change.MORE_UNITS: ("units of TEE-BLK-L",),
            },
        ),
        (with_line(unit_price=Decimal(1)), {Change.AMOUNTS: ("prices",)}),
        (replace(SENT, grand_total=Decimal(1)), {Change.AMOUNTS: ("prices",)}),
        (replace(SENT, currency="EUR"), {Change.AMOUNTS: ("currency",)}),
        (replace(SENT, shipping_option=None), {Change.SHIPPING_OPTION: ()}),
        (
            replace(SENT, delivery=replace(SENT.delivery or Address(), phone="2")),
            {Change.CONTACT: ("phone",)},
        ),
        (
            replace(SENT, delivery=replace(SENT.delivery or Address(), line1="7", email="d@e.f")),
            {Change.ADDRESS: ("address line 1",), Change.CONTACT: ("e-mail",)},
        ),
    ],
)
def test_a_change_is_named_by_its_fields(
    now: Order, expected: dict[Change, tuple[str, ...]]
) -> None:
    assert changed(now) == expected


def test_units_that_were_not_found_are_no_change_when_they_are_cancelled() -> None:
    assert changed(with_line(quantity=1), {1: 1}) == {}
    assert Change.FEWER_UNITS in changed(with_line(quantity=0), {1: 1})


def test_whatever_the_warehouse_acts_upon_is_noticed_when_it_changes() -> None:
    """No difference of the fingerprint that screening goes by may be lost here."""
    address = SENT.delivery or Address()
    edits = [
        *(replace(SENT, delivery=replace(address, **{name: "x"})) for name in _text_fields()),
        replace(SENT, delivery=None),
        replace(SENT, shipping_option=ShippingOption(option_id=1, name="Standard", uri="x")),
        with_line(line_id=9),
    ]

    for edited in edits:
        assert content_hash(edited) != content_hash(SENT)
        assert changed(edited)


def _text_fields() -> list[str]:
    return [name for name in Address.__slots__ if isinstance(name, str)]


# ---- in words
def test_a_message_names_fields_and_what_can_be_done_and_nothing_personal() -> None:
    now = replace(SENT, delivery=replace(SENT.delivery or Address(), line1="7 The Shambles"))

    said = message(100234, "C100234", Standing.PACKED, changed(now))

    assert "delivery address (address line 1)" in said
    assert "packed" in said
    assert "call Whistl" in said
    assert "Shambles" not in said
    assert "High Street" not in said


@pytest.mark.parametrize(("used", "number"), [(0, "C1"), (1, "C1-2"), (2, "C1-3"), (9, "C1-10")])
def test_an_orders_next_number_counts_those_it_has_used(used: int, number: str) -> None:
    assert renumbered("C1", used) == number
