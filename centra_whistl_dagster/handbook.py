"""Write the handbook's tables of exceptions from `config/exceptions.toml`: both say the same.

`python -m centra_whistl_dagster.handbook config/exceptions.toml docs/handbook.md` writes it; a test
says when that is due. Does not belong here: the rest of the handbook, which people write.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from centra_whistl_dagster.config_files.exceptions import load_responsibilities
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import (
    Owner,
    Responsibility,
    Severity,
)

BEGIN = "<!-- written from config/exceptions.toml: begin -->"
END = "<!-- written from config/exceptions.toml: end -->"

TEAMS = {
    Owner.CX: "Customer service",
    Owner.MERCHANDISING: "Merchandising",
    Owner.ECOMMERCE: "Ecommerce",
    Owner.FULFILMENT: "Fulfilment",
    Owner.DATA: "Data team",
    Owner.FINANCE: "Finance",
}


def exceptions_tables(kinds: Mapping[ExceptionKind, Responsibility]) -> str:
    """Return a table per owner, in Markdown; what is worst and most pressing comes first."""
    sections = []
    for owner, team in TEAMS.items():
        owned = [(kind, each) for kind, each in kinds.items() if each.owner is owner]
        owned.sort(key=lambda pair: (list(Severity).index(pair[1].severity), pair[1].title))
        if owned:
            sections.append(f"#### {team} (`{owner}`)\n\n{_table(owned)}\n")
    return "\n".join(sections)


def with_tables(document: str, tables: str) -> str:
    """Return the handbook with new tables in the place of the old.

    Raises:
        ValueError: the handbook has lost the marks between which they stand.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the handbook needs the marks {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{tables}\n{END}{after}"


def _table(owned: list[tuple[ExceptionKind, Responsibility]]) -> str:
    rows = [
        f"| {each.title}<br>`{kind}` | {each.severity} | {_time_limit(each.time_limit_minutes)} "
        f"| {each.instructions} |"
        for kind, each in owned
    ]
    return "\n".join(["| what | how bad | within | what to do |", "|---|---|---|---|", *rows])


def _time_limit(minutes: int) -> str:
    if minutes % 60:
        return f"{minutes} min"
    return f"{minutes // 60} h"


if __name__ == "__main__":
    source, handbook = (Path(argument) for argument in sys.argv[1:3])
    loaded = load_responsibilities(source.read_text(encoding="utf-8"), source.name)
    text = with_tables(handbook.read_text(encoding="utf-8"), exceptions_tables(loaded))
    handbook.write_text(text, encoding="utf-8")
