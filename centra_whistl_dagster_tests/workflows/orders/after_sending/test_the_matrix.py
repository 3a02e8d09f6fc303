"""Every cell of the matrix of changes, played through both simulated systems.

Orders are brought to one standing at Whistl, each is changed in Centra in its own way, the relay
runs, and Whistl's own books and the open exceptions say whether the cell was kept.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

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
)
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.simulator.centra.rules import cancel_order, cancel_units, touch
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world import warehouse
from centra_whistl_dagster.simulator.world.catalogue import EXPRESS
from centra_whistl_dagster.simulator.world.records import SHOP_WAREHOUSE_ID, WAREHOUSE_ID
from centra_whistl_dagster.simulator.world.world import CentraOrder, WhistlOrder
from centra_whistl_dagster.workflows.orders import statuses
from centra_whistl_dagster.workflows.shipments import despatches
from centra_whistl_dagster_tests.workflows.conftest import Desk

STANDARD_POLICY = AfterSendingPolicy()
OTHER_CHOICES = {
    **{f"on_{name}": "ask" for name in ("hold", "unpaid", "other_warehouse", "address")},
    "on_fewer_units": "ask",
    **{f"on_{name}": "replace" for name in ("more_units", "contact", "shipping_option")},
}
"""Of each switch, the choice that is not the default."""
POLICIES = {
    "as shipped": STANDARD_POLICY,
    "the other choices": AfterSendingPolicy(
        on_hold=OnPause.ASK,
        on_unpaid=OnPause.ASK,
        on_other_warehouse=OnPause.ASK,
        on_address=OnEdit.ASK,
        on_fewer_units=OnEdit.ASK,
        on_more_units=OnEdit.REPLACE,
        on_contact=OnEdit.REPLACE,
        on_shipping_option=OnEdit.REPLACE,
    ),
}
TOGETHER = [standing for standing in Standing if standing is not Standing.IN_DOUBT]
TOO_LATE = {Standing.PACKED, Standing.PART_DESPATCHED}


# ---- what happens in Centra
def _cancel(desk: Desk, order: CentraOrder) -> None:
    cancel_order(desk.world, order)


def _hold(_: Desk, order: CentraOrder) -> None:
    order.is_on_hold = True


def _await_payment(_: Desk, order: CentraOrder) -> None:
    order.is_waiting_for_payment = True


def _move_away(_: Desk, order: CentraOrder) -> None:
    for line in order.lines:
        line.warehouse_id = SHOP_WAREHOUSE_ID


def _take_one_off(desk: Desk, order: CentraOrder) -> None:
    cancel_units(desk.world, order, order.lines[0], 1)


def _add_one(_: Desk, order: CentraOrder) -> None:
    order.lines[0].quantity += 1


def _readdress(_: Desk, order: CentraOrder) -> None:
    order.address = {**(order.address or {}), "address1": "7 The Shambles"}


def _change_phone(_: Desk, order: CentraOrder) -> None:
    order.address = {**(order.address or {}), "cellPhoneNumber": "07400123999"}


def _choose_express(_: Desk, order: CentraOrder) -> None:
    order.shipping_option = EXPRESS


def _reprice(_: Desk, order: CentraOrder) -> None:
    order.lines[0].unit_price += 1


def _find_an_earlier_version(desk: Desk, order: CentraOrder) -> None:
    with desk.link.ledger.transaction() as tx:
        orders.update(tx, [order.order_id], sent_hash="of an earlier attempt")


CHANGES: dict[Change, Callable[[Desk, CentraOrder], None]] = {
    Change.CANCELLED: _cancel,
    Change.HOLD: _hold,
    Change.UNPAID: _await_payment,
    Change.OTHER_WAREHOUSE: _move_away,
    Change.FEWER_UNITS: _take_one_off,
    Change.MORE_UNITS: _add_one,
    Change.ADDRESS: _readdress,
    Change.CONTACT: _change_phone,
    Change.SHIPPING_OPTION: _choose_express,
    Change.AMOUNTS: _reprice,
    Change.EARLIER_VERSION: _find_an_earlier_version,
}


def change_in_centra(desk: Desk, order: CentraOrder, change: Change) -> None:
    """Let customer service unlock an order and change it; nobody at Whistl moves meanwhile."""
    desk.clock.advance(1)
    order.is_locked = False
    CHANGES[change](desk, order)
    touch(desk.world, order)


def release(desk: Desk, order: CentraOrder) -> None:
    desk.clock.advance(1)
    order.is_on_hold = order.is_waiting_for_payment = False
    for line in order.lines:
        line.warehouse_id = WAREHOUSE_ID
    touch(desk.world, order)


# ---- what happens at Whistl
def bring_to(desk: Desk, standing: Standing, placed: list[CentraOrder]) -> None:
    """Let orders come to a standing at Whistl, and stay there until somebody stops them."""
    is_whistls_own = {
        Standing.CANCELLED: "ALLOCATED",
        Standing.UNKNOWN: warehouse.UNDOCUMENTED_STATUS,
    }
    wanted = is_whistls_own.get(standing, standing.name)
    waiting = [desk.held(order) for order in placed]
    for _ in range(2_000):
        for held in [held for held in waiting if held.status == wanted]:
            waiting.remove(held)
            stay(held)
        if not waiting:
            break
        desk.wait(0.5)
    assert not waiting, f"{len(waiting)} orders never were {wanted}"
    if standing is Standing.CANCELLED:
        for order in placed:
            warehouse.cancel(desk.world, desk.held(order))


def stay(held: WhistlOrder) -> None:
    """Let nobody in the building go on with an order: what was to happen next was for a version."""
    held.status_version += 1


def let_the_floor_stop(desk: Desk, placed: list[CentraOrder]) -> None:
    for order in placed:
        if desk.held(order).is_cancel_requested:
            warehouse._pack(desk.world, desk.held(order))


def hear_of_it(desk: Desk) -> None:
    """Read what Whistl says, and write nothing to Centra."""
    statuses.follow_order_statuses(desk.link)
    despatches.pull_despatches(desk.link)
    despatches.apply_despatches(desk.link)


PREPARATIONS: dict[Standing, dict[str, object]] = {
    Standing.HELD: {"hold_after_accept_share": 1.0, "hold_seconds": None},
    Standing.REJECTED: {"late_rejected_share": 1.0},
    Standing.UNKNOWN: {"unknown_status_share": 1.0},
}


def prepare(desk: Desk, standing: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.switch(cancel_while_picking_share=1.0, **PREPARATIONS.get(standing, {}))
    if standing is Standing.PART_DESPATCHED:
        desk.world.settings.several_parcels_share = 1.0
        monkeypatch.setattr(warehouse, "SECOND_MESSAGE_SHARE", 1.0)
    if standing is Standing.BACKORDERED:
        for sku in desk.skus:
            warehouse.take_unseen(desk.world, sku, 10_000)


def adopt(desk: Desk, policy: str) -> None:
    """Run from now on with a policy."""
    if policy == "the other choices":
        path = Path(desk.environment["CONFIG_DIR"]) / "policy.toml"
        lines = path.read_text(encoding="utf-8").splitlines()
        names = [line.partition(" ")[0] for line in lines]
        path.write_text(
            "\n".join(
                f'{name} = "{OTHER_CHOICES[name]}"' if name in OTHER_CHOICES else line
                for name, line in zip(names, lines, strict=True)
            ),
            encoding="utf-8",
        )
        desk.reopen()
    assert desk.link.configuration.after_sending == POLICIES[policy]


def reaction_to(change: Change, standing: Standing, policy: AfterSendingPolicy) -> Reaction:
    reaction = MATRIX[change][standing].reaction
    is_asked = (reaction is Reaction.PAUSE and not policy.stops(change)) or (
        reaction is Reaction.REPLACE and not policy.replaces(change)
    )
    return Reaction.NOTIFY if is_asked else reaction


# ---- what is expected
def problems_after_sending(desk: Desk, order: CentraOrder) -> set[str]:
    return {kind for kind in KINDS if kind in desk.problems(str(order.number))}


def kind_of(change: Change) -> str:
    return next(kind for kind, about in KINDS.items() if change in about)


def assert_kept(
    desk: Desk, order: CentraOrder, change: Change, standing: Standing, reaction: Reaction
) -> None:
    """Judge one order by Whistl's books and by what its owner was alerted to."""
    first, *later = desk.world.whistl_orders_of(order)
    told = problems_after_sending(desk, order)
    is_stopped = first.status in {"CANCELLED", "REJECTED"}
    if reaction in {Reaction.NOTIFY, Reaction.NOTHING}:
        was_ended = standing in {Standing.CANCELLED, Standing.REJECTED}
        assert is_stopped == was_ended, "Whistl was not to be asked"
        assert not first.is_cancel_requested
        assert later == []
        is_told = reaction is Reaction.NOTIFY and not was_ended
        assert told == ({kind_of(change)} if is_told else set())
    elif standing in TOO_LATE:
        assert (is_stopped, later) == (False, [])
        assert told == {kind_of(change)}
    else:
        assert is_stopped
        assert told == set()
        assert len(later) == (reaction is Reaction.REPLACE)
        assert reaction is Reaction.REPLACE or not order.is_locked


