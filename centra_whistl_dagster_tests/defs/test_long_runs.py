"""Runs that may wait for hours of quota are not ended by the daemon for being slow."""

from __future__ import annotations

import pytest
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import MAX_RUNTIME_SECONDS_TAG

from centra_whistl_dagster.defs.jobs import refresh_reference, relay_orders, sync_stock
from centra_whistl_dagster.documents.stock_age import SIZES, shop_on
from centra_whistl_dagster.domain.stock.pace import pace_of

BY_DEFAULT = 1800
"""Of `dagster.yaml`."""


def seconds_allowed(job: UnresolvedAssetJobDefinition) -> float:
    return float((job.run_tags or {}).get(MAX_RUNTIME_SECONDS_TAG, BY_DEFAULT))


@pytest.mark.parametrize("skus", SIZES)
def test_a_full_sync_of_any_size_in_the_documents_has_time_to_end(skus: int) -> None:
    pace = pace_of(shop_on("growth", skus))
    first_reading_hours = (skus // 200 - 1) // 1250

    seconds = pace.snapshot_minutes * 60 + first_reading_hours * 3600
    assert seconds < seconds_allowed(sync_stock)
    assert seconds < seconds_allowed(refresh_reference)


def test_orders_have_no_such_time() -> None:
    assert seconds_allowed(relay_orders) == BY_DEFAULT
