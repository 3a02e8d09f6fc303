"""Store how many calls this process has made, for the history."""

from __future__ import annotations

import logging

from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.ledger import api_calls
from centra_whistl_dagster.ledger.engine import Ledger, LedgerUnavailable
from centra_whistl_dagster.whistl.client import WhistlClient

_logger = logging.getLogger(__name__)


def store_counts(centra: CentraClient, whistl: WhistlClient, ledger: Ledger) -> None:
    """Add what was counted since the last time to the ledger; nothing counted writes nothing.

    Counts that the ledger cannot take are lost, and logged: they are no reason for a step to fail.
    """
    counts = [*centra.take_counts(), *whistl.take_counts()]
    if not counts:
        return
    try:
        with ledger.transaction() as tx:
            api_calls.add(tx, counts)
    except LedgerUnavailable as error:
        calls = sum(counted.calls for counted in counts)
        _logger.warning("the count of %d calls is lost: %s", calls, error)
