"""Migrations run on both databases, each with the statements that are for it."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from centra_whistl_dagster.ledger.migrations import statements
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.ledger.tables import metadata
from centra_whistl_dagster.migrations import migrations_in
from centra_whistl_dagster_tests.postgresql import Cluster

PACKAGE = "centra_whistl_dagster.ledger"


def on(dialect: str) -> list[str]:
    return [part for m in migrations_in(PACKAGE) for part in statements(m.text, dialect)]


def test_a_statement_for_one_database_runs_on_that_one_alone() -> None:
    text = "{sqlite} A;\n{postgresql} B; -- a comment\nC;"

    assert statements(text, "sqlite") == ["A", "C"]
    assert statements(text, "postgresql") == ["B", "C"]


def test_no_statement_keeps_a_mark_of_ours() -> None:
    for dialect in ("sqlite", "postgresql"):
        assert [part for part in on(dialect) if "{" in part] == []


def test_postgresql_holds_every_number_that_is_declared(
    postgresql: Cluster, migrated_database: str
) -> None:
    with postgresql.database(template=migrated_database) as name:
        engine = sa.create_engine(postgresql.url(name))
        inspector = sa.inspect(engine)
        found = {
            (table, column["name"]): str(column["type"])
            for table in metadata.tables
            for column in inspector.get_columns(table)
        }
        engine.dispose()
    declared = {
        (table.name, column.name): str(column.type.compile(engine.dialect))
        for table in metadata.tables.values()
        for column in table.columns
    }
    numbers = {key: kind for key, kind in declared.items() if kind.startswith(("BIG", "NUM"))}

    assert numbers["despatches", "sequence"] == "BIGINT"
    assert {key: found[key] for key in numbers} == numbers


def test_intents_of_earlier_releases_that_no_call_has_followed_keep_that(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    values = "(id, centra_id, whistl_number, payload_hash, intent_at, outcome, detail)"
    sentence = "not sent: looked up first, after a gap in the ledger"
    with engine.begin() as tx:
        for migration in migrations_in(PACKAGE):
            if migration.name.startswith("0036"):
                tx.exec_driver_sql(
                    f"INSERT INTO submissions {values} VALUES"
                    f"(1, 'a', 'C1', 'h', '2026', 'unknown', '{sentence}'),"
                    "(2, 'b', 'C2', 'h', '2026', 'unknown', 'timed out'),"
                    "(3, 'c', 'C3', 'h', '2026', NULL, NULL)"
                )
            for statement in statements(migration.text, "sqlite"):
                tx.exec_driver_sql(statement)
        found = tx.exec_driver_sql("SELECT outcome FROM submissions ORDER BY id").scalars().all()
    engine.dispose()

    assert found == [SubmissionOutcome.LOOKED_UP_FIRST, SubmissionOutcome.UNKNOWN, None]
