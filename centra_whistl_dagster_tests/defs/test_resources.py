"""What Dagster shows when something outside is wrong: one sentence that says who can fix it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from centra_whistl_dagster.definitions import defs
from centra_whistl_dagster.launching.dagster_processes import free_port
from centra_whistl_dagster.transport import calls


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, config_folder: Path) -> pytest.MonkeyPatch:
    """The environment of a complete installation; a test takes something away."""
    return monkeypatch


def relay() -> dg.ExecuteInProcessResult:
    definitions: dg.Definitions = defs()
    job = definitions.resolve_job_def("relay_orders")
    with dg.instance_for_test() as instance:
        return job.execute_in_process(instance=instance, raise_on_error=False)


def why(result: dg.ExecuteInProcessResult) -> str:
    (failure,) = [
        event for event in result.get_step_failure_events() if event.step_key == "centra__orders"
    ]
    data = failure.step_failure_data
    assert data.user_failure_data is not None
    return str(data.user_failure_data.description)


def test_a_relay_reads_screens_and_sends(environment: pytest.MonkeyPatch) -> None:
    assert relay().success


def test_a_refused_token_names_the_token_and_where_to_renew_it(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("CENTRA_TOKEN", "long-expired")

    reported = why(relay())

    assert "Centra" in reported
    assert "API Tokens" in reported
    assert "long-expired" not in reported


def test_an_unreachable_centra_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CENTRA_BASE_URL", f"http://127.0.0.1:{free_port()}")
    environment.setattr(calls, "FIRST_WAIT_SECONDS", 0.0)

    assert "Centra" in why(relay())


@pytest.mark.parametrize("name", ["CENTRA_TOKEN", "WHISTL_BASE_URL", "WHISTL_SITE"])
def test_a_missing_setting_is_named(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)

    assert f"{name} is not set" in why(relay())


def test_a_fault_in_the_shipping_table_is_reported_with_its_line(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = tmp_path / "config" / "shipping_services.csv"
    table.write_text(table.read_text() + "Express,GB,,SIM-X,,,,ecommerce,half a service\n")

    reported = why(relay())

    assert "shipping_services.csv" in reported
    assert "line" in reported


def test_a_missing_configuration_file_is_named(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config" / "exceptions.toml").unlink()

    assert "exceptions.toml" in why(relay())
