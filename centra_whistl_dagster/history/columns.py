"""The kinds of column in the history: what Pandera, DuckDB, the UI and a reader need of each.

Which columns there are is in `tables` and `stock_tables`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandera.pandas as pa
from pandera.engines import pandas_engine

CODE = r"^[a-z0-9_,]*\Z"
"""Lower-case words with commas between them. No sentence matches, so no name or address does."""

REMARK = r"^(?!.*@)(?!.*\d(?:[ ().]*\d){9})[^\n]{0,300}\Z"
"""One line, no e-mail sign, no ten digits in a row such as phone numbers have."""


def text(description: str, **checks: Any) -> Any:
    """Text without personal data. `nullable` and Pandera's checks are passed on."""
    return pa.Field(description=description, **checks)


def remark(description: str, **checks: Any) -> Any:
    """A short sentence that our own code writes. One with an e-mail or a phone number is refused.

    Only a second line of defence: the code that writes it must leave personal data out.
    """
    return pa.Field(description=description, str_matches=REMARK, **checks)


def code(description: str, **checks: Any) -> Any:
    """One or several words from a list in code or configuration; never a sentence."""
    return pa.Field(description=description, str_matches=CODE, **checks)


def count(description: str, **checks: Any) -> Any:
    """A whole number."""
    return pa.Field(description=description, **checks)


def yes_no(description: str, **checks: Any) -> Any:
    """True or false."""
    return pa.Field(description=description, **checks)


def money(description: str, **checks: Any) -> Any:
    """An exact amount with two decimal places; its currency is another column."""
    return pa.Field(description=description, dtype_kwargs={"precision": 14, "scale": 2}, **checks)


def weight(description: str, **checks: Any) -> Any:
    """An exact weight in kilograms with three decimal places."""
    return pa.Field(description=description, dtype_kwargs={"precision": 12, "scale": 3}, **checks)


def moment(description: str, **checks: Any) -> Any:
    """An instant in UTC, to the microsecond."""
    return pa.Field(description=description, dtype_kwargs={"unit": "us", "tz": "UTC"}, **checks)


class HistoryTable(pa.DataFrameModel):
    """One table: exactly the columns that the model names, in exactly their types.

    `name` in its Config is the table's, `unique` its key. A load inserts new rows and changes
    different ones. Of a table that is part of another, such as order lines of orders, the key
    begins with the column that names the row it belongs to.
    """

    class Config:
        """Pandera's settings."""

        strict = True
        coerce = True


class AppendOnlyTable(HistoryTable):
    """A table whose rows never change: a load inserts the rows whose key is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """One column as DuckDB, the UI and the data dictionary show it."""

    name: str
    type: str
    """As DuckDB names it."""
    is_nullable: bool
    description: str

    @property
    def definition(self) -> str:
        """The type with its constraint, as SQL declares them."""
        return self.type if self.is_nullable else f"{self.type} NOT NULL"


def declared_in(namespace: Mapping[str, object]) -> tuple[type[HistoryTable], ...]:
    """Return the tables that a module declares, in that order, given its `vars`.

    A class that others derive from is not a table itself.
    """
    return tuple(
        value
        for value in namespace.values()
        if isinstance(value, type)
        and issubclass(value, HistoryTable)
        and value.__module__ == namespace["__name__"]
        and not value.__subclasses__()
    )


def columns_of(model: type[HistoryTable]) -> tuple[ColumnFacts, ...]:
    """Return a table's columns in order."""
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
    """Return the columns that together identify one row."""
    unique = model.to_schema().unique
    if not unique:
        raise TypeError(f"{model.__name__} has no key: set `unique` in its Config")
    return tuple(unique)


def moments_of(model: type[HistoryTable]) -> tuple[str, ...]:
    """Return the columns that hold instants."""
    return tuple(c.name for c in columns_of(model) if c.type == "TIMESTAMP WITH TIME ZONE")


def table_name(model: type[HistoryTable]) -> str:
    """Return the table's name in DuckDB."""
    name = model.to_schema().name
    if name == model.__name__:  # Pandera's own default
        raise TypeError(f"{model.__name__} has no table name: set `name` in its Config")
    return str(name)


def description_of(model: type[HistoryTable]) -> str:
    """Return what one row of the table is, on one line."""
    return " ".join((model.__doc__ or "").split())


def create_statement(model: type[HistoryTable]) -> str:
    """Return the CREATE TABLE that the migration of a new table holds.

    No primary key: on a million rows its index costs 70 MB and more than doubles the first load.
    The loads, which are the only writers, keep keys unique.
    """
    columns = [f"    {c.name} {c.definition}" for c in columns_of(model)]
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
