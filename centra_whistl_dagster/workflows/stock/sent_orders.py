"""See what people did in Centra to orders that Whistl has, just before stock is written.

A shipment made by hand, a cancelled line or a cancelled order moves Centra's stock at once, while
the usual comparison of sent orders is minutes apart (`workflows.orders.rechecks`). What a reading
means is decided in `workflows.orders.readings`.
"""

from __future__ import annotations

from datetime import timedelta

from centra_whistl_dagster.ledger import orders, standings, state
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.intake import OVERLAP, take_in

_FIRST = timedelta(minutes=20)
"""What changed before that, the usual comparison has found."""


def read_changed_sent_orders(link: Link) -> int:
    """Read again the sent orders that Centra shows as changed; return how many there were.

    One request, and one for each hundred of them.

    Raises:
        IntegrationError: Centra could not be read; the same changes are read next time.
    """
    began = link.now()
    with link.ledger.reading() as tx:
        since = state.reached(tx, state.CENTRA_CHANGES_SEEN)
    stamps = link.centra.changed_order_stamps((since or began - _FIRST) - OVERLAP)
    shown = {stamp.centra_id: stamp.updated_at for stamp in stamps}
    with link.ledger.reading() as tx:
        known = orders.stamps(tx, shown)
        changed = [centra_id for centra_id, at in shown.items() if known.get(centra_id) != at]
        ids = standings.ids_at_whistl(tx, changed)
    records = list(link.centra.orders_with_ids(sorted(ids))) if ids else []
    with link.ledger.transaction() as tx:
        for record in records:
            take_in(tx, link, record)
        state.advance(tx, state.CENTRA_CHANGES_SEEN, shown.values(), read_at=began)
    return len(records)
