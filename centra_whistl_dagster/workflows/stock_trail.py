"""Keep how stock figures came about: every step of the sum, and each change of what is held back.

Belongs here: what the next pass is decided by, and what history is told. Does not belong here:
writing to Centra (`workflows.stock_sync`).
"""

from __future__ import annotations

import json
from dataclasses import asdict

import pandas as pd

from centra_whistl_dagster.domain.buffer import buffer_reason
from centra_whistl_dagster.domain.stock_policy import policy_for
from centra_whistl_dagster.ledger import cursors
from centra_whistl_dagster.workflows import archive
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock_reconciliation import Reconciliation


def keep_reconciliation(link: Link, found: Reconciliation) -> None:
    """Keep every step of the sum, and what the next pass is decided by."""
    steps, demand = found.catalogue.steps, found.demand
    frame = pd.DataFrame(
        {
            "sku": pd.Series(found.skus, dtype="str"),
            "in_whistl": found.catalogue.in_whistl,
            "in_centra": found.catalogue.in_centra,
            "whistl_available": steps.warehouse.available,
            "units_held": steps.ours.held,
            "units_left": steps.ours.left,
            "buffer_wanted": steps.buffer_wanted,
            "buffer_used": steps.buffer_used,
            "physical": steps.physical,
            "centra_physical": steps.centra.physical,
            "centra_allocated": steps.centra.allocated,
            "oversold": steps.oversold,
            "per_hour": demand.per_hour,
            "minutes": demand.minutes,
        }
    )
    now = link.now()
    _log_buffer_changes(link, found)
    name = f"R--{now:{archive.STAMP}}"
    file = archive.keep(link.settings.archive_path, archive.RECONCILED, name, now, frame)
    value = {"file": str(file), "snapshot_id": found.snapshot_id, "need": asdict(demand.need)}
    with link.ledger.transaction() as tx:
        cursors.set_to(tx, cursors.RECONCILED, json.dumps(value), now=now)


def _log_buffer_changes(link: Link, found: Reconciliation) -> None:
    """Keep each change of what is held back, with the sum in words."""
    with link.ledger.reading() as tx:
        kept = cursors.read(tx, cursors.RECONCILED)
    folder, now, demand = link.settings.archive_path, link.now(), found.demand
    before: dict[str, int] = {}
    if kept is not None:
        frame = archive.fetch(folder, json.loads(kept)["file"])
        before = dict(zip(frame["sku"], frame["buffer_wanted"].astype(int).tolist(), strict=True))
    rows = [
        {
            "sku": sku,
            "changed_at": now,
            "from_units": before.get(sku, 0),
            "to_units": units,
            "reason": buffer_reason(
                units=units,
                unseen_per_hour=float(demand.unseen_per_hour[at]),
                dispersion=float(demand.unseen_dispersion[at]),
                exposure_minutes=float(demand.minutes[at]) + demand.write_minutes,
                policy=policy_for(sku, now, link.configuration.stock).buffer,
            ),
        }
        for at, (sku, units) in enumerate(zip(found.skus, demand.buffer.tolist(), strict=True))
        if before.get(sku, 0) != units
    ]
    if rows:
        name = f"B--{now:{archive.STAMP}}"
        archive.keep(folder, archive.BUFFER_CHANGES, name, now, pd.DataFrame(rows))
