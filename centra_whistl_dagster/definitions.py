"""The project as Dagster loads it: everything found in `defs/`, with the connection it shares."""

import warnings

import dagster as dg

from centra_whistl_dagster import defs as package
from centra_whistl_dagster.defs import freshness
from centra_whistl_dagster.defs.resources import LinkResource

STOCK = dg.AssetSelection.groups("stock")


@dg.definitions
def defs() -> dg.Definitions:
    """Load every definition of the package.

    `load_from_defs_folder` would find the same ones in a checkout. It takes the package's name from
    the nearest pyproject.toml above: an installed wheel has none, or one of another project.
    """
    link = LinkResource()
    with warnings.catch_warnings():
        # A preview in Dagster 1.13, the only minor version that pyproject.toml allows.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        loaded = dg.load_definitions_from_package_module(
            package, resources={"link": link}, executor=dg.in_process_executor
        )
    stock_freshness = freshness.of_stock(link.stock_policy())
    return loaded.permissive_map_resolved_asset_specs(
        lambda spec: dg.apply_freshness_policy(spec, stock_freshness), selection=STOCK
    )
