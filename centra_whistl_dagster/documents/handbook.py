"""The handbook's generated tables: exceptions, and what happens to a changed order.

Every other part of the handbook is written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from centra_whistl_dagster.config_files.exceptions import load_responsibilities
from centra_whistl_dagster.documents import changes
from centra_whistl_dagster.domain.exceptions.endings import ENDS
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import TEAMS, Responsibility, Severity

BEGIN = "<!-- generated from config/exceptions.toml: begin -->"
END = "<!-- generated from config/exceptions.toml: end -->"


def handbook(project: Path) -> str:
    """Return the handbook with its generated tables brought up to date.

    Args:
        project: the folder with `config/` and `docs/`.

    Raises:
        ConfigError: `config/exceptions.toml` is invalid.
        ValueError: the handbook lost the marks around its tables.
    """
    source = project / "config" / "exceptions.toml"
    kinds = load_responsibilities(source.read_text(encoding="utf-8"), source.name)
    document = (project / "docs" / "handbook.md").read_text(encoding="utf-8")
    document = with_tables(document, changes.matrix_table(), begin=changes.BEGIN, end=changes.END)
    return with_tables(document, exceptions_tables(kinds))


def exceptions_tables(kinds: Mapping[ExceptionKind, Responsibility]) -> str:
    """Return one Markdown table per owner, the most severe exceptions first."""
    sections = []
    for owner, team in TEAMS.items():
        owned = [(kind, entry) for kind, entry in kinds.items() if entry.owner is owner]
        owned.sort(key=lambda pair: (list(Severity).index(pair[1].severity), pair[1].title))
        if owned:
            sections.append(f"#### {team} (`{owner}`)\n\n{_table(owned)}\n")
    return "\n".join(sections)


def with_tables(document: str, tables: str, *, begin: str = BEGIN, end: str = END) -> str:
    """Return the handbook with new tables in place of the old ones between two marks.

    Raises:
        ValueError: the handbook lost the marks around its tables.
    """
    before, found_begin, rest = document.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"docs/handbook.md must contain the marks {begin!r} and {end!r}")
    return f"{before}{begin}\n\n{tables}\n{end}{after}"


def _table(owned: list[tuple[ExceptionKind, Responsibility]]) -> str:
    rows = [
        f"| {entry.title}<br>`{kind}` | {entry.severity} "
        f"| {entry.time_limit} | {entry.instructions} | {ENDS[kind].when} |"
        for kind, entry in owned
    ]
    columns = ["exception", "severity", "within", "what to do", "it closes when"]
    header = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join([*header, *rows])
