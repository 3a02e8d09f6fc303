"""Centra's queue of events: what happened to orders since it was confirmed last.

Source: https://centra.dev/integration-api/handling-events. The queue gives the oldest events that
are not confirmed, is empty until Centra switches events on for the environment and somebody has
asked for them, and is shared by all tokens of one integration name.
"""

from __future__ import annotations

from collections.abc import Sequence

from centra_whistl_dagster.centra.graphql import GraphQL
from centra_whistl_dagster.centra.pages import rows_of
from centra_whistl_dagster.centra.records import OrderEvent
from centra_whistl_dagster.transport import CallKind, Json
from centra_whistl_dagster.transport.fields import BrokenRecord, Fields

_ORDER = "Order"
_CHANGES = ("CREATED", "UPDATED")
"""What is asked for. A cancelled or completed order was updated too."""


def order_events(graphql: GraphQL, *, limit: int) -> list[OrderEvent]:
    """Read the oldest events of orders that are not confirmed.

    Raises:
        ContractBroken: an event is not as documented, or the queue is full of other events, behind
            which those of orders are hidden.
        IntegrationError: of any other kind.
    """
    data = graphql.run(CallKind.READ, "Events", {"limit": limit}, records=limit)
    rows = rows_of(graphql, "Events", data, "events")
    try:
        events = [event for row in rows if (event := _order_event(row)) is not None]
    except BrokenRecord as broken:
        raise graphql.broken(CallKind.READ, "Events", str(broken)) from broken
    if len(rows) >= limit and not events:
        detail = (
            "the queue is full of events that are not of orders: another program with a token of "
            "the same integration name asks for them and does not confirm them"
        )
        raise graphql.broken(CallKind.READ, "Events", detail)
    return events


def _order_event(row: Json) -> OrderEvent | None:
    fields = Fields(row, "events")
    if fields.required_text("objectType") != _ORDER:
        return None
    return OrderEvent(
        event_id=fields.whole("id"),
        number=fields.required_count("objectReference"),
        created_at=fields.moment("createdAt"),
    )


def confirm_events(graphql: GraphQL, event_ids: Sequence[int]) -> None:
    """Take events off the queue. Doing it twice does no harm."""
    confirmed = {"input": {"eventsIds": list(event_ids)}}
    graphql.run(CallKind.IDEMPOTENT_WRITE, "ConfirmEvents", confirmed)


def listen_to_orders(graphql: GraphQL) -> None:
    """Ask Centra to put changes of orders into the queue. Doing it twice does no harm."""
    wanted = {"input": [{"objectType": _ORDER, "changeTypes": list(_CHANGES)}]}
    graphql.run(CallKind.IDEMPOTENT_WRITE, "SetEventListeners", wanted)


def stop_listening_to_orders(graphql: GraphQL) -> None:
    """Ask Centra for no more events of orders; those in the queue are deleted."""
    unwanted = {"input": [{"objectType": _ORDER, "changeTypes": list(_CHANGES)}]}
    graphql.run(CallKind.IDEMPOTENT_WRITE, "UnsetEventListeners", unwanted)
