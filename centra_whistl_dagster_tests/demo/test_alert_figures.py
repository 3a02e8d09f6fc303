"""The demo distinguishes an alert that was lost from one that was received."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from centra_whistl_dagster.demo.alert_figures import AlertFigures
from centra_whistl_dagster.demo.inbox import Inbox, Received

CLEAN = AlertFigures(
    sent_by_owner={"cx": 2, "data": 1},
    waiting=0,
    received_by_address={"cx": 2, "others": 1},
    seconds_to_alert={"p50": 1.0, "p95": 1.0, "max": 1.0, "n": 1},
)


def test_what_was_sent_and_received_is_no_fault_and_neither_is_a_repetition() -> None:
    assert CLEAN.faults() == []
    assert replace(CLEAN, received_by_address={"cx": 5}).faults() == []


@pytest.mark.parametrize(
    ("case", "changes", "fault"),
    [
        ("lost", {"received_by_address": {"cx": 2}}, "1 alerts sent and not received"),
        ("stuck", {"waiting": 4}, "4 alerts never sent"),
    ],
)
def test_a_lost_or_stuck_alert_is_a_fault(
    case: str, changes: dict[str, object], fault: str
) -> None:
    assert replace(CLEAN, **changes).faults() == [fault], case  # type: ignore[arg-type]


def test_an_order_is_alerted_by_the_first_message_that_names_it_whole() -> None:
    first, second = (datetime(2026, 6, 1, 9, minute, tzinfo=UTC) for minute in (0, 1))
    with Inbox() as inbox:
        inbox.received += [
            Received(at=at, to="cx", title=title, body=body, content_type="text/plain")
            for at, title, body in (
                (first, "order 1002345", "worth 100234.50 GBP, and 1002 more"),
                (second, "2 orders", "Orders: 100234, 100235."),
            )
        ]

    assert inbox.first_named_at([100234, 1002345, 100236]) == {100234: second, 1002345: first}
