"""What is said about changing an order agrees with what is done about a change, in every state."""

from __future__ import annotations

import pytest

from centra_whistl_dagster.domain.orders.after_sending_decision import decide, standing_of
from centra_whistl_dagster.domain.orders.after_sending_policy import AfterSendingPolicy, OnEdit
from centra_whistl_dagster.domain.orders.changes_after_sending import Change, Reaction
from centra_whistl_dagster.domain.orders.possible_changes import ASKED_FOR, change_outlook
from centra_whistl_dagster.domain.orders.states import UNSENT, OrderState

POLICY = AfterSendingPolicy()
STATUSES = (None, "RECEIVED", "ALLOCATED", "PICKING", "PACKED", "DESPATCHED", "CANCELLED", "NEW")
SENT = [state for state in OrderState if state not in {*UNSENT, OrderState.CANCELLED}]


@pytest.mark.parametrize("state", sorted(UNSENT))
def test_an_order_that_whistl_does_not_have_is_simply_changed_in_centra(state: OrderState) -> None:
    outlook = change_outlook(state, None, POLICY, can_renumber=True, was_sent=False)

    assert outlook.answer.startswith("Yes: Whistl does not have it.")
    assert outlook.changes == ()


def test_an_order_that_whistl_has_ended_is_not_said_to_go_again() -> None:
    outlook = change_outlook(
        OrderState.BLOCKED, "REJECTED", POLICY, can_renumber=True, was_sent=True
    )

    assert outlook.answer.startswith("Not by changing it: Whistl had it")


@pytest.mark.parametrize("state", SENT)
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("can_renumber", [True, False])
def test_what_is_said_to_happen_is_what_is_decided(
    state: OrderState, status: str | None, can_renumber: bool
) -> None:
    outlook = change_outlook(state, status, POLICY, can_renumber=can_renumber, was_sent=True)
    standing = standing_of(state, status)

    assert [each.change for each in outlook.changes] == list(ASKED_FOR)
    for each in outlook.changes:
        decision = decide([each.change], standing, POLICY, can_renumber=can_renumber)
        stops = {Reaction.STOP, Reaction.PAUSE, Reaction.REPLACE}
        assert (decision.stop_for is not None) == (each.reaction in stops), each
        assert (each.change in decision.notify) == (each.reaction is Reaction.NOTIFY), each
        assert each.meaning


def test_the_brand_s_choice_is_said() -> None:
    asks = AfterSendingPolicy(on_address=OnEdit.ASK)
    reactions = [
        next(
            each.reaction
            for each in change_outlook(
                OrderState.SUBMITTED, "RECEIVED", policy, can_renumber=True, was_sent=True
            ).changes
            if each.change is Change.ADDRESS
        )
        for policy in (POLICY, asks)
    ]

    assert reactions == [Reaction.REPLACE, Reaction.NOTIFY]


@pytest.mark.parametrize(
    ("state", "status", "answer"),
    [
        (OrderState.SUBMITTED, "PICKING", "Yes, as long as Whistl has not packed it"),
        (OrderState.SUBMITTED, "PACKED", "Hardly: it is packed."),
        (OrderState.PART_DESPATCHED, "PART_DESPATCHED", "In part:"),
        (OrderState.COMPLETED, "DESPATCHED", "No: it has left"),
        (OrderState.IN_DOUBT, None, "Not known yet:"),
        (OrderState.CANCELLED, "CANCELLED", "It is cancelled:"),
    ],
)
def test_the_answer_is_one_sentence(state: OrderState, status: str | None, answer: str) -> None:
    outlook = change_outlook(state, status, POLICY, can_renumber=True, was_sent=True)

    assert outlook.answer.startswith(answer)
