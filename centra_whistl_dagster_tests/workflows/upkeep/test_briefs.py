"""The briefs of a played day, judged by what really happened in the world."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest

from centra_whistl_dagster.alerts.addresses import AlertAddresses
from centra_whistl_dagster.demo.inbox import Inbox
from centra_whistl_dagster.domain.brief_periods import Cadence, Period, day_of, week_before
from centra_whistl_dagster.domain.exceptions.prevention import PREVENTION, prevention_of
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.history.publish import mode_of
from centra_whistl_dagster.ledger import alerts
from centra_whistl_dagster.workflows.briefs import keeping
from centra_whistl_dagster.workflows.briefs.figures import DayBar
from centra_whistl_dagster.workflows.briefs.past import past_of_day, past_of_week
from centra_whistl_dagster.workflows.briefs.plots import plot
from centra_whistl_dagster.workflows.briefs.register import read_register
from centra_whistl_dagster.workflows.briefs.rendering import Brief, write_brief
from centra_whistl_dagster.workflows.briefs.sending import send
from centra_whistl_dagster.workflows.exceptions.delivery import deliver
from centra_whistl_dagster.workflows.exceptions.register import list_exceptions
from centra_whistl_dagster.workflows.upkeep import history
from centra_whistl_dagster_tests.workflows.conftest import Desk
from centra_whistl_dagster_tests.workflows.upkeep.conftest import Day

pytestmark = pytest.mark.timeout(600)
"""The day is lived through once, in the time of whichever test comes first."""

HOSTILE = '"><script>alert(1)</script>\u202e<img src=x onerror=alert(2)>'


def read(html: str) -> str:
    """What a person reads of a page."""
    without = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", without)).split())


def london_day(moment: datetime) -> date:
    return moment.astimezone(LONDON).date()


@pytest.fixture
def played(day: Day) -> Brief:
    return write_brief(day.desk.link, day_of(day.desk.clock()))


# ---- figures
def test_what_went_out_is_what_the_warehouse_sent_on_that_day(day: Day, played: Brief) -> None:
    today = played.period.first
    sent = [each for each in day.world.sent_parcels if london_day(each.despatched_at) == today]

    past = past_of_day(day.desk.link, played.period)

    assert past is not None
    assert past.went_out.parcels == len(sent) > 0
    assert sum(row["parcels"] for row in past.went_out.carriers) == len(sent)
    gone = [held for held in day.world.whistl_orders.values() if held.status == "DESPATCHED"]
    assert past.went_out.orders == len(gone)
    assert f"{past.went_out.orders} orders with" in read(played.html)


def test_what_waits_and_is_oversold_is_worth_what_the_world_says(day: Day, played: Brief) -> None:
    desk = day.desk
    missing = {
        sku: day.world.unsent_units(sku) - day.world.whistl_available(sku) for sku in desk.skus
    }
    short = {sku: units for sku, units in missing.items() if units > 0}

    register, past = read_register(desk.link), past_of_day(desk.link, played.period)

    assert past is not None
    assert register.blocked == desk.counts().get(OrderState.BLOCKED, 0)
    assert past.oversold.units == sum(short.values()) > 0
    worth = sum(day.world.items[sku].price * units for sku, units in short.items())
    assert sum(past.oversold.by_currency.values()) == worth
    assert f"{past.oversold.units} units" in read(played.html)


def test_each_open_exception_is_counted_once_and_the_most_pressing_come_first(day: Day) -> None:
    register, listed = read_register(day.desk.link), list_exceptions(day.desk.link)
    places = [(not each.is_urgent, not each.overdue) for each in register.groups]
    pressing = {
        (each.owner, each.kind) for each in listed if each.severity == "urgent" or each.is_overdue
    }

    assert places == sorted(places)
    assert register.open == len(listed) > 0
    assert {(each.owner, each.kind) for each in register.first} == pressing
    assert 0 < len(register.first) < len(register.groups), "otherwise this proves nothing"


def test_the_sections_come_in_the_order_in_which_they_are_needed(played: Brief) -> None:
    headings = re.findall(r"<h2>(.*?)</h2>", played.html)

    assert [unescape(heading) for heading in headings] == [
        "What needs a person first",
        "What went out",
        "What waits, for whom, and what it is worth",
        "Stock: do the two systems agree?",
        "Money",
        "What changed",
    ]


def test_service_levels_of_a_week_add_up_its_days(day: Day, played: Brief) -> None:
    monday = played.period.first - timedelta(days=played.period.first.weekday())
    week = past_of_week(day.desk.link, Period(monday, Cadence.WEEKLY))

    assert week is not None
    rows = day.rows(
        "SELECT sum(measured) AS n FROM service_levels_against_targets WHERE target = 'accepted'"
    )
    levels = {level.target: level for level in week.levels}
    assert levels["accepted"].budget.measured == rows[0]["n"]
    assert week.repeats
    assert all(each.times > 1 and each.prevention for each in week.repeats)


def test_a_brief_needs_no_other_file_and_no_script(played: Brief) -> None:
    assert not re.search(r"<script|<link|<img|\ssrc=|url\(|\sstyle=|@import", played.html)
    assert len(played.html.encode()) < 100_000, "longer mails are cut"


def test_no_person_is_in_a_brief(day: Day, played: Brief) -> None:
    week = write_brief(day.desk.link, Period(played.period.first, Cadence.WEEKLY))
    people = {
        str(values.get(field) or "")
        for order in day.world.orders.values()
        for values in (order.address or {}, order.customer or {})
        for field in ("firstName", "lastName", "address1", "email", "phoneNumber", "zipCode")
    }
    assert len(people) > 20
    for brief in (played, week):
        words = read(brief.html) + brief.text
        assert [each for each in people if len(each) > 4 and each in words] == []


# ---- before anything has happened, and what others wrote
def test_before_the_first_history_a_brief_says_what_is_missing(desk: Desk) -> None:
    for period in (day_of(desk.clock()), week_before(desk.clock())):
        brief = write_brief(desk.link, period)

        assert "No history has been published yet" in read(brief.html)
        assert "No history has been published yet" in brief.text


def test_an_empty_history_gives_a_brief_without_figures(desk: Desk) -> None:
    file = history.open_history(desk.link)
    history.load_orders(desk.link, file)
    history.publish_history(desk.link, file)

    daily = read(write_brief(desk.link, day_of(desk.clock())).html)
    weekly = read(write_brief(desk.link, week_before(desk.clock())).html)

    assert "0 orders with 0 units left" in daily
    assert "The two systems were not compared on this day." in daily
    assert "Nothing is open." in daily
    assert "No cause came more than once" in weekly
    assert "Nothing was measured in the week." in weekly


def test_what_a_shop_wrote_is_shown_as_text(desk: Desk) -> None:
    option = {**desk.world.shipping_options[0], "name": HOSTILE}
    desk.order((desk.skus[4], 1), option=option)
    desk.relay_orders()
    desk.wait(100_000)

    brief = write_brief(desk.link, day_of(desk.clock()))

    assert "<script>" not in brief.html
    assert "\u202e" not in brief.html + brief.text
    assert "onerror=alert(2)" in read(brief.html), "without it this proves nothing"


def test_a_token_that_expires_soon_is_in_the_weekly_brief(desk: Desk) -> None:
    soon = london_day(desk.clock()) + timedelta(days=3)
    link = replace(desk.link, settings=replace(desk.link.settings, token_expires=soon))

    assert "token expires on" in read(write_brief(link, week_before(desk.clock())).html)
    assert "token" not in write_brief(desk.link, week_before(desk.clock())).text


# ---- kept and sent
def brief_of(day: date, cadence: Cadence = Cadence.DAILY) -> Brief:
    return Brief(
        period=Period(day, cadence),
        title="A brief",
        html="<p>as HTML</p>",
        text="as text",
        needs_a_person=0,
    )


def test_a_brief_is_kept_with_the_rights_of_the_published_copy(desk: Desk) -> None:
    settings = desk.link.settings
    settings.published_path.parent.mkdir(mode=0o750)
    settings.published_path.parent.chmod(0o750)
    settings.published_path.touch()
    settings.published_path.chmod(0o640)

    path = keeping.keep(settings, brief_of(date(2026, 11, 23)))

    assert stat.S_IMODE(path.stat().st_mode) == mode_of(settings.published_path) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    assert path.parent == settings.published_path.parent / "briefs"
    assert [each.name for each in path.parent.iterdir()] == ["daily-2026-11-23.html"]


def test_an_earlier_brief_of_the_same_day_is_replaced_and_old_ones_go(desk: Desk) -> None:
    settings = desk.link.settings
    for day in (date(2025, 1, 1), date(2026, 11, 22), date(2026, 11, 23), date(2026, 11, 23)):
        keeping.keep(settings, brief_of(day))
    keeping.keep(settings, brief_of(date(2026, 11, 16), Cadence.WEEKLY))
    (settings.briefs_path / "notes.html").touch()

    removed = keeping.forget_old(settings, datetime(2026, 11, 24, tzinfo=UTC))

    assert removed == 1
    assert [each.name for each in keeping.kept(settings)] == [
        "daily-2026-11-23",
        "daily-2026-11-22",
        "weekly-2026-11-16",
    ]
    assert (settings.briefs_path / "notes.html").exists()


def test_the_list_gets_html_by_mail_and_text_elsewhere_once(desk: Desk) -> None:
    brief = brief_of(london_day(desk.clock()))
    with Inbox() as inbox:
        both = f"{inbox.mail_url('list')} {inbox.web_url('chat')}"
        addresses = AlertAddresses(by_channel={"brief": both}, default="json://127.0.0.1:9/x")

        assert send(desk.link.ledger, addresses, brief)
        assert not send(desk.link.ledger, addresses, brief)
        assert deliver(desk.link.ledger, addresses).sent == 1

    arrived = {each.to: each for each in inbox.received}
    assert set(arrived) == {"list", "chat"}
    types = dict(arrived["list"].headers)
    assert "multipart/alternative" in types["Content-Type"] or "html" in types["Content-Type"]
    assert arrived["chat"].body == "as text"


def test_without_a_list_a_brief_is_sent_to_nobody(desk: Desk) -> None:
    addresses = AlertAddresses(default="json://127.0.0.1:9/x")

    assert not send(desk.link.ledger, addresses, brief_of(date(2026, 11, 23)))

    with desk.link.ledger.reading() as tx:
        assert alerts.count_unsent(tx) == 0


# ---- rules
def test_every_kind_has_something_that_would_end_its_repeats() -> None:
    assert set(PREVENTION) == set(ExceptionKind)
    assert prevention_of("a_kind_of_a_later_release")


def test_a_plot_stacks_both_parts_of_each_day_up_to_the_largest() -> None:
    first = date(2026, 11, 1)
    days = [
        DayBar(day=first, good=6, bad=2),
        DayBar(day=first + timedelta(days=1), good=None, bad=None),
        DayBar(day=first + timedelta(days=2), good=0, bad=4),
    ]

    drawn = plot(days, good="good", bad="bad")

    assert drawn is not None
    assert [part.label for part in drawn.rectangles] == [
        "Sun 1: 6 good",
        "Sun 1: 2 bad",
        "Tue 3: 4 bad",
    ]
    heights = [part.height for part in drawn.rectangles]
    assert sum(heights[:2]) == pytest.approx(drawn.zero - drawn.top, abs=0.2)
    assert heights[2] * 2 == pytest.approx(drawn.zero - drawn.top, abs=0.2)
    assert [mark.text for mark in drawn.days] == ["Sun 1", "Mon 2", "Tue 3"]
    assert drawn.largest == 8
    assert plot(days[1:], good="good", bad="bad") is None


def test_of_a_fortnight_every_other_day_is_named_and_the_last_is() -> None:
    first = date(2026, 11, 1)
    days = [DayBar(day=first + timedelta(days=ago), good=1, bad=0) for ago in range(14)]

    drawn = plot(days, good="good", bad="bad")

    assert drawn is not None
    assert [mark.text for mark in drawn.days][0::6] == ["Mon 2", "Sat 14"]
