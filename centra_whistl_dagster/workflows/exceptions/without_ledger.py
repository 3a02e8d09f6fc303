"""Alert the team that runs the connection when the ledger, which has all alerts, cannot be used."""

from __future__ import annotations

from centra_whistl_dagster.alerts import delivery, messages
from centra_whistl_dagster.alerts.addresses import TRIES_BEFORE_SECOND, AlertAddresses
from centra_whistl_dagster.alerts.delivery import Letter
from centra_whistl_dagster.domain.exceptions.responsibilities import UNCONFIGURED
from centra_whistl_dagster.workflows.exceptions.delivery import Post


def alert_directly(addresses: AlertAddresses, reason: str, *, post: Post = delivery.post) -> bool:
    """Send one letter past the outbox, by the second channel where the first is dead.

    Returns:
        Whether a channel took it.
    """
    channel = UNCONFIGURED.owner
    tries = (addresses.for_attempt(channel, tried) for tried in (0, TRIES_BEFORE_SECOND))
    return any(
        post([_letter(address, reason)]).get(0, "not tried") is None
        for address in dict.fromkeys(tries)
        if address
    )


def _letter(address: str, reason: str) -> Letter:
    body = (
        f"{messages.one_line(reason)}\n\nUntil the ledger can be used, no order is sent, no "
        "shipment is completed and no other alert is written. All of it continues "
        "automatically afterwards. This alert is repeated every hour."
    )
    title = "Urgent: The ledger cannot be used, and the connection has stopped"
    return Letter(id=0, address=address, title=title, body=body, severity="failure")