@pytest.mark.parametrize("policy", list(POLICIES))
@pytest.mark.parametrize("standing", TOGETHER)
def test_a_change_after_sending_is_handled_as_the_matrix_says(
    desk: Desk, standing: Standing, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt(desk, policy)
    prepare(desk, standing, monkeypatch)
    placed = {change: desk.order((desk.skus[n], 2)) for n, change in enumerate(CHANGES)}
    desk.relay_orders()
    bring_to(desk, standing, list(placed.values()))
    desk.relay_orders()
    hear_of_it(desk)
    for change, order in placed.items():
        change_in_centra(desk, order, change)

    desk.relay_orders()
    let_the_floor_stop(desk, list(placed.values()))
    hear_of_it(desk)
    desk.relay_orders()

    for change, order in placed.items():
        reaction = reaction_to(change, standing, POLICIES[policy])
        assert_kept(desk, order, change, standing, reaction)
        if reaction is Reaction.PAUSE and standing not in TOO_LATE:
            release(desk, order)
            desk.relay_orders()
            desk.relay_orders()
            assert len(desk.world.whistl_orders_of(order)) == 2, "released, it goes again"
            assert desk.state(order) == OrderState.SUBMITTED
    assert desk.truth()["orders"]["duplicated"] == 0
    assert desk.truth()["orders"]["strangers"] == 0


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_doubt_waits_until_it_is_known_whether_whistl_has_the_order(
    desk: Desk, change: Change
) -> None:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()
    stay(desk.held(order))
    assert desk.state(order) == OrderState.IN_DOUBT
    change_in_centra(desk, order, change)

    desk.relay_orders()
    meanwhile = (desk.world.calls["whistl cancel_order"], problems_after_sending(desk, order))
    desk.wait(1_000)
    for _ in range(3):
        desk.relay_orders()

    assert meanwhile == (0, set())
    reaction = reaction_to(change, Standing.RECEIVED, STANDARD_POLICY)
    assert_kept(desk, order, change, Standing.RECEIVED, reaction)
    assert desk.truth()["orders"]["duplicated"] == 0


def test_every_change_is_played() -> None:
    assert set(CHANGES) == set(Change) == set(MATRIX)
    assert all(set(cells) == set(Standing) for cells in MATRIX.values())
