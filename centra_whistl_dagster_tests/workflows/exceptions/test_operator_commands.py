"""What operators see: the list of exceptions in three forms, and why one order is blocked."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import time_machine
from click.testing import CliRunner, Result

from centra_whistl_dagster.cli.main import commands
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger import exceptions
from centra_whistl_dagster.simulator.centra.rules import touch
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.world.catalogue import POP_UP
from centra_whistl_dagster.workflows.orders import intake, screening

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

BAD_POSTCODE = {**ADA, "zipCode": "YO1 7H"}


@pytest.fixture(autouse=True)
def wall_clock(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    """The commands read the environment and the wall clock, which here are the desk's own."""
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "300")
    with time_machine.travel(desk.clock(), tick=False) as traveller:
        yield traveller


def screen_orders(desk: Desk) -> None:
    intake.take_in_orders(desk.link)
    screening.screen_waiting_orders(desk.link)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments, catch_exceptions=False)


def listed(*arguments: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(run("exceptions", *arguments).stdout)
    return rows


# ---- the list
def test_the_list_names_owner_orders_worth_and_what_to_do(desk: Desk) -> None:
    desk.order(address=BAD_POSTCODE)
    for _ in range(3):
        desk.order(option=POP_UP)
    screen_orders(desk)

    rows = {str(row["kind"]): row for row in listed("--format", "json")}

    unmapped = rows["service_unmapped"]
    assert (unmapped["owner"], unmapped["orders"], unmapped["orders_blocked"]) == (
        "ecommerce",
        3,
        3,
    )
    assert str(unmapped["worth"]).endswith(" GBP")
    assert unmapped["instructions"]
    assert not unmapped["is_overdue"]
    assert rows["postcode_malformed"]["value"] == "YO****"


def test_the_list_can_be_limited_to_one_team_and_can_include_resolved_exceptions(
    desk: Desk,
) -> None:
    order = desk.order(address=BAD_POSTCODE)
    desk.order(option=POP_UP)
    screen_orders(desk)
    desk.wait(5)
    order.address = dict(ADA)
    touch(desk.world, order)
    screen_orders(desk)

    kinds = [row["kind"] for row in listed("--format", "json")]
    of_cx = [row["kind"] for row in listed("--owner", "cx", "--all", "--format", "json")]

    assert kinds == ["service_unmapped"]
    assert of_cx == ["postcode_malformed"]
    assert listed("--owner", "cx", "--format", "json") == []


def test_an_overdue_exception_is_marked_and_listed_first(
    desk: Desk, wall_clock: time_machine.Traveller
) -> None:
    desk.order(address=BAD_POSTCODE)
    screen_orders(desk)
    wall_clock.shift(3601)

    assert listed("--format", "json")[0]["is_overdue"]


def test_the_table_shows_square_brackets_from_the_shop_unchanged(desk: Desk) -> None:
    problem = Problem(
        kind=ExceptionKind.SKU_UNKNOWN,
        subject_type=SubjectType.SKU,
        subject="[bold]TEE[/bold] [/]",
        field="sku",
        value="",
        message="Unknown.",
    )
    with desk.link.ledger.transaction() as tx:
        exceptions.open_or_refresh(tx, [problem])

    result = run("exceptions")

    assert result.exit_code == 0
    assert "[bold]TEE[/bold] [/]" in result.stdout


def test_the_csv_has_no_cell_that_a_spreadsheet_takes_for_a_formula(desk: Desk) -> None:
    formula = '=HYPERLINK("http://evil.example")'
    with desk.link.ledger.transaction() as tx:
        exceptions.open_or_refresh(
            tx,
            [
                Problem(
                    kind=ExceptionKind.SKU_UNKNOWN,
                    subject_type=SubjectType.SKU,
                    subject=formula,
                    field="sku",
                    value="@SUM(A1)",
                    message="-1+1",
                )
            ],
        )

    (row,) = csv.DictReader(io.StringIO(run("exceptions", "--format", "csv").stdout))

    assert row["about"] == f"'{formula}"
    assert row["value"] == "'@SUM(A1)"
    assert row["message"] == "'-1+1"


def test_the_table_writes_out_an_escape_sequence_from_the_shop(desk: Desk) -> None:
    problem = Problem(
        kind=ExceptionKind.SKU_UNKNOWN,
        subject_type=SubjectType.SKU,
        subject="TEE\x1b[2J",
        field="sku",
        value="",
        message="Unknown.",
    )
    with desk.link.ledger.transaction() as tx:
        exceptions.open_or_refresh(tx, [problem])

    for output_format in ("table", "csv"):
        printed = run("exceptions", "--format", output_format).stdout
        assert r"TEE\x1b[2J" in printed
        assert "\x1b[2J" not in printed


def test_an_unknown_team_is_refused_with_a_list_of_the_known_ones(desk: Desk) -> None:
    result = run("exceptions", "--owner", "warehouse")

    assert result.exit_code != 0
    assert "fulfilment" in result.output


# ---- one order
def test_a_blocked_order_is_shown_with_the_failed_rule_its_owner_and_what_to_do(desk: Desk) -> None:
    order = desk.order(address=BAD_POSTCODE)
    screen_orders(desk)

    printed = run("screen", str(order.number)).stdout

    assert "1 rule fails" in printed
    assert "postcode_malformed" in printed
    assert "YO****" in printed
    assert "YO1 7H" not in printed.replace("YO1 7HH", "")
    assert "what to do: Ask the customer for the postcode" in printed
    assert "owner:      cx" in printed


def test_an_order_is_screened_as_it_is_in_centra_now_and_nothing_is_changed(desk: Desk) -> None:
    order = desk.order(address=BAD_POSTCODE)
    screen_orders(desk)
    with desk.world.lock:
        order.address = dict(ADA)
    before = (desk.state(order), desk.problems(), desk.effects())

    printed = run("screen", f"C{order.number}").stdout

    assert "passes screening, with service" in printed
    assert (desk.state(order), desk.problems(), desk.effects()) == before


def test_an_order_that_was_never_read_before_can_be_screened(desk: Desk) -> None:
    desk.order()
    screen_orders(desk)
    late = desk.order(option=POP_UP)

    assert "service_unmapped" in run("screen", str(late.number)).stdout


def test_an_order_on_hold_is_reported_as_not_released(desk: Desk) -> None:
    screen_orders(desk)
    desk.order()
    screen_orders(desk)
    held = desk.order(is_on_hold=True)

    assert "not yet released in Centra" in run("screen", str(held.number)).stdout


def test_an_order_at_whistl_is_reported_as_such(desk: Desk) -> None:
    order = desk.order()
    desk.relay()

    assert "already at Whistl" in run("screen", str(order.number)).stdout


@pytest.mark.parametrize(
    ("case", "number", "expected"),
    [
        ("no number", "abc", "is no order number"),
        ("digits of another script", "१२३", "is no order number"),
        ("none such", "999999", "Centra has no order 999999"),
    ],
)
def test_an_order_that_cannot_be_screened_is_refused_with_the_reason(
    desk: Desk, case: str, number: str, expected: str
) -> None:
    result = run("screen", number)

    assert result.exit_code == 1, case
    assert expected in result.stderr


def test_without_catalogues_the_command_says_how_to_read_them(desk: Desk) -> None:
    order = desk.order()

    assert "refresh_reference" in run("screen", str(order.number)).stderr
