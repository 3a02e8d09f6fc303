"""Owners are alerted to what waits for them: once, in time, without personal data."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.alerts.addresses import AlertAddresses
from centra_whistl_dagster.alerts.delivery import Letter
from centra_whistl_dagster.alerts.rules import Condition
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.ledger import alerts, exception_news, exceptions, tables
from centra_whistl_dagster.ledger.rows import AlertRow
from centra_whistl_dagster.settings import load_links
from centra_whistl_dagster.simulator.centra.rules import touch
from centra_whistl_dagster.simulator.people.shoppers import ADA, ADA_THE_CUSTOMER
from centra_whistl_dagster.simulator.world.catalogue import EXPRESS, POP_UP, STANDARD
from centra_whistl_dagster.workflows.exceptions import alerting, register, watching
from centra_whistl_dagster.workflows.exceptions.delivery import (
    NO_ADDRESS,
    Delivered,
    channels_replaced,
    deliver,
)
from centra_whistl_dagster.workflows.orders import intake, screening
from centra_whistl_dagster_tests.workflows.conftest import Desk

BAD_POSTCODE = {**ADA, "zipCode": "YO1 7H"}
ADDRESSES = AlertAddresses(by_channel={"cx": "cx"}, default="all", fallback="second")


class Channels:
    """Takes letters as a set of channels would, some of them dead."""

    def __init__(self) -> None:
        self.dead: set[str] = set()
        self.taken: list[Letter] = []

    def post(self, letters: Sequence[Letter]) -> Mapping[int, str | None]:
        alive = [letter for letter in letters if letter.address not in self.dead]
        self.taken += alive
        return {letter.id: "no" if letter.address in self.dead else None for letter in letters}


@pytest.fixture
def channels() -> Channels:
    return Channels()


@pytest.fixture
def addressed(desk: Desk) -> Desk:
    """The desk, with an address for alerts."""
    desk.reopen(ALERT_DEFAULT_URL="json://127.0.0.1:9/default")
    return desk


def screen_orders(desk: Desk) -> None:
    intake.take_in_orders(desk.link)
    screening.screen_waiting_orders(desk.link)


def tell(desk: Desk) -> int:
    return alerting.tell_owners(desk.link.ledger, desk.link.settings.alerts)


def rows(desk: Desk) -> list[AlertRow]:
    with desk.link.ledger.reading() as tx:
        return tx.rows(AlertRow, sa.select(tables.alerts).order_by(tables.alerts.c.id))


def titles(desk: Desk) -> list[str]:
    return [row.title for row in rows(desk)]


# ---- what is written
def test_four_faults_in_two_address_lines_of_one_order_are_one_alert(addressed: Desk) -> None:
    too_long = "\N{BALLOON} The Old Coach House behind the Church of St Michael and All Angels"
    lines = {"address1": too_long, "address2": too_long}
    order = addressed.order(address={**ADA, **lines, "firstName": "Ada \N{BALLOON}"})
    screen_orders(addressed)

    assert len(addressed.problems(str(order.number))) == 4
    assert tell(addressed) == 1
    (alert,) = rows(addressed)
    assert alert.title.endswith(f"order {order.number}")
    assert alert.body.count("What to do") == 2


def test_an_option_that_nobody_mapped_is_one_alert_whatever_the_postcode(addressed: Desk) -> None:
    for postcode in ("YO1 7HH", "LS1 4AP", "EH1 1YZ"):
        addressed.order(option=POP_UP, address={**ADA, "zipCode": postcode})
    screen_orders(addressed)

    assert addressed.problems() == ["service_unmapped"]
    assert tell(addressed) == 1
    assert "3 orders wait" in rows(addressed)[0].title


def test_the_owner_of_a_bad_order_is_alerted_once(addressed: Desk) -> None:
    order = addressed.order(address=BAD_POSTCODE)
    screen_orders(addressed)

    written = [tell(addressed) for _ in range(3)]

    assert written == [1, 0, 0]
    (row,) = rows(addressed)
    assert (row.owner, row.channel, row.sent_at) == ("cx", "cx", None)
    assert row.title == f"Blocking: Invalid postcode: order {order.number}"
    assert "1 order waits for it, worth" in row.body


def test_many_orders_of_one_option_are_one_alert_with_their_number_and_worth(
    addressed: Desk,
) -> None:
    placed = [addressed.order(option=POP_UP) for _ in range(60)]
    screen_orders(addressed)

    assert tell(addressed) == 1

    (row,) = rows(addressed)
    assert row.owner == "ecommerce"
    assert "(60 orders wait)" in row.title
    assert str(placed[0].number) in row.body
    assert "and 40 more" in row.body
    assert "GBP" in row.body


def test_a_flood_makes_an_alert_now_and_then_and_forgets_no_order(addressed: Desk) -> None:
    placed = []
    for _ in range(12):
        placed.append(addressed.order(address=BAD_POSTCODE))
        screen_orders(addressed)
        tell(addressed)
        addressed.wait(5)
    addressed.wait(30)
    tell(addressed)

    bodies = " ".join(row.title + row.body for row in rows(addressed))
    assert len(rows(addressed)) <= 5
    assert all(str(order.number) in bodies for order in placed)


def test_a_correction_is_alerted_too(addressed: Desk) -> None:
    order = addressed.order(address=BAD_POSTCODE)
    screen_orders(addressed)
    tell(addressed)
    addressed.wait(60)
    order.address = dict(ADA)
    touch(addressed.world, order)
    screen_orders(addressed)

    tell(addressed)

    assert titles(addressed)[-1] == f"Resolved: Invalid postcode: order {order.number}"


def test_what_was_fixed_before_its_owner_was_alerted_is_not_alerted(addressed: Desk) -> None:
    order = addressed.order(address=BAD_POSTCODE)
    screen_orders(addressed)
    addressed.wait(5)
    order.address = dict(ADA)
    touch(addressed.world, order)
    screen_orders(addressed)

    assert tell(addressed) == 0
    addressed.wait(3600)
    assert tell(addressed) == 0


def test_what_is_past_its_time_limit_is_alerted_again_and_escalated(addressed: Desk) -> None:
    addressed.reopen(ALERT_ESCALATION_URL="json://127.0.0.1:9/boss")
    addressed.order(address=BAD_POSTCODE)
    screen_orders(addressed)
    tell(addressed)
    addressed.wait(3599)
    assert tell(addressed) == 0
    addressed.wait(2)

    assert tell(addressed) == 2
    assert tell(addressed) == 0

    late = rows(addressed)[1:]
    assert [row.channel for row in late] == ["cx", "escalation"]
    assert all(row.title.startswith("Overdue, ") for row in late)
    with addressed.link.ledger.reading() as tx:
        (exception,) = exception_news.listed(tx)
    assert exception.escalated_at is not None


def test_another_cause_of_an_open_exception_is_alerted_with_a_time_limit_of_its_own(
    addressed: Desk,
) -> None:
    def changed(what: str, version: str) -> None:
        with addressed.link.ledger.transaction() as tx:
            problem = exceptions.order_problem(
                100_001, ExceptionKind.EDITED_AFTER_SENDING, f"{what} changed.", contents=version
            )
            exceptions.open_or_refresh(tx, [problem])

    def written() -> int:
        return len(rows(addressed))

    changed("The phone", "1")
    tell(addressed)
    addressed.clock.advance(2 * 3600)
    tell(addressed)  # past its time limit
    before = written()
    changed("The phone number", "1")
    tell(addressed)
    for_the_same = written() - before

    changed("The address", "2")
    tell(addressed)
    tell(addressed)

    assert for_the_same == 0
    (again,) = rows(addressed)[before:]
    assert again.title.startswith("Urgent: ")
    assert "The address changed." in again.body
    with addressed.link.ledger.reading() as tx:
        (row,) = exception_news.listed(tx)
    assert (row.told, row.escalated_at) == ("opened", None)
    assert row.due_at > addressed.clock()


def test_without_an_address_nothing_counts_as_alerted(desk: Desk) -> None:
    desk.order(address=BAD_POSTCODE)
    screen_orders(desk)
    assert tell(desk) == 0

    desk.reopen(ALERT_CX_URL="json://127.0.0.1:9/cx")

    assert tell(desk) == 1


def test_an_alert_and_the_mark_of_it_are_written_together_or_not_at_all(
    addressed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    addressed.order(address=BAD_POSTCODE)
    screen_orders(addressed)

    def fail(*_: object, **__: object) -> int:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(alerts, "add", fail)
        with pytest.raises(OSError, match="disk full"):
            tell(addressed)

    assert tell(addressed) == 1


def test_the_morning_reminder_comes_once_to_each_owner_of_something_old(addressed: Desk) -> None:
    addressed.order(address=BAD_POSTCODE)
    addressed.order(option=POP_UP)
    screen_orders(addressed)
    for _ in range(30):
        tell(addressed)
        addressed.wait(3600)
    tell(addressed)

    reminders = [row for row in rows(addressed) if row.title.startswith("Still open")]

    assert sorted(row.owner for row in reminders) == ["cx", "ecommerce"]
    assert all(row.title.startswith("Still open: 1 for") for row in reminders)


def test_an_alert_names_both_numbers_and_links_to_the_pages_that_are_set(addressed: Desk) -> None:
    order = addressed.order(address=BAD_POSTCODE)
    screen_orders(addressed)
    environment = {
        "DESK_URL": "https://desk.example.com/",
        "CENTRA_ADMIN_URL": "https://shop.example.com/orders/{number}",
    }

    alerting.tell_owners(
        addressed.link.ledger, addressed.link.settings.alerts, load_links(environment)
    )

    (row,) = rows(addressed)
    with addressed.link.ledger.reading() as tx:
        (exception,) = exception_news.listed(tx)
    assert f"Order {order.number} (Whistl C{order.number}): " in row.body
    assert f"https://desk.example.com/exceptions/{exception.id}\n" in row.body
    assert f"https://shop.example.com/orders/{order.number}" in row.body


# ---- personal data
CANARY = "Quetzalcoatl"


def test_a_check_that_stays_red_is_in_the_reminder_of_each_morning_until_it_is_green_or_gone(
    addressed: Desk,
) -> None:
    job = Condition(name="job a", title="The job a", owner="data", is_red=True)
    start = addressed.clock()
    reminded: list[float] = []
    for hour in range(24 * 7):
        if hour < 24 * 4:
            watching.note_conditions(addressed.link.ledger, [job])
        before = len(rows(addressed))
        tell(addressed)
        for row in rows(addressed)[before:]:
            assert row.owner == "data"
            assert "still failing: The job a" in row.body
            reminded.append((addressed.clock() - start).total_seconds() / 86400)
        addressed.clock.advance(3600)

    assert 3 <= len(reminded) <= 5
    assert all(0.9 < after - before < 1.1 for before, after in pairwise(reminded))
    assert reminded[-1] <= 5


def test_what_turned_red_this_morning_is_not_reminded_of_before_tomorrow(addressed: Desk) -> None:
    addressed.clock.advance(_until(addressed, hour=7, minute=30))
    red = Condition(name="job a", title="The job a", owner="data", is_red=True)
    watching.note_conditions(addressed.link.ledger, [red])
    addressed.clock.advance(3600)

    assert tell(addressed) == 0
    watching.note_conditions(addressed.link.ledger, [red])
    addressed.clock.advance(24 * 3600)

    assert tell(addressed) == 1
    assert tell(addressed) == 0


def _until(desk: Desk, *, hour: int, minute: int) -> float:
    local = desk.clock().astimezone(LONDON)
    then = (local + timedelta(days=1)).replace(hour=hour, minute=minute)
    return (then - local).total_seconds()


@pytest.mark.parametrize(
    ("case", "address", "option"),
    [
        ("postcode", {"zipCode": f"{CANARY} 1"}, STANDARD),
        ("phone", {"cellPhoneNumber": CANARY, "phoneNumber": CANARY}, EXPRESS),
        ("e-mail", {"email": f"{CANARY}@@example.com"}, EXPRESS),
        ("an address too long", {"address1": f"{CANARY} " * 12}, STANDARD),
        ("a name that cannot be printed", {"firstName": f"{CANARY} \N{BALLOON}"}, STANDARD),
        ("a city that cannot be printed", {"city": f"{CANARY} \N{BALLOON}"}, STANDARD),
        ("a company that cannot be printed", {"companyName": f"{CANARY} \N{BALLOON}"}, STANDARD),
    ],
)
def test_no_alert_list_or_log_line_holds_what_a_customer_typed(
    addressed: Desk,
    channels: Channels,
    caplog: pytest.LogCaptureFixture,
    case: str,
    address: dict[str, str],
    option: dict[str, object],
) -> None:
    caplog.set_level(logging.DEBUG)
    addressed.order(
        address={**ADA, "lastName": CANARY, **address},
        option=option,
        customer={**ADA_THE_CUSTOMER, "lastName": CANARY},
    )
    screen_orders(addressed)

    assert tell(addressed) >= 1, case
    deliver(addressed.link.ledger, ADDRESSES, post=channels.post)

    assert channels.taken
    for letter in channels.taken:
        assert CANARY.lower() not in f"{letter.title} {letter.body}".lower()
    assert CANARY not in " ".join(str(row) for row in rows(addressed))
    assert CANARY not in str(register.list_exceptions(addressed.link, only_open=False))
    assert CANARY not in caplog.text


# ---- sending
def alert(desk: Desk, title: str = "Title", *, owner: str = "cx") -> None:
    new = alerts.NewAlert(
        cause=title, owner=owner, channel=owner, severity="warning", title=title, body="Body"
    )
    with desk.link.ledger.transaction() as tx:
        alerts.add(tx, [new])


def test_an_alert_goes_to_its_own_channel_else_to_the_default(
    desk: Desk, channels: Channels
) -> None:
    alert(desk, "one", owner="cx")
    alert(desk, "two", owner="finance")

    assert deliver(desk.link.ledger, ADDRESSES, post=channels.post) == Delivered(sent=2)
    assert deliver(desk.link.ledger, ADDRESSES, post=channels.post) == Delivered()

    assert [letter.address for letter in channels.taken] == ["cx", "all"]
    assert [row.sent_by for row in rows(desk)] == ["cx", "finance"]


def rounds(desk: Desk, channels: Channels, seconds: int, *, every: int = 5) -> None:
    for _ in range(0, seconds, every):
        deliver(desk.link.ledger, ADDRESSES, post=channels.post)
        desk.wait(every)


def test_a_dead_channel_s_alerts_go_by_the_second_within_a_minute_and_name_their_owner(
    desk: Desk, channels: Channels
) -> None:
    channels.dead = {"cx"}
    for n in range(100):
        alert(desk, f"alert {n}")

    rounds(desk, channels, 60)

    assert sorted(letter.title for letter in channels.taken) == sorted(
        f"For cx: alert {n}" for n in range(100)
    )
    assert {letter.address for letter in channels.taken} == {"second"}
    assert {row.sent_by for row in rows(desk)} == {"second channel"}


def test_with_both_channels_dead_for_a_day_nothing_is_lost_and_nothing_is_sent_twice(
    desk: Desk, channels: Channels
) -> None:
    channels.dead = {"cx", "second"}
    for n in range(30):
        alert(desk, f"alert {n}")
    rounds(desk, channels, 86_400, every=600)
    assert channels.taken == []

    channels.dead = {"second"}
    rounds(desk, channels, 3_600, every=60)

    assert sorted(letter.title for letter in channels.taken) == sorted(
        f"alert {n}" for n in range(30)
    )


def test_a_dead_channel_is_tried_ever_more_rarely(desk: Desk) -> None:
    asked = []

    def post(letters: Sequence[Letter]) -> Mapping[int, str | None]:
        asked.append(desk.link.now())
        return {letter.id: "dead" for letter in letters}

    alert(desk)
    for _ in range(120):
        deliver(desk.link.ledger, AlertAddresses(default="all"), post=post)
        desk.wait(60)

    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert len(asked) < 20
    assert max(gaps) <= timedelta(minutes=16)


def test_an_alert_without_any_address_waits_and_says_what_to_set(
    desk: Desk, channels: Channels
) -> None:
    alert(desk)

    assert deliver(desk.link.ledger, AlertAddresses(), post=channels.post).postponed == 1

    (row,) = rows(desk)
    assert row.last_error == NO_ADDRESS
    desk.wait(10)
    assert deliver(desk.link.ledger, ADDRESSES, post=channels.post).sent == 1


def test_a_crash_between_sending_and_recording_sends_again(desk: Desk, channels: Channels) -> None:
    def crash(letters: Sequence[Letter]) -> Mapping[int, str | None]:
        channels.post(letters)
        raise KeyboardInterrupt

    alert(desk)
    with pytest.raises(KeyboardInterrupt):
        deliver(desk.link.ledger, ADDRESSES, post=crash)

    assert deliver(desk.link.ledger, ADDRESSES, post=channels.post).sent == 1
    assert len(channels.taken) == 2


def test_two_processes_do_not_send_the_same_alert(desk: Desk, channels: Channels) -> None:
    inner = []

    def post(letters: Sequence[Letter]) -> Mapping[int, str | None]:
        inner.append(deliver(desk.link.ledger, ADDRESSES, post=channels.post))
        return channels.post(letters)

    alert(desk)

    assert deliver(desk.link.ledger, ADDRESSES, post=post) == Delivered(sent=1)
    assert inner == [Delivered()]
    assert len(channels.taken) == 1


def test_untried_alerts_of_a_slow_channel_stay_due_and_those_of_a_hung_one_do_not(
    desk: Desk,
) -> None:
    alert(desk, "slow 1", owner="data")
    alert(desk, "slow 2", owner="data")
    alert(desk, "hung 1")
    alert(desk, "hung 2")

    def post(letters: Sequence[Letter]) -> Mapping[int, str | None]:
        return {letter.id: None for letter in letters if letter.title == "slow 1"}

    done = deliver(desk.link.ledger, ADDRESSES, post=post)

    attempts = {row.title: row.attempts for row in rows(desk)}
    assert done == Delivered(sent=1, postponed=2)
    assert attempts == {"slow 1": 1, "slow 2": 0, "hung 1": 1, "hung 2": 1}


def test_what_has_waited_a_minute_behind_a_slow_channel_goes_by_the_second(desk: Desk) -> None:
    for n in range(40):
        alert(desk, f"alert {n}")
    taken: dict[str, str] = {}

    def post(letters: Sequence[Letter]) -> Mapping[int, str | None]:
        """Let the team's channel take one letter a round, and the second one all."""
        own = [letter for letter in letters if letter.address == "cx"][:1]
        done = own + [letter for letter in letters if letter.address == "second"]
        taken.update({letter.title: letter.body for letter in done})
        return {letter.id: None for letter in done}

    for _ in range(12):
        deliver(desk.link.ledger, ADDRESSES, post=post)
        desk.wait(10)

    by_second = [title for title in taken if title.startswith("For cx: ")]
    assert len(taken) == 40
    assert 20 < len(by_second) < 40
    assert taken[by_second[0]].startswith("Sent here because the channel cx did not accept")


