"""The units that are launched, each in one process, which `definitions.py` sets for all of them."""

import dagster as dg

from centra_whistl_dagster.defs.assets.orders import ALL_ORDERS_ARRIVED, CLOCKS_AGREE
from centra_whistl_dagster.defs.assets.stock_reading import AGE_OF_STOCK
from centra_whistl_dagster.defs.assets.volume import VOLUME_OF_DESPATCHES, VOLUME_OF_ORDERS

RELAY_TAG = "centra_whistl/relay"
"""`dagster.yaml` limits how many runs with the same value of it run at once."""

_HOURS = {"dagster/max_runtime": str(4 * 3600)}
"""Reading a very large catalogue waits for hours of quota (`docs/stock-age.md`); `dagster.yaml`
ends every other run after half an hour. Each call has its own deadline, so nothing hangs."""


def _assets(*keys: str) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*(key.split("/") for key in keys))


relay_orders = dg.define_asset_job(
    "relay_orders",
    # Without the checks that other jobs run: each costs a step, and orders are waiting.
    selection=_assets("centra/orders", "orders/screened_orders", "whistl/order_submissions")
    - dg.AssetSelection.checks(ALL_ORDERS_ARRIVED, CLOCKS_AGREE, VOLUME_OF_ORDERS),
    description="Read new orders from Centra, screen them, and send the good ones to Whistl.",
    run_tags={RELAY_TAG: "orders"},
)

relay_despatches = dg.define_asset_job(
    "relay_despatches",
    selection=_assets("whistl/order_statuses", "whistl/despatches", "centra/shipments")
    - dg.AssetSelection.checks(VOLUME_OF_DESPATCHES),
    description="Read Whistl's despatches and complete the shipments in Centra.",
    run_tags={RELAY_TAG: "despatches"},
)

sync_stock = dg.define_asset_job(
    "sync_stock",
    selection=(_assets("whistl/order_statuses") | dg.AssetSelection.groups("stock"))
    - dg.AssetSelection.checks(AGE_OF_STOCK),
    description="Read both systems' stock, work out Centra's figures, and write what differs.",
    run_tags={RELAY_TAG: "stock", **_HOURS},
)

refresh_reference = dg.define_asset_job(
    "refresh_reference",
    selection=dg.AssetSelection.groups("reference"),
    description="Read both catalogues, Whistl's services and the shipping table, and compare them.",
    run_tags=_HOURS,
)

publish_history = dg.define_asset_job(
    "publish_history",
    selection=dg.AssetSelection.groups("history"),
    description="Load the history and publish a copy that analysts may keep open.",
)

watch_operations = dg.define_asset_job(
    "watch_operations",
    selection=_assets(
        "operations/open_exceptions", "operations/service_levels", "operations/alert_outbox"
    )
    | dg.AssetSelection.checks(AGE_OF_STOCK, VOLUME_OF_ORDERS, VOLUME_OF_DESPATCHES),
    description=(
        "List open exceptions, measure service levels, check that alerts are delivered, that the "
        "stock in use is recent, and that orders and despatches come as usual."
    ),
)

daily_operations = dg.define_asset_job(
    "daily_operations",
    selection=dg.AssetSelection.groups("operations"),
    description=(
        "Write the daily brief from fresh figures, the weekly one when a week is over, and delete "
        "what is past its retention."
    ),
)

watch_the_balance = dg.define_asset_job(
    "watch_the_balance",
    selection=dg.AssetSelection.checks(ALL_ORDERS_ARRIVED, CLOCKS_AGREE)
    | _assets("centra/ended_orders"),
    description=(
        "Compare the open orders that Centra counts with those that have arrived here, and its "
        "clock with ours, and read how Centra shows orders that have ended."
    ),
)
