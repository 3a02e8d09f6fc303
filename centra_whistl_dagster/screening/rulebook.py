"""Rules over the same facts as one Pandera schema, and what fails them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from centra_whistl_dagster.domain.exceptions.problems import Problem, masked
from centra_whistl_dagster.domain.orders.characters import named
from centra_whistl_dagster.screening.rule import Facts, Rule

_LONGEST_SHOWN_VALUE = 80
"""Characters; a text of pages in a field must not become an alert of pages."""


class RuleCrashed(Exception):
    """A rule failed to judge: a defect of the rule, never an order's fault.

    It names the rule and the class of the error. The error's own text may quote an order.
    """


class RuleBook(Generic[Facts]):
    """The rules over orders, over lines or over SKUs."""

    def __init__(self, rules: Iterable[Rule[Facts]]) -> None:
        self.rules = tuple(rules)
        self._by_name = {rule.name: rule for rule in self.rules}
        if len(self._by_name) < len(self.rules):
            raise ValueError("two rules have the same kind and field")
        self._columns: dict[Callable[[Facts], object], str] = {}
        checks: dict[str, list[pa.Check]] = defaultdict(list)
        for rule in self.rules:
            column = self._columns.setdefault(rule.reads, rule.name)
            checks[column].append(pa.Check(rule.holds, name=rule.name))
        self._schema = pa.DataFrameSchema(
            {
                column: pa.Column(checks=of_column, nullable=True)
                for column, of_column in checks.items()
            }
        )

    def problems(self, facts: Sequence[Facts]) -> Iterator[tuple[int, Problem]]:
        """Yield each failure of a rule with the place of the facts that fail it.

        Raises:
            RuleCrashed: a rule could not judge.
        """
        frame = pd.DataFrame(
            {column: [reads(row) for row in facts] for reads, column in self._columns.items()},
            dtype=object,
        )
        try:
            failures = self._failures(frame)
        except RuleCrashed:
            # JSON can spell half a character, at which pandas' own text type raises. No text that
            # an order brings may stop the orders beside it.
            failures = self._failures(frame.map(_whole))
        for name, row in failures:
            yield row, _problem(self._by_name[name], facts[row])

    def _failures(self, frame: pd.DataFrame) -> list[tuple[str, int]]:
        try:
            self._schema.validate(frame, lazy=True)
        except SchemaErrors as errors:
            cases = errors.failure_cases
            crashed = cases[cases["index"].isna()]  # the others have a row
            if not crashed.empty:
                name, error = crashed.iloc[0][["check", "failure_case"]]
                raise RuleCrashed(f"{name}: {error.partition('(')[0]}") from None
            return [
                (name, int(row)) for name, row in zip(cases["check"], cases["index"], strict=True)
            ]
        return []


def _shown(value: object) -> str:
    """Return a value as text that any log, mail or database takes, and not longer than a line."""
    text = str(value)
    safe = "".join(c if c.isprintable() else named(c) for c in text[:_LONGEST_SHOWN_VALUE])
    return safe if len(text) <= _LONGEST_SHOWN_VALUE else f"{safe}…"


def _problem(rule: Rule[Facts], facts: Facts) -> Problem:
    """Say what is wrong. Only text that is safe to show gets into the sentence."""
    words = {name: _shown(text) for name, text in facts.words().items()}
    text = _shown((rule.value or rule.reads)(facts))
    value = masked(text) if rule.is_personal else text
    return Problem(
        kind=rule.kind,
        subject_type=rule.subject,
        subject=words[rule.subject],
        field=rule.field.format(**words),
        value=value,
        message=rule.says.format(value=value or "(blank)", **words),
    )


def _whole(value: object) -> object:
    """Put a question mark in the place of half a character."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value
