"""Addresses, phones and e-mail addresses of sixty countries, judged as a postman would.

`postman_cases.csv` has an order in each row, in which one part is what the row is about. The good
postcodes with their states are libaddressinput's own examples, the good numbers libphonenumber's;
the other good ones are real ones as people type them. The bad ones are good ones spoiled: a digit
short, of another state, a placeholder. A hash splits them: one half was looked at while the rules
were written, the other half only measures them.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.orders.order import Address
from centra_whistl_dagster.screening.screen import Blocked, Cleared, screen

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.screening.conftest import Desk

CASES = Path(__file__).with_name("postman_cases.csv")
ADDRESS_FIELDS = (
    *("first_name", "last_name", "company", "line1", "line2", "city", "county"),
    *("postcode", "country", "phone", "email"),
)
MOST_GOOD_BLOCKED, MOST_BAD_PASSED = 0.02, 0.05


def cases(half: str) -> list[dict[str, str]]:
    with CASES.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if half_of(row) == half]


def half_of(row: dict[str, str]) -> str:
    digest = sha256(f"postman {row['number']}".encode()).digest()
    return "looked at" if digest[0] % 2 else "only measured"


def verdicts(desk: Desk, rows: list[dict[str, str]]) -> tuple[Cleared | Blocked, ...]:
    """Judge the cases by a service to everywhere that requires phone and e-mail."""
    services = {
        code: replace(service, requires_phone=True, requires_email=True, serves_bfpo=True)
        for code, service in desk.reference.services.items()
    }
    orders = [
        desk.order(
            number=int(row["number"]),
            delivery=Address(**{field: row[field] for field in ADDRESS_FIELDS}),
            shipping_option=desk.option("International"),
        )
        for row in rows
    ]
    return screen(orders, replace(desk.reference, services=services)).verdicts


def misjudged(desk: Desk, rows: list[dict[str, str]]) -> dict[str, list[str]]:
    """The cases judged otherwise than the file says, by what the file says."""
    wrong: dict[str, list[str]] = {"good": [], "bad": []}
    for row, verdict in zip(rows, verdicts(desk, rows), strict=True):
        if isinstance(verdict, Blocked) is (row["verdict"] == "good"):
            reasons = "; ".join(problem.message for problem in verdict.problems)
            wrong[row["verdict"]].append(f"{row['number']} {row['country']} {row['why']} {reasons}")
    return wrong


@pytest.mark.parametrize("half", ["looked at", "only measured"])
def test_few_good_ones_are_blocked_and_few_bad_ones_pass(desk: Desk, half: str) -> None:
    rows = cases(half)
    of_verdict = Counter(row["verdict"] for row in rows)

    wrong = misjudged(desk, rows)

    assert len(wrong["good"]) <= MOST_GOOD_BLOCKED * of_verdict["good"], wrong["good"]
    assert len(wrong["bad"]) <= MOST_BAD_PASSED * of_verdict["bad"], wrong["bad"]


def test_the_cases_are_many_and_of_many_countries() -> None:
    rows = cases("looked at") + cases("only measured")
    of_verdict = Counter(row["verdict"] for row in rows)

    assert of_verdict["good"] >= 200
    assert of_verdict["bad"] >= 150
    assert len({row["country"] for row in rows}) >= 40


def test_every_judgement_has_its_reason(desk: Desk) -> None:
    bad = [row for row in cases("looked at") if row["verdict"] == "bad"]

    for verdict in verdicts(desk, bad):
        if isinstance(verdict, Blocked):
            assert verdict.problems
            assert all(problem.message and problem.field for problem in verdict.problems)