def test_a_channel_is_replaced_until_it_accepts_an_alert_again(
    desk: Desk, channels: Channels
) -> None:
    channels.dead = {"cx"}
    alert(desk)
    alert(desk, owner="finance")
    rounds(desk, channels, 60)
    assert channels_replaced(desk.link.ledger) == ["cx"]

    channels.dead = set()
    alert(desk)
    rounds(desk, channels, 5)

    assert channels_replaced(desk.link.ledger) == []


# ---- checks, jobs and sensors
def condition(*, is_red: bool, name: str = "check a") -> Condition:
    return Condition(name=name, title="The check", owner="cx", is_red=is_red, detail="Why.")


def test_a_check_that_flickers_is_alerted_red_once_and_green_once(desk: Desk) -> None:
    ledger = desk.link.ledger
    for n in range(10):
        watching.note_conditions(ledger, [condition(is_red=n % 2 == 0)])
        desk.wait(30)
    for _ in range(10):
        watching.note_conditions(ledger, [condition(is_red=False)])
        desk.wait(30)

    assert titles(desk) == ["Failing, urgent: The check", "Resolved: The check"]
    assert watching.names_told_red(ledger) == set()


def test_what_turns_red_together_is_one_alert(desk: Desk) -> None:
    seen = [condition(is_red=True, name=f"check {n}") for n in range(5)]

    assert watching.note_conditions(desk.link.ledger, seen) == 1
    assert titles(desk) == ["Failing, urgent: 5 checks"]
