"""One SKU: the figures of both systems, why they differ, and a week in a picture."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from centra_whistl_dagster.desk.plot import HEIGHT, WIDTH, plot
from centra_whistl_dagster.history.publish import open_published
from centra_whistl_dagster.history.stock_tables import CAUSES
from centra_whistl_dagster.workflows.stock.sku_view import Step
from centra_whistl_dagster_tests.desk.conftest import Pages, Shop, read, without_phone
from centra_whistl_dagster_tests.workflows.conftest import Desk

BEGAN = datetime(2026, 11, 17, tzinfo=UTC)


def test_the_figures_are_those_of_the_two_systems(shop: Shop) -> None:
    sku = shop.desk.skus[7]
    page = shop.pages.text(f"/skus/{sku}")
    shelf = shop.desk.world.shelves[sku]

    assert f"On hand {shelf.on_hand}" in page
    assert f"Available {shop.desk.world.whistl_available(sku)}" in page
    assert f"For sale {shop.desk.world.centra_free(sku)}" in page


def test_the_difference_is_a_sum_whose_terms_add_up(shop: Shop) -> None:
    with open_published(shop.desk.link.settings.published_path) as reader:
        differing = {sku: reader.sku_divergence(sku) for sku in shop.desk.skus}
    rows = {sku: row for sku, row in differing.items() if row}
    assert rows
    for sku, row in rows.items():
        assert sum(row[cause] for cause in CAUSES) == row["difference"]
        shown = re.search(r'<p class="sum panel">(.*?)</p>', shop.pages.get(f"/skus/{sku}").text)
        assert shown
        total, _, terms = read(shown[1]).partition(" = ")
        numbers = re.findall(r"(^|[+\u2212] )(\d+) ", terms)
        signed = [-int(n) if sign.startswith("\u2212") else int(n) for sign, n in numbers]
        assert sum(signed) == int(total) == abs(row["difference"])


def test_what_is_blocked_explains_what_the_shop_does_not_offer(shop: Shop) -> None:
    sku = shop.desk.skus[3]

    page = shop.pages.text(f"/skus/{sku}")

    assert "2 blocked" in page


def test_each_quantity_that_was_written_is_shown_with_its_sum_and_read_back(
    desk: Desk, pages: Pages
) -> None:
    sku = desk.skus[0]
    with desk.world.lock:
        desk.world.shelves[sku].on_hand += 7
    desk.wait(60)
    desk.sync_stock()
    assert desk.world.centra_free(sku) == desk.world.whistl_available(sku)

    page = pages.text(f"/skus/{sku}")

    assert "written" in page
    assert re.search(r"\d+ available \+ 0 held for our orders \u2212 0 left", page)
    assert "No history has been published yet." in page
    assert "The two systems have not been compared yet." in page


def test_a_damaged_copy_of_the_history_is_reported_beside_what_is_known(
    desk: Desk, pages: Pages
) -> None:
    desk.sync_stock()
    published = desk.link.settings.published_path
    published.parent.mkdir(parents=True, exist_ok=True)
    published.write_bytes(b"half a fi")

    page = pages.text(f"/skus/{desk.skus[0]}")

    assert "On hand" in page
    assert "cannot be opened" in page
    assert "Run the job publish_history." in page
    assert "No history has been published yet" not in page
    assert "have not been compared yet" not in page


def test_a_sku_that_neither_system_has_is_not_there(desk: Desk, pages: Pages) -> None:
    without_phone(desk)
    desk.sync_stock()

    assert pages.get("/skus/NOTHING").status_code == 404
    assert pages.get("/skus/..%2f..%2fetc%2fpasswd").status_code == 404


# ---- the picture
def test_a_picture_draws_each_level_until_the_next() -> None:
    until = BEGAN + timedelta(days=7)
    steps = [
        Step(at=BEGAN - timedelta(days=1), units=10),
        Step(at=BEGAN + timedelta(days=3.5), units=0),
    ]

    drawn = plot(steps, [], since=BEGAN, until=until)

    assert drawn is not None
    middle = 48 + (WIDTH - 60) / 2
    assert drawn.whistl == f"M48.0 12.0H{middle}L{middle} {HEIGHT - 28.0}H{WIDTH - 12.0}"
    assert drawn.centra == ""
    assert [mark.text for mark in drawn.days][:2] == ["Wed 18", "Thu 19"]


def test_a_picture_leaves_a_gap_while_a_system_did_not_list_the_sku() -> None:
    steps = [
        Step(at=BEGAN, units=1),
        Step(at=BEGAN + timedelta(days=1), units=None),
        Step(at=BEGAN + timedelta(days=2), units=1),
    ]

    drawn = plot([], steps, since=BEGAN, until=BEGAN + timedelta(days=7))

    assert drawn is not None
    assert drawn.centra.count("M") == 2


@pytest.mark.parametrize("steps", [[], [Step(at=BEGAN, units=None)]])
def test_where_nothing_is_known_nothing_is_drawn(steps: list[Step]) -> None:
    assert plot(steps, steps, since=BEGAN, until=BEGAN + timedelta(days=7)) is None
