"""A person can say that an exception is over; only a change of its cause opens it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
import time_machine
from click.testing import CliRunner, Result

from centra_whistl_dagster.cli.main import commands
from centra_whistl_dagster.domain.exceptions.endings import ENDS
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger import exception_news, exceptions, tables
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import ExceptionRow
from centra_whistl_dagster.simulator.centra.rules import touch
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.whistl.snapshots import SnapshotFault
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.exceptions import alerting, closing
from centra_whistl_dagster.workflows.exceptions.closing import CannotClose, close_by_hand
from centra_whistl_dagster.workflows.orders import intake
from centra_whistl_dagster_tests.workflows.exceptions.walks import WALKS, publish

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

KIND = ExceptionKind.EDITED_AFTER_SENDING
NOTE = "Whistl repacked it, Mrs Lovelace agreed"


def problem(kind: ExceptionKind = KIND, *, value: str = "", contents: str = "") -> Problem:
    return Problem(
        kind=kind,
        subject_type=SubjectType.ORDER,
        subject="100001",
        field="order",
        value=value,
        message="It was changed.",
        contents=contents,
    )


@pytest.fixture
def raised(desk: Desk) -> Callable[..., int]:
    """Raise a problem, as the next tick would, and return the exception's number."""

    def raise_it(kind: ExceptionKind = KIND, *, value: str = "", contents: str = "") -> int:
        with desk.link.ledger.transaction() as tx:
            wanted = [problem(kind, value=value, contents=contents)]
            (number,) = exceptions.open_or_refresh(tx, wanted)
        return number

    return raise_it


def close(desk: Desk, number: int) -> None:
    close_by_hand(desk.link.ledger, number, who="ada", note=NOTE)


def row(desk: Desk, number: int) -> ExceptionRow:
    with desk.link.ledger.reading() as tx:
        found = exceptions.by_id(tx, number)
    assert found is not None
    return found


def test_who_closed_it_when_and_why_is_kept(desk: Desk, raised: Callable[..., int]) -> None:
    number = raised()
    desk.wait(60)

    close(desk, number)

    closed = row(desk, number)
    assert (closed.closed_by, closed.closed_note) == ("ada", NOTE)
    assert closed.resolved_at == desk.clock()
    assert desk.problems() == []


def test_the_same_cause_at_the_next_tick_does_not_open_it_again(
    desk: Desk, raised: Callable[..., int]
) -> None:
    number = raised()
    close(desk, number)

    for _ in range(3):
        desk.wait(60)
        assert raised() == number

    assert desk.problems() == []


@pytest.mark.parametrize("change", [{"value": "another"}, {"contents": "another version"}])
def test_another_cause_opens_it_again_and_once(
    desk: Desk, raised: Callable[..., int], change: dict[str, str]
) -> None:
    close(desk, raised())

    numbers = {raised(**change) for _ in range(3)}

    assert len(numbers) == 1
    assert desk.problems() == [KIND]


def test_contents_that_are_named_outweigh_a_message_that_changes_with_the_clock(
    desk: Desk, raised: Callable[..., int]
) -> None:
    close(desk, raised(value="31 minutes", contents="feed S-1"))

    raised(value="32 minutes", contents="feed S-1")

    assert desk.problems() == []


def test_a_cause_that_was_over_and_comes_back_opens_it_again(
    desk: Desk, raised: Callable[..., int]
) -> None:
    close(desk, raised())
    with desk.link.ledger.transaction() as tx:
        exceptions.resolve_order(tx, 100_001, [KIND])

    raised()

    assert desk.problems() == [KIND]


