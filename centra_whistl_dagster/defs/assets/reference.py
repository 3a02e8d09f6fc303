"""What orders are checked against: both catalogues, Whistl's services, the shipping table.

Does not belong here: how they are read or compared (`workflows.reference`).
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from centra_whistl_dagster.defs import freshness, metadata
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import Responsibility
from centra_whistl_dagster.domain.orders.skus import AlignedSku, Alignment
from centra_whistl_dagster.workflows.reference.alignment import (
    compare_catalogues,
    problems_of_the_shipping_table,
)
from centra_whistl_dagster.workflows.reference.refresh import refresh_reference

GROUP = "reference"
SIZES = dg.AssetKey(["centra", "product_sizes"])
PRODUCTS = dg.AssetKey(["whistl", "products"])
SERVICES = dg.AssetKey(["whistl", "carrier_services"])


@dg.multi_asset(
    name="catalogues_and_services",
    specs=[
        dg.AssetSpec(
            SIZES,
            group_name=GROUP,
            kinds={"graphql"},
            owners=["team:merchandising"],
            freshness_policy=freshness.REFERENCE,
            description="Centra's catalogue: every product size of the shop, with its SKU.",
            metadata=metadata.columns(
                ("product_size_id", "integer", "Centra's id of the size"),
                ("sku", "string", "SKU as Centra spells it; blank if it has none"),
                ("is_active", "boolean", "The shop may sell it"),
            ),
        ),
        dg.AssetSpec(
            PRODUCTS,
            group_name=GROUP,
            kinds={"rest"},
            owners=["team:merchandising"],
            freshness_policy=freshness.REFERENCE,
            description="Whistl's catalogue: every product, with its customs data and weight.",
            metadata=metadata.columns(
                ("sku", "string", "SKU as Whistl spells it"),
                ("description", "string", "What the product is"),
                ("product_type", "string", "Whistl's own class of it"),
                ("barcode", "string", "What the warehouse scans"),
                ("unit_weight_kg", "decimal", "Weight of one piece; null if Whistl has none"),
                ("hs_code", "string", "Customs tariff code; blank if Whistl has none"),
                ("country_of_origin", "string", "ISO 3166-1 alpha-2; blank if Whistl has none"),
                ("is_active", "boolean", "Whistl takes orders for it"),
            ),
        ),
        dg.AssetSpec(
            SERVICES,
            group_name=GROUP,
            kinds={"rest"},
            owners=["team:fulfilment"],
            freshness_policy=freshness.REFERENCE,
            description="Every service that Whistl offers: a carrier with a delivery method.",
            metadata=metadata.columns(
                ("carrier_code", "string", "Whistl's code of the carrier"),
                ("delivery_method", "string", "Whistl's code of the method"),
                ("carrier_name", "string", "The carrier's name"),
                ("weight_limit_kg", "decimal", "Heaviest parcel; null for no limit"),
                ("requires_phone", "boolean", "The carrier needs a phone number"),
                ("requires_email", "boolean", "The carrier needs an e-mail address"),
                ("is_active", "boolean", "Whistl takes orders for it"),
            ),
        ),
    ],
)
def catalogues_and_services(link: LinkResource) -> Iterator[dg.MaterializeResult]:
    """Read all three lists, or keep all three as they were."""
    with link.open("catalogues_and_services") as opened:
        read = refresh_reference(opened)
    for key, count in (
        (SIZES, read.centra_sizes),
        (PRODUCTS, read.whistl_products),
        (SERVICES, read.services),
    ):
        yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": count})


@dg.asset(
    key=["config", "shipping_services"],
    group_name=GROUP,
    kinds={"csv"},
    owners=["team:ecommerce"],
    freshness_policy=freshness.REFERENCE,
    description=(
        "Which Whistl service each Centra shipping option becomes, by destination. Reviewed like "
        "code, in `config/shipping_services.csv`."
    ),
    metadata=metadata.columns(
        ("centra_shipping_option", "string", "The option's URI or name in Centra"),
        ("country", "string", "ISO 3166-1 alpha-2; `*` for every other country"),
        ("postcode_zone", "string", "UK postcode areas or districts; blank for all"),
        ("whistl_carrier_code", "string", "Whistl's code of the carrier"),
        ("whistl_delivery_method", "string", "Whistl's code of the method"),
        ("active_from", "date", "First day; blank for no beginning"),
        ("active_to", "date", "Last day; blank for no end"),
        ("owner", "string", "Team that decides this row"),
        ("note", "string", "Why the row is as it is"),
    ),
)
def shipping_services(link: LinkResource) -> dg.MaterializeResult:
    """Read the table; a fault in it is reported with its line."""
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
    asset=shipping_services,
    additional_deps=[SERVICES, ["centra", "orders"]],
    description=(
        "Each option seen on an order, including orders on hold or unpaid, has a row; each row's "
        "service exists at Whistl and is active. An order that meets any other row is blocked. The "
        "table gives each fault's owner, what to do and the time limit."
    ),
)
def every_option_in_use_has_a_service_that_whistl_offers(
    link: LinkResource,
) -> dg.AssetCheckResult:
    """Find faults of the table before an order meets them."""
    with link.open("every_option_in_use_has_a_service_that_whistl_offers") as opened:
        problems = problems_of_the_shipping_table(opened)
        kinds = opened.configuration.exception_kinds
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "faults": len(problems),
            "table": metadata.table(
                {
                    "option": problem.subject,
                    "field": problem.field,
                    "kind": problem.kind.value,
                    "what is wrong": problem.message,
                    **metadata.whose(problem.kind, kinds),
                }
                for problem in problems
            ),
        },
    )


ALIGNMENT = dg.AssetKey(["reference", "sku_alignment"])
SAME_SKUS = "every_sku_for_sale_is_spelled_the_same_in_both_catalogues"
NO_COLLISION = "no_two_skus_look_the_same_on_a_pick_list"


@dg.asset(
    key=ALIGNMENT,
    deps=[SIZES, PRODUCTS],
    group_name=GROUP,
    kinds={"table"},
    owners=["team:merchandising"],
    freshness_policy=freshness.REFERENCE,
    check_specs=[
        dg.AssetCheckSpec(
            SAME_SKUS,
            asset=ALIGNMENT,
            description=(
                "An order with a SKU that Whistl spells differently, or does not have, would be "
                "blocked. The table gives each SKU's owner, what to do and the time limit."
            ),
        ),
        dg.AssetCheckSpec(
            NO_COLLISION,
            asset=ALIGNMENT,
            description=(
                "Two SKUs that differ only in case, spaces, punctuation or leading zeros get mixed "
                "up in picking. The table names who renames one of them, and the time limit."
            ),
        ),
    ],
    description=(
        "Both catalogues compared: exactly, then with case, spaces, punctuation and leading zeros "
        "ignored, so that each difference has a name."
    ),
    metadata=metadata.columns(
        ("centra_sku", "string", "SKU as Centra spells it; blank if Centra does not have it"),
        ("whistl_sku", "string", "SKU as Whistl spells it; blank if Whistl does not have it"),
        ("alignment", "string", "The same, how they differ, or which side alone has it"),
    ),
)
def sku_alignment(link: LinkResource) -> dg.MaterializeResult:
    """Compare the two catalogues."""
    with link.open("reference/sku_alignment") as opened:
        compared = compare_catalogues(opened)
        kinds = opened.configuration.exception_kinds
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(compared.counts.values()),
            **{alignment.value: count for alignment, count in compared.counts.items()},
            "differences": metadata.table(_difference(row) for row in compared.differing),
        },
        check_results=[
            _same_skus([row for row in compared.differing if row.centra_sku], kinds),
            _no_collision(compared.colliding, kinds),
        ],
    )


def _difference(row: AlignedSku) -> dict[str, str]:
    return {
        "Centra": row.centra_sku or "-",
        "Whistl": row.whistl_sku or "-",
        "difference": row.alignment.value,
    }


def _same_skus(
    for_sale: list[AlignedSku], kinds: Mapping[ExceptionKind, Responsibility]
) -> dg.AssetCheckResult:
    missing = sum(row.alignment is Alignment.CENTRA_ONLY for row in for_sale)
    return dg.AssetCheckResult(
        check_name=SAME_SKUS,
        passed=not for_sale,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "differences": len(for_sale),
            "missing_at_whistl": missing,
            "spelled_differently": len(for_sale) - missing,
            "table": metadata.table(
                {**_difference(row), **metadata.whose(ExceptionKind.SKU_UNKNOWN, kinds)}
                for row in for_sale
            ),
        },
    )


def _no_collision(
    colliding: Mapping[str, tuple[str, ...]], kinds: Mapping[ExceptionKind, Responsibility]
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=NO_COLLISION,
        passed=not colliding,
        # The wrong goods would leave the warehouse.
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "colliding": len(colliding),
            "table": metadata.table(
                {
                    "SKU": sku,
                    "looks like": ", ".join(others),
                    **metadata.whose(ExceptionKind.SKU_COLLISION, kinds),
                }
                for sku, others in sorted(colliding.items())
            ),
        },
    )
