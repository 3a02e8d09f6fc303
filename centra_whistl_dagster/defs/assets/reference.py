"""What orders are checked against: both catalogues, Whistl's services, the shipping table."""

from collections.abc import Iterator

import dagster as dg

from centra_whistl_dagster.defs import metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.workflows.reference.alignment import (
    compare_catalogues,
    problems_of_the_shipping_table,
)
from centra_whistl_dagster.workflows.reference.refresh import refresh_reference

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


@dg.asset_check(
    asset=["config", "shipping_services"],
    additional_deps=[["whistl", "services"], ["centra", "orders"]],
    description=(
        "Each option seen on an order, those on hold or unpaid too, has a row; each row's service "
        "exists at Whistl and is switched on."
    ),
)
def every_option_in_use_has_a_service_that_whistl_offers(
    link: LinkResource,
) -> dg.AssetCheckResult:
    """Find faults of the table before an order meets them."""
    with link.open() as opened:
        problems = problems_of_the_shipping_table(opened)
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "faults": len(problems),
            "table": metadata.table(
                {"option": each.subject, "kind": each.kind, "what is wrong": each.message}
                for each in problems
            ),
        },
    )


SAME_SKUS = "every_sku_for_sale_is_spelled_the_same_in_both_catalogues"
NO_COLLISION = "no_two_skus_look_the_same_on_a_pick_list"


@dg.asset(
    key=["reference", "sku_alignment"],
    deps=[["centra", "catalogue"], ["whistl", "catalogue"]],
    group_name=GROUP,
    kinds={"table"},
    owners=["team:merchandising"],
    check_specs=[
        dg.AssetCheckSpec(
            SAME_SKUS,
            asset=["reference", "sku_alignment"],
            description="An order with a SKU that Whistl spells otherwise, or lacks, would wait.",
        ),
        dg.AssetCheckSpec(
            NO_COLLISION,
            asset=["reference", "sku_alignment"],
            description="SKUs that differ by case, spaces, punctuation or zeros get mixed up.",
        ),
    ],
    description=(
        "Both catalogues compared: exactly, then with case, spaces, punctuation and leading zeros "
        "dropped, so that each difference has a name."
    ),
)
def sku_alignment(link: LinkResource) -> dg.MaterializeResult:
    """Compare."""
    with link.open() as opened:
        compared = compare_catalogues(opened)
    differing = [
        {
            "Centra": row.centra_sku or "-",
            "Whistl": row.whistl_sku or "-",
            "difference": row.alignment.value,
        }
        for row in compared.differing
    ]
    colliding = [
        {"SKU": sku, "looks like": ", ".join(others)}
        for sku, others in sorted(compared.colliding.items())
    ]
    for_sale = [row for row in compared.differing if row.centra_sku]
    warn = dg.AssetCheckSeverity.WARN
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(compared.counts.values()),
            **{alignment.value: count for alignment, count in compared.counts.items()},
            "differences": metadata.table(differing),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=SAME_SKUS,
                passed=not for_sale,
                severity=warn,
                metadata={"differences": len(for_sale)},
            ),
            dg.AssetCheckResult(
                check_name=NO_COLLISION,
                passed=not colliding,
                severity=warn,
                metadata={"colliding": len(colliding), "table": metadata.table(colliding)},
            ),
        ],
    )


ASSETS = [catalogues_and_services, shipping_services, sku_alignment]
CHECKS = [every_option_in_use_has_a_service_that_whistl_offers]
