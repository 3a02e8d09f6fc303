"""With a key, nobody reads a name in the ledger's files; the orders go on as before."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from click.testing import CliRunner, Result

from centra_whistl_dagster.cli.main import commands
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import erasure, order_contents, sealing
from centra_whistl_dagster.ledger.engine import LedgerUnavailable
from centra_whistl_dagster.ledger.tables import order_keys, order_payloads
from centra_whistl_dagster.simulator.people.shoppers import ADA, ADA_THE_CUSTOMER
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.upkeep.doctor import examine
from centra_whistl_dagster_tests.canaries.searching import find_bytes
from centra_whistl_dagster_tests.workflows.conftest import Desk

KEY, NEXT_KEY = (base64.b64encode(bytes([byte]) * 32).decode() for byte in (1, 2))
NEEDLES = ("Kanarilace", "kanari@example.com", "9 Kanari Row")


@pytest.fixture(autouse=True)
def wall_clock(desk: Desk) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(desk.clock(), tick=False) as traveller:
        yield traveller


def order(desk: Desk) -> CentraOrder:
    address = {**ADA, "lastName": "Kanarilace", "address1": "9 Kanari Row"}
    customer = {**ADA_THE_CUSTOMER, "email": "kanari@example.com"}
    return desk.order(address=address, customer=customer)


def run(desk: Desk, *arguments: str) -> Result:
    return CliRunner(env=desk.environment).invoke(commands, arguments, catch_exceptions=False)


def in_clear(desk: Desk) -> set[str]:
    return {found.needle for found in find_bytes(Path(desk.environment["STATE_DIR"]), NEEDLES)}


def test_with_a_key_an_order_is_delivered_and_its_customer_is_in_no_file(desk: Desk) -> None:
    desk.reopen(LEDGER_KEY=KEY)
    placed = order(desk)

    desk.relay(12, every=60)

    assert desk.state(placed) is OrderState.COMPLETED
    assert "Kanarilace" in str(desk.held(placed).body)
    assert in_clear(desk) == set()
    with desk.link.ledger.reading() as tx:
        delivery = order_contents.payload(tx, placed.order_id).delivery
    assert delivery is not None
    assert delivery.last_name == "Kanarilace"


def test_without_a_key_doctor_says_so_and_the_command_encrypts_what_was_in_clear(
    desk: Desk,
) -> None:
    placed = order(desk)
    desk.make_ready(placed)
    assert in_clear(desk) == set(NEEDLES)
    assert any("LEDGER_KEY is not set" in finding.detail for finding in examine(desk.link))
    assert run(desk, "encrypt").exit_code == 1

    desk.reopen(LEDGER_KEY=KEY)
    (warning,) = [each.detail for each in examine(desk.link) if "LEDGER_KEY" in each.detail]
    assert "the contents of 1 orders are still in clear" in warning
    first, second = run(desk, "encrypt"), run(desk, "encrypt")

    assert "Orders that were in clear: 1. Orders that were under the former key: 0." in first.stdout
    assert (
        "Orders that were in clear: 0. Orders that were under the former key: 0." in second.stdout
    )
    assert in_clear(desk) == set()
    assert not any("LEDGER_KEY" in finding.detail for finding in examine(desk.link))
    desk.relay(12, every=60)
    assert desk.state(placed) is OrderState.COMPLETED


def test_the_command_fails_while_bytes_in_clear_are_left_in_the_log(desk: Desk) -> None:
    desk.make_ready(order(desk))
    desk.reopen(LEDGER_KEY=KEY)

    with desk.link.ledger.reading() as reader:
        reader.execute(sa.select(order_payloads.c.centra_id)).all()
        busy = run(desk, "encrypt")
    free = run(desk, "encrypt")

    assert (busy.exit_code, free.exit_code) == (1, 0)
    assert "Run this command again" in busy.stderr
    assert "now encrypted" not in busy.stdout
    assert in_clear(desk) == set()


def test_after_a_change_of_keys_the_new_one_suffices_and_the_old_one_opens_nothing(
    desk: Desk,
) -> None:
    desk.reopen(LEDGER_KEY=KEY)
    placed = order(desk)
    desk.make_ready(placed)

    desk.reopen(LEDGER_KEY=NEXT_KEY, LEDGER_FORMER_KEY=KEY)
    changed = run(desk, "encrypt")
    with pytest.raises(LedgerUnavailable):
        desk.reopen(LEDGER_KEY=KEY, LEDGER_FORMER_KEY="")
    desk.reopen(LEDGER_KEY=NEXT_KEY)

    assert "Orders that were under the former key: 1." in changed.stdout
    desk.relay(12, every=60)
    assert desk.state(placed) is OrderState.COMPLETED


@pytest.mark.parametrize("key", ["", NEXT_KEY])
def test_without_the_right_key_nothing_is_opened_and_the_message_says_which_is_missing(
    desk: Desk, key: str
) -> None:
    desk.reopen(LEDGER_KEY=KEY)
    desk.make_ready(order(desk))

    with pytest.raises(LedgerUnavailable) as error:
        desk.reopen(LEDGER_KEY=key)

    assert sealing.name_of(bytes([1]) * 32) in str(error.value)
    assert "Set LEDGER_KEY" in str(error.value)
    assert KEY not in str(error.value)


def test_erasing_an_order_deletes_its_key_so_that_a_copy_of_its_contents_cannot_be_read(
    desk: Desk,
) -> None:
    desk.reopen(LEDGER_KEY=KEY)
    placed = order(desk)
    desk.relay(12, every=60)
    with desk.link.ledger.transaction() as tx:
        copy = dict(tx.execute(sa.select(order_payloads)).mappings().one())
        erasure.erase(tx, desk.row(placed))
        kept = tx.execute(sa.select(sa.func.count()).select_from(order_keys)).scalar_one()

    with desk.link.ledger.transaction() as tx:
        tx.execute(sa.insert(order_payloads).values(**copy))
        with pytest.raises(LookupError, match="purged"):
            order_contents.payload(tx, placed.order_id)

    assert kept == 0
    assert str(copy["received"]).startswith("sealed1:")


def test_contents_that_were_swapped_with_those_of_another_order_are_refused(desk: Desk) -> None:
    desk.reopen(LEDGER_KEY=KEY)
    first, second = order(desk), desk.order()
    desk.make_ready(first, second)
    with desk.link.ledger.transaction() as tx:
        # Whoever can write to the database can move the order's key along with its contents.
        for column in (order_payloads.c.received, order_keys.c.sealed_key):
            centra_id = column.table.c.centra_id
            taken = tx.execute(sa.select(column).where(centra_id == second.order_id)).scalar_one()
            tx.execute(
                sa.update(column.table)
                .where(centra_id == first.order_id)
                .values({column.name: taken})
            )

    with (
        desk.link.ledger.reading() as tx,
        pytest.raises(sealing.ContentsUnreadable, match=first.order_id),
    ):
        order_contents.payload(tx, first.order_id)
