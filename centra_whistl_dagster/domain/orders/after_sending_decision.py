"""One decision from all changes of an order, where it stands at Whistl, and the brand's policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from centra_whistl_dagster.domain.orders.after_sending_policy import AfterSendingPolicy
from centra_whistl_dagster.domain.orders.changes_after_sending import (
    MATRIX,
    Change,
    Reaction,
    Standing,
    StopReason,
)
from centra_whistl_dagster.domain.orders.states import OrderState

_STOPS = {
    Reaction.STOP: StopReason.CANCELLED,
    Reaction.PAUSE: StopReason.PAUSED,
    Reaction.REPLACE: StopReason.EDITED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is done about an order as it stands now."""

    stop_for: StopReason | None
    """Why Whistl is to be asked to stop it; None when it is not."""
    notify: frozenset[Change]
    """The changes that an owner hears of at once; others only if Whistl cannot stop the order."""


def standing_of(state: OrderState, whistl_status: str | None) -> Standing:
    """Say where an order stands at Whistl; what has left outweighs a status that may be older."""
    if state in {OrderState.SENDING, OrderState.IN_DOUBT}:
        return Standing.IN_DOUBT
    known = {standing.name: standing for standing in Standing if standing is not Standing.IN_DOUBT}
    shown = known.get((whistl_status or "").upper(), Standing.UNKNOWN)
    if state in {OrderState.DESPATCHED, OrderState.COMPLETED}:
        return Standing.DESPATCHED
    if state is OrderState.PART_DESPATCHED:
        nothing_follows = {Standing.DESPATCHED, Standing.CANCELLED, Standing.REJECTED}
        return Standing.DESPATCHED if shown in nothing_follows else Standing.PART_DESPATCHED
    return shown


def decide(
    changes: Iterable[Change],
    standing: Standing,
    policy: AfterSendingPolicy,
    *,
    can_renumber: bool,
) -> Decision:
    """Bring the cells of several changes together with what the brand has chosen.

    Args:
        changes: what differs between the order as it was sent and as it is.
        standing: where it stands at Whistl.
        policy: what the brand has chosen.
        can_renumber: whether Whistl's limit leaves room for the order's next number.
    """
    found = set(changes)
    if Change.CANCELLED in found:
        found = {Change.CANCELLED}
    reactions = {
        change: chosen(change, MATRIX[change][standing].reaction, policy, can_renumber)
        for change in found
    }
    wanted = {_STOPS[reaction] for reaction in reactions.values() if reaction in _STOPS}
    stop_for = next((reason for reason in StopReason if reason in wanted), None)
    if stop_for is StopReason.CANCELLED and Change.CANCELLED not in found:
        # The rest of an order that was not cancelled: it must not be taken for a cancellation.
        stop_for = StopReason.PAUSED
    asked = {change for change, reaction in reactions.items() if reaction is Reaction.NOTIFY}
    # Sent again as it is now, an order has the changes that its owner would only be asked about.
    is_sent_again = stop_for in {StopReason.PAUSED, StopReason.EDITED}
    is_whole = standing is not Standing.PART_DESPATCHED
    return Decision(
        stop_for=stop_for, notify=frozenset() if is_sent_again and is_whole else frozenset(asked)
    )


def chosen(
    change: Change, reaction: Reaction, policy: AfterSendingPolicy, can_renumber: bool
) -> Reaction:
    """Return what is done about a change: its cell's reaction, unless the brand chose to ask."""
    if reaction is Reaction.PAUSE and not policy.stops(change):
        return Reaction.NOTIFY
    if reaction is Reaction.REPLACE and not (can_renumber and policy.replaces(change)):
        return Reaction.NOTIFY
    return reaction


def message(
    number: int, at_whistl: str, standing: Standing, changed: Mapping[Change, Iterable[str]]
) -> str:
    """Say what changed by the names of fields, where the order stands, and what can be done."""
    changes = [change for change in Change if change in changed]
    what = "; ".join(
        f"{change} ({', '.join(fields)})" if (fields := list(changed[change])) else str(change)
        for change in changes
    )
    advice = dict.fromkeys(MATRIX[change][standing].meaning for change in changes)
    return (
        f"Order {number} changed in Centra after it was sent to Whistl: {what}. "
        f"At Whistl ({at_whistl}): {standing}. {' '.join(advice)}"
    )
