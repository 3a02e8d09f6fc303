"""The byte search finds a value in every kind of file that the product writes."""

from __future__ import annotations

import base64
import gzip
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from centra_whistl_dagster_tests.canaries.searching import find_bytes

CANARY = "Zoë Kanari"
SAID = f"sent to {CANARY} at last"


def write_sqlite(path: Path, cell: str | bytes) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (c)")
        connection.execute("INSERT INTO t VALUES (?)", (cell,))
    connection.close()


def write_duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT ? AS c FROM range(5000)", [SAID])


PLANTED: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text(SAID.upper()),
    "utf-16": lambda path: path.write_bytes(SAID.encode("utf-16-le")),
    "json": lambda path: path.write_text('{"name": "Zo\\u00eb Kanari"}'),
    "address": lambda path: path.write_text("GET /?name=Zo%C3%AB+Kanari"),
    "gzip": lambda path: path.write_bytes(gzip.compress(SAID.encode())),
    "sqlite": lambda path: write_sqlite(path, SAID),
    "compressed in sqlite": lambda path: write_sqlite(path, zlib.compress(SAID.encode())),
    "base64 in sqlite": lambda path: write_sqlite(
        path, base64.b64encode(zlib.compress(SAID.encode() * 2)).decode()
    ),
    "duckdb": write_duckdb,
    "parquet": lambda path: pd.DataFrame({"c": [SAID] * 5000}).to_parquet(path),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_value_is_found_in_every_kind_of_file(kind: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    PLANTED[kind](tmp_path / "deep" / "file")

    found = find_bytes(tmp_path, [CANARY, "Nobody Else"])

    assert {each.needle for each in found} == {CANARY}
    assert {each.path.name for each in found} == {"file"}


def test_a_value_in_the_name_of_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "order of Zoë Kanari.json").write_text("{}")

    assert [each.how for each in find_bytes(tmp_path, [CANARY])] == ["its name"]