def test_an_edit_closed_by_hand_stays_closed_while_it_is_read_again_until_the_next_edit(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.relay_orders()
    desk.wait_for(order, "PACKED")
    desk.world.settings.speed = 1e-6
    desk.relay_despatches()
    edit(desk, order, "14 High Street")
    assert desk.problems() == [KIND]
    with desk.link.ledger.reading() as tx:
        (opened,) = exception_news.listed(tx)

    close(desk, opened.id)
    for _ in range(3):
        intake.take_in_orders(desk.link, is_sweep=True)
        desk.clock.advance(60)
    while_unchanged = desk.problems()
    edit(desk, order, "16 High Street")

    assert while_unchanged == []
    assert desk.problems() == [KIND]


def test_an_outage_closed_by_hand_stays_closed_while_each_probe_finds_it_still_there(
    desk: Desk,
) -> None:
    placed = [desk.order() for _ in range(6)]
    desk.make_ready(*placed)
    desk.fault("whistl", "create_order", FaultKind.ERROR_503_BEFORE)
    for _ in range(10):
        desk.relay_orders()
        desk.wait(60)
    assert desk.problems() == [ExceptionKind.SYSTEM_UNREACHABLE]
    close_all(desk)

    for _ in range(10):
        desk.relay_orders()
        desk.wait(300)

    assert ExceptionKind.SYSTEM_UNREACHABLE not in desk.problems()


def test_a_sku_closed_by_hand_stays_closed_while_each_feed_has_the_same_fault(desk: Desk) -> None:
    desk.relay_orders()
    desk.sync_stock()
    desk.switch(snapshot_fault=SnapshotFault.NO_NUMBER)
    publish(desk)
    desk.sync_stock()
    assert desk.problems() == [ExceptionKind.SKU_ABSENT_FROM_SNAPSHOT]
    close_all(desk)

    for _ in range(2):
        desk.clock.advance(300)
        publish(desk)
        desk.sync_stock()

    assert desk.problems() == []


@pytest.mark.parametrize(
    "kind",
    [
        ExceptionKind.UNLOCK_REFUSED,
        ExceptionKind.SHIPMENT_UNANSWERED,
        ExceptionKind.STOCK_WRITE_REFUSED,
        ExceptionKind.STOCK_WRITE_NOT_TAKEN,
    ],
)
def test_what_counts_up_in_its_message_says_what_it_is_about_without_the_count(
    desk: Desk, kind: ExceptionKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[Problem] = []
    open_or_refresh = exceptions._open_or_refresh

    def recorded(tx: Transaction, problem: Problem) -> int:
        raised.append(problem)
        return open_or_refresh(tx, problem)

    monkeypatch.setattr(exceptions, "_open_or_refresh", recorded)
    next(WALKS[kind](desk))

    named = [problem for problem in raised if problem.kind is kind]
    assert named
    assert all(problem.contents for problem in named)


def close_all(desk: Desk) -> None:
    """Close what is open in the register itself, whichever kinds a person may close."""
    with desk.link.ledger.transaction() as tx:
        for opened in exception_news.listed(tx):
            exceptions.close_by_hand(tx, opened, who="ada", note=NOTE)


def edit(desk: Desk, order: CentraOrder, address1: str) -> None:
    desk.clock.advance(5)
    order.is_locked = False
    order.address = {**ADA, "address1": address1}
    touch(desk.world, order)
    intake.take_in_orders(desk.link, is_sweep=True)
    desk.relay_orders()


@pytest.mark.parametrize(
    "kind", [kind for kind, end in ENDS.items() if not end.may_be_closed_by_hand]
)
def test_what_is_checked_again_and_again_cannot_be_closed_by_hand(
    desk: Desk, raised: Callable[..., int], kind: ExceptionKind
) -> None:
    number = raised(kind)

    with pytest.raises(CannotClose, match="It closes when"):
        close(desk, number)

    assert desk.problems() == [kind]


def test_an_unknown_or_ended_one_is_refused(desk: Desk, raised: Callable[..., int]) -> None:
    number = raised()
    close(desk, number)

    with pytest.raises(CannotClose, match="has ended already"):
        close(desk, number)
    with pytest.raises(CannotClose, match="no exception 99"):
        close(desk, 99)


@pytest.mark.parametrize(("who", "note"), [("ada", "  "), ("", "done")])
def test_nobody_and_no_reason_close_nothing(
    desk: Desk, raised: Callable[..., int], who: str, note: str
) -> None:
    number = raised()

    with pytest.raises(CannotClose):
        close_by_hand(desk.link.ledger, number, who=who, note=note)

    assert desk.problems() == [KIND]


def test_its_owner_hears_that_it_ended_and_the_note_leaves_the_ledger_for_no_alert(
    desk: Desk, raised: Callable[..., int]
) -> None:
    desk.reopen(ALERT_DEFAULT_URL="json://127.0.0.1:9/")
    number = raised()
    tell(desk)
    close(desk, number)
    desk.wait(200)
    tell(desk)

    with desk.link.ledger.reading() as tx:
        alerts = tx.execute(sa.select(tables.alerts.c.title, tables.alerts.c.body)).all()
    assert [alert.title.partition(":")[0] for alert in alerts] == ["Urgent", "Resolved"]
    assert not any("Lovelace" in alert.body for alert in alerts)


def tell(desk: Desk) -> int:
    return alerting.tell_owners(desk.link.ledger, desk.link.settings.alerts)


# ---- advice
def test_advice_is_there_after_the_order_was_sent_and_its_owner_hears_of_it(desk: Desk) -> None:
    desk.reopen(ALERT_DEFAULT_URL="json://127.0.0.1:9/")
    order = desk.order(address={**ADA, "email": "ada@"})
    desk.relay_orders()
    assert desk.at_whistl(order) == 1

    desk.wait(601)

    assert desk.problems() == [ExceptionKind.EMAIL_LEFT_OUT]
    assert tell(desk) == 1


def test_advice_ends_a_day_later_without_another_alert(desk: Desk) -> None:
    desk.reopen(ALERT_DEFAULT_URL="json://127.0.0.1:9/")
    desk.order(address={**ADA, "email": "ada@"})
    desk.relay_orders()
    desk.clock.advance(601)
    tell(desk)
    closing.end_old_advice(desk.link.ledger)
    before = desk.problems()
    desk.clock.advance(timedelta(days=1).total_seconds())

    ended = closing.end_old_advice(desk.link.ledger)

    assert before == [ExceptionKind.EMAIL_LEFT_OUT]
    assert (ended, desk.problems()) == (1, [])
    with desk.link.ledger.reading() as tx:
        assert exception_news.to_tell(tx) == []


def test_advice_that_nobody_had_stays_a_week_longer(desk: Desk) -> None:
    desk.order(address={**ADA, "email": "ada@"})
    desk.relay_orders()

    desk.clock.advance(timedelta(days=7).total_seconds())
    assert closing.end_old_advice(desk.link.ledger) == 0
    desk.clock.advance(timedelta(days=2).total_seconds())
    assert closing.end_old_advice(desk.link.ledger) == 1


# ---- the command
@pytest.fixture
def run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "300")

    def invoke(*arguments: str) -> Result:
        with time_machine.travel(desk.clock(), tick=False):
            return CliRunner().invoke(commands, arguments, catch_exceptions=False)

    return invoke


def test_the_number_in_the_list_closes_it_and_the_list_says_who(
    run: Callable[..., Result], raised: Callable[..., int]
) -> None:
    raised()
    (listed,) = json.loads(run("exceptions", "--format", "json").stdout)

    closed = run("exceptions", "close", str(listed["id"]), "--note", NOTE, "--by", "ada")
    (after,) = json.loads(run("exceptions", "--all", "--format", "json").stdout)

    assert "is closed" in closed.stdout
    assert "No open exceptions." in run("exceptions").stdout
    assert (after["closed_by"], after["closed_note"]) == ("ada", NOTE)
    assert "closed by ada" in run("exceptions", "--all").stdout


def test_a_refusal_is_one_sentence(run: Callable[..., Result], raised: Callable[..., int]) -> None:
    number = raised(ExceptionKind.POSTCODE_MALFORMED)

    result = run("exceptions", "close", str(number), "--note", "done")

    assert result.exit_code == 1
    assert "cannot be closed by hand" in result.stderr


def test_a_note_is_required(run: Callable[..., Result], raised: Callable[..., int]) -> None:
    assert "--note" in run("exceptions", "close", str(raised())).stderr
