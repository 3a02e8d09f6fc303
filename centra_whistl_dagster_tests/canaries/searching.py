"""Search every byte under a folder for values that must not be there, whatever holds them.

Each file is searched as it is, and unpacked: gzip and zlib, SQLite and DuckDB row by row, Parquet
cell by cell. What was unpacked is unpacked again, since Dagster keeps compressed text in SQLite.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import sqlite3
import tempfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

import duckdb
import pandas as pd

_DEEPEST = 4
"""A file inside a file inside a file is deep enough."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Found:
    """One value in one file."""

    path: Path
    needle: str
    how: str
    """As it is, or through which packing."""


def find_bytes(folder: Path, needles: Collection[str]) -> list[Found]:
    """Return which of these values is in which file, in any of the ways that text is written."""
    written = {form: needle for needle in needles for form in _forms(needle)}
    found: set[Found] = set()
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        found |= _in_bytes(path, str(path).encode(), "its name", written)
        for how, content in _contents(path.read_bytes(), "as it is"):
            found |= _in_bytes(path, content, how, written)
    return sorted(found)


def _in_bytes(path: Path, content: bytes, how: str, written: dict[bytes, str]) -> set[Found]:
    folded = content.lower()
    return {
        Found(path=path, needle=needle, how=how)
        for form, needle in written.items()
        if form in folded
    }


def _forms(needle: str) -> Iterator[bytes]:
    for cased in {needle, needle.lower(), needle.upper()}:
        for text in {cased, json.dumps(cased)[1:-1], quote(cased), quote_plus(cased)}:
            yield text.encode().lower()
            yield text.encode("utf-16-le").lower()


def _contents(content: bytes, how: str, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    yield how, content
    if depth == _DEEPEST:
        return
    for packing, inner in _unpacked(content):
        yield from _contents(inner, f"{how}, {packing}", depth + 1)


def _unpacked(content: bytes) -> Iterator[tuple[str, bytes]]:
    if content[:2] == b"\x1f\x8b":
        yield "gzip", gzip.decompress(content)
    elif content[:1] == b"\x78":
        with suppress(zlib.error):  # begins like zlib by chance
            yield "zlib", zlib.decompress(content)
    elif content[:4] == b"PAR1":
        yield "Parquet", _of_parquet(content)
    elif content[:15] == b"SQLite format 3":
        for cell in _of_sqlite(content):
            yield "SQLite", cell
    elif content[8:12] == b"DUCK":
        yield "DuckDB", _of_duckdb(content)
    elif len(content) > 40 and len(content) % 4 == 0 and b" " not in content[:200]:
        with suppress(binascii.Error):  # is no Base64
            yield "Base64", base64.b64decode(content, validate=True)


def _of_parquet(content: bytes) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        file.write(content)
        file.flush()
        return pd.read_parquet(file.name).to_csv().encode()


def _of_sqlite(content: bytes) -> Iterator[bytes]:
    """Yield every cell; the log beside the file is a file of its own, which is searched too."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        # Read without its log, which a copy of the file alone does not have.
        copy.write_bytes(content[:18] + b"\x01\x01" + content[20:])
        with closing(sqlite3.connect(copy)) as connection:
            connection.text_factory = bytes
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (name,) in names.fetchall():
                for row in connection.execute(f'SELECT * FROM "{name.decode()}"'):  # noqa: S608
                    yield from (cell for cell in row if isinstance(cell, bytes))


def _of_duckdb(content: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.duckdb"
        copy.write_bytes(content)
        with closing(duckdb.connect(str(copy), read_only=True)) as connection:
            tables = connection.execute(
                "SELECT table_schema, table_name FROM information_schema.tables "
                "WHERE table_type = 'BASE TABLE'"
            ).fetchall()
            return b"\n".join(
                repr(connection.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall()).encode()  # noqa: S608
                for schema, name in tables
            )
