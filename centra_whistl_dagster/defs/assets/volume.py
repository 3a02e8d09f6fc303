"""Whether orders and despatches come as usual: what no error and no comparison of lists shows."""

import dagster as dg

from centra_whistl_dagster.defs.assets.orders import centra_orders, whistl_despatches
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.domain.volume import Judgement
from centra_whistl_dagster.workflows.upkeep.volumes import volume_of_despatches, volume_of_orders


@dg.asset_check(
    asset=centra_orders,
    description=(
        "As many orders come as the hour of the week usually brings, judged once eight weeks are "
        "known; less than one false alarm a year. Nothing, or about half, comes: ecommerce checks "
        "that the shop takes orders and payments; the data team checks that new_centra_orders runs "
        "and that the token may read every store. A day on which nothing is to be expected belongs "
        "in quiet_days of config/policy.toml."
    ),
)
def orders_arrive_as_usual(link: LinkResource) -> dg.AssetCheckResult:
    """Judge the orders read from Centra."""
    with link.open("orders_arrive_as_usual") as opened:
        return _result(volume_of_orders(opened))


@dg.asset_check(
    asset=whistl_despatches,
    description=(
        "As many despatches come as the hour of the week usually brings, judged once eight weeks "
        "are known; less than one false alarm a year. Nothing, or about half, comes: fulfilment "
        "asks Whistl whether parcels are leaving and whether the feed is published. A day on which "
        "the warehouse is closed belongs in quiet_days of config/policy.toml."
    ),
)
def despatches_arrive_as_usual(link: LinkResource) -> dg.AssetCheckResult:
    """Judge the despatches read from Whistl."""
    with link.open("despatches_arrive_as_usual") as opened:
        return _result(volume_of_despatches(opened))


VOLUME_OF_ORDERS = orders_arrive_as_usual.check_key
VOLUME_OF_DESPATCHES = despatches_arrive_as_usual.check_key


def _result(judged: Judgement) -> dg.AssetCheckResult:
    if not judged.is_judged:
        return dg.AssetCheckResult(
            passed=True,
            description="Not judged yet: it is not known what is usual.",
            metadata={"weeks_known": judged.weeks_seen},
        )
    # Whole numbers go into the alert: they say which of the two rules found it.
    figures: dict[str, int] = {}
    if judged.is_silent:
        figures |= {
            "hours_without_any": round(judged.silent_hours),
            "expected_in_them": round(judged.expected_in_silence),
        }
    if judged.is_reduced:
        figures |= {
            "arrived_since_the_loss_began": judged.arrived_in_loss,
            "expected_since_then": round(judged.expected_in_loss),
        }
    within = judged.silence_found_within_hours
    return dg.AssetCheckResult(
        passed=judged.is_usual,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            **figures,
            "dispersion": round(judged.dispersion, 1),
            **({} if within is None else {"silence_would_be_found_within_hours": round(within, 1)}),
        },
    )
