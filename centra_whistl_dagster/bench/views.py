"""Time the views that answer the analysts' questions, on a year of a large shop."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import duckdb

from centra_whistl_dagster.bench import year
from centra_whistl_dagster.bench.timing import Timing, timed
from centra_whistl_dagster.history.questions import QUESTIONS
from centra_whistl_dagster.history.store import connect, connection_settings

_MADE_UP = {"'TEE001-BLK-M'": "'SKU-77'", "'C100001'": "'C1000777'"}
"""Names in the examples, and names that the generated history has."""


def answer_questions(share: float) -> Sequence[Timing]:
    """Time each question's example on that share of the large shop, as an analyst's client asks."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.duckdb"
        year.generate(path, share=share)
        settings = connection_settings(memory_limit="4GB", threads=2)
        with closing(connect(path, settings, read_only=True)) as con:
            return [
                timed(
                    f"{question.view}, {year.ORDERS_A_DAY * share:,.0f} orders a day for a year",
                    partial(_ask, con, _with_names(question.example)),
                    prepare=lambda: None,
                    runs=3,
                )
                for question in QUESTIONS
            ]


def _with_names(example: str) -> str:
    for ours, made_up in _MADE_UP.items():
        example = example.replace(ours, made_up)
    return example


def _ask(con: duckdb.DuckDBPyConnection, query: str, _: None) -> None:
    con.execute(query).fetchall()
