"""Migrations run on both databases, each with the statements that are for it."""

from __future__ import annotations

import re

import sqlalchemy as sa

from centra_whistl_dagster.ledger.migrations import statements
from centra_whistl_dagster.ledger.tables import metadata
from centra_whistl_dagster.migrations import migrations_in

PACKAGE = "centra_whistl_dagster.ledger"
ALTERED = re.compile(r"ALTER COLUMN (\w+) TYPE BIGINT")
NEW_COLUMN = re.compile(r"(?:^|ADD COLUMN)\s*(\w+) INTEGER", re.MULTILINE)


def on(dialect: str) -> list[str]:
    return [part for m in migrations_in(PACKAGE) for part in statements(m.text, dialect)]


def test_a_statement_for_one_database_runs_on_that_one_alone() -> None:
    text = "{sqlite} A;\n{postgresql} B; -- a comment\nC;"

    assert statements(text, "sqlite") == ["A", "C"]
    assert statements(text, "postgresql") == ["B", "C"]


def test_no_statement_keeps_a_mark_of_ours() -> None:
    for dialect in ("sqlite", "postgresql"):
        assert [part for part in on(dialect) if "{" in part] == []


def test_every_whole_number_of_the_first_tables_has_64_bits_on_postgresql() -> None:
    widened: set[tuple[str, str]] = set()
    narrow: set[tuple[str, str]] = set()
    first = [m for m in migrations_in(PACKAGE) if m.name < "0006"]
    for statement in [part for m in first for part in statements(m.text, "postgresql")]:
        if found := re.match(r"(?:CREATE|ALTER) TABLE (\w+)", statement):
            widened |= {(found[1], column) for column in ALTERED.findall(statement)}
            narrow |= {(found[1], column) for column in NEW_COLUMN.findall(statement)}

    assert ("despatches", "sequence") in narrow
    assert widened == narrow
    assert all(
        isinstance(metadata.tables[table].c[column].type, sa.BigInteger)
        for table, column in widened
    )
