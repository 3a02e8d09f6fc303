"""The kinds of column that history has, and what DuckDB and a reader need to know of each.

Belongs here: how one Pandera column becomes a DuckDB column, a line of documentation and a line in
the UI. Does not belong here: which columns there are (`tables`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandera.pandas as pa
from pandera.engines import pandas_engine

CODE = r"^[a-z0-9_,]*\Z"
"""Lower-case words, several with commas between. No sentence fits, so no name or address does."""

REMARK = r"^(?!.*@)(?!.*\d(?:[ ().]*\d){9})[^\n]{0,300}\Z"
"""One line, no e-mail sign, no ten digits in a row such as phone numbers have."""


def text(description: str, **checks: Any) -> Any:
    """Text that holds no personal data. `nullable` and Pandera's checks are passed on."""
    return pa.Field(description=description, **checks)


def remark(description: str, **checks: Any) -> Any:
    """A short sentence of our own making. One that carries an e-mail or a phone number is refused.

    A net below those who write the sentence, not a licence to put personal data into it.
    """
    return pa.Field(description=description, str_matches=REMARK, **checks)


def code(description: str, **checks: Any) -> Any:
    """One or several words from a list kept in code or configuration; never a sentence."""
    return pa.Field(description=description, str_matches=CODE, **checks)


def count(description: str, **checks: Any) -> Any:
    """A whole number."""
    return pa.Field(description=description, **checks)


def yes_no(description: str, **checks: Any) -> Any:
    """A truth."""
    return pa.Field(description=description, **checks)


def money(description: str, **checks: Any) -> Any:
    """An exact amount with two decimal places; its currency is another column."""
    return pa.Field(description=description, dtype_kwargs={"precision": 14, "scale": 2}, **checks)


def moment(description: str, **checks: Any) -> Any:
    """An instant in UTC, to the microsecond."""
    return pa.Field(description=description, dtype_kwargs={"unit": "us", "tz": "UTC"}, **checks)


class HistoryTable(pa.DataFrameModel):
    """What all tables share: no column more or less than the model says, and its exact types."""

    class Config:
        """Pandera's settings."""

        strict = True
        coerce = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """One column as DuckDB, the UI and the data dictionary show it."""

    name: str
    type: str
    """DuckDB's own name of it."""
    is_nullable: bool
    description: str


def columns_of(model: type[HistoryTable]) -> tuple[ColumnFacts, ...]:
    """List a table's columns in order."""
    return tuple(
        ColumnFacts(
            name=str(name),
            type=_duckdb_type(column.dtype),
            is_nullable=column.nullable,
            description=column.description or "",
        )
        for name, column in model.to_schema().columns.items()
    )


def key_of(model: type[HistoryTable]) -> tuple[str, ...]:
    """List the columns that together name one row."""
    unique = model.to_schema().unique
    if not unique:
        raise TypeError(f"{model.__name__} has no key: set `unique` in its Config")
    return tuple(unique)


def moments_of(model: type[HistoryTable]) -> tuple[str, ...]:
    """List the columns that hold instants."""
    return tuple(c.name for c in columns_of(model) if c.type == "TIMESTAMP WITH TIME ZONE")


def table_name(model: type[HistoryTable]) -> str:
    """Return the table's name in DuckDB."""
    name = model.to_schema().name
    if not name:
        raise TypeError(f"{model.__name__} has no table name: set `name` in its Config")
    return str(name)


def description_of(model: type[HistoryTable]) -> str:
    """Return what one row of the table is, on one line."""
    return " ".join((model.__doc__ or "").split())


def create_statement(model: type[HistoryTable]) -> str:
    """Write the CREATE TABLE that a migration for a new table records.

    No primary key: on a million rows its index costs 70 MB and more than doubles the first load.
    Keys are kept by the loads, which are the only writers.
    """
    columns = [
        f"    {c.name} {c.type}{'' if c.is_nullable else ' NOT NULL'}" for c in columns_of(model)
    ]
    return f"CREATE TABLE {table_name(model)} (\n" + ",\n".join(columns) + "\n);\n"


def _duckdb_type(dtype: object) -> str:
    if isinstance(dtype, pandas_engine.Decimal):
        return f"DECIMAL({dtype.precision},{dtype.scale})"
    types: tuple[tuple[type, str], ...] = (
        (pandas_engine.STRING, "VARCHAR"),
        (pandas_engine.INT64, "BIGINT"),
        (pandas_engine.BOOL, "BOOLEAN"),
        (pandas_engine.DateTime, "TIMESTAMP WITH TIME ZONE"),
    )
    for kind, name in types:
        if isinstance(dtype, kind):
            return name
    raise TypeError(f"No DuckDB type is chosen for {dtype!r}; use the column kinds of this module")
