"""The worklist: what is open, by team, with who was alerted; and what a person may do about it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from centra_whistl_dagster.alerts.addresses import AlertAddresses
from centra_whistl_dagster.domain.exceptions.endings import ENDS
from centra_whistl_dagster.domain.exceptions.problems import (
    ExceptionKind,
    Problem,
    SubjectType,
)
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import alerts, desk_actions, exception_news, exceptions, retention
from centra_whistl_dagster.ledger.rows import DeskActionRow
from centra_whistl_dagster.ledger.states import DeskAction, DeskSubject
from centra_whistl_dagster.simulator.centra.views import gross_total
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.workflows.exceptions import working
from centra_whistl_dagster.workflows.exceptions.alerting import tell_owners
from centra_whistl_dagster.workflows.exceptions.register import list_exceptions
from centra_whistl_dagster.workflows.exceptions.worklist import PAGE_SIZE
from centra_whistl_dagster_tests.desk.conftest import HOSTILE, Pages, Shop, read, without_phone
from centra_whistl_dagster_tests.workflows.conftest import Desk

EACH = re.compile(r'<article class="card')


def counts(text: str) -> tuple[int, ...]:
    """Open, overdue, in time, snoozed: the first sentence of the page."""
    found = re.search(r"(\d+) exceptions? open: (\d+) overdue, (\d+) in time, (\d+) snoozed", text)
    assert found, text[:400]
    return tuple(map(int, found.groups()))


def open_many(desk: Desk, count: int) -> None:
    """Open exceptions about SKUs, one after the other."""
    for number in range(count):
        with desk.link.ledger.transaction() as tx:
            problem = Problem(
                kind=ExceptionKind.SKU_UNKNOWN,
                subject_type=SubjectType.SKU,
                subject=f"SKU-{number:03}",
                field="sku",
                value="",
                message="Whistl does not know it.",
            )
            exceptions.open_or_refresh(tx, [problem])
        desk.sleep(1)


def actions(desk: Desk, exception_id: int = 1) -> list[DeskActionRow]:
    with desk.link.ledger.reading() as tx:
        subject = str(exception_id)
        return desk_actions.about(tx, DeskSubject.EXCEPTION, [subject]).get(subject, [])


@pytest.fixture
def blocked(desk: Desk) -> int:
    """The number of an order that is blocked for its phone, by exception 1."""
    order = without_phone(desk)
    desk.relay_orders()
    assert desk.problems(str(order.number)) == ["phone_missing"]
    return order.number


# ---- reading
def test_each_exception_says_what_whose_by_when_for_which_order_and_who_was_alerted(
    shop: Shop,
) -> None:
    page = shop.pages.get("/").text
    (card,) = [
        read(part)
        for part in EACH.split(page)
        if f"/orders/{shop.blocked.number}" in part and "Phone number missing" in part
    ]

    assert "Customer service" in card
    assert "blocking" in card
    assert re.search(r"due by \d\d:\d\d, \d\d \w+", card)
    assert f"Order {shop.blocked.number} (at Whistl C{shop.blocked.number})" in card
    assert "What to do: Ask the customer" in card
    assert "1 order waits, worth £" in card
    assert re.search(r"Alerted cx: written at \d\d:\d\d", card)


def test_the_counts_of_teams_and_parts_add_up_to_what_is_open(shop: Shop) -> None:
    page = shop.pages.get("/")
    total, *parts = counts(read(page.text))
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", page.text, re.DOTALL)
    numbers = [[int(n) for n in re.findall(r">(\d+)<", row)] for row in rows]
    *teams, everybody = numbers

    assert total == len(list_exceptions(shop.desk.link)) == sum(parts)
    assert everybody == [sum(column) for column in zip(*teams, strict=True)]
    assert all(row[-1] == sum(row[:-1]) for row in numbers)
    assert len(EACH.findall(page.text)) == total


def test_what_is_blocked_and_worth_agrees_with_the_shop(shop: Shop) -> None:
    worth = sum(gross_total(order) for order in (shop.blocked, shop.hostile))

    assert f"2 orders are blocked, worth £{worth:,.2f}." in shop.pages.text("/")


def test_a_filter_shows_one_team_one_part_or_one_kind(shop: Shop) -> None:
    of_team = shop.pages.get("/?team=fulfilment").text
    overdue = shop.pages.get("/?part=overdue").text
    of_kind = shop.pages.get("/?kind=phone_missing").text

    assert len(EACH.findall(of_team)) == 1
    assert "Stock feed" in of_team
    assert "Nothing is open here." in overdue
    assert len(EACH.findall(of_kind)) == 1
    assert shop.pages.get("/?team=nobody&part=x&kind=y&page=z").status_code == 200


def test_what_shoppers_wrote_is_shown_as_text_and_masked(shop: Shop) -> None:
    for path in ("/", f"/orders/{shop.hostile.number}"):
        page = shop.pages.get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "<b>N1" not in page
        assert "\u202e" not in page
        assert "Lovelace" not in page
        assert "12 High Street" not in page
        assert "YO1 7HH" not in page
    assert "&lt;script&gt;" in shop.pages.get(f"/orders/{shop.hostile.number}").text
    assert HOSTILE not in shop.pages.get("/").text


def test_the_most_overdue_comes_first_and_the_list_has_pages(desk: Desk, pages: Pages) -> None:
    open_many(desk, PAGE_SIZE + 3)
    desk.sleep(60)

    first, second = pages.get("/").text, pages.get("/?page=2").text
    beyond = pages.get("/?page=99").text

    shown = re.findall(r">(SKU-\d+)</a>", first) + re.findall(r">(SKU-\d+)</a>", second)
    assert shown == [f"SKU-{number:03}" for number in range(PAGE_SIZE + 3)]
    assert "Page 1 of 2" in first
    assert "page=2" in first
    assert "Page 2 of 2" in beyond
    assert counts(read(first))[0] == PAGE_SIZE + 3


def test_an_alert_that_was_sent_says_when(desk: Desk, pages: Pages, blocked: int) -> None:
    tell_owners(desk.link.ledger, AlertAddresses(default="json://alerts.example"))
    with desk.link.ledger.transaction() as tx:
        (alert,) = alerts.unsent(tx, limit=5)
        alerts.mark_sent(tx, alert.id, sent_by="cx")

    assert re.search(r"Alerted cx at \d\d:\d\d", pages.text("/exceptions/1"))


# ---- acting
def test_who_takes_an_exception_is_shown_and_recorded(
    desk: Desk, pages: Pages, blocked: int
) -> None:
    answer = pages.post("/exceptions/1/take")

    assert (answer.status_code, answer.headers["location"]) == (303, "/exceptions/1")
    assert "taken by ann@example.com" in pages.text("/")
    (done,) = actions(desk)
    assert (done.who, done.action, done.result) == ("ann@example.com", DeskAction.TAKE, "Taken.")
    assert done.at == desk.clock()


def test_an_exception_is_taken_over_and_given_back(desk: Desk, pages: Pages, blocked: int) -> None:
    pages.post("/exceptions/1/take")
    bob = pages.of("bob@example.com")
    bob.post("/exceptions/1/take")
    bob.post("/exceptions/1/give_back")

    assert "taken by" not in pages.text("/")
    assert [done.result for done in actions(desk)] == [
        "Taken.",
        "Taken over from ann@example.com.",
        "Given back: nobody works on it now.",
    ]


def test_only_what_a_person_took_is_shown_when_asked(
    desk: Desk, pages: Pages, blocked: int
) -> None:
    open_many(desk, 2)
    pages.post("/exceptions/2/take")

    mine = pages.get("/?mine=yes").text

    assert len(EACH.findall(mine)) == 1
    assert "SKU-000" in mine


def test_a_note_is_kept_with_its_author_and_is_shown_as_text(
    desk: Desk, pages: Pages, blocked: int
) -> None:
    pages.post("/exceptions/1/note", note="  Rang Whistl <b>twice</b>  ")

    page = pages.get("/exceptions/1").text
    assert "Rang Whistl &lt;b&gt;twice&lt;/b&gt;" in page
    assert actions(desk)[0].note == "Rang Whistl <b>twice</b>"


@pytest.mark.parametrize("note", ["", "   ", "x" * 1001])
@pytest.mark.parametrize("action", ["note", "close"])
def test_a_note_that_is_blank_or_too_long_changes_nothing(
    desk: Desk, pages: Pages, blocked: int, action: str, note: str
) -> None:
    answer = pages.post(f"/exceptions/1/{action}", note=note)

    assert answer.status_code == 409
    assert "Nothing was changed" in answer.text
    assert actions(desk) == []


def test_a_snoozed_exception_is_out_of_sight_until_its_time_and_its_alerts_go_on(
    desk: Desk, pages: Pages, blocked: int
) -> None:
    before = counts(pages.text("/"))
    pages.post("/exceptions/1/snooze", length="1 hour")
    snoozed = counts(pages.text("/"))
    written = tell_owners(desk.link.ledger, AlertAddresses(default="json://alerts.example"))
    with desk.link.ledger.reading() as tx:
        (row,) = exception_news.listed(tx)
    due_at = row.due_at
    desk.sleep(3601)

    assert before == (1, 0, 1, 0)
    assert snoozed == (1, 0, 0, 1)
    assert written == 1
    assert "Phone number missing" in pages.text("/?part=overdue")
    assert due_at <= desk.clock()


def test_a_snooze_is_ended_by_hand(desk: Desk, pages: Pages, blocked: int) -> None:
    pages.post("/exceptions/1/snooze", length="until 08:00 tomorrow")
    assert counts(pages.text("/"))[3] == 1

    pages.post("/exceptions/1/wake")

    assert counts(pages.text("/"))[3] == 0


def test_a_re_check_has_a_blocked_order_screened_in_the_next_round(
    desk: Desk, pages: Pages, blocked: int
) -> None:
    answer = pages.post("/exceptions/1/recheck")

    (done,) = actions(desk)
    assert answer.status_code == 303
    assert done.result == "1 order is screened again in the next round."
    assert desk.counts() == {OrderState.RECEIVED: 1}
    desk.relay_orders()
    assert desk.counts() == {OrderState.BLOCKED: 1}
    assert desk.effects()["whistl POST /v2/orders"] == 0


def test_another_re_check_takes_the_orders_that_the_first_left(
    desk: Desk, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "_RECHECKED_AT_ONCE", 2)
    unmapped = {**desk.world.shipping_options[0], "name": "Pop-up shop"}
    for _ in range(3):
        desk.order(option=unmapped)
    desk.relay_orders()
    before = desk.counts()

    for _ in range(2):
        pages.post("/exceptions/1/recheck")

    assert before == {OrderState.BLOCKED: 3}
    assert desk.counts() == {OrderState.RECEIVED: 3}
    assert [done.result for done in actions(desk)] == [
        "2 orders are screened again in the next round.",
        "1 order is screened again in the next round.",
    ]


def test_an_order_that_waits_for_something_else_too_is_not_screened_again(
    desk: Desk, pages: Pages, blocked: int
) -> None:
    with desk.link.ledger.transaction() as tx:
        problem = exceptions.order_problem(blocked, ExceptionKind.WHISTL_REFUSED, "Refused.")
        exceptions.open_or_refresh(tx, [problem])

    answer = pages.post("/exceptions/1/recheck")

    assert answer.status_code == 409
    assert "waits for something else too" in answer.text
    assert desk.counts() == {OrderState.BLOCKED: 1}
    assert actions(desk) == []


def test_an_order_in_doubt_is_looked_up_and_not_sent_by_a_re_check(
    desk: Desk, pages: Pages
) -> None:
    desk.switch(whistl_lookup_lag_seconds=10_000.0)
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()
    assert desk.state(order) is OrderState.IN_DOUBT
    with desk.link.ledger.transaction() as tx:
        exceptions.about_order(tx, desk.row(order), ExceptionKind.ORDER_IN_DOUBT, "In doubt.")

    pages.post("/exceptions/1/recheck")

    due_at = desk.row(order).due_at
    assert due_at is not None
    assert due_at <= desk.clock()
    assert actions(desk)[0].result == "1 order is looked up at Whistl in the next round."
    desk.relay_orders()
    assert desk.at_whistl(order) == 1


def test_what_every_round_checks_by_itself_has_no_re_check(desk: Desk, pages: Pages) -> None:
    with desk.link.ledger.transaction() as tx:
        problem = exceptions.order_problem(1, ExceptionKind.LOCK_REFUSED, "Not locked.")
        exceptions.open_or_refresh(tx, [problem])

    answer = pages.post("/exceptions/1/recheck")

    assert "Re-check</button>" not in pages.get("/exceptions/1").text
    assert answer.status_code == 409


def test_what_only_a_person_can_know_is_closed_with_a_note(desk: Desk, pages: Pages) -> None:
    with desk.link.ledger.transaction() as tx:
        problem = exceptions.order_problem(1, ExceptionKind.SHIPMENT_WARNING, "A warning.")
        exceptions.open_or_refresh(tx, [problem])
    assert ENDS[ExceptionKind.SHIPMENT_WARNING].may_be_closed_by_hand

    pages.post("/exceptions/1/close", note="Checked with finance")

    page = pages.text("/exceptions/1")
    assert "Closed by ann@example.com: Checked with finance" in page
    assert counts(pages.text("/")) == (0, 0, 0, 0)


def test_what_a_fact_ends_cannot_be_closed(desk: Desk, pages: Pages, blocked: int) -> None:
    answer = pages.post("/exceptions/1/close", note="Done")

    assert answer.status_code == 409
    assert "cannot be closed by hand" in answer.text
    assert desk.problems() == ["phone_missing"]
    assert actions(desk) == []


@pytest.mark.parametrize("action", ["take", "note", "snooze", "recheck"])
def test_nothing_is_done_about_an_exception_that_is_over(
    desk: Desk, pages: Pages, blocked: int, action: str
) -> None:
    token = pages.token("/exceptions/1")
    with desk.link.ledger.transaction() as tx:
        exceptions.resolve_ids(tx, [1])

    answer = pages.post(f"/exceptions/1/{action}", token=token, note="n")

    assert answer.status_code == 409
    assert "it was resolved meanwhile" in answer.text


def test_an_unknown_action_is_not_there(desk: Desk, pages: Pages, blocked: int) -> None:
    assert pages.post("/exceptions/1/send").status_code == 404
    assert pages.get("/exceptions/1/take").status_code == 405


# ---- what is kept
def test_notes_are_forgotten_with_the_texts_that_may_name_customers(
    desk: Desk, pages: Pages, blocked: int
) -> None:
    pages.post("/exceptions/1/note", note="Rang Ada")
    tell_owners(desk.link.ledger, AlertAddresses(default="json://alerts.example"))
    with desk.link.ledger.transaction() as tx:
        (alert,) = alerts.unsent(tx, limit=5)
        alerts.mark_sent(tx, alert.id, sent_by="cx")

    desk.sleep(60)
    with desk.link.ledger.transaction() as tx:
        retention.forget_texts(tx, before=desk.clock() + timedelta(seconds=1))

    (done,) = actions(desk)
    assert (done.who, done.note) == ("ann@example.com", "")
    with desk.link.ledger.reading() as tx:
        assert alerts.about_exceptions(tx, [1]) == {}
