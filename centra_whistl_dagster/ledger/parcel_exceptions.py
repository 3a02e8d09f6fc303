"""The exceptions about one parcel that are over once nothing more is tried for it."""

from __future__ import annotations

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.ledger import exceptions
from centra_whistl_dagster.ledger.engine import Transaction

_UNTIL_COMPLETED = (
    ExceptionKind.SHIPMENT_REFUSED,
    ExceptionKind.SHIPMENT_UNANSWERED,
    ExceptionKind.SHIPMENT_DIFFERS,
    ExceptionKind.STOCK_NOT_ALLOCATED,
    ExceptionKind.PAYMENT_NOT_CAPTURED,
)
"""Kinds that are over once Centra has the parcel, or wants none of it."""


def field_of(parcel_number: int) -> str:
    """Return the field of the exceptions about one parcel of a despatch."""
    return f"parcel {parcel_number}"


def resolve_finished(tx: Transaction, despatch_id: str, parcel_number: int) -> None:
    """Resolve what was open about this parcel alone: nothing more is tried for it."""
    field = field_of(parcel_number)
    exceptions.resolve(tx, SubjectType.DESPATCH, despatch_id, _UNTIL_COMPLETED, field=field)
