"""Who ordered what is deleted some time after the order has ended, and not a day before."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import messages, order_contents
from centra_whistl_dagster.ledger.states import MessageState
from centra_whistl_dagster.ledger.tables import messages as kept
from centra_whistl_dagster.workflows.upkeep.retention import forget_old_orders
from centra_whistl_dagster_tests.workflows.conftest import PROJECT, Desk

DAY = 86_400.0


def test_contents_of_an_ended_order_are_deleted_after_thirty_days(desk: Desk) -> None:
    ended = desk.order()
    desk.relay(12, every=60)
    assert desk.state(ended) is OrderState.COMPLETED

    desk.clock.advance(29 * DAY)
    early = forget_old_orders(desk.link)
    desk.clock.advance(2 * DAY)
    late = forget_old_orders(desk.link)

    assert (early, late) == (0, 1)
    with desk.link.ledger.reading() as tx, pytest.raises(LookupError, match="purged"):
        order_contents.payload(tx, ended.order_id)
    assert desk.state(ended) is OrderState.COMPLETED


def test_contents_of_an_order_that_still_waits_are_kept(desk: Desk) -> None:
    waiting = desk.order(is_on_hold=True)
    desk.relay_orders()
    desk.clock.advance(90 * DAY)

    assert forget_old_orders(desk.link) == 0
    with desk.link.ledger.reading() as tx:
        assert order_contents.payload(tx, waiting.order_id).number == waiting.number


def test_the_erasure_in_the_documentation_leaves_nothing_of_that_order_and_all_of_the_others(
    desk: Desk,
) -> None:
    erased, other = desk.order(), desk.order()
    desk.relay_orders()
    with desk.link.ledger.transaction() as tx:
        for order in (erased, other):
            messages.keep(
                tx,
                feed="despatches",
                message_id=f"D-{order.number}",
                content_hash=str(order.number),
                sequence=order.number,
                read_after=0,
                state=MessageState.UNREADABLE,
                body=f'{{"order_number": "C{order.number}-2", "consignee": "Ada Lovelace"}}',
            )
    text = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sql\n(.*?)```", text, flags=re.DOTALL)

    with desk.link.ledger.transaction() as tx:
        for statement in block.replace("100234", str(erased.number)).strip().split(";\n"):
            tx.execute(sa.text(statement.rstrip(";")))

    with desk.link.ledger.reading() as tx:
        with pytest.raises(LookupError, match="purged"):
            order_contents.payload(tx, erased.order_id)
        assert order_contents.payload(tx, other.order_id).number == other.number
        bodies = dict(tx.execute(sa.select(kept.c.message_id, kept.c.body)).tuples().all())
    assert bodies[f"D-{erased.number}"] is None
    assert "Ada Lovelace" in str(bodies[f"D-{other.number}"])
