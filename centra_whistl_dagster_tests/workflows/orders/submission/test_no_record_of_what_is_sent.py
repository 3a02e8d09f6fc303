"""Where it cannot be written down that orders are sent, none is, and the step says why."""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, cast

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import submissions
from centra_whistl_dagster.ledger.engine import Ledger, LedgerUnavailable, Transaction
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.ledger.witness import WitnessUnusable
from centra_whistl_dagster.workflows.continuity import keep_alive
from centra_whistl_dagster.workflows.orders import handover, submission

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk


class LedgerBusyOnce:
    """A ledger whose database cannot be used for one transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._is_busy = ledger, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def transaction(self) -> AbstractContextManager[Transaction]:
        if self._is_busy:
            self._is_busy = False
            raise LedgerUnavailable("The ledger's database cannot be used: it is locked.")
        return self._ledger.transaction()


def test_a_witness_that_is_damaged_during_a_round_stops_it_with_what_to_do(desk: Desk) -> None:
    keep_alive(desk.link)
    desk.relay_orders()
    placed = desk.order_some(6)
    desk.make_ready(*placed)
    good = desk.link.settings.witness_path.read_text()
    desk.link.settings.witness_path.write_text("{")

    with pytest.raises(WitnessUnusable, match=r"is damaged.*restore --mark"):
        handover.hand_over(desk.link)
    stopped = ([desk.state(order) for order in placed], desk.problems())
    with desk.link.ledger.reading() as tx:
        outcomes = {row.outcome for one in placed for row in submissions.of_order(tx, one.order_id)}
    desk.link.settings.witness_path.write_text(good)
    handover.hand_over(desk.link)

    assert stopped == ([OrderState.READY] * 6, [])
    assert outcomes == {SubmissionOutcome.NOT_SENT}
    assert [desk.state(order) for order in placed] == [OrderState.SUBMITTED] * 6
    assert [desk.at_whistl(order) for order in placed] == [1] * 6


def test_a_ledger_that_cannot_be_used_is_no_fault_of_the_order_being_sent(desk: Desk) -> None:
    order = desk.order()
    desk.make_ready(order)
    busy = dataclasses.replace(desk.link, ledger=cast("Any", LedgerBusyOnce(desk.link.ledger)))

    with pytest.raises(LedgerUnavailable, match="locked"):
        submission.submit_ready_orders(busy)

    assert desk.problems() == []
    assert desk.state(order) is OrderState.READY
