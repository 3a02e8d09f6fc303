"""How alerts read: short, plain, enough to act upon, and harmless whatever a shop is called."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.alerts import messages
from centra_whistl_dagster.alerts.endings import BEGINNINGS
from centra_whistl_dagster.alerts.links import NO_LINKS, Links
from centra_whistl_dagster.alerts.rules import Condition, Group, News, Standing, Told
from centra_whistl_dagster.domain.exceptions.endings import ENDS, Ending
from centra_whistl_dagster.domain.exceptions.problems import ADVICE, ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import Owner, Responsibility, Severity
from centra_whistl_dagster.domain.exceptions.stakes import Stake

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
UNMAPPED = Responsibility(
    owner=Owner.ECOMMERCE,
    severity=Severity.BLOCKING,
    channel="ecommerce",
    time_limit_minutes=60,
    title="Shipping option that nobody has mapped",
    instructions="Add a row to config/shipping_services.csv.",
)


def standing(
    subject: str,
    subject_type: str = "order",
    number: int = 1,
    severity: Severity = Severity.BLOCKING,
) -> Standing:
    return Standing(
        exception_id=number,
        kind="service_unmapped",
        owner="ecommerce",
        severity=severity,
        subject_type=subject_type,
        subject=subject,
        message="No row of the shipping services file maps Pop-up to GB.",
        opened_at=NOW + timedelta(seconds=number),
        due_at=NOW + timedelta(hours=1, seconds=number),
        resolved_at=None,
        told=Told.NOTHING,
    )


def group(*standings: Standing, news: News = News.OPENED) -> Group:
    return Group(news=news, kind="service_unmapped", owner="ecommerce", standings=standings)


NOTHING_WAITS = Stake()
RESPONSIBLE = dict.fromkeys(ExceptionKind, UNMAPPED)


def described(
    made: Group,
    stake: Stake = NOTHING_WAITS,
    links: Links = NO_LINKS,
    postcode: Responsibility = UNMAPPED,
    cancelled: Responsibility = UNMAPPED,
) -> messages.Message:
    """Describe exceptions; two other kinds may have a responsibility of their own."""
    others = {
        ExceptionKind.POSTCODE_MALFORMED: postcode,
        ExceptionKind.CANCELLED_AFTER_SENDING: cancelled,
    }
    return messages.of_exceptions(made, RESPONSIBLE | others, stake, links)


OPTION = group(standing("Pop-up to GB", "shipping_option"))
MANY = Stake(
    order_numbers=tuple(range(100_001, 110_001)), blocked=10_000, value={"GBP": Decimal("412000.5")}
)


def test_ten_thousand_orders_with_one_option_make_one_message_that_names_the_count() -> None:
    message = described(OPTION, MANY)

    assert message.title == (
        "Blocking: Shipping option that nobody has mapped: shipping option Pop-up to GB "
        "(10,000 orders wait)"
    )
    assert "10,000 orders wait for it, worth 412,000.50 GBP." in message.body
    assert "100001, 100002" in message.body
    assert "and 9,980 more" in message.body
    assert "What to do: Add a row to config/shipping_services.csv." in message.body
    assert "Time limit: 11:00 on 01 Jun London time." in message.body
    assert len(message.body) < 1_000


def test_one_order_is_named_in_the_title() -> None:
    stake = Stake(order_numbers=(100234,), blocked=1, value={"GBP": Decimal(20)})

    message = described(group(standing("100234")), stake)

    assert message.title == "Blocking: Shipping option that nobody has mapped: order 100234"
    assert "1 order waits for it, worth 20.00 GBP." in message.body


def test_an_order_with_several_faults_is_one_order_on_one_line() -> None:
    faults = [
        replace(standing("100234", number=number), message=f"Fault {number}.")
        for number in range(1, 10)
    ]

    message = described(group(*faults))

    assert message.title.endswith(": order 100234")
    assert message.body.count("Order 100234") == 1
    assert "Fault 1. Fault 2." in message.body
    assert "… and 3 more faults." in message.body


def test_an_alert_of_several_kinds_says_what_to_do_about_each() -> None:
    other = replace(UNMAPPED, title="Invalid postcode", instructions="Ask the customer.")

    second = replace(standing("100234", number=2), kind="postcode_malformed")

    message = described(group(standing("100234"), second), postcode=other)

    assert "What to do (Shipping option that nobody has mapped): Add a row" in message.body
    assert "What to do (Invalid postcode): Ask the customer." in message.body


def test_many_orders_are_listed_up_to_a_length_and_the_rest_is_counted() -> None:
    many = group(*(standing(str(n), number=n) for n in range(1, 31)))

    message = described(many)

    assert message.title.endswith(": 30 orders")
    assert message.body.count("- Order ") == messages.SHOWN
    assert "… and 10 more: `centra-whistl exceptions --owner ecommerce`." in message.body


@pytest.mark.parametrize(
    ("case", "news", "opening", "severity"),
    [
        ("new", News.OPENED, "Blocking: ", "warning"),
        ("late", News.ESCALATED, "Overdue, blocking: ", "failure"),
        ("fixed", News.RESOLVED, "Resolved: ", "success"),
    ],
)
def test_the_title_begins_with_what_is_new(
    case: str, news: News, opening: str, severity: str
) -> None:
    message = described(group(standing("100234"), news=news))

    assert message.title.startswith(opening), case
    assert message.severity == severity


@pytest.mark.parametrize("severity", Severity)
def test_the_title_says_the_severity(severity: Severity) -> None:
    message = described(group(standing("100234", severity=severity)))

    assert message.title.lower().startswith(f"{severity}: ")


@pytest.mark.parametrize("kind", ExceptionKind)
def test_an_alert_ends_with_what_is_true_of_its_kind(kind: ExceptionKind) -> None:
    made = replace(group(replace(standing("100234"), kind=kind)), kind=kind)
    end = ENDS[kind]

    last = described(made).body.splitlines()[-1]

    assert last.startswith(BEGINNINGS[end.ending])
    assert end.when in last
    assert not any(
        beginning in last for ending, beginning in BEGINNINGS.items() if ending is not end.ending
    )
    may_close = "centra-whistl exceptions close" in last
    assert not may_close or end.may_be_closed_by_hand
    assert may_close or end.ending is not Ending.NEEDS_A_PERSON


def test_kinds_that_end_alike_share_one_ending_and_others_are_named_each_with_its_own() -> None:
    def last_lines(kind: str) -> list[str]:
        other = replace(standing("100234", number=2), kind=kind)
        second = replace(UNMAPPED, title="Second")
        made = group(standing("100234"), other)
        return described(made, postcode=second, cancelled=second).body.splitlines()[-2:]

    assert last_lines("sku_unknown")[0].startswith("Time limit")
    first, second = last_lines("cancelled_after_sending")
    assert first.startswith(f"{UNMAPPED.title}: Once it is corrected, waiting orders are sent")
    assert second.startswith("Second: Nothing happens automatically")


@pytest.mark.parametrize("kind", ExceptionKind)
def test_only_a_kind_found_before_sending_promises_that_orders_are_sent(
    kind: ExceptionKind,
) -> None:
    kinds = list(ExceptionKind)
    is_found_before_sending = (
        kinds.index(kind) <= kinds.index(ExceptionKind.SHARED_WITH_ANOTHER_WAREHOUSE)
        and kind not in ADVICE
        and kind is not ExceptionKind.PARTLY_SHIPPED_ALREADY
    )

    sends = ENDS[kind].ending is Ending.SENDS_AND_CLOSES

    assert sends is (is_found_before_sending or kind is ExceptionKind.WHISTL_REFUSED)


def test_a_sku_keeps_its_capitals() -> None:
    message = described(group(standing("TEE-S", "sku")))

    assert message.body.startswith("SKU TEE-S: ")


def test_a_resolved_message_asks_for_nothing() -> None:
    message = described(group(standing("100234"), news=News.RESOLVED))

    assert "What to do" not in message.body
    assert message.body.startswith("Resolved:")
    assert "No action is needed." in message.body


@given(st.text(), st.text())
def test_no_text_of_a_shop_breaks_a_title_or_makes_it_long(subject: str, said: str) -> None:
    made = group(standing(f"{subject}\r\nBcc: all@example.com\x1b[2J\x00{said}", "sku"))

    message = described(made)

    assert message.title.isprintable()
    assert len(message.title) <= messages.TITLE_CHARACTERS
    assert all(line.isprintable() for line in message.body.split("\n"))
    assert "\nBcc" not in message.body


def test_the_reminder_counts_by_kind_the_most_frequent_first() -> None:
    standings = [standing(str(n), number=n) for n in range(3)]
    titles = {ExceptionKind.SERVICE_UNMAPPED: UNMAPPED.title}

    message = messages.of_reminder("ecommerce", standings, titles, ["The check"], NOW)

    assert message.title == "Still open: 4 for ecommerce"
    assert "- Shipping option that nobody has mapped: 3, the oldest since 10:00" in message.body
    assert "- still failing: The check" in message.body
    assert "0 past their time limit." in message.body


def test_several_red_conditions_are_one_message() -> None:
    conditions = [
        Condition(name=f"check {n}", title=f"Check {n}", owner="data", is_red=True, detail="Why.")
        for n in range(3)
    ]

    message = messages.of_conditions(News.TURNED_RED, conditions)

    assert message.title == "Failing, urgent: 3 checks"
    assert message.body.count("Why.") == 3


@pytest.mark.parametrize(("severity", "colour"), [("urgent", "failure"), ("warning", "warning")])
def test_what_fails_is_as_severe_as_the_worst_of_it(severity: str, colour: str) -> None:
    mild = Condition(
        name="check a", title="A", owner="data", is_red=True, severity=Severity.WARNING
    )

    message = messages.of_conditions(
        News.TURNED_RED, [mild, replace(mild, name="check b", severity=Severity(severity))]
    )

    assert message.title == f"Failing, {severity}: 2 checks"
    assert message.severity == colour


# ---- links
LINKS = Links(desk="https://desk.example.com", centra_order="https://shop.example.com/o/{number}")
ONE = Stake(order_numbers=(100234,), whistl_numbers={100234: "C100234"})


def test_one_order_is_named_by_both_numbers_and_linked_at_the_desk_and_in_centra() -> None:
    body = described(group(standing("100234", number=12)), ONE, LINKS).body

    assert "Order 100234 (Whistl C100234): No row" in body
    assert "Exception 12: https://desk.example.com/exceptions/12\n" in body
    assert "Order 100234 in Centra: https://shop.example.com/o/100234" in body


def test_many_exceptions_are_linked_as_the_team_s_list_of_their_kind() -> None:
    many = group(*(standing(str(n), number=n) for n in range(1, 31)))
    of_two_kinds = replace(
        many, standings=(*many.standings, replace(standing("1"), kind="postcode_malformed"))
    )
    stake = Stake(whistl_numbers={n: f"C{n}" for n in range(1, 31)})
    team = "https://desk.example.com/?team=ecommerce"

    body = described(many, stake, LINKS).body

    assert f"and 10 more: {team}&kind=service_unmapped" in body
    assert body.count(" in Centra: ") == messages.LINKS_SHOWN
    assert f": {team}\n" in described(of_two_kinds, stake, LINKS).body


def test_without_addresses_an_alert_names_its_exceptions_and_links_to_nothing() -> None:
    body = described(group(standing("100234", number=12)), ONE).body

    assert "\nException 12\n" in body
    assert "://" not in body


def test_a_reminder_and_a_failing_check_link_to_the_desk() -> None:
    titles = {ExceptionKind.SERVICE_UNMAPPED: UNMAPPED.title}
    red = Condition(name="check a", title="A", owner="data", is_red=True)

    reminder = messages.of_reminder("cx", [standing("1")], titles, [], NOW, LINKS)
    failing = messages.of_conditions(News.TURNED_RED, [red], LINKS)

    assert "https://desk.example.com/?team=cx" in reminder.body
    assert failing.body.endswith("https://desk.example.com/health")
