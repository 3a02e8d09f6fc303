"""Send a brief to its list, by the outbox of alerts: tried again, and late ones are reported."""

from __future__ import annotations

from centra_whistl_dagster.alerts.addresses import BRIEF, AlertAddresses
from centra_whistl_dagster.domain.exceptions.responsibilities import Owner
from centra_whistl_dagster.ledger import alerts
from centra_whistl_dagster.ledger.alerts import NewAlert
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.workflows.briefs.rendering import Brief


def send(ledger: Ledger, addresses: AlertAddresses, brief: Brief) -> bool:
    """Put a brief into the outbox; return whether it was.

    It is not where no list is set (`ALERT_BRIEF_URL`), nor a second time: a brief that is written
    again has newer figures, and whoever wants them opens the desk.
    """
    if not addresses.has(BRIEF):
        return False
    cause = f"brief/{brief.period.name}"
    new = NewAlert(
        cause=cause,
        owner=Owner.FULFILMENT,
        channel=BRIEF,
        severity="info",
        title=brief.title,
        body=brief.text,
        html=brief.html,
    )
    with ledger.transaction() as tx:
        if cause in alerts.last_told(tx, brief.period.since):
            return False
        alerts.add(tx, [new])
    return True
