"""What makes thousands of histories cheap: nothing here changes a figure.

A history has a handful of SKUs, where starting DuckDB for a join, Parquet files and parsing the
same GraphQL documents again cost ten times what the workflows themselves do. The stand-ins keep to
the contract of what they stand for, which a test compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
from graphql import DocumentNode, GraphQLSchema

from centra_whistl_dagster import settings
from centra_whistl_dagster.config_files.configuration import Configuration, load_configuration
from centra_whistl_dagster.history import alignment
from centra_whistl_dagster.simulator.centra import app
from centra_whistl_dagster.simulator.centra.schema import centra_schema
from centra_whistl_dagster.simulator.centra.times import read_time
from centra_whistl_dagster.simulator.world.world import World
from centra_whistl_dagster.workflows.stock import archive, feed_comparison, reconciliation

_SCHEMAS: list[GraphQLSchema] = []
_DOCUMENTS: dict[str, DocumentNode] = {}


def aligned_without_duckdb(
    whole: Mapping[str, alignment.SkuTable],
    beside: Mapping[str, alignment.SkuTable],
    *,
    threads: int | None = None,
) -> pa.Table:
    """Join tables on `sku` as `alignment.align` does."""
    tables = {
        name: table if isinstance(table, pd.DataFrame) else table.to_pandas()
        for name, table in {**whole, **beside}.items()
    }
    skus = list(dict.fromkeys(sku for name in whole for sku in tables[name]["sku"].tolist()))
    columns: dict[str, Any] = {"sku": pa.array(skus, type=pa.string())}
    places = {
        name: {sku: at for at, sku in enumerate(table["sku"].tolist())}
        for name, table in tables.items()
    }
    for name in tables:
        columns[f"in_{name}"] = np.array([sku in places[name] for sku in skus], dtype=bool)
    for name, table in tables.items():
        for column in table.columns.drop("sku"):
            values = table[column].tolist()
            columns[f"{name}_{column}"] = np.array(
                [values[places[name][sku]] if sku in places[name] else 0 for sku in skus],
                dtype=np.int64,
            )
    return pa.table(columns)


class MemoryArchive:
    """The archive of one history."""

    def __init__(self) -> None:
        self._frames: dict[str, pd.DataFrame] = {}

    def keep(
        self, folder: Path, kind: str, name: str, taken_at: datetime, frame: pd.DataFrame
    ) -> Path:
        """Stand for `archive.keep`."""
        relative = Path(kind) / f"{taken_at:%Y-%m-%d}" / f"{name}.parquet"
        self._frames[str(relative)] = frame.reset_index(drop=True)
        return relative

    def fetch(self, folder: Path, relative: str) -> pd.DataFrame:
        """Stand for `archive.fetch`."""
        return self._frames[str(relative)].copy(deep=False)


@cache
def configuration_once(path: Path) -> Configuration:
    """Read a folder of configuration that nobody edits meanwhile."""
    return load_configuration(path)


def schema_once(world: World) -> GraphQLSchema:
    """Return the one schema, which reads moments by the clock of this world."""
    if not _SCHEMAS:
        _SCHEMAS.append(centra_schema(world))
    moment: Any = _SCHEMAS[0].type_map["DateTimeTz"]
    moment.parse_value = lambda value: read_time(value, world.now())
    return _SCHEMAS[0]


@contextmanager
def cheaply() -> Iterator[None]:
    """Let everything in this block work in memory."""
    kept = MemoryArchive()
    begin = app.Centra.__init__

    def with_known_documents(self: app.Centra, world: Any) -> None:
        begin(self, world)
        self._documents = _DOCUMENTS

    with (
        patch.object(archive, "keep", kept.keep),
        patch.object(archive, "fetch", kept.fetch),
        patch.object(reconciliation, "align", aligned_without_duckdb),
        patch.object(feed_comparison, "align", aligned_without_duckdb),
        patch.object(app.Centra, "__init__", with_known_documents),
        patch.object(app, "centra_schema", schema_once),
        patch.object(settings, "load_configuration", configuration_once),
    ):
        yield
