"""The briefs at the desk: listed by day and week, shown as written, and to nobody else."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import date
from hashlib import sha256

import pytest

from centra_whistl_dagster.domain.brief_periods import Cadence, Period, day_of
from centra_whistl_dagster.workflows.briefs import keeping
from centra_whistl_dagster.workflows.briefs.rendering import write_brief
from centra_whistl_dagster_tests.desk.conftest import Pages, Shop
from centra_whistl_dagster_tests.workflows.conftest import Desk


@pytest.fixture
def kept(shop: Shop) -> Period:
    period = day_of(shop.desk.clock())
    keeping.keep(shop.desk.link.settings, write_brief(shop.desk.link, period))
    return period


def test_before_the_first_brief_the_page_says_when_it_comes(pages: Pages) -> None:
    assert "No brief is kept yet" in pages.text("/briefs")


def test_briefs_are_listed_by_day_and_by_week_the_newest_first(desk: Desk, pages: Pages) -> None:
    for first, cadence in (
        (date(2026, 11, 22), Cadence.DAILY),
        (date(2026, 11, 23), Cadence.DAILY),
        (date(2026, 11, 16), Cadence.WEEKLY),
    ):
        brief = write_brief(desk.link, Period(first, cadence))
        keeping.keep(desk.link.settings, brief)

    links = re.findall(r'href="(/briefs/[^"]+)"', pages.get("/briefs").text)

    assert links == [
        "/briefs/daily-2026-11-23",
        "/briefs/daily-2026-11-22",
        "/briefs/weekly-2026-11-16",
    ]
    assert "16 – 22 November 2026" in pages.text("/briefs")  # noqa: RUF001 - a dash


def test_a_brief_is_shown_as_it_was_written_and_leads_to_the_desk(shop: Shop, kept: Period) -> None:
    answer = shop.pages.get(f"/briefs/{kept.name}")

    assert answer.status_code == 200
    assert answer.text == keeping.read(shop.desk.link.settings, kept)
    assert "What needs a person first" in answer.text


def test_a_brief_may_use_its_own_style_and_nothing_else(shop: Shop, kept: Period) -> None:
    answer = shop.pages.get(f"/briefs/{kept.name}")

    style = re.search(r"<style>(.*?)</style>", answer.text, flags=re.DOTALL)
    assert style
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<script>" not in answer.text, "the shop's hostile order must be text"
    assert " style=" not in answer.text


def test_nobody_gets_past_the_proxy_to_a_brief(shop: Shop, kept: Period) -> None:
    for path in ("/briefs", f"/briefs/{kept.name}"):
        assert shop.pages.client.get(path).status_code == 403


@pytest.mark.parametrize(
    "name", ["daily-2026-02-30", "daily-1999-01-01", "..%2fhistory.duckdb", "x", "%2e%2e%2fledger"]
)
def test_what_is_no_kept_brief_is_not_there(shop: Shop, kept: Period, name: str) -> None:
    assert shop.pages.get(f"/briefs/{name}").status_code == 404
