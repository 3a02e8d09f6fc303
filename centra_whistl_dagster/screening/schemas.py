"""The rules as Pandera schemas, and what fails them.

Belongs here: building a schema and reading its failure cases. Does not belong here: the rules
(`rules`), or saying a failure in words (`findings`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Generic, NamedTuple

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.line_facts import LineFacts
from centra_whistl_dagster.screening.order_facts import OrderFacts
from centra_whistl_dagster.screening.rules import Facts, Rule, line_rules, order_rules


@lru_cache(maxsize=8)
def orders_schema(policy: ScreeningPolicy) -> pa.DataFrameSchema:
    """Return the schema of the orders frame; each check is named by its kind."""
    return _schema(order_rules(policy))


@lru_cache(maxsize=8)
def lines_schema(policy: ScreeningPolicy) -> pa.DataFrameSchema:
    """Return the schema of the lines frame; each check is named by its kind."""
    return _schema(line_rules(policy))


class Failure(NamedTuple, Generic[Facts]):
    """One rule that one row of a frame fails."""

    rule: Rule[Facts]
    kind: ExceptionKind
    row: int


def failing_orders(frame: pd.DataFrame, policy: ScreeningPolicy) -> Iterator[Failure[OrderFacts]]:
    """Yield what fails in the orders frame."""
    return _failing(frame, orders_schema(policy), order_rules(policy))


def failing_lines(frame: pd.DataFrame, policy: ScreeningPolicy) -> Iterator[Failure[LineFacts]]:
    """Yield what fails in the lines frame."""
    return _failing(frame, lines_schema(policy), line_rules(policy))


def _schema(rules: Iterable[Rule[Facts]]) -> pa.DataFrameSchema:
    by_column: dict[str, list[pa.Check]] = defaultdict(list)
    for rule in rules:
        by_column[rule.column].append(pa.Check(rule.holds, name=rule.name))
    return pa.DataFrameSchema(
        {column: pa.Column(checks=checks, nullable=True) for column, checks in by_column.items()}
    )


def _failing(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, rules: Sequence[Rule[Facts]]
) -> Iterator[Failure[Facts]]:
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        if cases["index"].isna().any():
            raise  # a check that crashed has no row: a defect of a rule, never an order's fault
        by_name = {(rule.column, rule.name): rule for rule in rules}
        columns = (cases[name] for name in ("column", "check", "index", "failure_case"))
        for column, name, row, found in zip(*columns, strict=True):
            rule = by_name[column, name]
            yield Failure(rule, rule.kind or ExceptionKind(found), int(row))
