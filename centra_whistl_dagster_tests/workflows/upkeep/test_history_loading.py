"""The history holds all that happened, once, and no personal data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from centra_whistl_dagster.history.publish import open_published
from centra_whistl_dagster.history.tables import OrderEvents
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.workflows.orders.by_hand import retry_now
from centra_whistl_dagster.workflows.orders.intake import take_in_orders
from centra_whistl_dagster.workflows.orders.story import tell_story
from centra_whistl_dagster.workflows.stock.divergence import measure_divergence
from centra_whistl_dagster.workflows.upkeep import history
from centra_whistl_dagster_tests.workflows.conftest import Desk


def load(desk: Desk) -> dict[str, int]:
    file = history.open_history(desk.link)
    for step in (history.load_orders, history.load_exceptions, history.load_stock):
        assert all(loaded.failed == 0 for loaded in step(desk.link, file))
    history.publish_history(desk.link, file)
    with open_published(desk.link.settings.published_path) as reader:
        return reader.row_counts()


def a_day(desk: Desk) -> None:
    for _ in range(3):
        desk.order()
    desk.order(address=ADA | {"city": None, "firstName": "Zebedee", "lastName": "Quartermaine"})
    desk.relay(12, every=60)
    desk.sync_stock()
    measure_divergence(desk.link)


def test_a_day_is_found_in_the_published_copy(desk: Desk) -> None:
    a_day(desk)

    found = load(desk)

    assert found["orders"] == 4
    assert found["order_events"] > 12
    assert found["parcels"] == 3
    assert found["exceptions"] >= 1
    assert found["stock_levels"] >= len(desk.skus)
    assert found["centra_levels"] >= 1
    assert found["stock_comparisons"] == 1


def test_loading_twice_changes_nothing(desk: Desk) -> None:
    a_day(desk)
    once = load(desk)

    twice = load(desk)

    assert {name: n for name, n in twice.items() if name != "loads"} == {
        name: n for name, n in once.items() if name != "loads"
    }


def test_a_history_that_was_lost_is_filled_again_from_the_ledger_and_the_archive(
    desk: Desk,
) -> None:
    a_day(desk)
    once = load(desk)
    desk.link.settings.history_path.unlink()

    again = load(desk)

    assert {name: n for name, n in again.items() if name != "loads"} == {
        name: n for name, n in once.items() if name != "loads"
    }


def test_a_move_that_was_committed_late_is_loaded_by_the_next_load(desk: Desk) -> None:
    desk.order()
    began = desk.clock()
    desk.wait(60)
    once = load(desk)
    slow = Ledger(desk.link.settings.ledger_url, now=lambda: began)

    take_in_orders(replace(desk.link, ledger=slow))

    slow.close()
    desk.wait(60)
    assert load(desk)["order_events"] == once["order_events"] + 1


def test_what_a_person_wrote_about_a_decision_stays_in_the_ledger(desk: Desk) -> None:
    order = desk.order(address=ADA | {"city": None})
    desk.relay_orders()
    desk.wait(60)
    retry_now(desk.link, str(order.number), note="Mrs Quartermaine rang", who="Zebedee")

    desk.wait(60)
    load(desk)

    story = tell_story(desk.link, str(order.number))
    assert any("Zebedee: Mrs Quartermaine rang" in moment.text for moment in story.moments)
    with open_published(desk.link.settings.published_path) as reader:
        reasons = list(reader.table(OrderEvents)["reason"])
    assert "tried again by hand" in reasons
    assert not any("Zebedee" in reason or "rang" in reason for reason in reasons)


def test_no_personal_datum_is_in_any_byte_of_the_history(desk: Desk) -> None:
    a_day(desk)
    load(desk)

    settings = desk.link.settings
    files = [settings.history_path, settings.published_path, *_files(settings.archive_path)]
    assert len(files) > 4
    for path in files:
        kept = path.read_bytes().lower()
        for personal in (b"quartermaine", b"zebedee", b"lovelace", b"@example", b"07400"):
            assert personal not in kept, (path.name, personal)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
