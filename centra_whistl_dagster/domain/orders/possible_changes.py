"""Whether an order can still be changed or stopped, for the person whom a customer asks."""

from __future__ import annotations

from dataclasses import dataclass

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.after_sending_decision import chosen, standing_of
from centra_whistl_dagster.domain.orders.after_sending_policy import AfterSendingPolicy
from centra_whistl_dagster.domain.orders.changes_after_sending import (
    KINDS,
    MATRIX,
    Change,
    Reaction,
    Standing,
)
from centra_whistl_dagster.domain.orders.states import UNSENT, OrderState

ASKED_FOR = (
    Change.CANCELLED,
    Change.ADDRESS,
    Change.CONTACT,
    Change.FEWER_UNITS,
    Change.MORE_UNITS,
    Change.SHIPPING_OPTION,
    Change.HOLD,
)
"""What customers ask for. The other changes come about in other ways."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PossibleChange:
    """What follows if one thing about an order is changed in Centra now."""

    change: Change
    reaction: Reaction
    """What this connection does by itself."""
    meaning: str
    """What can still be done, and until when."""
    kind: ExceptionKind
    """Whose owner acts, and calls Whistl where somebody has to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOutlook:
    """Whether an order can still be changed or stopped."""

    answer: str
    """In one sentence."""
    changes: tuple[PossibleChange, ...] = ()
    """One by one; none where the sentence says all."""


_NOT_SENT = ChangeOutlook(
    answer=(
        "Yes: Whistl does not have it. Change or cancel it in Centra; it is read again before "
        "it is sent."
    )
)
_ENDED_AT_WHISTL = ChangeOutlook(
    answer=(
        "Not by changing it: Whistl had it and has ended it, and it is not sent again by itself. "
        "Its open exceptions say what to do."
    )
)
_CANCELLED = ChangeOutlook(answer="It is cancelled: nothing of it leaves the warehouse.")
_ANSWERS = {
    Standing.IN_DOUBT: "Not known yet: Whistl is being asked whether it has the order.",
    Standing.PACKED: "Hardly: it is packed. Only a call to Whistl may still stop it.",
    Standing.PART_DESPATCHED: "In part: some of it has left the warehouse.",
    Standing.DESPATCHED: "No: it has left the warehouse.",
    Standing.CANCELLED: "Whistl has ended it: nothing of it leaves under this number.",
    Standing.REJECTED: "Whistl has rejected it: nothing of it leaves under this number.",
}
_YES_STILL = "Yes, as long as Whistl has not packed it: change or cancel it in Centra now."


def change_outlook(
    state: OrderState,
    whistl_status: str | None,
    policy: AfterSendingPolicy,
    *,
    can_renumber: bool,
    was_sent: bool,
) -> ChangeOutlook:
    """Say what can still be changed about an order.

    Args:
        state: where it stands here.
        whistl_status: Whistl's last known status; None where there is none.
        policy: what the brand wants done by itself.
        can_renumber: whether Whistl's limit leaves room for the order's next number.
        was_sent: Whistl had it under some number.
    """
    if state is OrderState.BLOCKED and was_sent:
        return _ENDED_AT_WHISTL
    if state in UNSENT:
        return _NOT_SENT
    if state is OrderState.CANCELLED:
        return _CANCELLED
    standing = standing_of(state, whistl_status)
    return ChangeOutlook(
        answer=_ANSWERS.get(standing, _YES_STILL),
        changes=tuple(
            PossibleChange(
                change=change,
                reaction=chosen(change, MATRIX[change][standing].reaction, policy, can_renumber),
                meaning=MATRIX[change][standing].meaning,
                kind=next(kind for kind, changes in KINDS.items() if change in changes),
            )
            for change in ASKED_FOR
        ),
    )
