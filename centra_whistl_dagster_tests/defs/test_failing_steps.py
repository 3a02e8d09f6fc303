"""Whatever makes a step fail twice in the same way is an exception, which only that step ends."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
import time_machine

from centra_whistl_dagster import defs as defs_package
from centra_whistl_dagster.config_files.reader import ConfigError, ConfigFault
from centra_whistl_dagster.definitions import defs
from centra_whistl_dagster.defs.alerts import exceptions_changed
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.defs.sensors import new_centra_orders
from centra_whistl_dagster.ledger.engine import LeaseTaken
from centra_whistl_dagster.ledger.exception_news import listed
from centra_whistl_dagster.ledger.rows import ExceptionRow
from centra_whistl_dagster.ledger.tables import alerts
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind, FaultRule
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.transport import (
    AccessDenied,
    ContractBroken,
    IntegrationError,
    NotSent,
    OutcomeUnknown,
    Reason,
    Refused,
    Throttled,
)
from centra_whistl_dagster.workflows.exceptions.step_failures import open_ledger

CUSTOMER = "Ada Lovelace, 12 High Street"


def integration_error(kind: type[IntegrationError], operation: str = "orders") -> IntegrationError:
    return kind(system="Centra", operation=operation, detail="did not work", advice="Ask Centra.")


def refused(code: str = "unknown_member", kind: type[Refused] = Refused) -> Refused:
    return kind(
        system="Centra",
        operation="orders",
        detail=f"refused (HTTP 400, {code})",
        status=400,
        code=code,
        reasons=(Reason(code=code, field="where", foreign_text=CUSTOMER),),
    )


FAILURES: dict[str, Exception] = {
    "another filter member": refused(),
    "another answer than agreed": integration_error(ContractBroken),
    "a faulty file": ConfigError("policy.toml", [ConfigFault(line=3, detail="it is missing")]),
    "another process holds the lease": LeaseTaken("'centra stock' is being done by another"),
    "the database": sa.exc.OperationalError("INSERT", {"comment": CUSTOMER}, Exception("locked")),
    "a fault in our code": ValueError(CUSTOMER),
    "a fault that Dagster is told of": dg.Failure(description="It does not add up."),
}
OUTAGES = [
    integration_error(NotSent),
    integration_error(OutcomeUnknown),
    integration_error(Throttled),
]


@pytest.fixture(autouse=True)
def passing_time(config_folder: Path, clock: ManualClock) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(clock(), tick=False) as traveller:
        yield traveller


def fail(error: Exception, step: str = "centra/orders", times: int = 1) -> None:
    for _ in range(times):
        with suppress(Exception), LinkResource().open(step):
            raise error


def succeed(step: str = "centra/orders") -> None:
    with LinkResource().open(step):
        pass


def open_now() -> list[ExceptionRow]:
    ledger = open_ledger(LinkResource().ledger_settings())
    with ledger.reading() as tx:
        rows = listed(tx)
    ledger.close()
    return rows


def kinds() -> list[tuple[str, str]]:
    return sorted((row.kind, row.subject) for row in open_now())


# ---- every failure that comes twice
@pytest.mark.parametrize("failure", FAILURES)
def test_what_fails_twice_in_the_same_way_is_an_exception_with_an_owner(failure: str) -> None:
    fail(FAILURES[failure])
    after_one = kinds()
    fail(FAILURES[failure])

    (row,) = open_now()
    assert after_one == []
    assert (row.kind, row.subject, row.owner) == ("step_failing", "centra/orders", "data")
    assert CUSTOMER not in row.message


@pytest.mark.parametrize("failure", FAILURES)
def test_only_the_same_step_s_success_ends_it(failure: str) -> None:
    fail(FAILURES[failure], times=2)

    succeed("new_centra_orders")
    succeed("whistl/order_statuses")
    still = kinds()
    succeed("centra/orders")

    assert still == [("step_failing", "centra/orders")]
    assert kinds() == []


def test_a_success_between_two_failures_begins_the_count_again() -> None:
    for _ in range(3):
        fail(refused())
        succeed()

    assert kinds() == []


def test_faults_that_take_turns_are_an_exception_too() -> None:
    fail(refused("one"))
    fail(refused("other"))
    after_two = kinds()
    fail(refused("one"))

    assert after_two == []
    assert kinds() == [("step_failing", "centra/orders")]


def test_each_step_has_an_exception_of_its_own() -> None:
    fail(refused(), "centra/orders", times=2)
    fail(refused(), "centra/shipments", times=2)

    succeed("centra/orders")

    assert kinds() == [("step_failing", "centra/shipments")]


# ---- a whole system, and access to it
@pytest.mark.parametrize("outage", OUTAGES, ids=lambda error: type(error).__name__)
def test_an_outage_is_reported_once_it_lasts(
    outage: IntegrationError, passing_time: time_machine.Traveller
) -> None:
    fail(outage, times=5)
    at_once = kinds()
    passing_time.shift(61)
    fail(outage)

    assert at_once == []
    assert kinds() == [("system_unreachable", "Centra")]


def test_an_outage_ends_when_every_step_that_met_it_succeeds(
    passing_time: time_machine.Traveller,
) -> None:
    steps = ["new_centra_orders", "centra/orders", "centra/shipments"]
    for _ in range(2):
        for step in steps:
            fail(integration_error(NotSent), step)
        passing_time.shift(61)

    opened = kinds()
    while_some_still_fail = []
    for step in steps:
        while_some_still_fail.append(len(kinds()))
        succeed(step)

    assert opened == [("system_unreachable", "Centra")]
    assert while_some_still_fail == [1, 1, 1]
    assert kinds() == []


def test_refused_access_is_reported_at_once_for_each_kind_of_call() -> None:
    fail(integration_error_denied("orders"), "centra/orders")
    fail(integration_error_denied("createShipment"), "centra/shipments")

    fields = sorted(row.field for row in open_now())
    succeed("centra/orders")

    assert fields == ["createShipment (centra/shipments)", "orders (centra/orders)"]
    assert [row.field for row in open_now()] == ["createShipment (centra/shipments)"]


def integration_error_denied(operation: str) -> AccessDenied:
    return AccessDenied(
        system="Centra", operation=operation, detail="refused (HTTP 403)", status=403
    )


# ---- where the configuration is broken
@pytest.mark.parametrize("name", ["shipping_services.csv", "policy.toml", "exceptions.toml"])
def test_a_broken_file_is_an_exception_although_no_link_can_be_opened(
    config_folder: Path, name: str
) -> None:
    good = (config_folder / name).read_text()
    (config_folder / name).write_text("neither one thing nor the other")
    for _ in range(2):
        with suppress(dg.Failure):
            succeed()

    (row,) = open_now()
    assert (row.kind, row.owner) == ("step_failing", "data")
    assert name in row.message

    (config_folder / name).write_text(good)
    succeed()
    assert kinds() == []


def test_its_owner_is_alerted_while_the_file_is_still_broken(
    config_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_DEFAULT_URL", "json://127.0.0.1:9/")
    (config_folder / "policy.toml").write_text("neither one thing nor the other")
    for _ in range(2):
        with suppress(dg.Failure):
            succeed()

    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance=instance, resources={"link": LinkResource()})
        exceptions_changed(context)

    ledger = open_ledger(LinkResource().ledger_settings())
    with ledger.reading() as tx:
        (alert,) = tx.execute(sa.select(alerts.c.title, alerts.c.body)).all()
    ledger.close()
    assert alert.title == "Urgent: A step of the connection keeps failing: step centra/orders"
    assert "policy.toml" in alert.body


def test_a_secret_file_that_was_emptied_is_an_exception_and_alerted(
    config_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("")
    monkeypatch.setenv("CENTRA_TOKEN_FILE", str(token))
    monkeypatch.setenv("ALERT_DEFAULT_URL", "json://127.0.0.1:9/")
    for _ in range(2):
        with pytest.raises(dg.Failure, match="CENTRA_TOKEN"):
            succeed()

    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance=instance, resources={"link": LinkResource()})
        exceptions_changed(context)

    (row,) = open_now()
    with closing(open_ledger(LinkResource().ledger_settings())) as ledger, ledger.reading() as tx:
        (alert,) = tx.execute(sa.select(alerts.c.title, alerts.c.body)).all()
    assert (row.kind, row.owner) == ("step_failing", "data")
    assert alert.title == "Urgent: A step of the connection keeps failing: step centra/orders"
    assert "CENTRA_TOKEN" in alert.body

    token.write_text("a-new-token")
    succeed()
    assert kinds() == []


# ---- through Dagster, against the simulated systems
def test_a_job_whose_request_is_refused_is_not_cleared_by_the_sensor_that_asks_less(
    simulator: RunningSimulator,
) -> None:
    world = simulator.world
    with world.lock:
        place_order(world, [(world.whistl_skus()[0], 1)])
    world.faults.put(
        FaultRule(system="centra", operation="WholeOrders", kind=FaultKind.REFUSED_400)
    )
    job = defs().resolve_job_def("relay_orders")
    with dg.instance_for_test() as instance:
        for _ in range(2):
            assert not job.execute_in_process(instance=instance, raise_on_error=False).success
            context = dg.build_sensor_context(instance=instance, resources={"link": LinkResource()})
            polled = new_centra_orders(context)
            assert isinstance(polled, dg.SensorResult)
            assert polled.run_requests
        while_refused = kinds()
        world.faults.clear()
        assert job.execute_in_process(instance=instance, raise_on_error=False).success

    assert while_refused == [("step_failing", "centra/orders")]
    assert kinds() == []


def test_every_step_opens_the_link_under_a_name_of_its_own() -> None:
    names = Counter(_names_of_steps())
    opened = sum(names.values())
    keys = {key.to_user_string() for key in defs().resolve_all_asset_keys()}
    functions = {name for name in names if "/" not in name}

    assert opened > 25
    assert [name for name, times in names.items() if times > 1] == []
    assert set(names) - functions <= keys


def _names_of_steps() -> Iterator[str]:
    for file in Path(str(defs_package.__file__)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "link.open":
                (name,) = node.args
                assert isinstance(name, ast.Constant), f"{file}: {ast.unparse(node)}"
                yield str(name.value)
