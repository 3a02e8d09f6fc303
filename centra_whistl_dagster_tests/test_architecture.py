"""Rules that import-linter cannot check: names, docstrings, and the ledger's tables."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.ledger.rows import (
    AlertRow,
    DeskActionRow,
    DespatchRow,
    ExceptionChange,
    ExceptionRow,
    MessageRow,
    OrderChange,
    OrderLineRow,
    OrderRow,
    ParcelChange,
    ParcelLineRow,
    ParcelRow,
    ReleaseRequestRow,
    SnapshotRow,
    SubmissionRow,
    WatchedRow,
    WorkChange,
    WorkRow,
)
from centra_whistl_dagster.ledger.tables import metadata
from centra_whistl_dagster.simulator.world.clock import ManualClock

PROJECT = Path(__file__).parents[1]
MODULES = sorted((PROJECT / "centra_whistl_dagster").rglob("*.py"))
LONG = 200
"""Lines above which a module's docstring must say what does not belong in it."""

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base"}


def name_of(module: Path) -> str:
    return str(module.relative_to(PROJECT))


def docstring_fault(module: Path) -> str | None:
    text = module.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text))
    if docstring is None:
        return "no docstring"
    if not docstring.split("\n\n")[0].endswith((".", ":")):
        return "its first paragraph is not a sentence"
    is_long = len(text.splitlines()) > LONG
    if is_long and "not belong here" not in " ".join(docstring.split()):
        return "long, and does not say what does not belong in it"
    return None


def test_every_module_says_what_it_is_and_a_long_one_what_does_not_belong_in_it() -> None:
    faults = {name_of(module): docstring_fault(module) for module in MODULES}

    assert {name: fault for name, fault in faults.items() if fault} == {}


def test_no_module_has_a_vague_name() -> None:
    assert [name_of(module) for module in MODULES if module.stem in VAGUE_NAMES] == []


def test_the_migrations_produce_exactly_the_declared_tables(
    new_database_url: str, clock: ManualClock
) -> None:
    url = new_database_url
    Ledger(url, now=clock).close()
    engine = sa.create_engine(url)
    inspector = sa.inspect(engine)
    migrated = {
        name: {column["name"]: column for column in inspector.get_columns(name)}
        for name in inspector.get_table_names()
        if name not in {"applied_migrations", "sqlite_sequence"}
    }
    primary_keys = {
        name: set(inspector.get_pk_constraint(name)["constrained_columns"]) for name in migrated
    }
    engine.dispose()

    assert set(migrated) == set(metadata.tables)
    for name, table in metadata.tables.items():
        columns = migrated[name]
        assert set(columns) == set(table.columns.keys()), name
        keys = primary_keys[name]
        assert keys == {column.name for column in table.primary_key}, name
        for key, column in columns.items():
            declared = table.columns[key]
            is_key = key in keys
            assert is_key or column["nullable"] == declared.nullable, f"{name}.{key} may be null"
            has_default = column["default"] is not None
            assert is_key or has_default == (declared.server_default is not None), f"{name}.{key}"


ROWS = {
    "orders": OrderRow,
    "order_lines": OrderLineRow,
    "submissions": SubmissionRow,
    "despatches": DespatchRow,
    "messages": MessageRow,
    "parcels": ParcelRow,
    "parcel_lines": ParcelLineRow,
    "exceptions": ExceptionRow,
    "alerts": AlertRow,
    "watched": WatchedRow,
    "stock_snapshots": SnapshotRow,
    "exception_work": WorkRow,
    "desk_actions": DeskActionRow,
    "release_requests": ReleaseRequestRow,
}
CHANGES = {
    "orders": OrderChange,
    "parcels": ParcelChange,
    "exceptions": ExceptionChange,
    "exception_work": WorkChange,
}


def test_each_row_of_the_ledger_has_exactly_its_tables_columns() -> None:
    for name, row in ROWS.items():
        columns = metadata.tables[name].columns.keys()
        assert [field.name for field in fields(row)] == list(columns), name
    for name, change in CHANGES.items():
        assert change.__annotations__.keys() <= set(metadata.tables[name].columns.keys()), name


def test_every_kind_of_exception_is_raised_somewhere() -> None:
    used = {
        node.attr
        for module in MODULES
        if module.name != "problems.py"
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }

    assert [kind.name for kind in ExceptionKind if kind.name not in used] == []
