"""Whether all is well, in one sentence and area by area."""

from __future__ import annotations

import re

from centra_whistl_dagster.domain.health import Condition
from centra_whistl_dagster.domain.orders.breaker import answer_lost
from centra_whistl_dagster.ledger import breaker, state
from centra_whistl_dagster.workflows.continuity import keep_alive
from centra_whistl_dagster.workflows.exceptions.step_failures import note_success
from centra_whistl_dagster.workflows.orders.balance import compare_with_centra
from centra_whistl_dagster.workflows.upkeep.health import POLLS_CENTRA, POLLS_WHISTL, PUBLISHES
from centra_whistl_dagster_tests.desk.conftest import Pages, Shop, pages_of
from centra_whistl_dagster_tests.workflows.conftest import Desk


def run_for_a_while(desk: Desk) -> None:
    """Let every step of the connection succeed once."""
    desk.relay_orders()
    desk.relay_despatches()
    desk.sync_stock()
    keep_alive(desk.link)
    for step in (POLLS_CENTRA, POLLS_WHISTL, PUBLISHES):
        note_success(desk.link.ledger, step)


def area(page: str, name: str) -> str:
    """What is said of one area."""
    conditions = "|".join(Condition)
    found = re.search(rf"{name}: ({conditions})(.*?)(?=\w+: ({conditions})|Quotas)", page)
    assert found, page
    return found[0]


def test_all_is_well_while_every_step_succeeds(desk: Desk, pages: Pages) -> None:
    run_for_a_while(desk)

    page = pages.text("/health")

    assert "Health All is well." in page
    for name in ("Connection", "Orders", "Despatches", "Stock", "Alerts", "History", "Access"):
        assert f"{name}: well" in page


def test_what_has_stopped_is_named_with_its_age_and_who_sees_to_it(
    desk: Desk, pages: Pages
) -> None:
    run_for_a_while(desk)
    desk.sleep(4 * 60)
    keep_alive(desk.link)
    note_success(desk.link.ledger, POLLS_WHISTL)

    page = pages.text("/health")

    assert "Needs attention: orders." in page
    said = "Centra was last read for new orders 4 minutes ago. The data team sees to it."
    assert said in area(page, "Orders")

    desk.sleep(7 * 60)
    assert "Not working:" in pages.text("/health")
    assert "Orders: not working" in pages.text("/health")


def test_open_orders_in_centra_and_here_are_compared(shop: Shop) -> None:
    balance = compare_with_centra(shop.desk.link)

    page = area(shop.pages.text("/health"), "Orders")

    assert balance.is_even
    assert f"Open in Centra and known here {balance.in_centra} and {balance.in_ledger}" in page
    assert "Blocked 2" in page
    assert "In doubt 1" in page


def test_an_order_that_only_centra_has_is_not_well(desk: Desk, pages: Pages) -> None:
    run_for_a_while(desk)
    desk.order()
    desk.sleep(600)
    compare_with_centra(desk.link)
    keep_alive(desk.link)

    said = "Centra and this connection disagree about open orders: 1 of them."
    assert said in area(pages.text("/health"), "Orders")


def test_orders_that_centra_counts_and_does_not_list_are_not_well(desk: Desk, pages: Pages) -> None:
    run_for_a_while(desk)
    hidden = desk.order()
    desk.switch(centra_unlisted_orders=(hidden.number,))
    desk.sleep(600)
    compare_with_centra(desk.link)
    keep_alive(desk.link)

    said = "Centra and this connection disagree about open orders: 1 of them."
    assert said in area(pages.text("/health"), "Orders")


def test_what_is_paused_is_said(desk: Desk, pages: Pages) -> None:
    run_for_a_while(desk)
    with desk.link.ledger.transaction() as tx:
        held = breaker.read(tx)
        for order in ("a", "b", "c"):
            held = answer_lost(held, order, now=tx.now)
        breaker.keep(tx, held)
        state.set_to(tx, "refused/stock levels in Centra", "{}")

    page = pages.text("/health")

    assert "Orders are not sent: Whistl's answers were lost." in page
    assert "Orders: needs attention" in page
    assert "No call is made for stock levels in Centra: Centra refused it." in page
    assert "Access: not working" in page


def test_alerts_that_do_not_get_through_are_not_well(shop: Shop) -> None:
    shop.desk.sleep(600)

    page = area(shop.pages.text("/health"), "Alerts")

    assert "Alerts: not working" in page
    assert "Alerts do not get through: " in page


def test_the_token_is_renewed_before_it_expires(desk: Desk) -> None:
    run_for_a_while(desk)
    today = desk.clock().date()
    for date, condition in (
        (today.replace(year=today.year + 1), "well"),
        (today.replace(day=today.day + 3), "needs attention"),
        (today, "not working"),
    ):
        with pages_of(desk, CENTRA_TOKEN_EXPIRES=date.isoformat()) as pages:
            page = area(pages.text("/health"), "Access")
        assert f"Access: {condition}" in page
        assert f"{date:%d %B %Y}" in page


def test_what_calls_took_of_the_quotas_is_shown(desk: Desk) -> None:
    desk.reopen(CENTRA_PLAN="growth")
    run_for_a_while(desk)
    desk.reopen()  # the counts are stored when a process ends
    with desk.link.ledger.reading():
        pass
    desk._open.close()

    with pages_of(desk) as pages:
        page = pages.text("/health")

    assert re.search(r"Centra \w+( \w+)* \d+ [\d,]+ \d+%", page.partition("Quotas, this hour")[2])


def test_nothing_has_happened_yet_and_the_page_says_so(desk: Desk, pages: Pages) -> None:
    page = pages.text("/health")

    assert "Needs attention:" in page
    assert "Centra has not been read for new orders yet." in page
    assert "No stock has been read from Whistl yet." in page
