"""The scoreboard explains the red checks that the demo's bad orders cause."""

from __future__ import annotations

from rich.console import Console

from centra_whistl_dagster.demo.bad_orders import BAD_ORDER_KINDS, SHOWN, bad_orders_table
from centra_whistl_dagster.screening.rule import Check
from centra_whistl_dagster.simulator.people.spoilage import SPOILAGE_KINDS
from centra_whistl_dagster.simulator.truth.bad_orders import BadOrder


def text_of(orders: list[BadOrder]) -> str:
    console = Console(width=160)
    with console.capture() as captured:
        console.print(bad_orders_table(orders))
    return captured.get()


def test_every_kind_of_bad_order_names_the_check_it_turns_red() -> None:
    assert set(BAD_ORDER_KINDS) == set(SPOILAGE_KINDS)
    assert BAD_ORDER_KINDS["unknown_sku"].check == Check.SKU
    assert BAD_ORDER_KINDS["missing_phone"].check == Check.CONTACT


def test_an_order_is_listed_with_its_fault_its_standing_and_the_check() -> None:
    shown = text_of([BadOrder(number=100_007, kind="missing_city", standing="blocked")])

    line = next(line for line in shown.splitlines() if "100007" in line)
    assert "no town" in line
    assert "blocked" in line
    assert Check.ADDRESS in line


def test_blocked_orders_come_first_and_the_rest_is_counted() -> None:
    sent = [
        BadOrder(number=100_100 + n, kind="missing_phone", standing="sent") for n in range(SHOWN)
    ]
    shown = text_of([BadOrder(number=100_001, kind="unknown_sku", standing="blocked"), *sent])

    assert shown.index("100001") < shown.index(str(100_100 + SHOWN - 1))
    assert "and 1 more" in shown
