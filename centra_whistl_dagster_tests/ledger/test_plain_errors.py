"""No database error says what was in the row, be it of the ledger or of Dagster's own storage."""

from __future__ import annotations

import subprocess
import sys
import traceback
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.instance.ref import InstanceRef

from centra_whistl_dagster.ledger.plain_errors import hide_values

PROJECT = Path(__file__).resolve().parents[2]
CANARY = "Zebedee Quartermaine"
FAILING = """
import sys, sqlalchemy as sa
with sa.create_engine("sqlite://").connect() as connection:
    connection.execute(sa.text("INSERT INTO nowhere VALUES (:name)"), {"name": sys.argv[1]})
"""


def trace_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def failing(engine: sa.Engine, statement: str) -> sa.exc.DBAPIError:
    with pytest.raises(sa.exc.DBAPIError) as caught, engine.begin() as connection:
        connection.execute(sa.text(statement), {"name": CANARY})
    return caught.value


def test_an_engine_that_somebody_else_created_quotes_no_parameter() -> None:
    engine = sa.create_engine("sqlite://")  # as Dagster creates its own: nothing is set

    error = failing(engine, "INSERT INTO nowhere VALUES (:name)")
    engine.dispose()

    assert "no such table" in str(error)
    assert CANARY not in trace_of(error)


class RefusedRow(Exception):
    """As psycopg2's: a code, names, and a text that quotes the row."""

    pgcode = "23502"

    class diag:  # noqa: N801 - psycopg2's name
        table_name = "orders"
        column_name = "state"
        constraint_name = None


def test_what_postgresql_quotes_of_a_row_is_left_out_and_the_names_stay() -> None:
    orig = RefusedRow(f"null value in column\nDETAIL:  Failing row contains (7, {CANARY}).")
    error = sa.exc.IntegrityError("INSERT", {"name": CANARY}, orig)

    class Context:
        sqlalchemy_exception = error

    hide_values(Context())

    assert "23502, table orders, column state" in str(error)
    assert CANARY not in trace_of(error) + trace_of(orig)


@pytest.mark.parametrize(
    "program",
    [
        "import centra_whistl_dagster.definitions",
        "from dagster import DagsterInstance as D; D.get().run_launcher",
    ],
    ids=["a run and the code server", "webserver and daemon"],
)
def test_every_process_hides_the_parameters_of_dagster_s_own_storage(
    program: str, tmp_path: Path
) -> None:
    (tmp_path / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())
    ended = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", f"{program}\n{FAILING}", CANARY],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
        env={"DAGSTER_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT)},
    )

    assert "parameters hidden" in ended.stderr
    assert CANARY not in ended.stderr


def test_an_error_of_dagster_s_event_storage_shows_no_event(tmp_path: Path) -> None:
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as instance:
        storage = instance.event_log_storage
        with (
            pytest.raises(sa.exc.DBAPIError) as caught,
            storage.index_connection() as connection,  # type: ignore[attr-defined]  # of its SQL storages
        ):
            connection.execute(
                sa.text("INSERT INTO event_logs (nothing) VALUES (:e)"), {"e": CANARY}
            )

    assert "event_logs" in str(caught.value)
    assert CANARY not in trace_of(caught.value)
