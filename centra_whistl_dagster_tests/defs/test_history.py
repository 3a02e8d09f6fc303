"""The history in Dagster: a day is a partition, and a reading that is missing is a failed check."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from centra_whistl_dagster.definitions import defs
from centra_whistl_dagster.history.errors import HistoryError
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.link import open_link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.centra_levels import read_centra_levels


def job(name: str) -> dg.JobDefinition:
    loaded = defs()
    assert isinstance(loaded, dg.Definitions)
    return loaded.resolve_job_def(name)


def today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


@pytest.mark.usefixtures("config_folder")
def test_a_day_of_the_history_can_be_loaded_again_as_a_partition() -> None:
    run = job("load_history_day").execute_in_process(partition_key=today())

    assert run.success


@pytest.mark.usefixtures("config_folder")
def test_a_day_whose_readings_are_gone_fails_with_a_plain_sentence() -> None:
    with open_link(load_settings(os.environ)) as link:
        read_centra_levels(link)
        assert job("publish_history").execute_in_process().success
        for path in files(link.settings.archive_path):
            path.unlink()

    run = job("load_history_day").execute_in_process(partition_key=today(), raise_on_error=False)

    (failed,) = [event for event in run.all_events if event.is_step_failure]
    assert "no longer in the archive" in str(failed.step_failure_data)
    assert HistoryError.__name__ not in str(failed.step_failure_data)


@pytest.mark.usefixtures("config_folder")
def test_a_damaged_reading_fails_a_check_and_stops_no_publication() -> None:
    with open_link(load_settings(os.environ)) as link:
        read_centra_levels(link)
        (reading,) = files(link.settings.archive_path)
        reading.write_bytes(b"half a fi")
        published = link.settings.published_path

    run = job("publish_history").execute_in_process()

    (check,) = [
        found
        for found in run.get_asset_check_evaluations()
        if found.check_name == "every_reading_is_loaded"
    ]
    assert run.success
    assert not check.passed
    assert reading.name in str(check.metadata["files"])
    assert published.exists()


def files(folder: Path) -> list[Path]:
    return list((folder / archive.CENTRA_STOCK).glob("*/*.parquet"))
