"""Screened orders, and the checks that show in Dagster why orders are held back."""

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg

from centra_whistl_dagster.defs import freshness, metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.domain.exceptions.responsibilities import Responsibility, Severity
from centra_whistl_dagster.history.tables import Orders
from centra_whistl_dagster.ledger.rows import ExceptionRow
from centra_whistl_dagster.screening.rule import Check
from centra_whistl_dagster.screening.rules import CHECKS
from centra_whistl_dagster.workflows.orders.findings import OpenFindings, open_findings
from centra_whistl_dagster.workflows.orders.screening import Screened, screen_waiting_orders

KEY = dg.AssetKey(["orders", "screened_orders"])


def _description(check: Check) -> str:
    kinds = ", ".join(kind for kind, of_kind in CHECKS.items() if of_kind is check)
    then = "is sent all the same" if check is Check.ADVICE else "is held back until it is fixed"
    return (
        f"Of all orders that are open, whenever they were judged. An order that fails {then}; the "
        "table names the order, the field, the owner, what to do and the time limit, as "
        "config/exceptions.toml sets them. "
        f"Kinds of exception: {kinds}."
    )


@dg.asset(
    key=KEY,
    deps=[
        ["centra", "orders"],
        ["config", "shipping_services"],
        ["whistl", "carrier_services"],
        ["whistl", "products"],
        ["centra", "product_sizes"],
    ],
    group_name="orders",
    kinds={"pandera"},
    owners=["team:cx"],
    freshness_policy=freshness.ORDER_RELAY,
    # Dagster stores names as plain text and refuses an enum's member.
    check_specs=[
        dg.AssetCheckSpec(check.value, asset=KEY, description=_description(check))
        for check in Check
    ],
    description=(
        "Orders judged before they are sent. One without a fault goes on. A faulty one is blocked, "
        "delays no other, and is judged again when the order or its reference data changes."
    ),
    metadata=metadata.columns_of_table(
        Orders, "order_number", "state", "screened_at", "carrier_code", "delivery_method"
    ),
)
def orders_screened(link: LinkResource) -> dg.MaterializeResult:
    """Judge the orders that wait."""
    with link.open("orders/screened_orders") as opened:
        screened = screen_waiting_orders(opened)
        findings = open_findings(opened)
        kinds = opened.configuration.exception_kinds
    return dg.MaterializeResult(
        metadata={
            **metadata.of_tally(screened.tally),
            **_changed(screened),
            "minutes_since_catalogues_were_read": _minutes(screened.reference_age),
        },
        check_results=[
            _check_result(check, screened, found, kinds) for check, found in findings.items()
        ],
    )


def _minutes(age: timedelta | None) -> int | str:
    return "too old, or never read" if age is None else round(age.total_seconds() / 60)


def _changed(screened: Screened) -> dict[str, dg.MetadataValue]:
    """Show what is sent otherwise than it was typed; no name or address is in it."""
    changes = screened.result.changes() if screened.result else []
    return {"changed": metadata.table(changes)} if changes else {}


def _check_result(
    check: Check,
    screened: Screened,
    found: OpenFindings,
    kinds: Mapping[ExceptionKind, Responsibility],
) -> dg.AssetCheckResult:
    """Return a check's colour: red until each finding is over, however well later orders do."""
    rows = [_row(finding, kinds) for finding in found.first]
    is_urgent = any(kinds[kind].severity is Severity.URGENT for kind in found.kinds)
    judged, failed = 0, set()
    if screened.result is not None:
        judged = len(screened.result.verdicts)
        cases = screened.result.failure_cases
        failed = set(cases.loc[cases["check"] == check, "order_number"])
    return dg.AssetCheckResult(
        check_name=check.value,
        passed=not found.count,
        severity=dg.AssetCheckSeverity.ERROR if is_urgent else dg.AssetCheckSeverity.WARN,
        description=_first(rows, found.count),
        metadata={
            "open": found.count,
            "judged": judged,
            "failures": len(failed),
            "table": metadata.table(rows),
        },
    )


def _row(finding: ExceptionRow, kinds: Mapping[ExceptionKind, Responsibility]) -> dict[str, str]:
    return {
        "about": f"{_subject(finding.subject_type)} {finding.subject}",
        "field": finding.field,
        "value": finding.value,
        "what is wrong": finding.message,
        **metadata.whose(finding.kind, kinds),
    }


def _subject(subject_type: SubjectType) -> str:
    words = subject_type.replace("_", " ").capitalize()
    return "SKU" if subject_type is SubjectType.SKU else words


def _first(rows: list[dict[str, str]], count: int) -> str | None:
    if not rows:
        return None
    row, more = rows[0], f" And {count - 1} more: see the table." if count > 1 else ""
    return (
        f"{row['about']}, {row['field']}: {row['what is wrong']} Owner {row['owner']}, time limit "
        f"{row['time limit']}: {row['what to do']}{more}"
    )
