"""Refused feeds: why, what a release would change, and who releases it."""

from __future__ import annotations

import re
from urllib.parse import quote

import httpx
import pytest
import sqlalchemy as sa

from centra_whistl_dagster.domain.stock.guards import RefusalReason
from centra_whistl_dagster.domain.stock.refusal_words import IN_WORDS, in_words
from centra_whistl_dagster.ledger import desk_actions, stock
from centra_whistl_dagster.ledger.states import DeskAction, DeskSubject, Verdict
from centra_whistl_dagster.ledger.tables import stock_snapshots
from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.workflows.stock.quarantine import quarantined
from centra_whistl_dagster_tests.desk.conftest import Pages, Shop
from centra_whistl_dagster_tests.workflows.conftest import Desk

REASON = "Whistl (Jo) says that the sale cleared these shelves"


def refuse(desk: Desk, *, emptied: int) -> str:
    """Let the warehouse sell out of so many SKUs overnight, which the guards refuse to believe."""
    desk.sync_stock()
    desk.wait(10)
    with desk.world.lock:
        for sku in desk.skus[:emptied]:
            desk.world.shelves[sku].on_hand = 0
        take_snapshot(desk.world)
    desk.wait(30)
    desk.sync_stock()
    (snapshot,) = quarantined(desk.link)
    return snapshot.snapshot_id


def verdict(desk: Desk, snapshot_id: str) -> Verdict:
    with desk.link.ledger.reading() as tx:
        row = stock.snapshot(tx, snapshot_id)
    assert row is not None
    return row.verdict


def done(desk: Desk, snapshot_id: str) -> list[tuple[str, DeskAction, str]]:
    with desk.link.ledger.reading() as tx:
        found = desk_actions.about(tx, DeskSubject.SNAPSHOT, [snapshot_id])
    return [(row.who, row.action, row.note) for row in found.get(snapshot_id, [])]


def shown_units(person: Pages, path: str) -> str:
    """The units that the page's form sends back; blank where it has none."""
    found = re.search(r'name="units" value="([^"]*)"', person.get(path).text)
    return found[1] if found else ""


def press(person: Pages, path: str, **form: str) -> httpx.Response:
    """Load a feed's page, and send the form that it shows."""
    return person.post(path, units=shown_units(person, path.rpartition("/")[0]), **form)


def restock(desk: Desk, sku: str) -> None:
    """Let a feed that is used show what the shop has for sale, and ten more of one SKU."""
    with desk.world.lock:
        for each in desk.skus:
            desk.world.shelves[each].on_hand = desk.world.centra_free(each)
        desk.world.shelves[sku].on_hand += 10
        take_snapshot(desk.world)
    for _ in range(2):  # the preview knows what Centra showed, which is what the sync before wrote
        desk.wait(30)
        desk.sync_stock()


@pytest.fixture
def bob(pages: Pages) -> Pages:
    return pages.of("bob@example.com")


@pytest.fixture
def eve(pages: Pages) -> Pages:
    return pages.of("eve@example.com")


@pytest.fixture
def large(desk: Desk) -> str:
    """A refused feed whose release takes two."""
    return refuse(desk, emptied=30)


def test_a_refused_feed_says_why_and_what_its_release_would_change(shop: Shop) -> None:
    listed = shop.pages.text("/feeds")
    page = shop.pages.text(f"/feeds/{shop.refused_feed}")

    assert "1 feed of Whistl's stock was refused" in listed
    assert "was not used: " in listed
    found = re.search(r"(\d+) SKUs? down by ([\d,]+) units?, (\d+) of them sold out", page)
    assert found
    assert int(found[3]) == 32
    assert "Largest changes" in page


def test_a_large_release_takes_two_people(desk: Desk, bob: Pages, eve: Pages, large: str) -> None:
    assert "Ask a second person to release it" in bob.get(f"/feeds/{large}").text
    press(bob, f"/feeds/{large}/release", reason=REASON)
    waiting = verdict(desk, large)
    own = press(bob, f"/feeds/{large}/confirm")
    still = verdict(desk, large)
    shown = eve.text(f"/feeds/{large}")
    press(eve, f"/feeds/{large}/confirm")

    assert (waiting, own.status_code, still) == (Verdict.REFUSED, 409, Verdict.REFUSED)
    assert "another person has to confirm it" in own.text
    assert "bob@example.com asked for the release at" in shown
    assert REASON in shown
    assert verdict(desk, large) is Verdict.ACCEPTED
    assert done(desk, large) == [
        ("bob@example.com", DeskAction.ASK_RELEASE, REASON),
        ("eve@example.com", DeskAction.RELEASE, f"asked for by bob@example.com: {REASON}"),
    ]
    assert "stock_snapshot_refused" not in desk.problems()


