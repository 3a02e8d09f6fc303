"""What is kept about a person is shown on request, and erased on request without a trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from click.testing import CliRunner, Result

from centra_whistl_dagster.cli.main import commands
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import (
    alerts,
    erasure,
    exceptions,
    messages,
    order_contents,
    release_requests,
    tables,
)
from centra_whistl_dagster.ledger.states import MessageState
from centra_whistl_dagster.simulator.people.shoppers import ADA, ADA_THE_CUSTOMER
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.orders import intake
from centra_whistl_dagster.workflows.upkeep import personal_data
from centra_whistl_dagster_tests.canaries.searching import find_bytes
from centra_whistl_dagster_tests.workflows.conftest import Desk

GRACE = {**ADA, "firstName": "Grace", "lastName": "Hopperkanari", "address1": "7 Kanari Walk"}
GRACE["cellPhoneNumber"] = "07400123987"
GRACE_THE_CUSTOMER = {**ADA_THE_CUSTOMER, "id": 2, "email": "Grace.Kanari@example.com"}


@pytest.fixture(autouse=True)
def wall_clock(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "300")
    with time_machine.travel(desk.clock(), tick=False) as traveller:
        yield traveller


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments, catch_exceptions=False)


def order_of_grace(desk: Desk, **members: Any) -> CentraOrder:
    return desk.order(address=GRACE, customer=GRACE_THE_CUSTOMER, **members)


@pytest.fixture
def completed(desk: Desk) -> tuple[CentraOrder, CentraOrder]:
    """An order of Grace's and one of Ada's, both delivered."""
    graces, adas = order_of_grace(desk), desk.order()
    desk.relay(12, every=60)
    assert {desk.state(graces), desk.state(adas)} == {OrderState.COMPLETED}
    return graces, adas


def tracking_numbers(desk: Desk, order: CentraOrder) -> list[str]:
    with desk.link.ledger.reading() as tx:
        query = sa.select(tables.parcels.c.tracking_number)
        of_order = tables.parcels.c.centra_id == order.order_id
        found = list(tx.execute(query.where(of_order)).scalars())
    assert all(found)
    return found


def files_with(desk: Desk, *needles: str) -> list[str]:
    found = find_bytes(Path(desk.environment["STATE_DIR"]), needles)
    return [f"{each.needle} in {each.path.name}" for each in found]


def leave_notes(desk: Desk, order: CentraOrder, tracking: str) -> None:
    """Let people and Whistl put the person where nobody asked for it."""
    with desk.link.ledger.transaction() as tx:
        kind = ExceptionKind.TRACKING_CORRECTED
        problem = exceptions.order_problem(order.number, kind, f"Parcel {tracking} is odd.")
        (exception_id,) = exceptions.open_or_refresh(tx, [problem])
        row = exceptions.by_id(tx, exception_id)
        assert row is not None
        exceptions.close_by_hand(tx, row, who="sam", note="Rang Grace Hopperkanari")
        messages.keep(
            tx,
            feed="despatches",
            message_id="D-odd",
            content_hash="odd",
            sequence=10_000,
            read_after=0,
            state=MessageState.UNREADABLE,
            body='{"consignee": "Grace Hopperkanari"}',
        )
        tx.execute(
            sa.insert(tables.alerts).values(
                cause="c",
                owner="cx",
                channel="cx",
                severity="warning",
                title="t",
                body=f"Order {order.number}: parcel {tracking}",
                created_at=tx.now,
                due_at=tx.now,
            )
        )


def test_after_erasing_a_customer_no_byte_of_them_is_in_any_file_and_others_are_untouched(
    desk: Desk, completed: tuple[CentraOrder, CentraOrder]
) -> None:
    graces, adas = completed
    (tracking,) = tracking_numbers(desk, graces)
    leave_notes(desk, graces, tracking)
    needles = ("hopperkanari", "7 kanari walk", "grace.kanari", "07400123987", tracking)
    assert {found.split(" in ")[0] for found in files_with(desk, *needles)} == {*needles}

    result = run("erase", "--customer", "grace.kanari@EXAMPLE.com")

    assert result.exit_code == 0, result.output
    assert f"Order {graces.number} is erased." in result.stdout
    assert files_with(desk, *needles) == []
    assert desk.row(graces).erased_at is not None
    assert desk.state(graces) is OrderState.COMPLETED
    with desk.link.ledger.reading() as tx:
        assert order_contents.payload(tx, adas.order_id).number == adas.number
    assert tracking_numbers(desk, adas)


def test_what_is_about_an_order_with_a_longer_number_is_neither_shown_nor_erased(
    desk: Desk,
) -> None:
    order = order_of_grace(desk)
    desk.relay_orders()
    longer = f"JD{order.number}99"
    with desk.link.ledger.transaction() as tx:
        for message_id, text in (("D-1", longer), ("D-2", f"C{order.number}-2")):
            messages.keep(
                tx,
                feed="despatches",
                message_id=message_id,
                content_hash=message_id,
                sequence=9,
                read_after=0,
                state=MessageState.UNREADABLE,
                body=json.dumps({"text": text, "consignee": f"the customer of {message_id}"}),
            )
        about = {"cause": "c", "owner": "cx", "channel": "cx", "severity": "warning", "title": "t"}
        alerts.add(tx, [alerts.NewAlert(**about, body=f"Parcel {longer} is odd.")])

    shown = str(personal_data.everything_about(desk.link, [desk.row(order)]))
    with desk.link.ledger.transaction() as tx:
        erasure.erase(tx, desk.row(order))
        kept = [messages.find(tx, "despatches", each) for each in ("D-1", "D-2")]

    assert "the customer of D-2" in shown
    assert "the customer of D-1" not in shown
    assert "is odd" not in shown
    assert [message and message.body is not None for message in kept] == [True, False]


def test_a_message_that_names_an_order_by_whistls_number_alone_is_erased_whatever_the_prefix(
    desk: Desk,
) -> None:
    desk.reopen(ORDER_NUMBER_PREFIX="W1")
    order = order_of_grace(desk)
    desk.relay_orders()
    with desk.link.ledger.transaction() as tx:
        row = desk.row(order)
        messages.keep(
            tx,
            feed="despatches",
            message_id="D-1",
            content_hash="D-1",
            sequence=9,
            read_after=0,
            state=MessageState.UNREADABLE,
            body=json.dumps({"order": row.whistl_number, "consignee": "a neighbour"}),
        )
        erasure.erase(tx, row)
        left = erasure.raw_messages(tx, row, ["a neighbour"])

    assert row.whistl_number == f"W1{order.number}"
    assert left == []


def test_what_names_a_person_is_erased_however_its_letters_are_written(
    desk: Desk,
) -> None:
    placed = desk.order(
        address={**GRACE, "lastName": "Édouard-Kanari"}, customer=GRACE_THE_CUSTOMER
    )
    desk.relay(12, every=60)
    with desk.link.ledger.transaction() as tx:
        said = "rang GRACE éDOUARD-KANARI at GRACE.KANARI@EXAMPLE.COM about order 100% late"
        tx.execute(sa.update(tables.submissions).values(detail=said))
        release_requests.ask(tx, "S-1", who="ann", reason=said)

    assert run("erase", "--order", str(placed.number)).exit_code == 0

    with desk.link.ledger.reading() as tx:
        left = tx.execute(sa.select(tables.submissions.c.detail)).scalar_one()
        request = release_requests.find(tx, "S-1")
    assert left == "rang [erased] at [erased] about order 100% late"
    assert request is not None
    assert request.reason == left


def test_what_names_a_person_is_erased_from_the_markup_of_alerts(desk: Desk) -> None:
    placed = desk.order(address={**GRACE, "address1": "7 Kanari & O'Neill Walk"})
    desk.relay_orders()
    about = {"cause": "c", "owner": "cx", "channel": "cx", "severity": "warning", "title": "t"}
    html = "<p>To Grace Hopperkanari, 7 Kanari &amp; O&#39;Neill Walk.</p>"
    with desk.link.ledger.transaction() as tx:
        alerts.add(tx, [alerts.NewAlert(**about, body="late", html=html)])
        erasure.erase(tx, desk.row(placed))
        left = tx.execute(sa.select(tables.alerts.c.html)).scalar_one()
    assert left == "<p>To [erased], [erased].</p>"


def test_nothing_of_an_erased_order_comes_back_when_everything_is_read_again(
    desk: Desk, completed: tuple[CentraOrder, CentraOrder]
) -> None:
    graces, _ = completed
    cancelled = order_of_grace(desk, is_on_hold=True)
    desk.relay()
    desk.withdraw(cancelled)
    desk.relay()
    (tracking,) = tracking_numbers(desk, graces)
    assert desk.state(cancelled) is OrderState.CANCELLED
    assert run("erase", "--customer", "grace.kanari@example.com").exit_code == 0
    before = desk.effects()

    intake.take_in_orders(desk.link, is_sweep=True)
    desk.relay(3, every=4000)

    assert files_with(desk, "hopperkanari", "grace.kanari", tracking) == []
    assert desk.effects() == before
    assert {desk.state(graces), desk.state(cancelled)} == {
        OrderState.COMPLETED,
        OrderState.CANCELLED,
    }


def test_an_order_that_is_still_open_is_not_erased_and_what_is_due_first_is_said(
    desk: Desk,
) -> None:
    waiting = order_of_grace(desk)
    desk.relay_orders()
    assert desk.state(waiting) is OrderState.SUBMITTED

    result = run("erase", "--order", str(waiting.number))

    assert result.exit_code == 1
    assert f"Order {waiting.number} is still open and was not erased." in result.stderr
    assert "Whistl picks and packs it." in result.stderr
    with desk.link.ledger.reading() as tx:
        assert order_contents.payload(tx, waiting.order_id).number == waiting.number


def test_subject_access_shows_everything_that_erasing_would_remove(
    desk: Desk, completed: tuple[CentraOrder, CentraOrder]
) -> None:
    graces, adas = completed
    (tracking,) = tracking_numbers(desk, graces)
    leave_notes(desk, graces, tracking)

    shown = run("subject-access", "--customer", "grace.kanari@example.com").stdout

    (order,) = json.loads(shown)["orders"]
    assert order["order"]["number"] == graces.number
    assert order["contents as Centra gave them"]["delivery"]["last_name"] == "Hopperkanari"
    assert order["parcels"][0]["tracking_number"] == tracking
    assert order["exceptions"][0]["closed_note"] == "Rang Grace Hopperkanari"
    assert order["messages not applied yet"] == ['{"consignee": "Grace Hopperkanari"}']
    assert tracking in order["alerts"][0]["body"]
    assert str(adas.number) not in shown


def test_one_order_is_found_by_number_and_an_unknown_customer_is_said_to_be_unknown(
    desk: Desk, completed: tuple[CentraOrder, CentraOrder]
) -> None:
    graces, _ = completed

    by_number = json.loads(run("subject-access", "--order", str(graces.number)).stdout)
    unknown = run("subject-access", "--customer", "nobody@example.com")
    neither = run("erase")

    assert by_number["orders"][0]["order"]["number"] == graces.number
    assert unknown.exit_code == 1
    assert "Nothing is kept about 'nobody@example.com'" in unknown.stderr
    assert "Give either --customer EMAIL or --order NUMBER." in neither.stderr


def test_while_another_process_reads_an_old_state_erasing_says_that_bytes_may_remain(
    desk: Desk, completed: tuple[CentraOrder, CentraOrder]
) -> None:
    graces, _ = completed
    with desk.link.ledger.reading() as reader:
        reader.execute(sa.select(tables.orders.c.number)).all()
        rows = personal_data.orders_of(desk.link, number=graces.number)
        busy = personal_data.erase(desk.link, rows)
    free = personal_data.erase(desk.link, rows)

    assert (busy.erased, busy.is_compacted) == ((graces.number,), False)
    assert (free.erased, free.is_compacted) == ((graces.number,), True)
    assert files_with(desk, "hopperkanari", "07400123987") == []


@pytest.mark.parametrize("suffix", ["replaced-20261124T000000Z", "half"])
def test_erasing_names_a_ledger_that_a_restore_has_moved_aside_or_left_unfinished(
    desk: Desk, completed: tuple[CentraOrder, CentraOrder], suffix: str
) -> None:
    graces, _ = completed
    aside = desk.link.settings.state_path / f"ledger.db.{suffix}"
    aside.touch()

    result = run("erase", "--order", str(graces.number))

    assert result.exit_code == 1
    assert f"Delete {aside} as well" in result.stderr


def test_a_customer_whose_company_is_an_everyday_word_takes_no_word_out_of_texts_about_others(
    desk: Desk,
) -> None:
    peculiar = desk.order(address={**ADA, "companyName": "Order", "attention": "Parcel"})
    desk.relay(12, every=60)
    said = "Order 1 is late. Parcel 2 is odd."
    with desk.link.ledger.transaction() as tx:
        kind = ExceptionKind.TRACKING_CORRECTED
        exceptions.open_or_refresh(tx, [exceptions.order_problem(1, kind, said)])

    assert run("erase", "--order", str(peculiar.number)).exit_code == 0

    assert said in desk.messages()
