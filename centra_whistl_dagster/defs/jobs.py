"""The units that are launched, each in one process: one per step costs more than the work."""

import dagster as dg

from centra_whistl_dagster.defs.checks.business import BALANCE

RELAY_TAG = "centra_whistl/relay"
"""Runs that carry it are limited per value by `dagster.yaml`."""


def _job(name: str, selection: dg.AssetSelection, description: str, **tags: str):
    return dg.define_asset_job(
        name,
        selection=selection,
        description=description,
        executor_def=dg.in_process_executor,
        run_tags=tags,
    )


def _assets(*keys: str) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*(key.split("/") for key in keys))


relay_orders = _job(
    "relay_orders",
    # Without the checks of whole days: they cost a step each, and orders are waiting.
    _assets("centra/orders", "orders/screened", "whistl/order_submissions")
    - dg.AssetSelection.checks(BALANCE),
    "Take new orders from Centra, screen them, and hand the good ones to Whistl.",
    **{RELAY_TAG: "orders"},
)

relay_despatches = _job(
    "relay_despatches",
    _assets("whistl/order_statuses", "whistl/despatches", "centra/shipments"),
    "Take Whistl's despatches and complete the shipments in Centra.",
    **{RELAY_TAG: "despatches"},
)

sync_stock = _job(
    "sync_stock",
    _assets("whistl/order_statuses") | dg.AssetSelection.groups("stock"),
    "Read both systems' stock, work out what Centra should hold, and write what differs.",
    **{RELAY_TAG: "stock"},
)

refresh_reference = _job(
    "refresh_reference",
    dg.AssetSelection.groups("reference"),
    "Read both catalogues, Whistl's services and the shipping table, and compare them.",
)

publish_history = _job(
    "publish_history",
    dg.AssetSelection.groups("history"),
    "Load the history and publish a copy that analysts may hold open.",
)

watch_operations = _job(
    "watch_operations",
    _assets("operations/exceptions", "operations/service_levels"),
    "Draw up the exceptions list and the service levels as they are now.",
)

daily_operations = _job(
    "daily_operations",
    dg.AssetSelection.groups("operations"),
    "Draw up the exceptions list, the service levels and the daily brief.",
)

watch_the_balance = _job(
    "watch_the_balance",
    dg.AssetSelection.checks(BALANCE),
    "Compare the confirmed orders that Centra counts with those that are known here.",
)

JOBS = [
    watch_the_balance,
    watch_operations,
    relay_orders,
    relay_despatches,
    sync_stock,
    refresh_reference,
    publish_history,
    daily_operations,
]
