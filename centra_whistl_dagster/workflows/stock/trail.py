"""Keep how stock figures came about: every step of the sum, and each change of a buffer.

The next sync is decided by it, and the history is loaded from it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.stock.buffer import buffer_reason
from centra_whistl_dagster.domain.stock.cadence import Rung
from centra_whistl_dagster.domain.stock.plan import in_short
from centra_whistl_dagster.domain.stock.policy import policy_for
from centra_whistl_dagster.ledger import stock
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.last_sync import LastSync, keep_last_sync, last_sync
from centra_whistl_dagster.workflows.stock.levels_needed import due_skus
from centra_whistl_dagster.workflows.stock.positions import position_changes, with_positions
from centra_whistl_dagster.workflows.stock.reconciliation import Reconciliation

_EPOCH = pd.Timestamp(datetime.fromtimestamp(0, UTC))


def keep_reconciliation(
    link: Link,
    reconciliation: Reconciliation,
    unfinished: Collection[str],
    *,
    is_answered: bool | None,
) -> LastSync:
    """Keep every step of the sum, and what the next sync is decided by.

    Args:
        link: the connection.
        reconciliation: the SKUs of this sync.
        unfinished: of them, those whose figure could not be written: the next sync covers them.
        is_answered: Centra gave a usable answer to every batch; None where none was sent.
    """
    now, folder = link.now(), link.settings.archive_path
    with link.ledger.reading() as tx:
        last = last_sync(tx)
    before = archive.fetch(folder, last.file) if last else None
    _log_buffer_changes(link, reconciliation, before)
    ladder = link.configuration.stock.cadence.ladder_minutes
    frame = _steps_frame(reconciliation).assign(looked_at=pd.Timestamp(reconciliation.at))
    frame.loc[frame["sku"].isin(unfinished), "minutes"] = ladder[0]
    frame = with_positions(frame, unfinished)
    changes = position_changes(frame, before, now, is_whole=reconciliation.is_whole)
    if not changes.empty:
        archive.keep(folder, archive.POSITIONS, f"P--{now:{archive.STAMP}}", now, changes)
    if before is not None and reconciliation.within_minutes is not None:
        others = _others(link, before, frame, reconciliation)
        frame = pd.concat([others, frame], ignore_index=True)
    file = archive.keep(folder, archive.RECONCILED, f"R--{now:{archive.STAMP}}", now, frame)
    record = LastSync(
        file=str(file),
        snapshot_id=reconciliation.snapshot_id,
        full_at=reconciliation.at if last is None or reconciliation.is_whole else last.full_at,
        rungs=_rungs(frame, longest=ladder[-1]),
        unfinished=len(unfinished),
        unanswered_syncs=_unanswered(last, is_answered=is_answered),
    )
    with link.ledger.transaction() as tx:
        keep_last_sync(tx, record)
    return record


def _unanswered(last: LastSync | None, *, is_answered: bool | None) -> int:
    before = last.unanswered_syncs if last else 0
    if is_answered is None:
        return before
    return 0 if is_answered else before + 1


def _others(
    link: Link, before: pd.DataFrame, synced: pd.DataFrame, reconciliation: Reconciliation
) -> pd.DataFrame:
    """Return the SKUs that a partial sync did not write, as they were before.

    Those that were due and whose figure stands count as synced, with the interval they need now.
    Those that moved only after the reading do not: their level must be read yet.
    Centra was asked for the others that were due, and no longer has them.
    """
    others = before[~before["sku"].isin(synced["sku"])]
    within_minutes = reconciliation.within_minutes
    with link.ledger.reading() as tx:
        snapshot = stock.snapshot(tx, reconciliation.snapshot_id)
    if snapshot is None or within_minutes is None:
        return others
    due = due_skus(link, snapshot, within_minutes)
    if due is None:
        return others
    needed = others["sku"].map(pd.Series(due.minutes, index=pd.Index(due.skus)))
    is_known = needed.notna()
    stands = is_known & ~others["sku"].isin(due.to_read)
    is_gone = ~is_known & (others["minutes"] <= within_minutes)
    return others.assign(
        minutes=needed.fillna(others["minutes"]).astype("int64"),
        looked_at=others["looked_at"].mask(stands, pd.Timestamp(reconciliation.at)),
        in_centra=others["in_centra"] & ~is_gone,
    )


def _rungs(frame: pd.DataFrame, *, longest: int) -> tuple[Rung, ...]:
    in_both = frame[frame["in_whistl"] & frame["in_centra"]]
    return in_short(
        in_both["minutes"].to_numpy(dtype=np.int64),
        np.asarray((in_both["looked_at"] - _EPOCH).dt.total_seconds(), dtype=np.float64),
        in_both["per_hour"].to_numpy(dtype=np.float64),
        in_both["sku"].tolist(),
        longest,
    )


def _steps_frame(reconciliation: Reconciliation) -> pd.DataFrame:
    catalogue, demand = reconciliation.catalogue, reconciliation.demand
    steps = catalogue.steps
    return pd.DataFrame(
        {
            "sku": pd.Series(reconciliation.skus, dtype="str"),
            "in_whistl": catalogue.in_whistl,
            "in_centra": catalogue.in_centra,
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


def _log_buffer_changes(
    link: Link, reconciliation: Reconciliation, frame: pd.DataFrame | None
) -> None:
    """Keep each change of a buffer, with the sum in words."""
    folder, now, demand = link.settings.archive_path, link.now(), reconciliation.demand
    before: dict[str, int] = {}
    if frame is not None:
        before = dict(zip(frame["sku"], frame["buffer_wanted"].astype(int).tolist(), strict=True))
    rows = [
        {
            "sku": sku,
            "changed_at": now,
            "from_units": before.get(sku, 0),
            "to_units": units,
            "reason": buffer_reason(
                units=units,
                clumps_per_hour=float(demand.unseen_clumps.per_hour[at]),
                clump_units=float(demand.unseen_clumps.units[at]),
                exposure_minutes=float(demand.exposure_minutes[at]),
                policy=policy_for(sku, reconciliation.at, link.configuration.stock).buffer,
            ),
        }
        for at, (sku, units) in enumerate(
            zip(reconciliation.skus, demand.buffer.tolist(), strict=True)
        )
        if before.get(sku, 0) != units
    ]
    if rows:
        name = f"B--{now:{archive.STAMP}}"
        archive.keep(folder, archive.BUFFER_CHANGES, name, now, pd.DataFrame(rows))
