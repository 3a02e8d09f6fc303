"""Centra's quotas as Centra itself gives them: read every few minutes, kept in the ledger.

Every process goes by what was read last. The plan that is typed in serves until then, and where
Centra does not say.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from datetime import timedelta

from centra_whistl_dagster.centra.client import CentraClient, QuotaWindow
from centra_whistl_dagster.ledger import state
from centra_whistl_dagster.ledger.engine import Ledger, Transaction
from centra_whistl_dagster.transport import (
    AccessDenied,
    ContractBroken,
    IntegrationError,
    Refused,
    Throttled,
)

READ_EVERY = timedelta(minutes=5)
"""Centra may lower its quotas for a while; a reading costs one of 5,000 requests an hour."""
DOES_NOT_SAY = (AccessDenied, ContractBroken, Refused)
"""With these Centra has answered, and does not say its quotas: the plan's apply."""

_logger = logging.getLogger(__name__)


def use_known(centra: CentraClient, ledger: Ledger) -> None:
    """Go by the quotas that were read last, if any were."""
    with ledger.reading() as tx:
        known = _known(tx)
    if known:
        centra.allow(known)


def refresh(centra: CentraClient, ledger: Ledger) -> None:
    """Read the quotas again if that is due, and go by them from now on.

    No failure of this reading is one of the caller's: without an answer, the quotas that were read
    last stay; where Centra refuses, or no request is left, those of the plan apply.
    """
    with ledger.reading() as tx:
        read_at = state.moved_at(tx, state.CENTRA_QUOTAS)
        if read_at is not None and timedelta(0) <= tx.now - read_at < READ_EVERY:
            return
        known = _known(tx)
    try:
        windows = centra.quota_windows()
    except DOES_NOT_SAY as error:
        _logger.warning(
            "the quotas of the plan apply, since Centra does not say its own: %s", error
        )
        windows = []
    except Throttled as error:
        # Kept, a quota that leaves no request to read it again would hold for ever. Where it is
        # Centra that allows no more, its own answers still hold us.
        _logger.warning(
            "the quotas of the plan apply until Centra can be asked for its own: %s", error
        )
        windows = []
    except IntegrationError as error:
        _logger.warning("Centra's quotas were not read, the last ones stay: %s", error)
        windows = known
    with ledger.transaction() as tx:
        # Written even where nothing changed: the time says when to read again.
        state.set_to(tx, state.CENTRA_QUOTAS, json.dumps([asdict(window) for window in windows]))
    centra.allow(windows)


def _known(tx: Transaction) -> list[QuotaWindow]:
    kept = state.read(tx, state.CENTRA_QUOTAS)
    try:
        return [QuotaWindow(**window) for window in json.loads(kept)] if kept else []
    except TypeError:
        # Written by another release; read anew within minutes.
        return []
