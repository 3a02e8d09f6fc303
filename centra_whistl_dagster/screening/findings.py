"""A failed rule as a problem: its subject, its value fit to be shown, and its sentence."""

from __future__ import annotations

from centra_whistl_dagster.domain.exceptions.problems import Problem, masked
from centra_whistl_dagster.domain.orders.characters import named
from centra_whistl_dagster.screening.rule import Facts, Rule

LONGEST_SHOWN_VALUE = 80
"""Characters; a text of pages in a field must not become an alert of pages."""


def shown(value: object) -> str:
    """Return a value as text that any log, mail or database takes, and not longer than a line."""
    text = str(value)
    safe = "".join(c if c.isprintable() else named(c) for c in text[:LONGEST_SHOWN_VALUE])
    return safe if len(text) <= LONGEST_SHOWN_VALUE else f"{safe}…"


def problem(rule: Rule[Facts], facts: Facts) -> Problem:
    """Say what is wrong. Nothing gets into the sentence that is not safe to be shown."""
    words = {name: shown(text) for name, text in facts.words().items()}
    text = shown((rule.value or rule.reads)(facts))
    value = masked(text) if rule.is_personal else text
    return Problem(
        kind=rule.kind,
        subject_type=rule.subject,
        subject=words[rule.subject],
        field=rule.field.format(**words),
        value=value,
        message=rule.says.format(value=value or "(blank)", **words),
    )
