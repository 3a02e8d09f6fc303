"""What the desk asks of the ledger, on each database: parts that add up, search, what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from centra_whistl_dagster.domain.desk_roles import Person, Role
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.exceptions.worklist import Part, Snooze, added_up
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import (
    alerts,
    api_calls,
    desk_actions,
    exceptions,
    failing_steps,
    health,
    order_search,
    orders,
    release_requests,
    worklist,
)
from centra_whistl_dagster.ledger.alerts import NewAlert
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.ledger.states import DeskAction, DeskSubject
from centra_whistl_dagster.ledger.worklist import Selection
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.transport import HourOfCalls

ANN = Person("ann@example.com", Role.OPERATOR)


def open_three(ledger: Ledger) -> list[int]:
    """Two of merchandising, due in half an hour, and one of customer service, in five minutes."""
    kinds = (ExceptionKind.SKU_UNKNOWN, ExceptionKind.SKU_UNKNOWN, ExceptionKind.POSTCODE_MALFORMED)
    ids: list[int] = []
    for number, kind in enumerate(kinds):
        problem = Problem(
            kind=kind,
            subject_type=SubjectType.SKU,
            subject=f"SKU-{number}",
            field="sku",
            value="",
            message="Wrong.",
        )
        with ledger.transaction() as tx:
            ids += exceptions.open_or_refresh(tx, [problem])
    return ids


def test_every_open_exception_is_in_exactly_one_part(ledger: Ledger, clock: ManualClock) -> None:
    first, _, _ = open_three(ledger)
    with ledger.transaction() as tx:
        worklist.set_work(tx, first, snoozed_by="ann", snoozed_until=tx.now + timedelta(hours=1))
    clock.advance(10 * 60)

    with ledger.reading() as tx:
        by_owner = worklist.counts_by_owner(tx)
        by_part = {part: worklist.count(tx, Selection(part=part)) for part in Part}
        everything = worklist.count(tx, Selection())

    assert by_part == {Part.OVERDUE: 1, Part.DUE: 1, Part.SNOOZED: 1}
    assert added_up(by_owner.values()).by_part == by_part
    assert {owner: counts.total for owner, counts in by_owner.items()} == {
        "cx": 1,
        "merchandising": 2,
    }
    assert everything == 3


def test_a_page_has_the_most_overdue_first(ledger: Ledger) -> None:
    first, second, third = open_three(ledger)

    with ledger.reading() as tx:
        pages = [worklist.page(tx, Selection(), limit=2, offset=offset) for offset in (0, 2)]
        of_cx = worklist.page(tx, Selection(owner="cx"), limit=2, offset=0)

    assert [[row.id for row in page] for page in pages] == [[third, first], [second]]
    assert [row.id for row in of_cx] == [third]


def test_what_a_person_took_is_found_by_name(ledger: Ledger) -> None:
    first, second, _ = open_three(ledger)
    with ledger.transaction() as tx:
        for exception_id in (first, second):
            worklist.set_work(tx, exception_id, taken_by="ann", taken_at=tx.now)
        worklist.set_work(tx, second, taken_by=None, taken_at=None)

    with ledger.reading() as tx:
        assert [
            row.id for row in worklist.page(tx, Selection(taken_by="ann"), limit=9, offset=0)
        ] == [first]


def test_an_action_is_kept_with_who_when_and_what_followed(
    ledger: Ledger, clock: ManualClock
) -> None:
    with ledger.transaction() as tx:
        desk_actions.record(
            tx, ANN, DeskAction.NOTE, DeskSubject.EXCEPTION, "7", note="Rang", result="Note kept."
        )

    with ledger.reading() as tx:
        (row,) = desk_actions.about(tx, DeskSubject.EXCEPTION, ["7", "8"])["7"]
        others = desk_actions.about(tx, DeskSubject.SNAPSHOT, ["7"])

    assert (row.at, row.who, row.role, row.action) == (
        clock(),
        "ann@example.com",
        Role.OPERATOR,
        DeskAction.NOTE,
    )
    assert others == {}


def test_an_alert_is_found_by_each_exception_that_it_reports(ledger: Ledger) -> None:
    first, second, third = open_three(ledger)
    new = NewAlert(cause="c", owner="cx", channel="cx", severity="warning", title="t", body="b")
    with ledger.transaction() as tx:
        written = alerts.add(tx, [new, new], about=[first, second])

    with ledger.reading() as tx:
        found = alerts.about_exceptions(tx, [first, second, third])

    assert written == 2
    assert {exception_id: len(told) for exception_id, told in found.items()} == {
        first: 2,
        second: 2,
    }


def test_blocked_orders_add_up_by_currency(
    ledger: Ledger, make_order: Callable[..., Order]
) -> None:
    with ledger.transaction() as tx:
        for number, currency in ((100_001, "GBP"), (100_002, "GBP"), (100_003, "EUR")):
            order = make_order(number, currency=currency, grand_total=Decimal("10.10"))
            state = OrderState.BLOCKED
            orders.add(tx, order, whistl_number=f"C{number}", state=state, reason="r")

    with ledger.reading() as tx:
        count, worth = worklist.blocked_orders(tx)

    assert count == 3
    assert {currency: round(value, 2) for currency, value in worth.items()} == {
        "GBP": Decimal("20.20"),
        "EUR": Decimal("10.10"),
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("100001", [100_001]),
        ("C100001", [100_001]),
        ("10000", []),
        ("%", []),
        ("9" * 30, []),
        ("٣", []),
    ],
)
def test_an_order_is_found_by_a_whole_number_alone(
    ledger: Ledger, make_order: Callable[..., Order], text: str, found: list[int]
) -> None:
    with ledger.transaction() as tx:
        for number in (100_001, 100_002):
            state = OrderState.RECEIVED
            orders.add(tx, make_order(number), whistl_number=f"C{number}", state=state, reason="r")

    with ledger.reading() as tx:
        assert [row.number for row in order_search.search(tx, text, limit=5)] == found


def test_what_waits_is_counted_with_its_oldest(
    ledger: Ledger, clock: ManualClock, make_order: Callable[..., Order]
) -> None:
    began = clock()
    for number in (100_001, 100_002):
        with ledger.transaction() as tx:
            state = OrderState.READY
            orders.add(tx, make_order(number), whistl_number=f"C{number}", state=state, reason="r")
        clock.advance(60)

    with ledger.reading() as tx:
        ready = health.orders_in(tx, OrderState.READY)
        none = health.orders_in(tx, OrderState.BLOCKED)
        parcels = health.parcels_to_write(tx)

    assert (ready.count, ready.since) == (2, began)
    assert (none.count, none.since) == (0, None)
    assert (parcels.count, parcels.since) == (0, None)


def test_a_step_s_last_success_is_kept(ledger: Ledger, clock: ManualClock) -> None:
    for _ in range(2):
        clock.advance(60)
        with ledger.transaction() as tx:
            failing_steps.note_success(tx, "a step")

    with ledger.reading() as tx:
        assert failing_steps.last_success(tx, "a step") == clock()
        assert failing_steps.last_success(tx, "another") is None


def test_a_quota_s_use_is_added_up_over_operations(ledger: Ledger, clock: ManualClock) -> None:
    hour = clock().replace(minute=0, second=0, microsecond=0)
    counted = [
        HourOfCalls(
            hour=hour,
            system="centra",
            operation=operation,
            calls=1,
            tries=1,
            failed=0,
            throttled=0,
            milliseconds=5,
            units=Counter({"requests": 3}),
            allowed={"requests": 100},
        )
        for operation in ("orders", "setStock")
    ]
    with ledger.transaction() as tx:
        api_calls.add(tx, counted)

    with ledger.reading() as tx:
        (use,) = api_calls.quota_use(tx, hour)
        assert api_calls.quota_use(tx, hour - timedelta(hours=1)) == []

    assert (use.system, use.resource, use.units, use.allowed) == ("centra", "requests", 6, 100)


def test_a_release_is_asked_for_once_and_ends(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        release_requests.ask(tx, "S-1", who="ann", reason="right")
        request = release_requests.find(tx, "S-1")
        assert request is not None
        assert (request.asked_by, request.reason) == ("ann", "right")
        release_requests.end(tx, "S-1")
        assert release_requests.find(tx, "S-1") is None


def test_a_snooze_until_tomorrow_ends_in_london_s_morning(clock: ManualClock) -> None:
    until = Snooze.TOMORROW.until(clock())

    assert (until.hour, until.minute) == (8, 0)
    assert timedelta(0) < until - clock() < timedelta(hours=48)
    assert Snooze.ONE_HOUR.until(clock()) - clock() == timedelta(hours=1)
    assert Snooze.FOUR_HOURS.until(clock()) - clock() == timedelta(hours=4)
