"""What is reported about an order that was not sent: Whistl refused it, or our own code failed."""

from __future__ import annotations

from datetime import datetime

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.ledger import exceptions
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.transport import Reason, Refused
from centra_whistl_dagster.workflows.exceptions.step_failures import cause_of


def refusals_of(row: OrderRow, error: Refused, due_at: datetime | None) -> list[Problem]:
    """Return one problem for each reason that Whistl gave; `due_at` is when it is sent again."""
    # Whistl's own sentence is left out: it may repeat what the customer typed.
    reasons = error.reasons or (Reason(code=error.code or str(error.status), field="order"),)
    when = ""
    if due_at is not None:
        when = f" It is sent again at {due_at.astimezone(LONDON):%H:%M on %d/%m/%Y} (London time)."
    return [
        exceptions.order_problem(
            row.number,
            ExceptionKind.WHISTL_REFUSED,
            f"Whistl refused order {row.number}: {reason}.{when}",
            field=reason.field,
            value=reason.code,
        )
        for reason in reasons
    ]


def failure(row: OrderRow, error: Exception) -> Problem:
    """Return the problem that sending an order failed in our own code."""
    # The text of the error is left out: it may quote a record, and with it a customer.
    message = (
        f"Order {row.number} could not be sent to Whistl: {cause_of(error)}. It is tried again."
    )
    return exceptions.order_problem(
        row.number, ExceptionKind.STEP_FAILING, message, field="create_order"
    )
