"""The calls that make one shipment complete in Centra, in the only order that is safe.

Create, then the payment, then good-to-go, then complete: a completed shipment sends the customer a
mail and cannot be taken back.
"""

from __future__ import annotations

from dataclasses import replace

from centra_whistl_dagster.centra.client import ShipmentDraft, ShipmentWritten
from centra_whistl_dagster.domain.effects import must_owner_hear
from centra_whistl_dagster.domain.orders.order import CentraShipment
from centra_whistl_dagster.transport import AccessDenied, Reason, Refused
from centra_whistl_dagster.workflows.link import Link


class PaymentNotCaptured(Exception):
    """The shipment is there and stays open: Centra did not capture its payment."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        super().__init__("Centra did not capture the payment")
        self.reasons = reasons


def is_unpaid(link: Link, shipment: CentraShipment) -> bool:
    """Say whether Centra has yet to capture the payment of a shipment."""
    has_payment = shipment.is_paid or shipment.is_captured
    return link.settings.centra.captures_payment and not has_payment


def may_capture(captures: int) -> bool:
    """Say whether a capture may be tried once more; after that, finance settles it by hand.

    Args:
        captures: times that Centra did not capture the payment. Attempts that failed for another
            reason do not count.
    """
    return not must_owner_hear(captures)


def write_shipment(
    link: Link, draft: ShipmentDraft, shipment: CentraShipment | None
) -> ShipmentWritten:
    """Create a shipment, or complete the one that Centra has.

    Raises:
        PaymentNotCaptured: nothing was completed, and no mail was sent.
        Refused, OutcomeUnknown: or any other `IntegrationError` of the call that failed.
    """
    if shipment is not None:
        return _complete(link, draft, shipment)
    created = link.centra.create_shipment(draft)
    if created.is_shipped:
        return created
    if link.settings.centra.captures_payment and not created.has_payment:
        raise PaymentNotCaptured(created.warnings)
    completed = link.centra.complete_shipment(created.shipment_id, draft)
    return replace(completed, warnings=created.warnings + completed.warnings)


def _complete(link: Link, draft: ShipmentDraft, shipment: CentraShipment) -> ShipmentWritten:
    shipment_id = shipment.shipment_id
    warnings = _capture(link, shipment_id) if is_unpaid(link, shipment) else ()
    centra = link.settings.centra
    is_to_be_paid = centra.marks_paid and not centra.captures_payment and not shipment.is_paid
    if is_to_be_paid or not shipment.is_good_to_go:
        link.centra.release_shipment(shipment_id)
    completed = link.centra.complete_shipment(shipment_id, draft)
    return replace(completed, warnings=warnings + completed.warnings)


def _capture(link: Link, shipment_id: int) -> tuple[Reason, ...]:
    try:
        captured = link.centra.capture_shipment(shipment_id)
    except AccessDenied:
        raise
    except Refused as error:
        raise PaymentNotCaptured(error.reasons) from error
    if not captured.has_payment:
        raise PaymentNotCaptured(captured.warnings)
    return captured.warnings
