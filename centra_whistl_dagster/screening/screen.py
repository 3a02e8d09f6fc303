"""Screening: which orders of a batch may be sent, and why the others may not.

No I/O and no clock: the same orders and reference data give the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import pandas as pd

from centra_whistl_dagster.domain.exceptions.problems import ADVICE, Problem
from centra_whistl_dagster.domain.orders.addresses import Change, PreparedAddress
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.whistl_catalogue import ServiceCode
from centra_whistl_dagster.screening.batch import batch_of
from centra_whistl_dagster.screening.order_facts import OrderFacts
from centra_whistl_dagster.screening.reference_data import ScreeningReference
from centra_whistl_dagster.screening.rules import CHECKS, rule_books

FAILURE_COLUMNS = ("order_number", "check", *(f.name for f in fields(Problem)), "is_blocking")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """An order that may be sent, and as what."""

    order: Order
    order_number: str
    """Its number at Whistl, which never changes."""
    service: ServiceCode
    is_ddp: bool
    """The service delivers duty paid."""
    delivery: PreparedAddress
    needs_customs_data: bool
    """It crosses a customs border, as the policy draws them."""
    warnings: tuple[Problem, ...]
    changes: tuple[Change, ...] = ()
    """What is not sent as typed. Nothing personal."""
    problems: tuple[()] = ()


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
    """The verdicts on one batch, in the batch's own order."""

    verdicts: tuple[Cleared | Blocked, ...]
    failure_cases: pd.DataFrame
    """The same problems, one a row: `FAILURE_COLUMNS`. No personal data."""

    def changes(self) -> list[dict[str, str]]:
        """Return what is not sent as typed, a row for each field of an order. No personal data."""
        return [
            {"order": str(verdict.order.number), "field": change.field, "changed": change.how}
            for verdict in self.verdicts
            if isinstance(verdict, Cleared)
            for change in verdict.changes
        ]


def screen(orders: Sequence[Order], reference: ScreeningReference) -> ScreeningResult:
    """Judge a batch of orders. One order's faults never touch another's verdict."""
    rules, batch = rule_books(reference.policy), batch_of(orders, reference)
    # A problem is kept once for each order: two lines of one SKU share its fault.
    found: dict[int, dict[Problem, None]] = defaultdict(dict)
    for row, problem in rules.orders.problems(batch.orders):
        found[row][problem] = None
    for row, problem in rules.lines.problems(batch.lines):
        found[batch.lines[row].order_row][problem] = None
    of_sku: dict[str, list[Problem]] = defaultdict(list)
    for row, problem in rules.skus.problems(batch.skus):
        of_sku[batch.skus[row].sku].append(problem)
    for line in batch.lines if of_sku else ():
        found[line.order_row].update(dict.fromkeys(of_sku.get(line.line.sku, ())))
    verdicts = tuple(
        _verdict(facts, [*found.get(row, ())]) for row, facts in enumerate(batch.orders)
    )
    return ScreeningResult(verdicts=verdicts, failure_cases=_failure_cases(verdicts))


def _verdict(facts: OrderFacts, found: Sequence[Problem]) -> Cleared | Blocked:
    problems = tuple(problem for problem in found if problem.kind not in ADVICE)
    warnings = tuple(problem for problem in found if problem.kind in ADVICE)
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
        needs_customs_data=facts.needs_customs_data,
        warnings=warnings,
        changes=facts.changes(),
    )


def _failure_cases(verdicts: Sequence[Cleared | Blocked]) -> pd.DataFrame:
    rows = [
        {
            "order_number": str(verdict.order.number),
            "check": CHECKS[problem.kind],
            **asdict(problem),
            "is_blocking": problem.kind not in ADVICE,
        }
        for verdict in verdicts
        for problem in (*verdict.problems, *verdict.warnings)
    ]
    return pd.DataFrame(rows, columns=list(FAILURE_COLUMNS))
