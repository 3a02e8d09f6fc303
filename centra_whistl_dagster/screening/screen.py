"""Screening: which orders of a batch may be sent, and what keeps the others.

Belongs here: the verdict per order. Does not belong here: recording it, telling anybody, or sending
(`workflows`). No I/O and no clock: the same orders and reference give the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from centra_whistl_dagster.domain.exceptions.problems import ADVICE, Problem
from centra_whistl_dagster.domain.orders.addresses import PreparedAddress
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.whistl_catalogue import ServiceCode
from centra_whistl_dagster.screening.findings import line_problem, order_problem
from centra_whistl_dagster.screening.frames import lines_frame, orders_frame
from centra_whistl_dagster.screening.order_facts import OrderFacts, facts_of
from centra_whistl_dagster.screening.reference_data import ScreeningReference
from centra_whistl_dagster.screening.schemas import failing_lines, failing_orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """An order that may be sent, and as what."""

    order: Order
    order_number: str
    """Its number at Whistl, for ever."""
    service: ServiceCode
    is_ddp: bool
    """The service delivers duty paid."""
    delivery: PreparedAddress
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """An order that must not be sent, and everything that is wrong with it."""

    order: Order
    order_number: str
    problems: tuple[Problem, ...]
    """At least one."""
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningResult:
    """The verdicts on one batch, in the order in which it came."""

    verdicts: tuple[Cleared | Blocked, ...]
    failure_cases: pd.DataFrame
    """The same findings, a row each: `FAILURE_COLUMNS`. No personal data."""

    @property
    def cleared(self) -> list[Cleared]:
        """The orders that may be sent."""
        return [verdict for verdict in self.verdicts if isinstance(verdict, Cleared)]

    @property
    def blocked(self) -> list[Blocked]:
        """The orders that must not."""
        return [verdict for verdict in self.verdicts if isinstance(verdict, Blocked)]


FAILURE_COLUMNS = (
    "order_number",
    "kind",
    "subject_type",
    "subject",
    "field",
    "value",
    "message",
    "is_blocking",
)


def screen(orders: Sequence[Order], reference: ScreeningReference) -> ScreeningResult:
    """Judge a batch of orders. One order's faults never touch another's verdict."""
    policy = reference.policy
    facts, lines = facts_of(orders, reference)
    # A finding is kept once for each order: two lines of one SKU share its fault.
    found: dict[int, dict[Problem, None]] = defaultdict(dict)
    for order_failure in failing_orders(orders_frame(facts, policy), policy):
        row = order_failure.row
        found[row][order_problem(order_failure, facts[row])] = None
    for line_failure in failing_lines(lines_frame(lines, policy), policy):
        line = lines[line_failure.row]
        row = line.order_row
        found[row][line_problem(line_failure, line, facts[row], policy)] = None
    verdicts = tuple(_verdict(each, [*found.get(row, ())]) for row, each in enumerate(facts))
    return ScreeningResult(verdicts=verdicts, failure_cases=_failure_cases(verdicts))


def _verdict(facts: OrderFacts, findings: Sequence[Problem]) -> Cleared | Blocked:
    problems = tuple([problem for problem in findings if problem.kind not in ADVICE])
    warnings = tuple([problem for problem in findings if problem.kind in ADVICE])
    service = facts.service.service
    if problems or service is None:
        return Blocked(
            order=facts.order,
            order_number=facts.order_number,
            problems=problems,
            warnings=warnings,
        )
    return Cleared(
        order=facts.order,
        order_number=facts.order_number,
        service=service.code,
        is_ddp=service.is_ddp,
        delivery=facts.prepared(),
        warnings=warnings,
    )


def _failure_cases(verdicts: Sequence[Cleared | Blocked]) -> pd.DataFrame:
    rows = [
        (
            str(verdict.order.number),
            problem.kind,
            problem.subject_type,
            problem.subject,
            problem.field,
            problem.value,
            problem.message,
            is_blocking,
        )
        for verdict in verdicts
        for problems, is_blocking in (
            (verdict.problems if isinstance(verdict, Blocked) else (), True),
            (verdict.warnings, False),
        )
        for problem in problems
    ]
    return pd.DataFrame(rows, columns=list(FAILURE_COLUMNS))
