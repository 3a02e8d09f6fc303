"""What happens next to an order, and when, in sentences for the person who asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.orders.changes_after_sending import StopReason
from centra_whistl_dagster.domain.orders.states import OrderState

NOTHING_MORE = "Nothing more is due."
_NOT_STOPPED = "Whistl has not stopped it, and is not asked again."
_S = OrderState

_NEXT: Mapping[OrderState, str] = {
    _S.WAITING: "It is sent once Centra releases it (no hold, paid, unlocked, Whistl's to send).",
    _S.RECEIVED: "It is screened in the next round.",
    _S.BLOCKED: "It is not sent while the exceptions below are open.",
    _S.READY: "It is sent to Whistl {when}.",
    _S.SENDING: (
        "It is being sent to Whistl. If no result is known {when}, the answer counts as lost, and "
        "the order is looked up at Whistl before anything is sent again."
    ),
    _S.IN_DOUBT: (
        "It is looked up at Whistl {when}. It is sent again only if Whistl does not have it."
    ),
    _S.SUBMITTED: "Whistl picks and packs it. Its despatch message completes the order in Centra.",
    _S.PART_DESPATCHED: "Whistl sends the rest, or says that it will not.",
    _S.DESPATCHED: "It has left. It is complete once Centra has every parcel.",
    _S.COMPLETED: NOTHING_MORE,
    _S.CANCELLED: NOTHING_MORE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingParcel:
    """A parcel that Centra does not have yet."""

    name: str
    """Carrier and tracking number."""
    due_at: datetime | None
    """When it is written to Centra; None for a parcel that waits for a person."""
    waits_for_a_person: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenException:
    """What a person has to do about an order."""

    exception_id: int
    owner: str
    due_at: datetime
    instructions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an order has come."""

    state: OrderState
    due_at: datetime | None
    """When the connection works on it next; None where that depends on something else."""
    stop_for: StopReason | None = None
    """Why Whistl is to stop it; None while it is not."""
    stop_due_at: datetime | None = None
    """When Whistl is asked next to stop it; None where it was asked for the last time."""
    is_stop_tried: bool = False
    """Whistl has said that it tries to stop it."""
    open_exceptions: tuple[OpenException, ...] = ()
    parcels: tuple[PendingParcel, ...] = ()


def next_steps(progress: Progress, now: datetime) -> list[str]:
    """Return what comes next for an order, the most important first; never nothing."""
    steps = [_NEXT[progress.state].format(when=_when(progress.due_at, now))]
    if progress.stop_for and progress.state in {_S.SUBMITTED, _S.PART_DESPATCHED}:
        steps = [_of_a_stop(progress, now)]
    elif progress.stop_for and progress.state in {_S.SENDING, _S.IN_DOUBT}:
        steps.append("If Whistl has it, Whistl is asked to stop it.")
    for parcel in progress.parcels:
        if parcel.waits_for_a_person:
            steps.append(f"Parcel {parcel.name} waits for a person: see the open exceptions.")
        else:
            steps.append(f"Parcel {parcel.name} is written to Centra {_when(parcel.due_at, now)}.")
    if progress.open_exceptions:
        steps = [step for step in steps if step != NOTHING_MORE]
    for each in progress.open_exceptions:
        limit = f"{each.owner}, by {_clock_time(each.due_at)}"
        steps.append(f"Exception {each.exception_id} ({limit}): {each.instructions}")
    return steps


def _of_a_stop(progress: Progress, now: datetime) -> str:
    if progress.stop_due_at is None:
        return _NOT_STOPPED
    when = _when(progress.stop_due_at, now)
    if progress.is_stop_tried:
        return f"Whistl tries to stop it. It is asked again {when}."
    return f"Whistl is asked to stop it {when}."


def _when(due_at: datetime | None, now: datetime) -> str:
    if due_at is None or due_at <= now:
        return "in the next round"
    return f"at {_clock_time(due_at)}"


def _clock_time(moment: datetime) -> str:
    return f"{moment.astimezone(LONDON):%H:%M:%S on %d %b} London time"