def test_what_was_released_is_written_by_the_next_sync(
    desk: Desk, bob: Pages, eve: Pages, large: str
) -> None:
    press(bob, f"/feeds/{large}/release", reason=REASON)
    press(eve, f"/feeds/{large}/confirm")
    desk.sync_stock()

    assert all(desk.world.centra_free(sku) == 0 for sku in desk.skus[:30])


def test_a_small_release_takes_one_person_and_a_reason(desk: Desk, bob: Pages, large: str) -> None:
    policy = desk.config / "policy.toml"
    text = policy.read_text()
    policy.write_text(text.replace("second_person_units = 500", "second_person_units = 100000"))

    without = press(bob, f"/feeds/{large}/release", reason=" ")
    assert (without.status_code, verdict(desk, large)) == (409, Verdict.REFUSED)
    press(bob, f"/feeds/{large}/release", reason=REASON)

    assert verdict(desk, large) is Verdict.ACCEPTED
    assert done(desk, large) == [("bob@example.com", DeskAction.RELEASE, REASON)]


def test_nobody_releases_something_other_than_the_page_showed(
    desk: Desk, bob: Pages, eve: Pages, large: str
) -> None:
    path = f"/feeds/{large}"
    asked_with = shown_units(bob, path)
    restock(desk, desk.skus[35])
    asked = bob.post(f"{path}/release", reason=REASON, units=asked_with)
    before = done(desk, large)

    press(bob, f"{path}/release", reason=REASON)
    confirmed_with = shown_units(eve, path)
    restock(desk, desk.skus[36])
    confirmed = eve.post(f"{path}/confirm", units=confirmed_with)

    for answer in (asked, confirmed):
        assert answer.status_code == 409
        assert "What the release would change has changed: load the page again." in answer.text
    assert before == []
    assert verdict(desk, large) is Verdict.REFUSED
    press(eve, f"{path}/confirm")
    assert verdict(desk, large) is Verdict.ACCEPTED


def test_an_operator_without_the_role_releases_nothing(
    desk: Desk, pages: Pages, bob: Pages, large: str
) -> None:
    token = pages.token()
    asked = pages.post(f"/feeds/{large}/release", token=token, reason=REASON)
    press(bob, f"/feeds/{large}/release", reason=REASON)
    confirmed = pages.post(f"/feeds/{large}/confirm", token=token)

    assert (asked.status_code, confirmed.status_code) == (409, 409)
    assert "A person with the role releaser" not in bob.get(f"/feeds/{large}").text
    assert verdict(desk, large) is Verdict.REFUSED


def test_a_request_is_withdrawn_and_asked_for_anew(
    desk: Desk, bob: Pages, eve: Pages, large: str
) -> None:
    press(bob, f"/feeds/{large}/release", reason=REASON)
    twice = press(eve, f"/feeds/{large}/release", token=eve.token("/feeds/" + large), reason=REASON)
    eve.post(f"/feeds/{large}/withdraw")
    nothing = press(eve, f"/feeds/{large}/confirm")
    press(eve, f"/feeds/{large}/release", reason=REASON)
    press(bob, f"/feeds/{large}/confirm")

    assert (twice.status_code, nothing.status_code) == (409, 409)
    assert verdict(desk, large) is Verdict.ACCEPTED


def test_a_feed_that_shows_no_stock_at_all_cannot_be_released(desk: Desk, bob: Pages) -> None:
    empty = refuse(desk, emptied=len(desk.skus))

    answer = press(bob, f"/feeds/{empty}/release", reason=REASON)

    assert answer.status_code == 409
    assert "it shows no stock of any SKU" in answer.text
    assert done(desk, empty) == []


def test_a_feed_that_was_released_meanwhile_is_not_released_twice(
    desk: Desk, bob: Pages, eve: Pages, large: str
) -> None:
    press(bob, f"/feeds/{large}/release", reason=REASON)
    token = eve.token(f"/feeds/{large}")
    press(eve, f"/feeds/{large}/confirm", token=token)

    assert press(eve, f"/feeds/{large}/confirm", token=token).status_code == 409
    assert eve.get(f"/feeds/{large}").status_code == 404


def test_a_feed_whose_name_holds_a_slash_is_shown_and_released(
    desk: Desk, bob: Pages, eve: Pages, large: str
) -> None:
    odd = "S/1 <b>?"
    with desk.link.ledger.transaction() as tx:
        named = stock_snapshots.c.snapshot_id == large
        tx.execute(sa.update(stock_snapshots).where(named).values(snapshot_id=odd))
    path = f"/feeds/{quote(odd, safe='')}"

    assert f'href="{path}"' in bob.get("/feeds").text
    assert "&lt;b&gt;?" in bob.get(path).text
    press(bob, f"{path}/release", reason=REASON)
    press(eve, f"{path}/confirm")

    assert verdict(desk, odd) is Verdict.ACCEPTED


def test_every_reason_has_words() -> None:
    assert set(IN_WORDS) == set(RefusalReason)
    assert in_words(["many_to_zero", "many_to_zero", "of_old"]) == (
        "unusually many SKUs sold out; of_old"
    )
