"""Promises across the whole link, checked against the ledger."""

import dagster as dg

from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.workflows.orders.balance import compare_with_centra

BALANCE = dg.AssetCheckKey(
    dg.AssetKey(["whistl", "order_submissions"]), "every_confirmed_order_is_accounted_for"
)


@dg.asset_check(
    asset=BALANCE.asset_key,
    name=BALANCE.name,
    description=(
        "Confirmed orders counted by Centra and by us are the same number. More in Centra means "
        "that orders are confirmed and do not arrive here: the silent failure."
    ),
)
def every_confirmed_order_is_accounted_for(link: LinkResource) -> dg.AssetCheckResult:
    """Compare the two counts; orders younger than a few minutes may still be on their way."""
    with link.open() as opened:
        balance = compare_with_centra(opened)
    return dg.AssetCheckResult(
        passed=balance.is_even,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"in_centra": balance.in_centra, "in_the_ledger": balance.in_ledger},
    )


CHECKS = [every_confirmed_order_is_accounted_for]
