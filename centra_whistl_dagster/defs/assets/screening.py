"""Screened orders, and the checks that show the same findings as block an order."""

import dagster as dg
import pandas as pd

from centra_whistl_dagster.defs import freshness, metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.history.tables import Orders
from centra_whistl_dagster.workflows.orders.screening import Screened, screen_waiting_orders

KEY = dg.AssetKey(["orders", "screened_orders"])

CHECKS = {
    "every_line_has_a_sku_the_warehouse_accepts": ("sku_",),
    "every_address_is_complete_and_carried_whole": (
        "address_",
        "postcode_",
        "country_",
        "unsupported_",
    ),
    "every_order_can_be_reached_by_phone_and_email": ("phone_", "email_"),
    "every_shipping_option_has_one_service": ("shipping_", "service_"),
    "every_border_crossing_has_customs_data": ("customs_",),
}
"""What is promised while a check is green, and the kinds of finding that turn it red."""


def _specs() -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            name,
            asset=KEY,
            description=(
                "Of the orders judged in this run. Each failure is an open exception with an "
                "owner, and its order waits."
            ),
        )
        for name in CHECKS
    ]


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
    check_specs=_specs(),
    description=(
        "Orders judged before they are sent. One without a fault goes on; a faulty one is blocked, "
        "delays no other, and is judged again when it, or what it was judged by, changes."
    ),
    metadata=metadata.columns_of_table(
        Orders, "order_number", "state", "screened_at", "carrier_code", "delivery_method"
    ),
)
def orders_screened(link: LinkResource) -> dg.MaterializeResult:
    """Judge what waits."""
    with link.open() as opened:
        screened = screen_waiting_orders(opened)
    return dg.MaterializeResult(
        metadata=metadata.of_tally(screened.tally), check_results=_check_results(screened)
    )


def _check_results(screened: Screened) -> list[dg.AssetCheckResult]:
    if screened.result is None:
        return [
            dg.AssetCheckResult(check_name=name, passed=True, metadata={"judged": 0})
            for name in CHECKS
        ]
    cases = screened.result.failure_cases
    blocking = cases[cases["is_blocking"].astype(bool)]
    results = []
    for name, prefixes in CHECKS.items():
        failing = blocking[blocking["kind"].astype(str).str.startswith(prefixes)]
        results.append(
            dg.AssetCheckResult(
                check_name=name,
                passed=failing.empty,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={
                    "judged": screened.tally.read,
                    "failures": len(failing),
                    "table": metadata.table(_shown(failing)),
                },
            )
        )
    return results


def _shown(failing: pd.DataFrame) -> list[dict[str, str]]:
    columns = {
        "order_number": "order",
        "kind": "kind",
        "field": "field",
        "value": "value",
        "message": "what is wrong",
    }
    shown = failing[list(columns)].astype(str).rename(columns=columns)
    return [dict(zip(shown.columns, row, strict=True)) for row in shown.itertuples(index=False)]
