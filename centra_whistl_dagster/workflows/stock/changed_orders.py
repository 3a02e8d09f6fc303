"""See, just before stock is written, what was ordered in Centra and what people did there.

A shipment made by hand, a cancelled line or a cancelled order moves Centra's stock at once, while
the usual comparison of sent orders is minutes apart (`workflows.orders.rechecks`). Centra has
allocated units to an order placed just now: while it is not known, they would pass for those of an
order that somebody has shipped. What a reading means is decided in `workflows.orders.readings`.
"""

from __future__ import annotations

from datetime import timedelta

from centra_whistl_dagster.domain.orders.order import SENDABLE_STATUSES
from centra_whistl_dagster.ledger import orders, standings, state
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.intake import OVERLAP, take_in_alone

_FIRST = timedelta(minutes=20)
"""What changed before that, the usual comparison has found."""


def read_changed_orders(link: Link) -> int:
    """Read new orders, and sent ones that Centra shows as changed; return how many there were.

    One request, and one for each hundred of them.

    Raises:
        IntegrationError: Centra could not be read; the same changes are read next time.
    """
    began = link.now()
    with link.ledger.reading() as tx:
        since = state.reached(tx, state.CENTRA_CHANGES_SEEN)
    stamps = link.centra.changed_order_stamps((since or began - _FIRST) - OVERLAP)
    shown = {stamp.centra_id: stamp.updated_at for stamp in stamps}
    sendable = {stamp.centra_id for stamp in stamps if stamp.status in SENDABLE_STATUSES}
    with link.ledger.reading() as tx:
        known = orders.stamps(tx, shown)
        changed = [centra_id for centra_id, at in shown.items() if known.get(centra_id) != at]
        ids = standings.ids_at_whistl(tx, changed) | (sendable - known.keys())
    records = list(link.centra.orders_with_ids(sorted(ids))) if ids else []
    with link.ledger.transaction() as tx:
        for record in records:
            take_in_alone(tx, link, record)
        state.advance(tx, state.CENTRA_CHANGES_SEEN, shown.values(), read_at=began)
    return len(records)
