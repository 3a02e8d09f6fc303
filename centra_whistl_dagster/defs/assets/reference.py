"""What orders are checked against: both catalogues, Whistl's services, the shipping table."""

from collections.abc import Iterator

import dagster as dg

from centra_whistl_dagster.defs import metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.workflows.reference import refresh_reference

GROUP = "reference"


@dg.multi_asset(
    name="catalogues_and_services",
    specs=[
        dg.AssetSpec(
            ["centra", "catalogue"],
            group_name=GROUP,
            kinds={"graphql"},
            owners=["team:merchandising"],
            description="Every product size of the shop, with its SKU.",
        ),
        dg.AssetSpec(
            ["whistl", "catalogue"],
            group_name=GROUP,
            kinds={"rest"},
            owners=["team:merchandising"],
            description="Every product the warehouse knows, with its customs data and weight.",
        ),
        dg.AssetSpec(
            ["whistl", "services"],
            group_name=GROUP,
            kinds={"rest"},
            owners=["team:fulfilment"],
            description="Every service Whistl offers: a carrier and a delivery method.",
        ),
    ],
)
def catalogues_and_services(link: LinkResource) -> Iterator[dg.MaterializeResult]:
    """Read all of it, or keep what was there."""
    with link.open() as opened:
        read = refresh_reference(opened)
    for key, count in (
        (["centra", "catalogue"], read.centra_sizes),
        (["whistl", "catalogue"], read.whistl_products),
        (["whistl", "services"], read.services),
    ):
        yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": count})


@dg.asset(
    key=["config", "shipping_services"],
    group_name=GROUP,
    kinds={"csv"},
    owners=["team:ecommerce"],
    description=(
        "Which Whistl service each Centra shipping option becomes, by destination. Reviewed like "
        "code, in `config/shipping_services.csv`."
    ),
)
def shipping_services(link: LinkResource) -> dg.MaterializeResult:
    """Read the table; a fault in it is told with its line."""
    mapping = link.settings().load_configuration().services
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(mapping.rows),
            "options": sorted(mapping.by_option),
            "table": metadata.table(
                {
                    "Centra option": row.shipping_option,
                    "country": row.country,
                    "Whistl service": str(row.service),
                    "owner": row.owner,
                }
                for row in mapping.rows
            ),
        }
    )


ASSETS = [catalogues_and_services, shipping_services]
